//! Opens and closes the gates that hold work back.

use rusqlite::{OptionalExtension, params};

use crate::delivery::{Gate, GateChange};
use crate::error::{StoreError, StoreErrorKind};
use crate::id::{EndpointId, TenantId};
use crate::time::Timestamp;

use super::db::Db;
use super::endpoint::host;
use super::failure::Failure;
use super::lane::{LaneKey, Lanes, push_back};
use super::row;
use super::sql::{self, Sql};

/// One call of `Store::gate`.
pub(super) fn gate(db: &Db<'_>, changes: &[(Gate, GateChange)], now: Timestamp) -> Result<(), Failure> {
    let mut lanes = Lanes::of(db);
    for (gate, change) in changes {
        match gate {
            Gate::Lane(endpoint) => {
                let key = lane_of(db, &mut lanes, endpoint)?;
                change_lane(&mut lanes, key, *change, now)?;
            }
            Gate::Tenant(tenant) => {
                change_shared(db, "tenant", tenant.as_str(), *change)?;
                if opens(*change) {
                    wake_all(db, &mut lanes, sql::GATE_LANES_OF_TENANT, tenant.as_str(), now)?;
                }
            }
            Gate::Host(host) => {
                if matches!(change, GateChange::Pause | GateChange::Resume) {
                    return Err(invalid("gate: a host is held and lifted, only lanes and tenants pause"));
                }
                change_shared(db, "host", host.as_str(), *change)?;
                if opens(*change) {
                    wake_all(db, &mut lanes, sql::GATE_LANES_OF_HOST, host.as_str(), now)?;
                }
            }
            Gate::Key(..) => return Err(invalid("gate: this store holds no single ordering key")),
        }
    }
    lanes.save()?;
    // A lane may have existed only because of the pause, after its endpoint was removed.
    let resumed = changes.iter().any(|(_, change)| matches!(change, GateChange::Resume));
    if resumed { lanes.forget_unneeded() } else { Ok(()) }
}

/// Ends the engine's hold on a lane, regardless of the lane's health.
pub(super) fn end_hold(lanes: &mut Lanes<'_, '_>, key: LaneKey, now: Timestamp) -> Result<(), Failure> {
    if lanes.is_readable(key)? {
        lanes.get(key)?.end_hold();
        lanes.wake(key, now)?;
    }
    Ok(())
}

/// One change to one lane.
pub(super) fn change_lane(
    lanes: &mut Lanes<'_, '_>,
    key: LaneKey,
    change: GateChange,
    now: Timestamp,
) -> Result<(), Failure> {
    if !lanes.is_readable(key)? {
        return Ok(());
    }
    let lane = lanes.get(key)?;
    match change {
        GateChange::Hold(until) => {
            lane.hold_until(until);
            push_back(lane);
        }
        GateChange::Lift => {
            lane.lift();
            lanes.wake(key, now)?;
        }
        GateChange::Pause => {
            lane.paused = true;
            lane.ready_at = None;
        }
        GateChange::Resume => {
            lane.paused = false;
            lanes.wake(key, now)?;
        }
    }
    Ok(())
}

/// The lane of an endpoint. It is created if the endpoint has none yet.
fn lane_of(db: &Db<'_>, lanes: &mut Lanes<'_, '_>, endpoint: &EndpointId) -> Result<LaneKey, Failure> {
    if let Some(key) = lanes.find(endpoint)? {
        return Ok(key);
    }
    let found = db
        .statement(sql::GATE_OF_ENDPOINT)?
        .query_row([endpoint.as_str()], |row| {
            Ok((row::name::<TenantId>(row, 0), host(row, 1), row::count(row, 2).unwrap_or(1)))
        })
        .optional()?;
    let Some((tenant, host, width)) = found else {
        return Err(invalid("gate: no endpoint and no lane of this id"));
    };
    lanes.of_endpoint(endpoint, &tenant?, &host, width)
}

fn change_shared(db: &Db<'_>, kind: &'static str, name: &str, change: GateChange) -> Result<(), Failure> {
    match change {
        GateChange::Hold(until) => {
            db.statement(sql::GATE_HOLD)?.execute(params![kind, name, until.as_micros()])?
        }
        GateChange::Pause => db.statement(sql::GATE_PAUSE)?.execute([kind, name])?,
        GateChange::Lift => db.statement(sql::GATE_LIFT)?.execute([kind, name])?,
        GateChange::Resume => db.statement(sql::GATE_RESUME)?.execute([kind, name])?,
    };
    if opens(change) {
        db.statement(sql::GATE_FORGET)?.execute([kind, name])?;
    }
    Ok(())
}

const fn opens(change: GateChange) -> bool {
    matches!(change, GateChange::Lift | GateChange::Resume)
}

/// Makes the lanes ready that a gate held back. If something else holds one, a claim notices that.
fn wake_all(
    db: &Db<'_>,
    lanes: &mut Lanes<'_, '_>,
    statement: Sql,
    name: &str,
    now: Timestamp,
) -> Result<(), Failure> {
    let mut statement = db.statement(statement)?;
    let keys = statement.query_map([name], |row| row.get(0))?.collect::<Result<Vec<LaneKey>, _>>()?;
    for key in keys {
        lanes.wake(key, now)?;
    }
    Ok(())
}

fn invalid(rule: &'static str) -> Failure {
    StoreError::new(StoreErrorKind::Invalid, rule).into()
}
