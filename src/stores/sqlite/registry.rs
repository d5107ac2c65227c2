//! Endpoints, for the host that writes them, for routing and for sending.

use std::sync::Arc;

use rusqlite::{OptionalExtension, Row, params};

use crate::delivery::{EventMeta, GateChange};
use crate::endpoint::{Endpoint, EndpointPage, Expected, Loaded, Put, Unreadable, Write};
use crate::error::{StoreError, StoreErrorKind};
use crate::id::{EndpointId, TenantId};
use crate::sequence::Sequence;
use crate::time::Timestamp;

use super::arrive::next_place;
use super::db::Db;
use super::endpoint::{EndpointReader, json, read_back as read_row_back, size, version};
use super::failure::Failure;
use super::gate::change_lane;
use super::lane::Lanes;
use super::row;
use super::sealed::{Binding, Seal};
use super::sql;

/// The most endpoints that one page examines. Few of them may want the event, so a page examines
/// more than it returns.
const LOOKS_MAX: usize = 1000;
/// A call ends after this many bytes of endpoints, and returns at least one. Large amounts are read
/// in parts, so that the calls of others have their turns in between.
const BYTES_PER_CALL: usize = 512 * 1024;

/// What the seal of a write over that version is bound to; `None` if the tenant has no such
/// endpoint.
pub(super) fn binding(db: &Db<'_>, endpoint: &Endpoint, expected: u64) -> Result<Option<Binding>, Failure> {
    let there = db
        .statement(sql::ENDPOINT_VERSION)?
        .query_row([endpoint.id.as_str()], |row| Ok((row::name::<TenantId>(row, 0), row.get(2)?)))
        .optional()?;
    let Some((tenant, registration)) = there else {
        return Ok(None);
    };
    let binding = Binding { registration: Some(registration), version: expected.saturating_add(1) };
    Ok((tenant? == endpoint.tenant).then_some(binding))
}

/// What the seal of a new endpoint is bound to.
pub(super) fn new_binding(db: &Db<'_>) -> Result<Binding, Failure> {
    Ok(Binding { registration: Some(next_place(db)?), version: 1 })
}

/// Whether an endpoint begins anew by this write. A reader computes this, since a slow cipher must
/// not hold the file's lock. `put` later writes over exactly the version that was compared here, or
/// does not write.
pub(super) fn begins_anew(db: &Db<'_>, reader: &EndpointReader, write: &Write) -> Result<bool, Failure> {
    let id = std::slice::from_ref(&write.endpoint.id);
    let there = load_first(db, reader, id)?.pop().and_then(Loaded::found);
    Ok(there.is_some_and(|there| there.begins_anew_as(&write.endpoint)))
}

/// One call of `Registry::put`, after the seal.
pub(super) fn put(
    db: &Db<'_>,
    write: &Write,
    seal: Option<&Seal>,
    begins_anew: bool,
) -> Result<Put, Failure> {
    let endpoint = &write.endpoint;
    let there = db
        .statement(sql::ENDPOINT_VERSION)?
        .query_row([endpoint.id.as_str()], |row| Ok(There::read(row)))
        .optional()?
        .transpose()?;
    let bound_to = seal.and_then(|seal| seal.binding.registration);
    // The endpoint was removed and registered again since the secrets were sealed.
    if there.as_ref().zip(bound_to).is_some_and(|(there, bound_to)| bound_to != there.registration) {
        return Ok(Put::Conflict { current: None });
    }
    let own = there.as_ref().filter(|there| there.tenant == endpoint.tenant);
    let visible = own.map(|there| there.version);
    let before = match (write.expected, &there, visible) {
        (Expected::Absent, None, _) => 0,
        (Expected::Version(expected), _, Some(version)) if version == expected => version,
        _ => return Ok(Put::Conflict { current: visible }),
    };
    let mut lanes = Lanes::of(db);
    if let Some(key) = lanes.find(&endpoint.id)?
        && lanes.get(key)?.tenant != endpoint.tenant
    {
        return Ok(Put::Conflict { current: None });
    }
    if write.unique_url
        && let Some(endpoint) = with_same_url(db, endpoint)?
    {
        return Ok(Put::DuplicateUrl { endpoint });
    }
    let version = before.saturating_add(1);
    let began = match own {
        Some(there) if there.enabled || !endpoint.enabled => there.began,
        _ => next_place(db)?,
    };
    store(db, write, seal, version, began)?;
    if begins_anew {
        db.statement(sql::ENDPOINT_RENEW)?.execute([endpoint.id.as_str()])?;
    }
    read_back(db, write, version)?;
    refit_lane(db, write)?;
    Ok(Put::Stored { version, began: row::place(began)? })
}

/// The present row of the id that is written.
struct There {
    tenant: TenantId,
    version: u64,
    registration: i64,
    enabled: bool,
    began: i64,
}

impl There {
    fn read(row: &Row<'_>) -> Result<Self, Failure> {
        Ok(Self {
            tenant: row::name(row, 0)?,
            version: version(row.get(1)?)?,
            registration: row.get(2)?,
            enabled: row.get(3)?,
            began: row.get(4)?,
        })
    }
}

fn with_same_url(db: &Db<'_>, endpoint: &Endpoint) -> Result<Option<EndpointId>, Failure> {
    let names = [endpoint.tenant.as_str(), endpoint.url.expose(), endpoint.id.as_str()];
    db.statement(sql::ENDPOINT_WITH_URL)?
        .query_row(names, |row| Ok(row::name(row, 0)))
        .optional()?
        .transpose()
}

fn store(db: &Db<'_>, write: &Write, seal: Option<&Seal>, version: u64, began: i64) -> Result<(), Failure> {
    let endpoint = &write.endpoint;
    let is_new = version == 1;
    if is_new && seal.is_none() {
        return Err(StoreError::new(
            StoreErrorKind::Invalid,
            "endpoint: a new one's secrets must be open, to be sealed",
        )
        .into());
    }
    let sealed = seal.map(|seal| &seal.sealed);
    let mut statement = db.statement(if is_new { sql::ENDPOINT_ADD } else { sql::ENDPOINT_CHANGE })?;
    statement.execute(params![
        endpoint.id.as_str(),
        endpoint.tenant.as_str(),
        endpoint.name,
        endpoint.url.expose(),
        endpoint.profile.as_str(),
        sealed.map(|sealed| &sealed.key_id),
        sealed.map(|sealed| &sealed.bytes),
        json(&endpoint.subscription)?,
        json(&endpoint.overrides)?,
        endpoint.enabled,
        endpoint.since.as_micros(),
        i64::try_from(version).unwrap_or(i64::MAX),
        write.width,
        seal.and_then(|seal| seal.binding.registration),
        began,
    ])?;
    // The statement would keep the bound values in memory for as long as it exists.
    statement.clear_bindings();
    Ok(())
}

/// Reads the row just written in the same way as every other call does. If the result differs from
/// what was given, the whole call is refused. Secrets were already read back when they were sealed.
fn read_back(db: &Db<'_>, write: &Write, version: u64) -> Result<(), Failure> {
    let endpoint = Endpoint { version, ..write.endpoint.clone() };
    let differs = db.statement(sql::ENDPOINT_BY_ID)?.query_row([endpoint.id.as_str()], |row| {
        let secrets = (endpoint.secrets.clone(), endpoint.headers.clone());
        Ok(match read_row_back(row, endpoint.id.clone(), secrets) {
            Ok(stored) => difference(&stored, &endpoint),
            Err(unreadable) => Some(unreadable.field),
        })
    })?;
    match differs {
        None => Ok(()),
        Some(field) => {
            let what = format!("endpoint: its {field} would not be read back as it was given");
            Err(StoreError::new(StoreErrorKind::Invalid, what).into())
        }
    }
}

/// The first field in which two endpoints differ, apart from what is sealed.
fn difference(stored: &Endpoint, given: &Endpoint) -> Option<&'static str> {
    let fields = [
        ("id", stored.id == given.id),
        ("tenant", stored.tenant == given.tenant),
        ("name", stored.name == given.name),
        ("url", stored.url == given.url),
        ("profile", stored.profile == given.profile),
        ("subscription", stored.subscription == given.subscription),
        ("overrides", stored.overrides == given.overrides),
        ("enabled", stored.enabled == given.enabled),
        ("since", stored.since == given.since),
        ("version", stored.version == given.version),
    ];
    fields.into_iter().find(|(_, same)| !same).map(|(field, _)| field)
}

/// Adapts the lane to its endpoint.
fn refit_lane(db: &Db<'_>, write: &Write) -> Result<(), Failure> {
    let mut lanes = Lanes::of(db);
    let Some(key) = lanes.find(&write.endpoint.id)? else {
        return Ok(());
    };
    let mut generation = db.statement(sql::ENDPOINT_GENERATION)?;
    let generation =
        generation.query_row([write.endpoint.id.as_str()], |row| Ok(row::generation(row, 0, 1)))??;
    lanes.get(key)?.refit(generation, write.endpoint.url.host(), write.width);
    // A write of an endpoint has no time, and a lane may be ready too early.
    lanes.wake(key, Timestamp::from_micros(i64::MIN))?;
    lanes.save()
}

/// One call of `Registry::remove`; returns its place in the order of events. It ends the lane's
/// pause, which nobody could end afterwards. Waiting deliveries are cancelled, at the latest when
/// they are claimed.
pub(super) fn remove(db: &Db<'_>, tenant: &TenantId, id: &EndpointId) -> Result<Option<Sequence>, Failure> {
    if db.statement(sql::ENDPOINT_REMOVE)?.execute([id.as_str(), tenant.as_str()])? == 0 {
        return Ok(None);
    }
    let mut lanes = Lanes::of(db);
    if let Some(key) = lanes.find(id)? {
        change_lane(&mut lanes, key, GateChange::Resume, Timestamp::from_micros(i64::MIN))?;
        lanes.save()?;
        lanes.forget_unneeded()?;
    }
    row::place(next_place(db)?).map(Some)
}

/// One call of `Registry::switch_off`.
pub(super) fn switch_off(db: &Db<'_>, tenant: &TenantId, id: &EndpointId) -> Result<bool, Failure> {
    let switched = db.statement(sql::ENDPOINT_SWITCH_OFF)?.execute([id.as_str(), tenant.as_str()])?;
    Ok(switched > 0)
}

/// One call of `Registry::list`.
pub(super) fn list(
    db: &Db<'_>,
    reader: &EndpointReader,
    tenant: &TenantId,
    after: Option<&EndpointId>,
    limit: usize,
) -> Result<EndpointPage, Failure> {
    page(db, tenant, after, limit, |row, id| Some(reader.read(row, id)))
}

/// One call of `Directory::subscribers`. An endpoint that does not want the event because of its
/// type or scope is skipped before its secrets are opened.
pub(super) fn subscribers(
    db: &Db<'_>,
    reader: &EndpointReader,
    event: &EventMeta,
    after: Option<&EndpointId>,
    limit: usize,
) -> Result<EndpointPage, Failure> {
    page(db, &event.tenant, after, limit, |row, id| reader.read_subscriber(row, id, event))
}

/// A page of those endpoints of a tenant for which `read` returns something.
fn page(
    db: &Db<'_>,
    tenant: &TenantId,
    after: Option<&EndpointId>,
    limit: usize,
    read: impl Fn(&Row<'_>, EndpointId) -> Option<Result<Arc<Endpoint>, Unreadable>>,
) -> Result<EndpointPage, Failure> {
    let mut statement = db.statement(sql::ENDPOINTS_OF_TENANT)?;
    let mut rows = statement.query([tenant.as_str(), after.map_or("", EndpointId::as_str)])?;
    let mut page = EndpointPage::default();
    let (mut looks, mut bytes, mut last) = (0, 0, after.cloned());
    while let Some(row) = rows.next()? {
        // A row whose id is not valid cannot be named by any call.
        let Ok(id) = row::name::<EndpointId>(row, 2) else { continue };
        let is_full = page.endpoints.len() + page.unreadable.len() == limit;
        if is_full || looks == LOOKS_MAX.max(limit) || bytes >= BYTES_PER_CALL {
            page.more_after = last;
            break;
        }
        looks += 1;
        bytes += size(row);
        last = Some(id.clone());
        match read(row, id) {
            None => {}
            Some(Ok(endpoint)) => page.endpoints.push(endpoint),
            Some(Err(unreadable)) => page.unreadable.push(unreadable),
        }
    }
    Ok(page)
}

/// Part of one call of `Directory::load`: the answers for the first of these ids, at least one, until
/// they exceed a limited number of bytes.
pub(super) fn load_first(
    db: &Db<'_>,
    reader: &EndpointReader,
    ids: &[EndpointId],
) -> Result<Vec<Loaded>, Failure> {
    let mut statement = db.statement(sql::ENDPOINT_BY_ID)?;
    let (mut loaded, mut bytes) = (Vec::with_capacity(ids.len()), 0);
    for id in ids {
        let read = |row: &Row<'_>| Ok((size(row), reader.read(row, id.clone())));
        let found = statement.query_row([id.as_str()], read).optional()?;
        bytes += found.as_ref().map_or(0, |(size, _)| *size);
        loaded.push(match found {
            None => Loaded::Missing,
            Some((_, Ok(endpoint))) => Loaded::Found(endpoint),
            Some((_, Err(unreadable))) => Loaded::Unreadable(unreadable),
        });
        if bytes >= BYTES_PER_CALL {
            break;
        }
    }
    Ok(loaded)
}

/// One call of `Directory::disable`.
pub(super) fn disable(db: &Db<'_>, seen: &Endpoint, why: &str) -> Result<bool, Failure> {
    // No row has a number that does not fit, so nobody can have seen it.
    let numbers = i64::try_from(seen.generation.registration).ok().zip(i64::try_from(seen.version).ok());
    let Some((registration, version)) = numbers else {
        return Ok(false);
    };
    let disabled = db.statement(sql::ENDPOINT_DISABLE)?.execute(params![
        seen.id.as_str(),
        registration,
        version,
        why
    ])?;
    Ok(disabled > 0)
}
