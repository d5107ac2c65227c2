//! The lanes that a batch reads and writes. Each is read once and, if it changed, written once,
//! however many items of the batch concern it.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Row, params};

use crate::delivery::Route;
use crate::id::{EndpointId, HostName, TenantId};
use crate::policy::lane::{CatchUp, Lane};
use crate::time::Timestamp;

use super::damage::{broken, readable};
use super::db::Db;
use super::failure::Failure;
use super::lane_line::bring_line_forward;
use super::lane_row::{Stored, stored};
use super::row;
use super::sql;

/// A lane's row number, by which deliveries refer to it.
pub(super) type LaneKey = i64;

/// The lanes that one batch has read so far.
pub(super) struct Lanes<'db, 'c> {
    db: &'db Db<'c>,
    met: BTreeMap<LaneKey, Met>,
    names: BTreeMap<EndpointId, LaneKey>,
    /// Whether any tenant or host holds work back; `None` before that was read.
    any_gate: Option<bool>,
}

struct Met {
    stored: Lane,
    lane: Lane,
    /// How many deliveries the lane has, in any state, and how many more than its row says.
    deliveries: i64,
    more: i64,
    /// The new turn, if the lane was sent behind those that are ready at the same moment.
    sent_back: Option<i64>,
    turn: i64,
    /// Whether a field of its row could not be read and was replaced.
    is_mended: bool,
}

impl<'db, 'c> Lanes<'db, 'c> {
    /// Starts without any lane read.
    pub(super) const fn of(db: &'db Db<'c>) -> Self {
        Self { db, met: BTreeMap::new(), names: BTreeMap::new(), any_gate: None }
    }

    /// The lane of a delivery, which must exist and be readable.
    pub(super) fn get(&mut self, key: LaneKey) -> Result<&mut Lane, Failure> {
        self.is_readable(key)?;
        let met = self.met.get_mut(&key).ok_or(Failure::stored("delivery's lane"))?;
        Ok(&mut met.lane)
    }

    /// Whether the lane of a delivery exists and can be read.
    pub(super) fn is_readable(&mut self, key: LaneKey) -> Result<bool, Failure> {
        if self.met.contains_key(&key) {
            return Ok(true);
        }
        let mut statement = self.db.statement(sql::LANE_BY_KEY)?;
        let mut rows = statement.query([key])?;
        let Some(row) = rows.next()? else { return Ok(false) };
        let found = self.read(row)?;
        Ok(found.map(|found| self.meet(found)).is_some())
    }

    /// The lane of an endpoint, if it has one that can be read.
    pub(super) fn find(&mut self, endpoint: &EndpointId) -> Result<Option<LaneKey>, Failure> {
        if let Some(key) = self.names.get(endpoint) {
            return Ok(Some(*key));
        }
        let mut statement = self.db.statement(sql::LANE_BY_ENDPOINT)?;
        let mut rows = statement.query([endpoint.as_str()])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let found = self.read(row)?;
        Ok(found.map(|found| self.meet(found)))
    }

    /// Reads a lane's row. The endpoint and the tenant must be readable. Any other field that cannot
    /// be read gets the value of a new lane, which is written when the lane is saved.
    fn read(&self, row: &Row<'_>) -> Result<Option<Stored>, Failure> {
        let key: LaneKey = row.get(0)?;
        let mut defects = Vec::new();
        let names = readable(row::name(row, 1).and_then(|endpoint| Ok((endpoint, row::name(row, 2)?))))?;
        let found = match names {
            Ok((endpoint, tenant)) => Some(stored(row, endpoint, tenant, &mut defects)?),
            Err(field) => {
                defects.push(field);
                None
            }
        };
        for field in defects {
            self.db.note(broken("hookpost_lane", &key, field));
        }
        Ok(found)
    }

    /// The lane of a route. It is created if the endpoint has none.
    pub(super) fn of_route(&mut self, route: &Route, tenant: &TenantId) -> Result<LaneKey, Failure> {
        self.of_endpoint(&route.endpoint, tenant, &route.host, route.width)
    }

    /// The lane of an endpoint. It is created if the endpoint has none. If the lane's tenant cannot
    /// be read it is written again: the lane is found by its endpoint.
    pub(super) fn of_endpoint(
        &mut self,
        endpoint: &EndpointId,
        tenant: &TenantId,
        host: &HostName,
        width: u32,
    ) -> Result<LaneKey, Failure> {
        if let Some(key) = self.find(endpoint)? {
            return Ok(key);
        }
        let mended = self.db.statement(sql::LANE_MEND)?.execute([endpoint.as_str(), tenant.as_str()])?;
        if mended > 0
            && let Some(key) = self.find(endpoint)?
        {
            return Ok(key);
        }
        self.create(endpoint, tenant, host, width)
    }

    /// Creates a lane that is open and empty.
    fn create(
        &mut self,
        endpoint: &EndpointId,
        tenant: &TenantId,
        host: &HostName,
        width: u32,
    ) -> Result<LaneKey, Failure> {
        self.db.statement(sql::LANE_ADD)?.execute(params![
            endpoint.as_str(),
            tenant.as_str(),
            host.as_str(),
            width
        ])?;
        let key = self.db.last_insert_rowid();
        let lane = Lane::new(endpoint.clone(), tenant.clone(), host.clone(), width);
        Ok(self.meet(Stored { key, lane, turn: 0, deliveries: 0, is_mended: false }))
    }

    /// Adds `more`, which may be negative, to the lane's number of deliveries.
    pub(super) fn count(&mut self, key: LaneKey, more: i64) -> Result<(), Failure> {
        self.is_readable(key)?;
        if let Some(met) = self.met.get_mut(&key) {
            met.more = met.more.saturating_add(more);
        }
        Ok(())
    }

    /// Puts off a lane that cannot be read.
    pub(super) fn put_off(&self, key: LaneKey, until: Timestamp) -> Result<(), Failure> {
        self.db.statement(sql::LANE_PUT_OFF)?.execute([key, until.as_micros()])?;
        Ok(())
    }

    /// Removes those of the lanes read, after they were saved, that are not needed any more.
    pub(super) fn forget_unneeded(&mut self) -> Result<(), Failure> {
        let mut forget = self.db.statement(sql::LANE_FORGET)?;
        for (key, _) in self.met.iter().filter(|(_, met)| met.deliveries == 0) {
            forget.execute([key])?;
        }
        Ok(())
    }

    /// The earliest due time or lease end in a lane.
    pub(super) fn earliest(&self, key: LaneKey) -> Result<Option<Timestamp>, Failure> {
        let earliest: Option<i64> =
            self.db.statement(sql::LANE_EARLIEST)?.query_row([key], |row| row.get(0)).optional()?;
        Ok(earliest.map(Timestamp::from_micros))
    }

    /// The first moment at which a delivery of a lane may be sent: the earliest due time or lease
    /// end, or earlier if a delivery may be sent before it is due.
    pub(super) fn first_sendable(&mut self, key: LaneKey) -> Result<Option<Timestamp>, Failure> {
        let earliest = self.earliest(key)?;
        let Some(catch_up) = self.early(key)? else { return Ok(earliest) };
        let by = catch_up.tried_by.as_micros();
        let tried: Option<i64> = self
            .db
            .statement(sql::LANE_FIRST_TRIED)?
            .query_row(params![key, by], |row| row.get(0))
            .optional()?;
        let caught_up = tried.and_then(|tried| catch_up.sendable_at(Timestamp::from_micros(tried)));
        Ok(earliest.into_iter().chain(caught_up).min())
    }

    /// Which deliveries of a lane may be sent before they are due.
    pub(super) fn early(&mut self, key: LaneKey) -> Result<Option<CatchUp>, Failure> {
        let db = self.db;
        let lane = self.get(key)?;
        let is_asked = lane.catch_up.is_some() && lane.is_sick();
        let several_wait =
            is_asked && db.statement(sql::LANE_SEVERAL_WAIT)?.query_row([key], |row| row.get(0))?;
        Ok(lane.early(several_wait))
    }

    /// When the first of a lane's running leases ends.
    pub(super) fn first_lease_end(&self, key: LaneKey, now: Timestamp) -> Result<Option<Timestamp>, Failure> {
        let end: Option<i64> = self
            .db
            .statement(sql::LANE_FIRST_LEASE_END)?
            .query_row(params![key, now.as_micros()], |row| row.get(0))?;
        Ok(end.map(Timestamp::from_micros))
    }

    /// How many more leases a lane's width allows.
    pub(super) fn free(&mut self, key: LaneKey, now: Timestamp) -> Result<usize, Failure> {
        let width = self.get(key)?.width;
        let leased: i64 = self
            .db
            .statement(sql::LANE_LEASED)?
            .query_row(params![key, now.as_micros()], |row| row.get(0))?;
        Ok(usize::try_from(i64::from(width).saturating_sub(leased)).unwrap_or(0))
    }

    /// The gates of a lane's tenant and host.
    pub(super) fn gates(&mut self, key: LaneKey, now: Timestamp) -> Result<Gates, Failure> {
        if !self.any_gate(now)? {
            return Ok(Gates { tenant_paused: false, held_until: None });
        }
        let db = self.db;
        let lane = self.get(key)?;
        let mut statement = db.statement(sql::GATE_OF_LANE)?;
        statement.query_row([lane.tenant.as_str(), lane.host.as_str()], |row| Ok(Gates::read(row)))?
    }

    fn any_gate(&mut self, now: Timestamp) -> Result<bool, Failure> {
        if let Some(known) = self.any_gate {
            return Ok(known);
        }
        let any = self.db.statement(sql::GATE_ANY)?.query_row([now.as_micros()], |row| row.get(0))?;
        Ok(*self.any_gate.insert(any))
    }

    /// Sends a lane behind those with an earlier turn that are ready at `ready_at` too.
    pub(super) fn send_back(
        &mut self,
        key: LaneKey,
        ready_at: Option<Timestamp>,
        turn: i64,
    ) -> Result<(), Failure> {
        self.get(key)?.ready_at = ready_at;
        if let Some(met) = self.met.get_mut(&key).filter(|met| met.turn != turn) {
            met.sent_back = Some(turn);
        }
        Ok(())
    }

    /// Makes a lane ready for what its rows contain, after a gate opened or a slot became free. A
    /// lane that is ready already keeps its place, and a lane that cannot be read does not change.
    pub(super) fn wake(&mut self, key: LaneKey, now: Timestamp) -> Result<(), Failure> {
        if !self.is_readable(key)? {
            return Ok(());
        }
        let lane = self.get(key)?;
        if lane.paused || lane.ready_at.is_some_and(|ready| ready <= now) {
            return Ok(());
        }
        if let Some(first) = self.first_sendable(key)? {
            bring_forward(self.get(key)?, first.max(now));
        }
        Ok(())
    }

    /// Writes the lanes that changed.
    pub(super) fn save(&mut self) -> Result<(), Failure> {
        let mut save = self.db.statement(sql::LANE_SAVE)?;
        for (key, Met { stored, lane, deliveries, more, sent_back, turn, is_mended }) in &mut self.met {
            if stored == lane && sent_back.is_none() && *more == 0 && !*is_mended {
                continue;
            }
            *is_mended = false;
            *deliveries = deliveries.saturating_add(std::mem::take(more));
            *turn = sent_back.take().unwrap_or(*turn);
            save.execute(params![
                key,
                lane.host.as_str(),
                lane.paused,
                row::micros(lane.held_until),
                row::micros(lane.ready_at),
                lane.width,
                lane.proven,
                lane.streak,
                i64::try_from(lane.version).unwrap_or(i64::MAX),
                *turn,
                row::micros(lane.failing.map(|failing| failing.since)),
                row::micros(lane.failing.map(|failing| failing.last)),
                row::micros(lane.failing.map(|failing| failing.from)),
                lane.failing.map(|failing| failing.counts),
                *deliveries,
                row::micros(lane.catch_up.map(|catch_up| catch_up.tried_by)),
                lane.catch_up.map(|catch_up| row::span_column(catch_up.gap)),
                i64::try_from(lane.generation.registration).unwrap_or(i64::MAX),
                i64::try_from(lane.generation.renewal).unwrap_or(i64::MAX),
            ])?;
            if lane.ready_at.is_some_and(|ready_at| stored.ready_at.is_none_or(|before| ready_at < before))
                || lane.is_doubtful() != stored.is_doubtful()
            {
                bring_line_forward(self.db, lane)?;
            }
            stored.clone_from(lane);
        }
        Ok(())
    }

    fn meet(&mut self, Stored { key, lane, turn, deliveries, is_mended }: Stored) -> LaneKey {
        self.names.insert(lane.endpoint.clone(), key);
        let met = Met { stored: lane.clone(), lane, deliveries, more: 0, sent_back: None, turn, is_mended };
        self.met.insert(key, met);
        key
    }
}

/// What a lane's tenant and host hold back.
pub(super) struct Gates {
    /// The operator paused the tenant.
    pub(super) tenant_paused: bool,
    /// The later end of the tenant's and the host's hold.
    pub(super) held_until: Option<Timestamp>,
}

impl Gates {
    fn read(row: &Row<'_>) -> Result<Self, Failure> {
        let held_until = row::time_maybe(row, 1)?.max(row::time_maybe(row, 2)?);
        Ok(Self { tenant_paused: row::get(row, 0)?, held_until })
    }

    /// Whether these gates are open at `now`.
    pub(super) fn are_open(&self, now: Timestamp) -> bool {
        !self.tenant_paused && self.held_until.is_none_or(|until| until <= now)
    }
}

/// Notes work that can be taken at `moment`: the lane is ready then at the latest, but never before
/// the end of a hold, and not while it is paused.
pub(super) fn bring_forward(lane: &mut Lane, moment: Timestamp) {
    if lane.paused {
        return;
    }
    let moment = lane.held_until.map_or(moment, |held| held.max(moment));
    lane.ready_at = Some(lane.ready_at.map_or(moment, |ready| ready.min(moment)));
}

/// Makes the lane ready no earlier than the end of its hold.
pub(super) fn push_back(lane: &mut Lane) {
    lane.ready_at = lane.ready_at.max(lane.ready_at.and(lane.held_until));
}
