//! Calls the parts that a host can replace. A panic fails only the call in which it happens, and
//! the observer is told of calls that block their thread for long. The observer is such a part
//! too; a condition that lasts is reported to it once. A call can have a time limit.

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

/// A call that blocks its thread for longer than this is reported to the observer.
pub(crate) const SLOW: Duration = Duration::from_millis(250);
/// The most conditions that are remembered. Others may be reported to the observer again.
const REMEMBERED: usize = 20_000;

/// Calls the host's parts, and notifies the host's observer.
pub(crate) struct Guard {
    observer: Arc<dyn Observer>,
    /// How many calls of the observer have not returned yet.
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

    /// Sends a notice to the observer.
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

    /// Tells the observer that a call of the store fails, unless it was told so already.
    pub(crate) fn store_failed(&self, kind: StoreErrorKind, during: StoreCall) {
        if self.news.is_new(About::Store(during), What::Failed(kind)) {
            self.notice(&Notice::StoreFailed { kind, during });
        }
    }

    /// Tells the observer that an event was stored.
    pub(crate) fn published(&self, event: &Event) {
        let Event { tenant, kind, id, .. } = event;
        self.notice(&Notice::Published { tenant, kind, event: id });
    }

    /// Sends a notice unless the observer is being called: that call may never return.
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
    /// `None` once the future has ended, and if the call itself panicked.
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
    /// Drops the part's future, whose drop may panic too.
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

/// Returns what a call returns; `None` if it panics.
pub(crate) fn caught<T>(call: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(done) => Some(done),
        Err(panic) => {
            // The drop of the payload may panic too, so it is leaked.
            std::mem::forget(panic);
            None
        }
    }
}

/// Returns what `work` returns within the limit. After the limit `work` is dropped and the result
/// is `None`: see [`passed`] for where that never happens.
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(work), pin!(passed(limit))).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(((), _)) => None,
    }
}

/// Ends after that time. Outside of tokio, and in a runtime without a timer, it never ends.
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

/// Tokio has no way to ask whether a runtime has a timer; it panics if there is none.
fn timer(time: Duration) -> Option<Sleep> {
    Handle::try_current().ok().and_then(|_| caught(|| sleep(time)))
}

/// The conditions that hold now, as the observer was told.
#[derive(Debug, Default)]
pub(crate) struct News(Mutex<BTreeMap<About, What>>);

/// The subject of a notice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum About {
    /// An endpoint that nothing can be sent to.
    Endpoint(EndpointId),
    /// A tenant whose endpoints cannot be read.
    Tenant(TenantId),
    /// A call of the store that fails.
    Store(StoreCall),
}

/// A condition that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// Why nothing can be sent, and the generation of the endpoint that this is about.
    Held(Cow<'static, str>, Option<Generation>),
    /// The kind of failure.
    Failed(StoreErrorKind),
}

impl News {
    /// Notes a condition. Returns whether the observer was not told of it yet.
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

    /// Notes that a condition has ended, so that the next one is new. Returns whether it held.
    pub(crate) fn is_over(&self, about: impl FnOnce() -> About) -> bool {
        let mut told = self.told();
        // Checked first because this runs for every request, and mostly there is no condition.
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
