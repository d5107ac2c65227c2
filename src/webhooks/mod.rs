//! The façade: what your program, the host, holds. [`Webhooks`] registers endpoints,
//! publishes events, runs the engine that delivers them, and looks back at what was sent.
//!
//! [docs/clocks.md]: crate::policy::timeline
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
use crate::engine::shared::Shared;
use crate::error::StoreError;
use crate::event::{EventError, NewEvent};
use crate::id::EventId;

pub use crate::engine::{RunError, Tick};
pub use builder::{Builder, ConfigError, ConfigProblem};
pub use new_endpoint::NewEndpoint;
pub use register_error::RegisterError;
pub use test_ping::{TestError, TestReport};

/// A handle on a store, a transport and the profiles in use. It clones cheaply; all
/// clones share one desk and one engine.
///
/// Nothing runs until [`run`](Self::run) or [`tick`](Self::tick) is awaited.
/// Publishing works without either: another process on the same store delivers.
#[derive(Clone)]
pub struct Webhooks {
    shared: Arc<Shared>,
}

impl Webhooks {
    /// Stores an event. Once this returns its id, it will be delivered to every
    /// endpoint that wanted it then, or fail with a reason that the history tells.
    ///
    /// Publishing the same id or idempotency key again adds nothing and answers the
    /// first one's id. Dropping the future leaves the event stored or not stored.
    ///
    /// It does not wait for an engine of this process that a blocking part keeps from
    /// answering: after 5 s it stores the event itself, to be sent when the engine goes
    /// on or by another process. That needs a tokio runtime with time enabled.
    ///
    /// # Errors
    /// When the event breaks a rule, its key was used for another content, the store
    /// is full or fails. Nothing is left behind then, unless the store says `InDoubt`:
    /// publish again under the same id or idempotency key.
    pub async fn publish(&self, event: NewEvent) -> Result<EventId, PublishError> {
        let shared = &self.shared;
        let now = shared.read_clock().await?;
        let mut random = [0; 10];
        shared.entropy.fill(&mut random)?;
        let fresh = EventId::from_parts(now, random);
        let event = Arc::new(event.into_event(fresh, now, shared.settings.payload_max)?);
        let answer = shared.publish_one(&event).await?.ok_or(PublishError::NoAnswer)?;
        match answer.published {
            Published::Stored | Published::Existing { same_content: true } => Ok(answer.id),
            Published::Existing { same_content: false } => Err(PublishError::KeyReused { id: answer.id }),
            Published::Full { limit } => Err(PublishError::Full { limit }),
        }
    }

    /// Runs the engine until `shutdown` completes; then it takes nothing new, waits
    /// for what is in flight within the shutdown grace, and writes everything down.
    /// Needs a tokio runtime with time enabled; a current-thread one per engine is
    /// the fastest.
    ///
    /// Dropping the future stops at once; what was claimed becomes due again when
    /// its lease ends.
    ///
    /// # Errors
    /// When an engine of this handle runs already, or there is no tokio runtime with time
    /// enabled.
    pub async fn run(&self, shutdown: impl Future<Output = ()> + Send) -> Result<(), RunError> {
        engine::run(Arc::clone(&self.shared), shutdown).await
    }

    /// One round of the engine, awaited: reads the store's clock, claims, routes, sends,
    /// settles, removes at most 500 rows that retention no longer keeps, and says when to
    /// come back. Needs no runtime of its own.
    ///
    /// # Errors
    /// When the store fails. What was claimed becomes due again when its lease ends.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        self.shared.tick().await
    }

    /// Tells this process's engine that there may be new work, after a commit of the
    /// host's own. Without it the engine finds out within its poll interval.
    pub fn nudge(&self) {
        self.shared.desk.nudge();
    }

    /// Nudges when the value is dropped, so also where the caller drops the future of a call
    /// that has changed the store already.
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

/// An event was not stored.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// It breaks a rule.
    #[error(transparent)]
    Event(#[from] EventError),
    /// Its id or idempotency key stands for another content.
    #[error("id or idempotency key: was used for another content, by event {id}")]
    KeyReused {
        /// The event that has it.
        id: EventId,
    },
    /// The store holds as much as it may.
    #[error("the store is full: it takes at most {limit} deliveries")]
    Full {
        /// How much that is.
        limit: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no randomness for an id.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The store answered for fewer events than it was given.
    #[error("the store answered for fewer events than it was given")]
    NoAnswer,
}
