//! The host's parts behind the guard: each answers its callers with an error, or with
//! what stands for one, where the host's own panicked.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use crate::backend::{Clock, Entropy, EntropyError};
use crate::error::{StoreError, StoreErrorKind};
use crate::notice::Part;
use crate::policy::outcome::{BodyNeed, Classify, Hold, Response, Verdict};
use crate::policy::timeline::Uptime;
use crate::profile::Profile;
use crate::time::Timestamp;

use super::deadline::within;
use super::guard::Guard;

mod backend;

/// A part behind the guard.
pub(crate) struct Guarded<P: ?Sized> {
    inner: Arc<P>,
    guard: Arc<Guard>,
    /// How long a call may take.
    limit: Option<Duration>,
}

impl<P: ?Sized> Guarded<P> {
    pub(crate) const fn new(inner: Arc<P>, guard: Arc<Guard>) -> Self {
        Self { inner, guard, limit: None }
    }

    /// The part, whose calls are given up where they take longer than this.
    pub(crate) fn within(self, limit: Duration) -> Self {
        Self { limit: Some(limit), ..self }
    }

    /// A panic, or the end of the time that it may take, may come before or after the call had
    /// its effect.
    async fn ask<'a, T>(
        &'a self,
        part: Part,
        call: impl FnOnce() -> BoxFuture<'a, Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let answer = self.guard.wait(part, call);
        let answer = match self.limit {
            Some(limit) => within(limit, answer).await,
            None => Some(answer.await),
        };
        match answer {
            Some(Ok(answer)) => answer,
            Some(Err(panicked)) => {
                let what = format!("{part}: the call may or may not have had its effect");
                Err(StoreError::new(StoreErrorKind::InDoubt, what).with_source(panicked))
            }
            None => {
                let what = format!("{part}: gave no answer in time");
                Err(StoreError::new(StoreErrorKind::InDoubt, what))
            }
        }
    }
}

/// A clock that goes on from where it stood when it was built while the host's panics.
pub(crate) struct GuardedClock {
    inner: Arc<dyn Clock>,
    guard: Arc<Guard>,
    now: Timestamp,
    elapsed: Duration,
    built: Instant,
}

impl GuardedClock {
    pub(crate) fn new(inner: Arc<dyn Clock>, guard: Arc<Guard>) -> Self {
        let now = guard.call(Part::Clock, || inner.now()).unwrap_or(Timestamp::EPOCH);
        let elapsed = guard.call(Part::Clock, || inner.elapsed()).unwrap_or_default();
        Self { inner, guard, now, elapsed, built: Instant::now() }
    }
}

impl Clock for GuardedClock {
    fn now(&self) -> Timestamp {
        let now = self.guard.call_untimed(Part::Clock, || self.inner.now());
        now.unwrap_or_else(|_| self.now + self.built.elapsed())
    }

    fn elapsed(&self) -> Duration {
        let elapsed = self.guard.call_untimed(Part::Clock, || self.inner.elapsed());
        elapsed.unwrap_or_else(|_| self.elapsed + self.built.elapsed())
    }

    fn uptime(&self) -> Option<Uptime> {
        self.guard.call_untimed(Part::Clock, || self.inner.uptime()).ok().flatten()
    }
}

impl Entropy for Guarded<dyn Entropy> {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        self.guard.call(Part::Entropy, || self.inner.fill(buffer)).unwrap_or(Err(EntropyError))
    }
}

/// A classifier whose panics count as a failed attempt.
struct GuardedClassifier {
    inner: Arc<dyn Classify>,
    guard: Arc<Guard>,
}

/// The profile with its classifier behind the guard.
pub(crate) fn guarded_profile(profile: Profile, guard: &Arc<Guard>) -> Profile {
    let classifier = GuardedClassifier { inner: profile.classifier, guard: Arc::clone(guard) };
    Profile { classifier: Arc::new(classifier), ..profile }
}

impl fmt::Debug for GuardedClassifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl Classify for GuardedClassifier {
    fn classify(&self, response: &Response, now: Timestamp) -> Verdict {
        let verdict = self.guard.call(Part::Classifier, || self.inner.classify(response, now));
        verdict.unwrap_or(Verdict::Retry { after: None })
    }

    fn body_need(&self) -> BodyNeed {
        self.guard.call(Part::Classifier, || self.inner.body_need()).unwrap_or(BodyNeed::None)
    }

    fn hold(&self, response: &Response, now: Timestamp) -> Option<Hold> {
        self.guard.call(Part::Classifier, || self.inner.hold(response, now)).ok().flatten()
    }
}
