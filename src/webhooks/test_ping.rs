//! Sends a test event to an endpoint and reports the result.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;

use crate::backend::EntropyError;
use crate::decide::prepare;
use crate::decide::resolve::{self, Resolved};
use crate::decide::route::test_route;
use crate::decide::slots::Room;
use crate::delivery::{AttemptResult, Publish, PublishAnswer, Published, State, as_lossy_text, as_millis};
use crate::endpoint::{Endpoint, Loaded, NotSendable};
use crate::engine::CachedEndpoint;
use crate::engine::Stored;
use crate::error::StoreError;
use crate::event::{EventError, NewEvent};
use crate::id::{DeliveryId, EndpointId, EventId, TenantId};
use crate::notice::{Panicked, Part};
use crate::profile::{Occasion, Profile};
use crate::time::Timestamp;

use super::Webhooks;

/// The result of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TestReport {
    /// The id of the event that was sent.
    pub event: EventId,
    /// The id of its delivery, which is in the history.
    pub delivery: DeliveryId,
    /// Whether the profile counts the result as a success.
    pub success: bool,
    /// The response's status, or the reason why there is none; `None` if nothing could be
    /// sent.
    pub result: Option<AttemptResult>,
    /// How long the attempt took.
    #[serde(rename = "took_ms", serialize_with = "as_millis")]
    pub took: Duration,
    /// The beginning of the response's body, if the profile keeps it.
    #[serde(serialize_with = "as_lossy_text")]
    pub body: Bytes,
    /// The state of the delivery after the test.
    pub state: State,
    /// The rule that does not hold, if nothing could be sent because of it.
    pub why: Option<String>,
}

impl Webhooks {
    /// Sends one test event to an endpoint now and waits for the answer. The request is signed
    /// and recorded like any other, and is sent only once, whatever the answer. Pauses,
    /// limits, ordering keys and whether the endpoint is enabled do not matter, and the
    /// endpoint's health does not change.
    ///
    /// The event is the profile's own [`Sample`](crate::profile::Sample). The sample of
    /// `standard` has the type `webhook.test`, so that a receiver can distinguish it from a
    /// real event. [`test_with`](Self::test_with) sends an event of your choice instead.
    ///
    /// If the future is dropped, the history shows the test as abandoned.
    ///
    /// # Errors
    /// If there is no such endpoint, if the store fails, or if nothing can be sent to the
    /// endpoint in its present state: [`NotSendable`] says why.
    pub async fn test(&self, tenant: &TenantId, id: &EndpointId) -> Result<TestReport, TestError> {
        let tested = self.tested(tenant, id).await?;
        let Tested { endpoint, profile, .. } = &tested;
        let sample = self.parts.guard.call(Part::Envelope, || profile.envelope.sample(endpoint))?;
        let event = NewEvent::json(tenant.as_str(), sample.kind, sample.payload)?;
        self.send_test(tested, event).await
    }

    /// [`test`](Self::test) with an event of your choice, for example one of each type that
    /// the endpoint's receiver must be able to read. Only this endpoint gets it, whatever its
    /// subscription, and immediately: an ordering key and `not_before` are ignored.
    ///
    /// # Errors
    /// Those of [`test`](Self::test). Also if the event is another tenant's, if it breaks a
    /// rule, or if its id or idempotency key was used before.
    pub async fn test_with(
        &self,
        tenant: &TenantId,
        id: &EndpointId,
        event: NewEvent,
    ) -> Result<TestReport, TestError> {
        if event.tenant() != tenant {
            return Err(EventError::Field { field: "tenant", rule: "must be the endpoint's" }.into());
        }
        let tested = self.tested(tenant, id).await?;
        self.send_test(tested, event).await
    }

    /// The endpoint in its present state, if something can be sent to it.
    async fn tested(&self, tenant: &TenantId, id: &EndpointId) -> Result<Tested, TestError> {
        let parts = &self.parts;
        let now = parts.clock.read().await?;
        let began = parts.endpoints.cache.begin_load(parts.clock.elapsed());
        let endpoint = match self.load(tenant, id).await? {
            Loaded::Found(endpoint) => endpoint,
            Loaded::Missing => return Err(TestError::NotFound),
            Loaded::Unreadable(unreadable) => return Err(NotSendable::Unreadable(unreadable).into()),
        };
        let CachedEndpoint::Found { resolved, .. } = parts.endpoints.cache.remember(&endpoint, began) else {
            return Err(TestError::NotFound);
        };
        let profile = Arc::clone(&resolved.sendable()?.profile);
        Ok(Tested { resolved, endpoint, profile, now })
    }

    async fn send_test(&self, tested: Tested, event: NewEvent) -> Result<TestReport, TestError> {
        let parts = &self.parts;
        let Tested { resolved, endpoint, profile, now } = tested;
        let mut event = event.into_event(self.fresh_id(now)?, now, parts.settings.payload_max)?;
        // A store routes what waits for its order or its moment later, to every subscriber.
        (event.ordering_key, event.not_before) = (None, None);
        let sendable = resolved.sendable()?;
        // What cannot be written is known before anything is stored.
        let write = || prepare::request(&event, Occasion::Test, sendable, now);
        parts.guard.call(Part::Envelope, write)?.map_err(|error| unrenderable(error.rule))?;
        let route = test_route(&event, &endpoint, resolve::width(&endpoint, &profile));
        let (event_id, delivery) = (event.id.clone(), route.delivery);
        let publish = Publish { event: Arc::new(event), routes: Some(vec![route]) };

        let request = parts.claimer.request(Room::for_one(), 0, false)?;
        let began = parts.clock.elapsed();
        let Stored { answers, claims, moved } = parts.publisher.store_all(&[publish], Some(&request)).await?;
        match answers.into_iter().next() {
            Some(PublishAnswer { published: Published::Full { limit }, .. }) => {
                return Err(TestError::Full { limit });
            }
            Some(PublishAnswer { published: Published::Existing { .. }, id }) => {
                return Err(TestError::KeyReused { id });
            }
            Some(PublishAnswer { published: Published::Stored, .. }) | None => {}
        }
        let acquired = parts.claimer.make_ready_whole(claims, began, moved).await;
        parts.finish(acquired).await?;
        self.report(&endpoint.tenant, event_id, delivery).await
    }

    async fn report(
        &self,
        tenant: &TenantId,
        event: EventId,
        delivery: DeliveryId,
    ) -> Result<TestReport, TestError> {
        let selection =
            crate::history::Selection { ids: Some(vec![delivery]), ..crate::history::Selection::default() };
        let page = self.deliveries(tenant, selection, crate::history::PageAfter::first(1)).await?;
        let shown = page.deliveries.into_iter().next();
        let (state, why) = shown.map_or((State::Pending, None), |shown| (shown.state, shown.why));
        let log = self.attempts(tenant, &delivery).await?.unwrap_or_default();
        let attempt = log.attempts.into_iter().next().map(|recorded| recorded.attempt);
        Ok(TestReport {
            event,
            delivery,
            success: attempt.as_ref().is_some_and(|attempt| attempt.success),
            result: attempt.as_ref().map(|attempt| attempt.result),
            took: attempt.as_ref().map_or(Duration::ZERO, |attempt| attempt.took),
            body: attempt.map(|attempt| attempt.body).unwrap_or_default(),
            state,
            why,
        })
    }
}

/// An endpoint that is about to be tested.
struct Tested {
    resolved: Arc<Resolved>,
    endpoint: Arc<Endpoint>,
    profile: Arc<Profile>,
    now: Timestamp,
}

/// From an envelope's rule, which begins with the name of a field: `payload: must be …`.
fn unrenderable(rule: &'static str) -> NotSendable {
    let is_name = |field: &str| !field.is_empty() && !field.contains(char::is_whitespace);
    let (field, rule) = rule.split_once(": ").filter(|(field, _)| is_name(field)).unwrap_or(("event", rule));
    NotSendable::Unrenderable { field, rule }
}

/// Why a test could not be made. A failure of the endpoint is not an error: see the report.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum TestError {
    /// The tenant has no such endpoint.
    #[error("the tenant has no such endpoint")]
    NotFound,
    /// Nothing can be sent to the endpoint in its present state, or not this event. Nothing
    /// was stored.
    #[error(transparent)]
    NotSendable(#[from] NotSendable),
    /// The event breaks a rule.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The event's id or idempotency key was used before. A test is sent only once.
    #[error("id or idempotency key: must be new, and was used by event {id}")]
    KeyReused {
        /// The id of the event that has it.
        id: EventId,
    },
    /// The store has reached its limit.
    #[error("the store is full: it takes at most {limit} deliveries")]
    Full {
        /// The limit that was reached.
        limit: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The source of random numbers failed, so no id could be created.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The envelope panicked while it created a sample.
    #[error(transparent)]
    Panicked(#[from] Panicked),
}
