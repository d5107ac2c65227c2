//! Stores events, and leases their deliveries in the same call.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{OptionalExtension, params};

use crate::delivery::{Allowance, Claim, ClaimRequest, Claims, Publish, PublishAnswer, Published, Route};
use crate::event::Event;
use crate::id::{IdempotencyKey, OrderingKey, Scope, TenantId};
use crate::sequence::Sequence;
use crate::time::Timestamp;

use super::arrive::{BornLease, EventKey, Origin, arrive, is_parked, note_unmatched};
use super::claim_due::StoredEvent;
use super::damage::{broken, readable};
use super::db::Db;
use super::failure::Failure;
use super::lane::{LaneKey, Lanes};
use super::lane_line::first_ready;
use super::row;
use super::sql::{self, Sql};

/// One call of `Store::publish`.
pub(super) fn publish(
    db: &Db<'_>,
    publishes: &[Publish],
    claim: Option<&ClaimRequest>,
    now: Timestamp,
) -> Result<(Vec<PublishAnswer>, Claims), Failure> {
    let mut batch = Batch {
        db,
        now,
        lanes: Lanes::of(db),
        left: claim.map(|request| (request, Allowance::of(request))),
        doubtful_waits: match claim {
            Some(request) => first_ready(db, true)?.is_some_and(|ready_at| ready_at <= request.now),
            None => false,
        },
        openings: BTreeMap::new(),
        claims: Claims::default(),
    };
    let answers = publishes.iter().map(|publish| batch.store(publish)).collect::<Result<_, _>>()?;
    batch.lanes.save()?;
    for key in batch.openings.into_iter().filter(|(_, opening)| opening.served).map(|(key, _)| key) {
        batch.claims.lanes.push(batch.lanes.get(key)?.clone());
    }
    Ok((answers, batch.claims))
}

/// Writes an event's row; `None` if its id or idempotency key exists already.
pub(super) fn insert_event(db: &Db<'_>, event: &Event) -> Result<Option<EventKey>, Failure> {
    let added = db.statement(sql::PUBLISH_EVENT)?.execute(params![
        event.tenant.as_str(),
        event.id.as_str(),
        event.kind.as_str(),
        event.created_at.as_micros(),
        row::micros(event.not_before),
        row::micros(event.expires_at),
        event.scope.as_ref().map(Scope::as_str),
        event.idempotency_key.as_ref().map(IdempotencyKey::as_str),
        event.ordering_key.as_ref().map(OrderingKey::as_str),
        event.trace,
        event.content_type,
        &*event.payload,
    ])?;
    Ok((added > 0).then(|| db.last_insert_rowid()))
}

/// Leaves an event to be routed, at once if its ordering key allows. If it is `unheard`, the engine
/// that finds it reports it as published.
pub(super) fn insert_unrouted(
    db: &Db<'_>,
    event: &Event,
    sequence: EventKey,
    unheard: bool,
    now: Timestamp,
) -> Result<(), Failure> {
    db.statement(sql::PUBLISH_UNROUTED)?.execute(params![
        sequence,
        event.tenant.as_str(),
        event.ordering_key.as_ref().map(OrderingKey::as_str),
        now.as_micros(),
        unheard,
    ])?;
    Ok(())
}

/// The answer for an event whose id or idempotency key exists already. If the existing event cannot
/// be read, its content counts as different.
pub(super) fn existing(db: &Db<'_>, event: &Event) -> Result<PublishAnswer, Failure> {
    let mut there = find_any(db, sql::EVENT_BY_ID, &event.tenant, event.id.as_str())?;
    if let (StoredEvent::Missing, Some(key)) = (&there, &event.idempotency_key) {
        there = find_any(db, sql::EVENT_BY_IDEMPOTENCY_KEY, &event.tenant, key.as_str())?;
    }
    let (id, same_content) = match there {
        StoredEvent::There(stored) => (stored.id.clone(), stored.same_content(event)),
        StoredEvent::Unreadable => (event.id.clone(), false),
        StoredEvent::Missing => return Err(Failure::stored("event")),
    };
    Ok(PublishAnswer { id, published: Published::Existing { same_content } })
}

/// Finds an event by its id or its idempotency key.
pub(super) fn find(
    db: &Db<'_>,
    statement: Sql,
    tenant: &TenantId,
    name: &str,
) -> Result<Option<Arc<Event>>, Failure> {
    let mut statement = db.statement(statement)?;
    let mut rows = statement.query([tenant.as_str(), name])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let event = row::event(row);
    if let Err(Failure::Stored(field)) = &event {
        db.note(broken("hookpost_event", &row.get::<_, EventKey>(13)?, field.clone()));
    }
    event.map(Some)
}

/// Finds an event by one of its names, even if it cannot be read.
fn find_any(db: &Db<'_>, statement: Sql, tenant: &TenantId, name: &str) -> Result<StoredEvent, Failure> {
    Ok(match readable(find(db, statement, tenant, name))? {
        Ok(Some(event)) => StoredEvent::There(event),
        Ok(None) => StoredEvent::Missing,
        Err(_) => StoredEvent::Unreadable,
    })
}

struct Batch<'a, 'c> {
    db: &'a Db<'c>,
    now: Timestamp,
    lanes: Lanes<'a, 'c>,
    left: Option<(&'a ClaimRequest, Allowance<'a>)>,
    /// Whether a doubtful lane was ready before. Its turn comes first: otherwise constant
    /// publishing would use every slot that doubtful lanes may have.
    doubtful_waits: bool,
    openings: BTreeMap<LaneKey, Opening>,
    claims: Claims,
}

/// How much a lane can still give to this call.
struct Opening {
    /// Whether its gates are open and nothing else is due in it.
    open: bool,
    /// How many more leases its width allows.
    free: usize,
    /// Whether this call leased something in it.
    served: bool,
}

impl Batch<'_, '_> {
    fn store(&mut self, publish: &Publish) -> Result<PublishAnswer, Failure> {
        let event = &publish.event;
        let Some(sequence) = insert_event(self.db, event)? else {
            return existing(self.db, event);
        };
        let origin = Origin {
            event: sequence,
            tenant: &event.tenant,
            ordering_key: event.ordering_key.as_ref(),
            replayed: None,
        };
        match &publish.routes {
            Some(routes) if !self.waits_for_older(event)? && !self.is_outdated(routes)? => {
                for route in routes {
                    self.route(event, &origin, route)?;
                }
                if routes.is_empty() {
                    note_unmatched(self.db, sequence)?;
                }
            }
            _ => {
                insert_unrouted(self.db, event, sequence, false, self.now)?;
                self.due(self.now);
            }
        }
        Ok(PublishAnswer { id: event.id.clone(), published: Published::Stored })
    }

    /// Whether an older event of the ordering key is still to be routed.
    fn waits_for_older(&self, event: &Event) -> Result<bool, Failure> {
        match &event.ordering_key {
            None => Ok(false),
            Some(key) => Ok(self
                .db
                .statement(sql::ROUTING_WAITS_FOR_KEY)?
                .query_row([event.tenant.as_str(), key.as_str()], |row| row.get(0))?),
        }
    }

    /// Whether an endpoint's id was registered again after an event was routed to it. Most lanes
    /// know the route's registration, which saves reading the endpoint.
    fn is_outdated(&mut self, routes: &[Route]) -> Result<bool, Failure> {
        for route in routes.iter().filter(|route| !route.test && route.registration != 0) {
            if let Some(key) = self.lanes.find(&route.endpoint)?
                && self.lanes.get(key)?.generation.registration == route.registration
            {
                continue;
            }
            let registered = self
                .db
                .statement(sql::ENDPOINT_GENERATION)?
                .query_row([route.endpoint.as_str()], |row| Ok(row::generation(row, 0, 1)))
                .optional()?
                .transpose()?;
            if route.is_outdated_by(registered.map(|generation| generation.registration)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn route(&mut self, event: &Arc<Event>, origin: &Origin<'_>, route: &Route) -> Result<(), Failure> {
        let key = self.lanes.of_route(route, origin.tenant)?;
        let lease = self.lease_for(key, origin, route)?;
        let added = arrive(&mut self.lanes, self.db, key, origin, route, lease, self.now)?;
        match (added, lease) {
            (None, _) => {}
            (Some(_), None) => {
                let lane = self.lanes.get(key)?;
                let is_sick = lane.is_sick();
                if let Some(ready_at) = lane.ready_at {
                    // A delivery that waited alone in a sick lane may be its probe now.
                    self.due(if is_sick { ready_at } else { ready_at.max(route.due_at) });
                }
            }
            (Some(_), Some(lease)) => {
                self.take(key, route)?;
                self.claims.work.push(born_leased(event, row::place(origin.event)?, route, lease));
            }
        }
        Ok(())
    }

    /// The lease of a new delivery, if a claim would lease it. Test pings always get one, whatever
    /// the state of their lane and tenant.
    fn lease_for(
        &mut self,
        key: LaneKey,
        origin: &Origin<'_>,
        route: &Route,
    ) -> Result<Option<BornLease>, Failure> {
        let now = self.now;
        let doubtful = self.lanes.get(key)?.is_doubtful();
        let Some((request, left)) = &self.left else {
            return Ok(None);
        };
        let lease = BornLease { token: request.token, until: request.lease_until };
        if left.deliveries() == 0 {
            return Ok(None);
        }
        let fits = left.allows(origin.tenant, doubtful) && !(doubtful && self.doubtful_waits);
        let opening = self.opening(key)?;
        if route.test {
            return Ok(Some(lease));
        }
        let claimable = fits && opening.open && opening.free > 0;
        if route.due_at > now || is_parked(self.db, key, origin, route)? {
            return Ok(None);
        }
        // A delivery that is due and stays unleased goes before all that this call adds later.
        self.opening(key)?.open = claimable;
        Ok(claimable.then_some(lease))
    }

    fn opening(&mut self, key: LaneKey) -> Result<&mut Opening, Failure> {
        if !self.openings.contains_key(&key) {
            let open = self.is_open(key)?;
            let free = if open { self.lanes.free(key, self.now)? } else { 0 };
            self.openings.insert(key, Opening { open, free, served: false });
        }
        self.openings.get_mut(&key).ok_or(Failure::stored("delivery's lane"))
    }

    fn is_open(&mut self, key: LaneKey) -> Result<bool, Failure> {
        let now = self.now;
        let lane = self.lanes.get(key)?;
        if lane.paused || lane.held_until.is_some_and(|until| until > now) {
            return Ok(false);
        }
        // A lane may be marked ready too early: only a delivery that really is due goes first.
        let seems_ready = lane.ready_at.is_some_and(|ready| ready <= now);
        if seems_ready && self.lanes.earliest(key)?.is_some_and(|due| due <= now) {
            return Ok(false);
        }
        Ok(self.lanes.gates(key, now)?.are_open(now))
    }

    fn take(&mut self, key: LaneKey, route: &Route) -> Result<(), Failure> {
        let opening = self.opening(key)?;
        opening.served = true;
        opening.free = opening.free.saturating_sub(usize::from(!route.test));
        let lane = self.lanes.get(key)?;
        if let Some((_, left)) = &mut self.left {
            if route.test {
                left.take_test();
            } else {
                left.take(&lane.tenant, lane.is_doubtful());
            }
        }
        Ok(())
    }

    fn due(&mut self, moment: Timestamp) {
        self.claims.next_due = Some(self.claims.next_due.map_or(moment, |due| due.min(moment)));
    }
}

fn born_leased(event: &Arc<Event>, born: Sequence, route: &Route, lease: BornLease) -> Claim {
    Claim {
        delivery: route.delivery,
        event: Arc::clone(event),
        endpoint: route.endpoint.clone(),
        round: route.round.clone(),
        token: lease.token,
        lease_until: lease.until,
        due_at: route.due_at,
        born_at: route.born_at,
        born,
        first_attempt_at: None,
        attempts: 0,
        silent: 0,
        silent_alone: 0,
        lapsed: false,
        test: route.test,
    }
}
