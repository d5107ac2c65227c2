//! The five traits of a backend: each call is passed to the thread that executes it.

use std::sync::{Arc, PoisonError};

use async_trait::async_trait;

use crate::backend::{Directory, History, Limiter, Registry, Store};
use crate::delivery::{
    CancelReason, ClaimRequest, Claims, EventMeta, Gate, GateChange, Publish, PublishAnswer, Settled,
    Settlement,
};
use crate::endpoint::{Endpoint, EndpointPage, Expected, Loaded, Put, Write};
use crate::error::{StoreError, StoreErrorKind};
use crate::event::{Event, EventError};
use crate::history::{
    AttemptLog, Class, ClosedGate, DeliveryPage, DeliveryQuery, LaneStatus, PageAfter, Replay, Replayed,
    Selection, StateFilter, Stats,
};
use crate::id::{DeliveryId, EndpointId, EventId, TenantId};
use crate::policy::lane::LaneChange;
use crate::policy::rate::{Ask, Grant};
use crate::sequence::Sequence;
use crate::time::Timestamp;

use super::db::Db;
use super::failure::Failure;
use super::line::Party;
use super::repeat::Candidates;
use super::sealed::Binding;
use super::{
    SqliteStore, claim, gate, history, lane_check, limiter, prune, publish, queue, registry, repeat, sealed,
    settle, sql, stats, timeline,
};

const COUNTING: &str = "counting";
const WRITING: &str = "writing an endpoint";

#[async_trait]
impl Store for SqliteStore {
    async fn now(&self) -> Result<Timestamp, StoreError> {
        self.read_time().await
    }

    async fn unconfirmed(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.time.unconfirmed())
    }

    fn payload_max(&self) -> Option<usize> {
        Some(self.payload_max)
    }

    async fn publish(
        &self,
        publishes: &[Publish],
        claim: Option<&ClaimRequest>,
        now: Timestamp,
    ) -> Result<(Vec<PublishAnswer>, Claims), StoreError> {
        check_sizes(publishes, self.payload_max)?;
        let (party, bytes) = (party_of(publishes), publishes.iter().map(size).sum());
        let (publishes, claim) = (publishes.to_vec(), claim.cloned());
        let uptime = claim.as_ref().and_then(|_| self.clock.uptime());
        let store = move |db: &Db<'_>| {
            let claim =
                claim.as_ref().filter(|request| timeline::check_date(db, request, uptime.as_ref()).is_ok());
            publish::publish(db, &publishes, claim, now)
        };
        self.writer.call_publishing(party, bytes, "publishing", store).await
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Claims, StoreError> {
        let (request, last_turns) = (request.clone(), Arc::clone(&self.last_turns));
        let uptime = self.clock.uptime();
        let claims = self
            .writer
            .call("claiming", move |db| {
                timeline::check_date(db, &request, uptime.as_ref())?;
                let mut last = last_turns.lock().unwrap_or_else(PoisonError::into_inner);
                claim::claim(db, &request, &mut last)
            })
            .await?;
        Ok(Claims { unreadable: self.damage.untold(), ..claims })
    }

    async fn settle(
        &self,
        settlements: &[Settlement],
        lanes: &[LaneChange],
        now: Timestamp,
    ) -> Result<(Vec<Settled>, Option<Timestamp>), StoreError> {
        let (settlements, lanes) = (settlements.to_vec(), lanes.to_vec());
        self.writer.call("settling", move |db| settle::settle(db, &settlements, &lanes, now)).await
    }

    async fn gate(&self, changes: &[(Gate, GateChange)], now: Timestamp) -> Result<(), StoreError> {
        let changes = changes.to_vec();
        self.writer.call_and_hint("changing gates", move |db| gate::gate(db, &changes, now)).await
    }

    async fn prune(&self, before: &[(Class, Timestamp)], limit: usize) -> Result<bool, StoreError> {
        let (before, checked) = (before.to_vec(), Arc::clone(&self.checked));
        self.writer
            .call("pruning", move |db| {
                let more = prune::prune(db, &before, limit)?;
                let mut last = checked.lock().unwrap_or_else(PoisonError::into_inner);
                *last = lane_check::check_lanes(db, *last)?;
                Ok(more)
            })
            .await
    }

    /// Returns after each call by which a host may have made something claimable, even if the host
    /// dropped that call's future. SQLite does not report the writes of other processes: an engine
    /// finds work that they published when it next polls.
    async fn hint(&self) {
        self.hints.next().await;
    }
}

#[async_trait]
impl Directory for SqliteStore {
    async fn subscribers(
        &self,
        event: &EventMeta,
        after: Option<&EndpointId>,
        limit: usize,
    ) -> Result<EndpointPage, StoreError> {
        let (event, after, reader) = (event.clone(), after.cloned(), Arc::clone(&self.endpoints));
        self.readers
            .call(Some(event.tenant.clone()), "reading subscribers", move |db| {
                registry::subscribers(db, &reader, &event, after.as_ref(), limit)
            })
            .await
    }

    async fn load(&self, ids: &[EndpointId]) -> Result<Vec<Loaded>, StoreError> {
        let mut loaded = Vec::with_capacity(ids.len());
        while let Some(left) = ids.get(loaded.len()..).filter(|left| !left.is_empty()) {
            let (left, reader) = (left.to_vec(), Arc::clone(&self.endpoints));
            let read = move |db: &Db<'_>| registry::load_first(db, &reader, &left);
            loaded.extend(self.readers.call(None, "reading endpoints", read).await?);
        }
        Ok(loaded)
    }

    async fn disable(&self, seen: &Endpoint, why: &str) -> Result<bool, StoreError> {
        let (seen, why) = (seen.clone(), why.to_owned());
        self.writer.call("disabling an endpoint", move |db| registry::disable(db, &seen, &why)).await
    }
}

#[async_trait]
impl Registry for SqliteStore {
    async fn put(&self, write: &Write) -> Result<Put, StoreError> {
        write.endpoint.check()?;
        let Some(binding) = self.binding(write).await? else {
            return Ok(Put::Conflict { current: None });
        };
        let (write, reader) = (write.clone(), Arc::clone(&self.endpoints));
        // Sealed outside of the writer: a slow cipher must not hold the file's lock.
        let (write, seal, begins_anew) = self
            .history
            .call(Some(write.endpoint.tenant.clone()), "sealing secrets", move |db| {
                let begins_anew = registry::begins_anew(db, &reader, &write)?;
                let seal = sealed::seal(reader.cipher(), &write.endpoint, binding)?;
                Ok((write, seal, begins_anew))
            })
            .await?;
        self.writer
            .call_and_hint(WRITING, move |db| registry::put(db, &write, seal.as_ref(), begins_anew))
            .await
    }

    async fn remove(&self, tenant: &TenantId, id: &EndpointId) -> Result<Option<Sequence>, StoreError> {
        let (tenant, id) = (tenant.clone(), id.clone());
        self.writer.call_and_hint("removing an endpoint", move |db| registry::remove(db, &tenant, &id)).await
    }

    async fn switch_off(&self, tenant: &TenantId, id: &EndpointId) -> Result<bool, StoreError> {
        let (tenant, id) = (tenant.clone(), id.clone());
        self.writer.call("disabling an endpoint", move |db| registry::switch_off(db, &tenant, &id)).await
    }

    async fn list(
        &self,
        tenant: &TenantId,
        after: Option<&EndpointId>,
        limit: usize,
    ) -> Result<EndpointPage, StoreError> {
        let (tenant, after, reader) = (tenant.clone(), after.cloned(), Arc::clone(&self.endpoints));
        self.history
            .call(Some(tenant.clone()), "listing endpoints", move |db| {
                registry::list(db, &reader, &tenant, after.as_ref(), limit)
            })
            .await
    }
}

#[async_trait]
impl History for SqliteStore {
    async fn event(&self, tenant: &TenantId, id: &EventId) -> Result<Option<Arc<Event>>, StoreError> {
        let (tenant, id) = (tenant.clone(), id.clone());
        self.history
            .call(Some(tenant.clone()), "reading an event", move |db| {
                publish::find(db, sql::EVENT_BY_ID, &tenant, id.as_str())
            })
            .await
    }

    async fn deliveries(&self, query: &DeliveryQuery, page: PageAfter) -> Result<DeliveryPage, StoreError> {
        let query = query.clone();
        let history::Page { found, unread, more_after } = self
            .history
            .call(Some(query.tenant.clone()), "reading deliveries", move |db| {
                history::search(db, &query.tenant, &query.selection, page)
            })
            .await?;
        let deliveries = found.into_iter().map(|found| found.delivery).collect();
        let unreadable = unread.into_iter().map(|unread| unread.row).collect();
        Ok(DeliveryPage { deliveries, unreadable, more_after })
    }

    async fn attempts(&self, tenant: &TenantId, id: &DeliveryId) -> Result<Option<AttemptLog>, StoreError> {
        let (tenant, id) = (tenant.clone(), *id);
        self.history
            .call(Some(tenant.clone()), "reading attempts", move |db| history::attempts(db, &tenant, &id))
            .await
    }

    async fn replay(&self, replay: &Replay, page: PageAfter) -> Result<Replayed, StoreError> {
        let selection = &replay.selection;
        let of = self.candidates("searching what to replay", &replay.tenant, selection, page).await?;
        let (tenant, replay) = (replay.tenant.clone(), replay.clone());
        self.repeat(of, &tenant, "replaying", move |db, _, of| repeat::replay(db, &replay, of)).await
    }

    async fn expedite(
        &self,
        tenant: &TenantId,
        selection: &Selection,
        now: Timestamp,
        page: PageAfter,
    ) -> Result<Replayed, StoreError> {
        let selection = of_pending(selection);
        let of = self.candidates("searching what to expedite", tenant, &selection, page).await?;
        self.repeat(of, tenant, "expediting", move |db, tenant, of| repeat::expedite(db, tenant, of, now))
            .await
    }

    async fn cancel(
        &self,
        tenant: &TenantId,
        selection: &Selection,
        reason: CancelReason,
        now: Timestamp,
        page: PageAfter,
    ) -> Result<Replayed, StoreError> {
        let selection = of_pending(selection);
        let of = self.candidates("searching what to cancel", tenant, &selection, page).await?;
        self.repeat(of, tenant, "cancelling", move |db, tenant, of| {
            repeat::cancel(db, tenant, of, reason, now)
        })
        .await
    }

    async fn stats(&self, tenant: Option<&TenantId>) -> Result<Stats, StoreError> {
        let Some(tenant) = tenant.cloned() else {
            return self.history.call(None, COUNTING, stats::of_all).await;
        };
        let party = Some(tenant.clone());
        let of = tenant.clone();
        let mut stats =
            self.history.call(party.clone(), COUNTING, move |db| stats::of_tenant(db, &of)).await?;
        let mut after = None;
        loop {
            let of = tenant.clone();
            let counting = move |db: &Db<'_>| stats::step(db, &of, after);
            let step = self.history.call(party.clone(), COUNTING, counting).await?;
            stats.pending += step.counted.pending;
            stats.delivered += step.counted.delivered;
            stats.failed += step.counted.failed;
            stats.cancelled += step.counted.cancelled;
            after = step.more_after;
            if after.is_none() {
                return Ok(stats);
            }
        }
    }

    async fn queue(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        now: Timestamp,
    ) -> Result<Option<LaneStatus>, StoreError> {
        let (tenant, endpoint) = (tenant.clone(), endpoint.clone());
        self.history
            .call(Some(tenant.clone()), "reading a queue", move |db| {
                queue::queue(db, &tenant, &endpoint, now)
            })
            .await
    }

    async fn gates(
        &self,
        now: Timestamp,
        after: Option<&Gate>,
        limit: usize,
    ) -> Result<Vec<ClosedGate>, StoreError> {
        let after = after.cloned();
        let read = move |db: &Db<'_>| queue::gates(db, now, after.as_ref(), limit);
        self.history.call(None, "reading gates", read).await
    }
}

#[async_trait]
impl Limiter for SqliteStore {
    async fn take(
        &self,
        asks: &[Ask],
        now: Timestamp,
        start_by: Timestamp,
    ) -> Result<Vec<Grant>, StoreError> {
        if self.time.is_joining() {
            return Ok(limiter::grant_nothing(asks, now));
        }
        let asks = asks.to_vec();
        self.writer.call("granting starts", move |db| limiter::take(db, &asks, now, start_by)).await
    }
}

impl SqliteStore {
    /// What the seal of a write is bound to; `None` if the version to overwrite does not exist.
    async fn binding(&self, write: &Write) -> Result<Option<Binding>, StoreError> {
        let endpoint = write.endpoint.clone();
        match write.expected {
            // Without a cipher nothing is bound, so no number has to be drawn in advance.
            Expected::Absent if !self.seals => Ok(Some(Binding { registration: None, version: 1 })),
            Expected::Absent => self.writer.call(WRITING, registry::new_binding).await.map(Some),
            Expected::Version(version) => {
                let party = Some(endpoint.tenant.clone());
                let binding = move |db: &Db<'_>| registry::binding(db, &endpoint, version);
                self.history.call(party, WRITING, binding).await
            }
        }
    }

    /// The deliveries of one page of a replay, an expedite or a cancel.
    async fn candidates(
        &self,
        during: &'static str,
        tenant: &TenantId,
        selection: &Selection,
        page: PageAfter,
    ) -> Result<Candidates, StoreError> {
        let (tenant, selection) = (tenant.clone(), selection.clone());
        self.history
            .call(Some(tenant.clone()), during, move |db| Candidates::find(db, &tenant, selection, page))
            .await
    }

    /// Writes for those candidates that have not changed since they were found.
    async fn repeat<W>(
        &self,
        of: Candidates,
        tenant: &TenantId,
        during: &'static str,
        mut write: W,
    ) -> Result<Replayed, StoreError>
    where
        W: FnMut(&Db<'_>, &TenantId, &Candidates) -> Result<Vec<DeliveryId>, Failure> + Send + 'static,
    {
        let more_after = of.more_after;
        if of.is_empty() {
            return Ok(Replayed { deliveries: Vec::new(), more_after });
        }
        let tenant = tenant.clone();
        let deliveries =
            self.writer.call_over_history(tenant.clone(), during, move |db| write(db, &tenant, &of)).await?;
        Ok(Replayed { deliveries, more_after })
    }
}

/// The tenant in whose turn these events are stored; `None` if they belong to several.
fn party_of(publishes: &[Publish]) -> Party {
    let mut tenants = publishes.iter().map(|publish| &publish.event.tenant);
    let first = tenants.next()?;
    tenants.all(|tenant| tenant == first).then(|| first.clone())
}

fn size(publish: &Publish) -> usize {
    publish.event.payload.len()
}

/// Checks that no payload is larger than the file allows.
fn check_sizes(publishes: &[Publish], max: usize) -> Result<(), StoreError> {
    match publishes.iter().map(size).find(|size| *size > max) {
        None => Ok(()),
        Some(size) => {
            let error = EventError::TooLarge { size, limit: max };
            Err(StoreError::new(StoreErrorKind::Invalid, error.to_string()).with_told_source(error))
        }
    }
}

/// The pending deliveries of a selection. An expedite or a cancel changes only these.
fn of_pending(selection: &Selection) -> Selection {
    Selection { state: selection.state.or(Some(StateFilter::Pending)), ..selection.clone() }
}
