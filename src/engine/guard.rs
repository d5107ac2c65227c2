//! Calls of the parts that a host can bring. A panic costs the one call in which it happens, and
//! the observer is told of a call that kept its thread for long. The observer is such a part: it
//! is told once of what goes on to hold. A call can be given a limited time.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, Either, select};
use tokio::runtime::Handle;
use tokio::time::{Sleep, sleep};

use crate::backend::Observer;
use crate::error::StoreErrorKind;
use crate::event::Event;
use crate::id::{EndpointId, Generation, TenantId};
use crate::notice::{Notice, Panicked, Part, StoreCall};

/// A call that keeps its thread for longer than this is told to the observer.
pub(crate) const SLOW: Duration = Duration::from_millis(250);
/// More than this is not remembered: the observer may hear of it again.
const REMEMBERED: usize = 20_000;

/// Calls the host's parts, and tells its observer.
pub(crate) struct Guard {
    observer: Arc<dyn Observer>,
    /// How many calls of the observer have not returned.
    observing: AtomicUsize,
    pub(crate) news: News,
}

impl Guard {
    pub(crate) fn new(observer: Arc<dyn Observer>) -> Self {
        Self { observer, observing: AtomicUsize::new(0), news: News::default() }
    }

    /// Calls a part.
    pub(crate) fn call<T>(&self, part: Part, call: impl FnOnce() -> T) -> Result<T, Panicked> {
        let began = Instant::now();
        let done = self.call_untimed(part, call);
        let took = began.elapsed();
        if took >= SLOW {
            self.notice(&Notice::Slow { part, took });
        }
        done
    }

    /// Calls a part that is called too often to be timed.
    pub(crate) fn call_untimed<T>(&self, part: Part, call: impl FnOnce() -> T) -> Result<T, Panicked> {
        caught(call).ok_or_else(|| {
            self.notice(&Notice::Panicked { part });
            Panicked { part }
        })
    }

    /// Calls a part whose answer is awaited.
    pub(crate) fn wait<'a, T>(&'a self, part: Part, call: impl FnOnce() -> BoxFuture<'a, T>) -> Wait<'a, T> {
        Wait { guard: self, part, answer: self.call(part, call).ok() }
    }

    /// Tells the observer.
    pub(crate) fn notice(&self, notice: &Notice<'_>) {
        let began = Instant::now();
        self.observing.fetch_add(1, Ordering::Relaxed);
        caught(|| self.observer.notice(notice));
        let took = began.elapsed();
        if took >= SLOW {
            caught(|| self.observer.notice(&Notice::Slow { part: Part::Observer, took }));
        }
        self.observing.fetch_sub(1, Ordering::Relaxed);
    }

    /// Tells the observer that the store fails at what it is called for, unless it knows.
    pub(crate) fn store_failed(&self, kind: StoreErrorKind, during: StoreCall) {
        if self.news.is_new(About::Store(during), What::Failed(kind)) {
            self.notice(&Notice::StoreFailed { kind, during });
        }
    }

    /// Tells the observer of an event that was stored.
    pub(crate) fn published(&self, event: &Event) {
        let Event { tenant, kind, id, .. } = event;
        self.notice(&Notice::Published { tenant, kind, event: id });
    }

    /// Tells the observer unless a call of it is under way, which may never return.
    pub(crate) fn notice_if_free(&self, notice: &Notice<'_>) {
        if self.observing.load(Ordering::Relaxed) == 0 {
            self.notice(notice);
        }
    }
}

/// The awaited answer of a part.
#[must_use]
pub(crate) struct Wait<'a, T> {
    guard: &'a Guard,
    part: Part,
    /// `None` once it has ended, and where the call itself panicked.
    answer: Option<BoxFuture<'a, T>>,
}

impl<T> Future for Wait<'_, T> {
    type Output = Result<T, Panicked>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (guard, part) = (self.guard, self.part);
        let Some(answer) = &mut self.answer else { return Poll::Ready(Err(Panicked { part })) };
        match guard.call(part, || answer.as_mut().poll(cx)) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(answer)) => {
                self.let_go();
                Poll::Ready(Ok(answer))
            }
            Err(panicked) => {
                self.let_go();
                Poll::Ready(Err(panicked))
            }
        }
    }
}

impl<T> Wait<'_, T> {
    /// Drops the part's future, which may panic too.
    fn let_go(&mut self) {
        if let Some(answer) = self.answer.take() {
            self.guard.call(self.part, || drop(answer)).ok();
        }
    }
}

impl<T> Drop for Wait<'_, T> {
    fn drop(&mut self) {
        self.let_go();
    }
}

/// What a call gives, unless it panics.
pub(crate) fn caught<T>(call: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(done) => Some(done),
        Err(panic) => {
            // The payload's own drop may panic too: leaking it is the lesser evil.
            std::mem::forget(panic);
            None
        }
    }
}

/// What `work` gives within that time. Where it takes longer it is dropped, and the answer is
/// `None`: see [`passed`] for where that never happens.
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(work), pin!(passed(limit))).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(((), _)) => None,
    }
}

/// Ends once that time has passed. It never ends outside of tokio, and where a runtime has no
/// timer.
pub(crate) async fn passed(time: Duration) {
    match timer(time) {
        Some(sleeping) => sleeping.await,
        None => pending().await,
    }
}

/// Whether this is a tokio runtime with a timer.
pub(super) fn has_timer() -> bool {
    timer(Duration::ZERO).is_some()
}

/// Tokio tells nobody whether a runtime has a timer; it panics where there is none.
fn timer(time: Duration) -> Option<Sleep> {
    Handle::try_current().ok().and_then(|_| caught(|| sleep(time)))
}

/// What holds now, as the observer was told.
#[derive(Debug, Default)]
pub(crate) struct News(Mutex<BTreeMap<About, What>>);

/// What a notice is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum About {
    /// An endpoint that nothing can be sent to.
    Endpoint(EndpointId),
    /// A tenant whose endpoints cannot be read.
    Tenant(TenantId),
    /// What the store is called for and fails at.
    Store(StoreCall),
}

/// What holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// Why nothing can be sent, to which generation of the endpoint.
    Held(Cow<'static, str>, Option<Generation>),
    /// What the failure means.
    Failed(StoreErrorKind),
}

impl News {
    /// Whether the observer was not told that this holds.
    pub(crate) fn is_new(&self, about: About, what: What) -> bool {
        let mut told = self.told();
        if told.get(&about) == Some(&what) {
            return false;
        }
        if told.len() >= REMEMBERED {
            told.clear();
        }
        told.insert(about, what);
        true
    }

    /// It holds no longer: when it does again, that is news. Says whether it held.
    pub(crate) fn is_over(&self, about: impl FnOnce() -> About) -> bool {
        let mut told = self.told();
        // Mostly nothing holds, and this is asked of every request.
        !told.is_empty() && told.remove(&about()).is_some()
    }

    /// Whether the observer was told that an endpoint is held, and why.
    pub(crate) fn was_told_why(&self, endpoint: &EndpointId, why: &str) -> bool {
        let told = self.told();
        matches!(told.get(&About::Endpoint(endpoint.clone())), Some(What::Held(held, _)) if held == why)
    }

    fn told(&self) -> MutexGuard<'_, BTreeMap<About, What>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_news_once_and_again_when_it_changed_or_was_over() {
        let news = News::default();
        let about = || About::Store(StoreCall::Claim);
        let fails = |kind| news.is_new(about(), What::Failed(kind));
        assert!(fails(StoreErrorKind::Unavailable));
        assert!(!fails(StoreErrorKind::Unavailable));
        assert!(fails(StoreErrorKind::Full));
        assert!(news.is_new(About::Store(StoreCall::Settle), What::Failed(StoreErrorKind::Full)));
        assert!(!fails(StoreErrorKind::Full));
        assert!(news.is_over(about) && !news.is_over(about));
        assert!(fails(StoreErrorKind::Full));
        let held = |generation| {
            news.is_new(About::Endpoint("e".parse().unwrap()), What::Held("why".into(), generation))
        };
        assert!(held(None) && !held(None));
        assert!(held(Some(Generation::UNKNOWN)) && news.was_told_why(&"e".parse().unwrap(), "why"));
    }

    #[test]
    fn a_bounded_number_of_things_is_remembered() {
        let news = News::default();
        for number in 0..=REMEMBERED {
            let endpoint = About::Endpoint(format!("e{number}").parse().unwrap());
            assert!(news.is_new(endpoint, What::Held("why".into(), None)));
        }
        assert!(news.told().len() <= REMEMBERED);
    }
}
