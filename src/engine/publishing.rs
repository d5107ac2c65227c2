//! Storing events, routed at once where few endpoints want them.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use crate::decide::resolve;
use crate::delivery::{ClaimRequest, Claims, EventMeta, Publish, PublishAnswer, Published};
use crate::endpoint::{Endpoint, EndpointPage};
use crate::error::{StoreError, StoreErrorKind};
use crate::event::Event;
use crate::notice::Notice;
use crate::policy::timeline::Shift;
use futures_util::future::{Either, select};

use super::deadline::{passed, within};
use super::laggards::PATIENCE;
use super::shared::{STORE_TIMEOUT, Shared};
use super::store_clock::Moment;

/// Up to so many matches an event is routed by its publisher.
const FEW_MATCHES: usize = 16;
/// Up to so many endpoints its publisher looks at for that.
const FEW_ENDPOINTS: usize = 64;
/// A publisher waits so long for the engine's task, which may wait for the store, where
/// nothing that others publish is stored meanwhile.
const STUCK_AFTER: Duration = STORE_TIMEOUT;
/// A call whose answer was lost is repeated so often.
const REPEATS: usize = 3;

/// What became of a call that stored events.
pub(crate) struct Stored {
    /// One for each event.
    pub(crate) answers: Vec<PublishAnswer>,
    /// Deliveries of them.
    pub(crate) claims: Claims,
    /// By how much the store's time had moved then.
    pub(crate) moved: Shift,
}

impl Shared {
    /// Stores one event: through the engine's task where one runs in this process. `None`
    /// where the store gave no answer.
    ///
    /// A publisher does not wait for an engine whose task does not come to answer, since
    /// a part of the host's blocks it: it then stores the event itself. Both may store
    /// it: storing one id twice is storing it once.
    pub(crate) async fn publish_one(&self, event: &Arc<Event>) -> Result<Option<PublishAnswer>, StoreError> {
        let mut handed_over = pin!(self.inbox.publish(event, self.clock.elapsed()));
        match select(handed_over.as_mut(), pin!(self.patience())).await {
            Either::Left((Some(answer), _)) => return answer.map(Some),
            Either::Left((None, _)) => {
                let mut stored = self.publish(std::slice::from_ref(event), None).await?;
                return Ok(stored.answers.pop());
            }
            Either::Right(((), _)) => {}
        }
        if self.inbox.found_stuck() {
            self.guard.notice_if_free(&Notice::EngineStuck { waited: STUCK_AFTER });
        }
        let stored = match select(handed_over, pin!(self.store_unrouted(event))).await {
            Either::Left((Some(Ok(answer)), _)) => return Ok(Some(answer)),
            Either::Left((_, storing)) => storing.await,
            Either::Right((stored, _)) => stored,
        };
        stored.map_err(|error| {
            let what = "the engine's task may store it later";
            StoreError::new(StoreErrorKind::InDoubt, what).with_source(error)
        })
    }

    /// Ends once a publisher has waited long enough for the engine's task, in which that has
    /// not stored anything for others either.
    async fn patience(&self) {
        let mut goes_on = !self.inbox.is_stuck();
        while goes_on {
            let calls = self.inbox.calls_ended();
            passed(STUCK_AFTER).await;
            goes_on = self.inbox.calls_ended() > calls;
        }
    }

    /// Stores an event by the store alone: of all other parts, one may be what blocks
    /// the engine.
    async fn store_unrouted(&self, event: &Arc<Event>) -> Result<Option<PublishAnswer>, StoreError> {
        let publish = Publish { event: Arc::clone(event), routes: None };
        Ok(self.store_all(&[publish], None).await?.answers.pop())
    }

    /// Stores events, in one call, one answer each. With a request, deliveries of
    /// them come back claimed.
    pub(crate) async fn publish(
        &self,
        events: &[Arc<Event>],
        claim: Option<&ClaimRequest>,
    ) -> Result<Stored, StoreError> {
        let publishes = self.route_few(events).await;
        let stored = self.store_all(&publishes, claim).await?;
        for (event, answer) in events.iter().zip(&stored.answers) {
            if answer.published == Published::Stored {
                self.tell_published(event);
            }
        }
        Ok(stored)
    }

    pub(super) fn tell_published(&self, event: &Event) {
        let Event { tenant, kind, id, .. } = event;
        self.notice(&Notice::Published { tenant, kind, event: id });
    }

    /// Routes what few endpoints want. An event whose endpoints cannot be read now, or are
    /// not read or judged in time, is stored all the same, to be routed later.
    async fn route_few(&self, events: &[Arc<Event>]) -> Vec<Publish> {
        let mut asked: BTreeMap<EventMeta, Option<EndpointPage>> = BTreeMap::new();
        let mut unreached = BTreeSet::new();
        let mut publishes = Vec::with_capacity(events.len());
        let began = self.clock.elapsed();
        // Whoever has less time than half would be taken for late without being it.
        let left = || {
            let left = PATIENCE.saturating_sub(self.clock.elapsed().saturating_sub(began));
            (left >= PATIENCE / 2).then_some(left)
        };
        for event in events {
            let meta = EventMeta::of(event);
            let is_asked = asked.contains_key(&meta) || unreached.contains(&event.tenant);
            let is_late = self.laggards.contain(&event.tenant);
            if let Some(left) = left().filter(|_| !is_asked && !is_late) {
                match within(left, self.few_subscribers(&meta)).await {
                    Some(Ok(page)) => drop(asked.insert(meta.clone(), page)),
                    Some(Err(error)) => {
                        unreached.insert(event.tenant.clone());
                        self.routing_failed(&event.tenant, &error);
                    }
                    None => self.laggards.note_late(&event.tenant, self.clock.elapsed()),
                }
            }
            let routes = match (asked.get(&meta), left()) {
                (Some(Some(page)), Some(left)) => {
                    let routes = within(left, self.route(event, None, page)).await;
                    if routes.is_none() {
                        self.laggards.note_late(&event.tenant, self.clock.elapsed());
                    }
                    routes
                }
                _ => None,
            };
            let routes = routes.filter(|routes| routes.len() <= FEW_MATCHES);
            publishes.push(Publish { event: Arc::clone(event), routes });
        }
        publishes
    }

    async fn few_subscribers(&self, meta: &EventMeta) -> Result<Option<EndpointPage>, StoreError> {
        let began = self.endpoint_cache.begin_load(self.clock.elapsed());
        let page = self.subscribers(meta, None, FEW_ENDPOINTS).await?;
        if page.more_after.is_some() {
            return Ok(None);
        }
        for endpoint in &page.endpoints {
            self.endpoint_cache.remember(endpoint, began);
        }
        Ok(Some(page))
    }

    pub(crate) async fn store_all(
        &self,
        publishes: &[Publish],
        claim: Option<&ClaimRequest>,
    ) -> Result<Stored, StoreError> {
        let mut repeats = 0;
        loop {
            // Events are stored where the time cannot be read, too; by this process's clock
            // alone nothing is claimed.
            let turn = self.in_time(Duration::MAX).await.ok();
            let dated = claim.filter(|_| turn.is_some()).map(|claim| self.dated_now(claim).0);
            let Moment { now, moved } = self.clock.moment();
            match self.store.publish(publishes, dated.as_ref(), now).await {
                Err(error) if error.kind() == StoreErrorKind::InDoubt && repeats < REPEATS => repeats += 1,
                Err(error) => return Err(error),
                Ok((mut answers, claims)) => {
                    if repeats > 0 {
                        own_earlier_call(publishes, &mut answers);
                    }
                    return Ok(Stored { answers, claims, moved });
                }
            }
        }
    }

    /// How wide a new lane of this endpoint begins.
    pub(crate) fn width(&self, endpoint: &Endpoint) -> u32 {
        self.endpoint_cache.profile(&endpoint.profile).map_or(1, |profile| resolve::width(endpoint, profile))
    }
}

/// What a repeated call finds there under its very id is what the first call wrote.
fn own_earlier_call(publishes: &[Publish], answers: &mut [PublishAnswer]) {
    for (publish, answer) in publishes.iter().zip(answers) {
        if answer.id == publish.event.id && answer.published == (Published::Existing { same_content: true }) {
            answer.published = Published::Stored;
        }
    }
}
