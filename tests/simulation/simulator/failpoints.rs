//! Named points in the life of an event at which a process can crash or freeze.
//!
//! They are in front of the store and the transport of one process. A process that has crashed
//! gets no further than its next call: it receives no answer and changes nothing.

use std::future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use hookpost::backend::Transport;
use hookpost::error::StoreError;
use hookpost::policy::outcome::Outcome;
use hookpost::profile::Request;
use hookpost::testing::store::{Call, Effect, Interpose};

use super::signal::Signal;

/// A point at which a process can crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Point {
    /// An event is about to be stored.
    BeforePublish,
    /// The event is stored, but the publisher does not know yet.
    AfterPublish,
    /// Events and deliveries are about to be claimed.
    BeforeClaim,
    /// They are claimed, but the process does not know yet.
    AfterClaim,
    /// A request is about to be sent.
    BeforeSend,
    /// The request was answered, but the process does not know yet.
    AfterSend,
    /// The results of claims are about to be written.
    BeforeSettle,
    /// The results are written, but the process does not know yet.
    AfterSettle,
}

impl Point {
    /// All points.
    pub(crate) const ALL: [Self; 8] = [
        Self::BeforePublish,
        Self::AfterPublish,
        Self::BeforeClaim,
        Self::AfterClaim,
        Self::BeforeSend,
        Self::AfterSend,
        Self::BeforeSettle,
        Self::AfterSettle,
    ];

    const fn before(call: &Call<'_>) -> Option<Self> {
        match call {
            Call::Publish(..) => Some(Self::BeforePublish),
            Call::Claim(_) => Some(Self::BeforeClaim),
            Call::Settle(..) => Some(Self::BeforeSettle),
            _ => None,
        }
    }

    const fn after(call: &Call<'_>) -> Option<Self> {
        match call {
            Call::Publish(..) => Some(Self::AfterPublish),
            Call::Claim(_) => Some(Self::AfterClaim),
            Call::Settle(..) => Some(Self::AfterSettle),
            _ => None,
        }
    }
}

/// The failpoints of one process, from its start to its crash.
#[derive(Debug)]
pub(crate) struct Failpoints {
    armed: Mutex<Option<Point>>,
    frozen_until: Mutex<Option<Instant>>,
    crashed: Signal,
}

impl Failpoints {
    /// Failpoints of a running process, with no fault set.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self { armed: Mutex::new(None), frozen_until: Mutex::new(None), crashed: Signal::default() }
    }

    /// Crashes when the process next reaches that point.
    pub(crate) fn crash_at(&self, point: Point) {
        *held(&self.armed) = Some(point);
    }

    /// Prevents calls to the store and answers to the process for that long.
    pub(crate) fn freeze(&self, span: Duration) {
        *held(&self.frozen_until) = Some(Instant::now() + span);
    }

    /// Removes crashes that have not happened yet, and ends a freeze.
    pub(crate) fn heal(&self) {
        *held(&self.armed) = None;
        *held(&self.frozen_until) = None;
    }

    /// Waits until the process has crashed.
    pub(crate) async fn crashed(&self) {
        self.crashed.wait().await;
    }

    /// Comes by a point, if it gets past it at all.
    async fn pass(&self, point: Option<Point>) {
        let met = point.is_some() && *held(&self.armed) == point;
        if met {
            *held(&self.armed) = None;
            self.crashed.raise();
        }
        // A request that stood still between the last check and its first byte would be
        // late through nobody's fault: a process freezes in its calls and answers.
        let thaw = held(&self.frozen_until).filter(|_| point != Some(Point::BeforeSend));
        if let Some(thaw) = thaw {
            tokio::time::sleep_until(thaw).await;
        }
        if self.crashed.is_raised() {
            future::pending::<()>().await;
        }
    }
}

impl Default for Failpoints {
    fn default() -> Self {
        Self::new()
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Interpose for Failpoints {
    async fn before(&self, call: Call<'_>) -> Result<(), StoreError> {
        self.pass(Point::before(&call)).await;
        Ok(())
    }

    async fn after(&self, call: Call<'_>, _: Effect<'_>) -> Result<(), StoreError> {
        self.pass(Point::after(&call)).await;
        Ok(())
    }
}

/// A transport with failpoints before and after each call.
#[derive(Debug)]
pub(crate) struct FailingTransport<T: ?Sized> {
    failpoints: Arc<Failpoints>,
    inner: Arc<T>,
}

impl<T: Transport + ?Sized> FailingTransport<T> {
    /// Adds the failpoints to `inner`.
    #[must_use]
    pub(crate) const fn new(inner: Arc<T>, failpoints: Arc<Failpoints>) -> Self {
        Self { failpoints, inner }
    }
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for FailingTransport<T> {
    async fn send(&self, request: Request) -> (Outcome, Duration) {
        self.failpoints.pass(Some(Point::BeforeSend)).await;
        let answer = self.inner.send(request).await;
        self.failpoints.pass(Some(Point::AfterSend)).await;
        answer
    }
}
