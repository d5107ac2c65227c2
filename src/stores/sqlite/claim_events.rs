//! Leases events to route. Tenants take turns, beginning after the one that was served last, so that
//! one tenant's flood does not delay another tenant's event.

use rusqlite::{OptionalExtension, params};

use crate::delivery::{ClaimRequest, EventClaim};
use crate::id::TenantId;
use crate::sequence::Sequence;
use crate::time::Timestamp;

use super::arrive::EventKey;
use super::claim_due::{PUT_OFF_FOR, StoredEvent, event};
use super::damage::broken;
use super::db::Db;
use super::failure::Failure;
use super::row::{self, RawText};
use super::sql;

/// The most tenants without a due event that one claim skips.
const STEPS_MAX: usize = 1024;

/// Events to route.
#[derive(Default)]
pub(super) struct Leased {
    pub(super) events: Vec<EventClaim>,
    /// Those events that the host's own SQL published and that no engine has seen before.
    pub(super) found: Vec<Sequence>,
}

/// Leases at most `request.events` events. `last_tenant` keeps the last tenant served from one
/// claim to the next.
pub(super) fn claim_events(
    db: &Db<'_>,
    request: &ClaimRequest,
    last_tenant: &mut Option<TenantId>,
) -> Result<Leased, Failure> {
    let tenants = tenants_in_turn(db, request, last_tenant.as_ref())?;
    let mut queues = Vec::new();
    for tenant in &tenants {
        // Reversed, so that `pop` returns the event first that has been due longest.
        let mut due = due_of(db, request, &tenant.as_str().into())?;
        due.reverse();
        queues.push((tenant, due));
    }
    if tenants.is_empty() {
        // The walk over tenants begins after the empty name, and no tenant has that.
        put_off_all(db, request, &RawText::EMPTY)?;
    }
    let mut leased = Leased::default();
    while leased.events.len() < request.events && queues.iter().any(|(_, due)| !due.is_empty()) {
        for (tenant, due) in &mut queues {
            if leased.events.len() == request.events {
                break;
            }
            if let Some(found) = due.pop() {
                leased.add(db, request, found)?;
                if due.is_empty() || leased.events.len() == request.events {
                    *last_tenant = Some((*tenant).clone());
                }
            }
        }
    }
    Ok(leased)
}

/// An event that is due to be routed.
struct Due {
    event: EventKey,
    since: i64,
    after: Option<RawText>,
    unheard: bool,
}

/// Tenants with a due event, at most as many as events are asked for. Begins after the tenant
/// served last, and continues with the first tenant after the last one.
fn tenants_in_turn(
    db: &Db<'_>,
    request: &ClaimRequest,
    last: Option<&TenantId>,
) -> Result<Vec<TenantId>, Failure> {
    let mut found = Vec::new();
    // A tenant's name is never empty, so all names come after the empty text.
    let mut at = last.map_or(RawText::EMPTY, |last| last.as_str().into());
    let mut wrapped = last.is_none();
    for _ in 0..STEPS_MAX {
        if found.len() == request.events {
            break;
        }
        let Some((name, due_at)) = tenant_after(db, &at)? else {
            if wrapped {
                break;
            }
            (at, wrapped) = (RawText::EMPTY, true);
            continue;
        };
        let is_due = due_at <= request.now;
        match name.name::<TenantId>() {
            Some(tenant) if wrapped && last.is_some_and(|last| tenant > *last) => break,
            Some(tenant) => found.extend(is_due.then_some(tenant)),
            None if is_due => put_off_all(db, request, &name)?,
            None => {}
        }
        at = name;
    }
    Ok(found)
}

fn tenant_after(db: &Db<'_>, after: &RawText) -> Result<Option<(RawText, Timestamp)>, Failure> {
    db.statement(sql::CLAIM_EVENT_TENANT)?
        .query_row([after], |row| Ok((RawText::read(row, 0), row::time(row, 1))))
        .optional()?
        .map(|(name, due_at)| Ok((name?, due_at?)))
        .transpose()
}

/// Puts off the next events of a tenant whose name cannot be read.
fn put_off_all(db: &Db<'_>, request: &ClaimRequest, tenant: &RawText) -> Result<(), Failure> {
    for due in due_of(db, request, tenant)? {
        put_off(db, request, due.event, "tenant")?;
    }
    Ok(())
}

fn put_off(db: &Db<'_>, request: &ClaimRequest, event: EventKey, field: &'static str) -> Result<(), Failure> {
    db.note(broken("hookpost_routing", &event, field.into()));
    let until = (request.now + PUT_OFF_FOR).as_micros();
    db.statement(sql::CLAIM_EVENT_PUT_OFF)?.execute([event, until])?;
    Ok(())
}

fn due_of(db: &Db<'_>, request: &ClaimRequest, tenant: &RawText) -> Result<Vec<Due>, Failure> {
    let mut statement = db.statement(sql::CLAIM_EVENT_DUE)?;
    let due = params![tenant, request.now.as_micros(), row::limit(request.events)];
    let rows = statement.query_and_then(due, |row| {
        Ok(Due {
            event: row.get(0)?,
            since: row.get(1)?,
            after: RawText::read_maybe(row, 2)?,
            unheard: row.get(3)?,
        })
    })?;
    rows.collect()
}

impl Leased {
    /// Leases an event. An event that cannot be routed because of its rows' contents is put off.
    fn add(&mut self, db: &Db<'_>, request: &ClaimRequest, due: Due) -> Result<(), Failure> {
        let Ok(after) = due.after.map(|after| after.name().ok_or(())).transpose() else {
            return put_off(db, request, due.event, "after");
        };
        let (StoredEvent::There(event), Ok(sequence)) = (event(db, due.event)?, row::place(due.event)) else {
            return put_off(db, request, due.event, "event");
        };
        db.statement(sql::CLAIM_EVENT_LEASE)?.execute(params![
            due.event,
            request.token.as_bytes(),
            request.lease_until.as_micros(),
            due.since,
        ])?;
        let (token, lease_until) = (request.token, request.lease_until);
        self.events.push(EventClaim { event, sequence, after, token, lease_until });
        self.found.extend(due.unheard.then_some(sequence));
        Ok(())
    }
}
