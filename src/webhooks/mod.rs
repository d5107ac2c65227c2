//! The main type of this crate. [`Webhooks`] registers endpoints, publishes events, runs the
//! engine that delivers them, and reads the history. The host is the program that uses it.
//!
//! [docs/clocks.md]: crate::policy::timeline
//! [docs/limits.md]: crate::guide::limits
//! [docs/own-parts.md]: crate::backend
#![doc = include_str!("../../docs/operating.md")]
#![doc = include_str!("../../docs/guarantees.md")]

mod builder;
mod endpoints;
mod history;
mod near;
mod new_endpoint;
mod queue;
mod register_error;
mod rules;
mod test_ping;

use std::future::Future;
use std::sync::Arc;

use crate::backend::EntropyError;
use crate::delivery::{PublishAnswer, Published};
use crate::engine;
use crate::engine::Parts;
use crate::error::StoreError;
use crate::event::{Event, EventError, NewEvent};
use crate::id::EventId;
use crate::time::Timestamp;

pub use crate::engine::{RunError, Tick};
pub use builder::{Builder, ConfigError, ConfigProblem};
pub use new_endpoint::NewEndpoint;
pub use register_error::RegisterError;
pub use test_ping::{TestError, TestReport};

/// The most events of one [`Webhooks::publish_many`]: while they are written, nobody else's are.
pub const PUBLISH_MANY_MAX: usize = 1000;
/// The most bytes that the payloads of one [`Webhooks::publish_many`] have together.
pub const PUBLISH_MANY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A handle on a store, a transport and the profiles in use. It is cheap to clone; all clones
/// share one engine.
///
/// Nothing runs until you await [`run`](Self::run) or [`tick`](Self::tick). Publishing works
/// without either: another process on the same store then delivers.
#[derive(Clone)]
pub struct Webhooks {
    parts: Arc<Parts>,
}

impl Webhooks {
    /// Stores an event. Once this call returns the id, the event will be delivered to every
    /// endpoint that wanted it then, or fail with a reason in the history.
    ///
    /// Publishing the same id or idempotency key again adds nothing and returns the id of the
    /// first event. If the future is dropped, the event is stored in full or not at all.
    ///
    /// If the engine of this process does not answer because a part blocks it, this call
    /// stores the event itself after 5 s. It is sent when the engine goes on, or by another
    /// process. That needs a tokio runtime with time enabled.
    ///
    /// # Errors
    /// If the event breaks a rule, if its id or key was used for other content, or if the
    /// store is full or fails. Nothing is stored then, unless the store's error is `InDoubt`:
    /// publish again under the same id or idempotency key.
    pub async fn publish(&self, event: NewEvent) -> Result<EventId, PublishError> {
        let now = self.parts.clock.read().await?;
        let event = self.event_to_store(event, now)?;
        result_of(self.parts.publisher.publish_one(&event).await?)
    }

    /// Stores several events in one transaction, and returns one result for each of them, in
    /// the same order. An event that breaks a rule has its error there; the others are stored.
    ///
    /// If the future is dropped, all of them are stored or none.
    ///
    /// ```
    /// # use hookpost::{NewEvent, Webhooks};
    /// # async fn pay(webhooks: &Webhooks) -> Result<(), Box<dyn std::error::Error>> {
    /// let paid = [7, 8, 9].map(|order| NewEvent::serialize("acme", "order.paid", &order));
    /// for result in webhooks.publish_many(paid.into_iter().collect::<Result<Vec<_>, _>>()?).await? {
    ///     println!("{}", result?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If there are more than [`PUBLISH_MANY_MAX`] events, if their payloads together exceed
    /// [`PUBLISH_MANY_BYTES_MAX`], or if the store fails. Nothing is stored then, unless the
    /// store's error is `InDoubt`.
    pub async fn publish_many(
        &self,
        events: impl IntoIterator<Item = NewEvent> + Send,
    ) -> Result<Vec<Result<EventId, PublishError>>, PublishError> {
        let events: Vec<_> = events.into_iter().take(PUBLISH_MANY_MAX + 1).collect();
        if events.len() > PUBLISH_MANY_MAX {
            return Err(PublishError::TooMany);
        }
        let now = self.parts.clock.read().await?;
        let checked: Vec<_> = events.into_iter().map(|event| self.event_to_store(event, now)).collect();
        let sound: Vec<_> = checked.iter().flatten().map(Arc::clone).collect();
        if sound.iter().map(|event| event.payload.len()).sum::<usize>() > PUBLISH_MANY_BYTES_MAX {
            return Err(PublishError::TooMany);
        }
        let _nudge = self.nudge_at_the_end();
        let mut answers = if sound.is_empty() {
            Vec::new().into_iter()
        } else {
            self.parts.publisher.publish(&sound, None).await?.answers.into_iter()
        };
        Ok(checked.into_iter().map(|event| event.and_then(|_| result_of(answers.next()))).collect())
    }

    /// The event as it is stored, with a new id if it has none of its own.
    fn event_to_store(&self, event: NewEvent, now: Timestamp) -> Result<Arc<Event>, PublishError> {
        Ok(Arc::new(event.into_event(self.fresh_id(now)?, now, self.parts.settings.payload_max)?))
    }

    /// A new id, for an event or an endpoint that has none of its own.
    fn fresh_id(&self, now: Timestamp) -> Result<EventId, EntropyError> {
        let mut random = [0; 10];
        self.parts.entropy.fill(&mut random)?;
        Ok(EventId::from_parts(now, random))
    }

    /// Runs the engine until `shutdown` completes, whatever that returns. Then it claims
    /// nothing new, waits at most the shutdown grace for requests in flight, and settles what
    /// it has claimed. It needs a tokio runtime with time enabled; a current-thread runtime for
    /// each engine is the fastest.
    ///
    /// The future has a handle of its own, so that it can be spawned as it is. Dropping it
    /// stops the engine at once. Claimed deliveries become due again when their lease ends.
    ///
    /// ```no_run
    /// # use hookpost::Webhooks;
    /// # async fn start(webhooks: Webhooks) {
    /// let running = tokio::spawn(webhooks.run(tokio::signal::ctrl_c()));
    /// # drop(running);
    /// # }
    /// ```
    ///
    /// # Errors
    /// If an engine of this handle is already running, or if there is no tokio runtime with
    /// time enabled.
    pub fn run<S>(&self, shutdown: S) -> impl Future<Output = Result<(), RunError>> + Send + use<S>
    where
        S: Future + Send,
    {
        let parts = Arc::clone(&self.parts);
        async move { engine::run(parts, async { drop(shutdown.await) }).await }
    }

    /// Runs one round of the engine: reads the store's clock, claims, routes, sends, settles,
    /// removes at most 500 rows that are older than their retention, and returns when to call
    /// it again. It needs no runtime of its own.
    ///
    /// # Errors
    /// If the store fails. Claimed deliveries become due again when their lease ends.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        self.parts.tick().await
    }

    /// Tells this process's engine that there may be new work, after the host has committed
    /// its own transaction. Without this call the engine notices within its poll interval.
    pub fn nudge(&self) {
        self.parts.publisher.inbox.nudge();
    }

    /// Nudges when the returned value is dropped, so also if the caller drops the future of a
    /// call that has already changed the store.
    #[must_use]
    fn nudge_at_the_end(&self) -> NudgeAtTheEnd<'_> {
        NudgeAtTheEnd(self)
    }
}

/// What the store's answer means to the publisher.
fn result_of(answer: Option<PublishAnswer>) -> Result<EventId, PublishError> {
    let PublishAnswer { id, published } = answer.ok_or(PublishError::NoAnswer)?;
    match published {
        Published::Stored | Published::Existing { same_content: true } => Ok(id),
        Published::Existing { same_content: false } => Err(PublishError::KeyReused { id }),
        Published::Full { limit } => Err(PublishError::Full { limit }),
    }
}

struct NudgeAtTheEnd<'a>(&'a Webhooks);

impl Drop for NudgeAtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.nudge();
    }
}

impl std::fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhooks").field("settings", &self.parts.settings).finish_non_exhaustive()
    }
}

/// Why an event was not stored.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The event breaks a rule.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The event's id or idempotency key was already used for other content.
    #[error("id or idempotency key: was used for another content, by event {id}")]
    KeyReused {
        /// The id of the event that has it.
        id: EventId,
    },
    /// [`Webhooks::publish_many`] was given too much for one transaction. Nothing was stored.
    #[error(
        "events: must be at most {PUBLISH_MANY_MAX} in one call, with payloads of at most \
         {PUBLISH_MANY_BYTES_MAX} bytes together: publish the others in calls of their own"
    )]
    TooMany,
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
    /// The store returned fewer answers than it was given events.
    #[error("the store answered for fewer events than it was given")]
    NoAnswer,
}
