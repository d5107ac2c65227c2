//! Every call into a part that a host can bring goes through here: a panic costs that one
//! call, and a call that kept its thread for long is told to the observer.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use crate::backend::Observer;
use crate::notice::{Notice, Panicked, Part};

/// A call that keeps its thread for longer than this is told to the observer.
pub(crate) const SLOW: Duration = Duration::from_millis(250);

/// Calls the host's parts, and tells its observer.
pub(crate) struct Guard {
    observer: Arc<dyn Observer>,
    /// How many calls of the observer have not returned.
    observing: AtomicUsize,
}

impl Guard {
    pub(crate) fn new(observer: Arc<dyn Observer>) -> Self {
        Self { observer, observing: AtomicUsize::new(0) }
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
