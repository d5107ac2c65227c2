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
use crate::delivery::Published;
use crate::engine;
use crate::engine::Parts;
use crate::error::StoreError;
use crate::event::{EventError, NewEvent};
use crate::id::EventId;

pub use crate::engine::{RunError, Tick};
pub use builder::{Builder, ConfigError, ConfigProblem};
pub use new_endpoint::NewEndpoint;
pub use register_error::RegisterError;
pub use test_ping::{TestError, TestReport};

/// A handle on a store, a transport and the profiles in use. It is cheap to clone; all clones
/// share one engine.
///
/// Nothing runs until you await [`run`](Self::run) or [`tick`](Self::tick). Publishing works
/// without either: another process on the same store then delivers.
#[derive(Clone)]
pub struct Webhooks {
    shared: Arc<Parts>,
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
        let shared = &self.shared;
        let now = shared.clock.read().await?;
        let mut random = [0; 10];
        shared.entropy.fill(&mut random)?;
        let fresh = EventId::from_parts(now, random);
        let event = Arc::new(event.into_event(fresh, now, shared.settings.payload_max)?);
        let answer = shared.publisher.publish_one(&event).await?.ok_or(PublishError::NoAnswer)?;
        match answer.published {
            Published::Stored | Published::Existing { same_content: true } => Ok(answer.id),
            Published::Existing { same_content: false } => Err(PublishError::KeyReused { id: answer.id }),
            Published::Full { limit } => Err(PublishError::Full { limit }),
        }
    }

    /// Runs the engine until `shutdown` completes. Then it claims nothing new, waits at most
    /// the shutdown grace for requests in flight, and settles what it has claimed. It needs a
    /// tokio runtime with time enabled; a current-thread runtime for each engine is the
    /// fastest.
    ///
    /// Dropping the future stops at once. Claimed deliveries become due again when their lease
    /// ends.
    ///
    /// # Errors
    /// If an engine of this handle is already running, or if there is no tokio runtime with
    /// time enabled.
    pub async fn run(&self, shutdown: impl Future<Output = ()> + Send) -> Result<(), RunError> {
        engine::run(Arc::clone(&self.shared), shutdown).await
    }

    /// Runs one round of the engine: reads the store's clock, claims, routes, sends, settles,
    /// removes at most 500 rows that are older than their retention, and returns when to call
    /// it again. It needs no runtime of its own.
    ///
    /// # Errors
    /// If the store fails. Claimed deliveries become due again when their lease ends.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        self.shared.tick().await
    }

    /// Tells this process's engine that there may be new work, after the host has committed
    /// its own transaction. Without this call the engine notices within its poll interval.
    pub fn nudge(&self) {
        self.shared.publisher.inbox.nudge();
    }

    /// Nudges when the returned value is dropped, so also if the caller drops the future of a
    /// call that has already changed the store.
    #[must_use]
    fn nudge_at_the_end(&self) -> NudgeAtTheEnd<'_> {
        NudgeAtTheEnd(self)
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
        f.debug_struct("Webhooks").field("settings", &self.shared.settings).finish_non_exhaustive()
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
