//! Tells an operator what holds an endpoint's deliveries back.

use rusqlite::{OptionalExtension, Row, params};

use crate::delivery::Gate;
use crate::history::{ClosedGate, Disabled, GatesOver, LaneStatus};
use crate::id::{EndpointId, TenantId};
use crate::policy::lane::Lane;
use crate::time::Timestamp;

use super::damage::{broken, readable};
use super::db::Db;
use super::endpoint::host;
use super::failure::Failure;
use super::lane::Lanes;
use super::row::{self, RawText};
use super::sql;

/// One call of `History::queue`.
pub(super) fn queue(
    db: &Db<'_>,
    tenant: &TenantId,
    endpoint: &EndpointId,
    now: Timestamp,
) -> Result<Option<LaneStatus>, Failure> {
    let registered = db
        .statement(sql::QUEUE_OF_ENDPOINT)?
        .query_row([endpoint.as_str()], |row| Ok(Registered::read(row, endpoint)))
        .optional()?
        .transpose()?;
    let mut lanes = Lanes::of(db);
    let key = lanes.find(endpoint)?;
    let lane = key.map(|key| lanes.get(key).cloned()).transpose()?;
    let owner = registered.as_ref().map(|registered| &registered.lane.tenant);
    if owner.or(lane.as_ref().map(|lane| &lane.tenant)) != Some(tenant) {
        return Ok(None);
    }
    let (new_lane, disabled) = registered.map(|Registered { lane, disabled }| (lane, disabled)).unzip();
    let Some(lane) = lane.or(new_lane) else {
        return Ok(None);
    };
    let mut queue = LaneStatus::of(&lane, gates_over(db, &lane)?, now);
    queue.disabled = disabled.flatten();
    queue.oldest_due = key.map(|key| lanes.earliest(key)).transpose()?.flatten();
    Ok(Some(queue))
}

/// The endpoint's own row, and the lane that it has before it has one in the table.
struct Registered {
    lane: Lane,
    disabled: Option<Disabled>,
}

impl Registered {
    fn read(row: &Row<'_>, endpoint: &EndpointId) -> Result<Self, Failure> {
        // This also has to work for an endpoint that cannot be read. A field of its row that cannot
        // be read gets the value of a new lane.
        let width = row::count(row, 2).unwrap_or(1);
        let lane = Lane::new(endpoint.clone(), row::name(row, 0)?, host(row, 1), width);
        let enabled = row.get(3).unwrap_or(true);
        let why =
            row::text_maybe(row, 4).unwrap_or_default().map(|why| Disabled::ByEngine { why: why.to_owned() });
        Ok(Self { lane, disabled: (!enabled).then(|| why.unwrap_or(Disabled::ByHost)) })
    }
}

fn gates_over(db: &Db<'_>, lane: &Lane) -> Result<GatesOver, Failure> {
    let mut statement = db.statement(sql::GATE_OF_LANE)?;
    statement.query_row([lane.tenant.as_str(), lane.host.as_str()], |row| {
        Ok(row.get(0).map_err(Failure::from).and_then(|tenant_paused| {
            let (tenant_held_until, host_held_until) = (row::time_maybe(row, 1)?, row::time_maybe(row, 2)?);
            Ok(GatesOver { tenant_paused, tenant_held_until, host_held_until })
        }))
    })?
}

/// One call of `History::gates`.
pub(super) fn gates(
    db: &Db<'_>,
    now: Timestamp,
    after: Option<&Gate>,
    limit: usize,
) -> Result<Vec<ClosedGate>, Failure> {
    let mut found = match after {
        Some(Gate::Host(_)) => Vec::new(),
        Some(Gate::Tenant(tenant)) => closed(db, "tenant", tenant.as_str(), now, limit)?,
        _ => closed(db, "tenant", "", now, limit)?,
    };
    let after = if let Some(Gate::Host(host)) = after { host.as_str() } else { "" };
    found.extend(closed(db, "host", after, now, limit - found.len().min(limit))?);
    Ok(found)
}

fn closed(
    db: &Db<'_>,
    kind: &str,
    after: &str,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<ClosedGate>, Failure> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = db.statement(sql::GATES_CLOSED)?;
    let mut rows = statement.query(params![kind, after, now.as_micros(), limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let gate = if kind == "host" {
            row::name(row, 0).map(Gate::Host)
        } else {
            row::name(row, 0).map(Gate::Tenant)
        };
        match readable(gate)? {
            Ok(gate) => {
                found.extend(ClosedGate::at(now, gate, row::get(row, 1)?, row::time_maybe(row, 2)?));
            }
            // This gate has no effect: no tenant and no host has such a name.
            Err(field) => {
                let name = RawText::read(row, 0)?.shown();
                db.note(broken("hookpost_gate", &format_args!("{kind} {name}"), field));
            }
        }
    }
    Ok(found)
}
