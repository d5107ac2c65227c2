//! Leasing events to route: tenants in turn, so that one tenant's flood does not hide
//! another's event, from the tenant after the one that was served last.

use rusqlite::{OptionalExtension, params};

use crate::delivery::{ClaimRequest, EventClaim};
use crate::id::TenantId;
use crate::time::Timestamp;

use super::arrive::EventKey;
use super::claim::event;
use super::db::Db;
use super::failure::Failure;
use super::row;
use super::sql;

/// A claim steps over at most so many tenants that have nothing due yet.
const STEPS_MAX: usize = 1024;

/// Leases at most `request.events` events; `last_tenant` carries the turn from claim
/// to claim.
pub(super) fn claim_events(
    db: &Db<'_>,
    request: &ClaimRequest,
    last_tenant: &mut Option<TenantId>,
) -> Result<Vec<EventClaim>, Failure> {
    let tenants = tenants_in_turn(db, request, last_tenant.as_ref())?;
    let mut queues = Vec::new();
    for tenant in &tenants {
        // Read back to front, so that the longest due one is popped first.
        let mut due = due_of(db, request, tenant)?;
        due.reverse();
        queues.push((tenant, due));
    }
    let mut claims = Vec::new();
    while claims.len() < request.events && queues.iter().any(|(_, due)| !due.is_empty()) {
        for (tenant, due) in &mut queues {
            if claims.len() == request.events {
                break;
            }
            if let Some(found) = due.pop() {
                claims.push(lease(db, request, found)?);
                if due.is_empty() || claims.len() == request.events {
                    *last_tenant = Some((*tenant).clone());
                }
            }
        }
    }
    Ok(claims)
}

/// An event that is due to be routed.
struct Due {
    event: EventKey,
    since: i64,
    after: Option<String>,
}

/// Tenants with something due, at most as many as events are asked for, beginning
/// after the one served last and going round.
fn tenants_in_turn(
    db: &Db<'_>,
    request: &ClaimRequest,
    last: Option<&TenantId>,
) -> Result<Vec<TenantId>, Failure> {
    let mut found = Vec::new();
    let (mut at, mut wrapped) = (last.cloned(), last.is_none());
    for _ in 0..STEPS_MAX {
        if found.len() == request.events {
            break;
        }
        match (tenant_after(db, at.as_ref())?, wrapped) {
            (Some((tenant, _)), true) if last.is_some_and(|last| tenant > *last) => break,
            (Some((tenant, due_at)), _) => {
                if due_at <= request.now {
                    found.push(tenant.clone());
                }
                at = Some(tenant);
            }
            (None, true) => break,
            (None, false) => (at, wrapped) = (None, true),
        }
    }
    Ok(found)
}

fn tenant_after(db: &Db<'_>, after: Option<&TenantId>) -> Result<Option<(TenantId, Timestamp)>, Failure> {
    // No tenant's name is empty, so all come after the empty text.
    db.statement(sql::CLAIM_EVENT_TENANT)?
        .query_row([after.map_or("", TenantId::as_str)], |row| Ok((row::name(row, 0), row::time(row, 1))))
        .optional()?
        .map(|(tenant, due_at)| Ok((tenant?, due_at?)))
        .transpose()
}

fn due_of(db: &Db<'_>, request: &ClaimRequest, tenant: &TenantId) -> Result<Vec<Due>, Failure> {
    let mut statement = db.statement(sql::CLAIM_EVENT_DUE)?;
    let rows = statement
        .query_map(params![tenant.as_str(), request.now.as_micros(), row::limit(request.events)], |row| {
            Ok(Due { event: row.get(0)?, since: row.get(1)?, after: row.get(2)? })
        })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn lease(db: &Db<'_>, request: &ClaimRequest, due: Due) -> Result<EventClaim, Failure> {
    db.statement(sql::CLAIM_EVENT_LEASE)?.execute(params![
        due.event,
        request.token.as_bytes(),
        request.lease_until.as_micros(),
        due.since,
    ])?;
    Ok(EventClaim {
        event: event(db, due.event)?,
        sequence: row::place(due.event)?,
        after: due.after.map(|id| id.parse()).transpose()?,
        token: request.token,
        lease_until: request.lease_until,
    })
}
