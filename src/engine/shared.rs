//! What the façade and its engine share.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};

use crate::backend::{Directory, Entropy, EntropyError, History, Limiter, Registry, Store, Transport};
use crate::decide::own_faults::OwnFaults;
use crate::decide::slots::Room;
use crate::delivery::ClaimRequest;
use crate::error::{StoreError, StoreErrorKind};
use crate::history::Class;
use crate::id::Token;
use crate::notice::Notice;
use crate::policy::egress::AddressPolicy;
use crate::policy::timeline::Shift;
use crate::time::Timestamp;

use super::endpoint_cache::EndpointCache;
use super::guard::Guard;
use super::inbox::Inbox;
use super::laggards::Laggards;
use super::news::{About, News, What};
use super::store_clock::{Asked, Moment, StoreClock};

/// How long one call of the store may take within a lease.
pub(crate) const STORE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one call of the directory may take.
pub(crate) const DIRECTORY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection may take within a lease.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// What a lease has over for the engine itself.
pub(crate) const MARGIN: Duration = Duration::from_secs(1);
/// A rate limit's grant is used within this.
pub(crate) const START_WITHIN: Duration = Duration::from_secs(1);
/// The store's clock is read this often.
pub(crate) const CLOCK_READ_EVERY: Duration = Duration::from_secs(10);

/// The parts and the settings.
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) registry: Arc<dyn Registry>,
    pub(crate) history: Arc<dyn History>,
    pub(crate) limiter: Arc<dyn Limiter>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) guard: Arc<Guard>,
    pub(crate) clock: StoreClock,
    /// The right to read the store's clock.
    pub(crate) reading: Mutex<()>,
    pub(crate) endpoint_cache: EndpointCache,
    pub(crate) laggards: Arc<Laggards>,
    /// What the observer was told of and what still holds.
    pub(crate) news: News,
    pub(crate) inbox: Inbox,
    /// What the rounds that the host asks for have shown so far.
    pub(crate) faults: std::sync::Mutex<OwnFaults>,
    pub(crate) settings: Settings,
}

/// What the builder settles.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Requests in flight at most.
    pub(crate) concurrency: usize,
    /// How long a claim may be settled.
    pub(crate) lease: Duration,
    /// How long an idle engine sleeps at most.
    pub(crate) poll: Duration,
    /// How long shutdown waits for requests in flight.
    pub(crate) shutdown_grace: Duration,
    /// How large a payload may be.
    pub(crate) payload_max: usize,
    /// How many endpoints one routing chunk reads.
    pub(crate) route_chunk: usize,
    /// How long settled deliveries are kept, by class.
    pub(crate) retention: Vec<(Class, Duration)>,
    /// Which addresses a URL may name.
    pub(crate) addresses: AddressPolicy,
}

impl Shared {
    /// The store's time, for which its clock is read if it was not read lately, or if this
    /// process's wall clock disagrees with it.
    pub(crate) async fn read_clock(&self) -> Result<Timestamp, StoreError> {
        self.in_time(CLOCK_READ_EVERY).await?;
        Ok(self.clock.now())
    }

    /// Makes sure that this process lives in the store's time, as read within that long.
    ///
    /// While this process's wall clock disagrees, the store's time may follow it at any
    /// reading. Then its clock is read now, and the answer holds the right to read it, until
    /// what is dated by it is written: no other reading of this process moves the time
    /// meanwhile. And the time moves only while the clocks of all processes disagree with it,
    /// so that none of them lives on in the old time.
    pub(crate) async fn in_time(&self, age: Duration) -> Result<Option<MutexGuard<'_, ()>>, StoreError> {
        if self.clock.now_if_sure(age).is_some() {
            return Ok(None);
        }
        let turn = self.reading.lock().await;
        // Whoever had the turn before may have read it.
        if self.clock.now_if_sure(age).is_some() {
            return Ok(None);
        }
        let asked = Asked::now(&self.clock);
        let reading = self.store.now().await?;
        let unconfirmed = if self.clock.was_read() { None } else { self.store.unconfirmed().await? };
        if let Some(by) = self.clock.take(reading, &asked, unconfirmed, self.settings.lease) {
            self.notice(&Notice::ClockJumped { by });
        }
        Ok(self.clock.now_if_sure(age).is_none().then_some(turn))
    }

    /// A claim for that much room, at the store's time now.
    pub(crate) fn claim_request(
        &self,
        room: Room,
        events: usize,
        alone: bool,
    ) -> Result<ClaimRequest, EntropyError> {
        let mut token = [0; 16];
        self.entropy.fill(&mut token)?;
        let now = self.clock.now();
        Ok(ClaimRequest {
            token: Token::from_bytes(token),
            now,
            lease_until: now + self.settings.lease,
            deliveries: room.deliveries,
            doubtful: room.doubtful,
            events,
            shares: room.shares,
            alone,
        })
    }

    /// The same claim, made now.
    pub(crate) fn dated_now(&self, request: &ClaimRequest) -> (ClaimRequest, Shift) {
        let Moment { now, moved } = self.clock.moment();
        (ClaimRequest { now, lease_until: now + self.settings.lease, ..request.clone() }, moved)
    }

    /// Tells the observer that the store fails at what it is called for, unless it knows.
    pub(crate) fn tell_store_failed(&self, kind: StoreErrorKind, during: &'static str) {
        if self.news.is_new(About::Store(during), What::Failed(kind)) {
            self.notice(&Notice::StoreFailed { kind, during });
        }
    }

    /// Tells the observer.
    pub(crate) fn notice(&self, notice: &Notice<'_>) {
        self.guard.notice(notice);
    }
}
