//! What the façade and its engine share.

use std::sync::Arc;
use std::time::Duration;

use crate::delivery::{ClaimRequest, GateChange};
use crate::error::StoreError;
use crate::id::Token;
use crate::policy::egress::AddressPolicy;
use crate::seam::{
    Class, Directory, Entropy, EntropyError, History, Limiter, Notice, Registry, Store, Transport,
};

use super::desk::Desk;
use super::guard::Guard;
use super::slots::Room;
use super::standings::Standings;
use super::store_clock::{Jump, StoreClock};

/// How long one call of the store may take within a lease.
pub(crate) const STORE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection may take within a lease.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// What a lease has over for the engine itself.
pub(crate) const MARGIN: Duration = Duration::from_secs(1);
/// A rate limit's grant is used within this.
pub(crate) const START_WITHIN: Duration = Duration::from_secs(1);
/// So long after a jump of the store's clock nothing expires: long enough for whoever set it
/// wrong to set it right.
const DISTRUST: Duration = Duration::from_secs(600);
/// So many held tenants and hosts are read at once.
const GATES_PER_PAGE: usize = 100;
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
    pub(crate) standings: Standings,
    pub(crate) desk: Desk,
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
    /// Reads the store's clock if it was not read lately, and answers its time.
    pub(crate) async fn read_clock(&self) -> Result<crate::time::Timestamp, StoreError> {
        if let Some(now) = self.clock.now_if_read_within(CLOCK_READ_EVERY) {
            return Ok(now);
        }
        let reading = self.store.now().await?;
        if let Some(jump) = self.clock.take(reading, self.settings.lease.max(DISTRUST)) {
            self.notice(&Notice::ClockJumped { by: jump.by });
            if jump.back
                && let Err(error) = self.lift_holds_of_the_future(jump).await
            {
                // Whoever asked for the time has it all the same.
                self.notice(&Notice::StoreFailed { kind: error.kind(), during: "lifting holds" });
            }
        }
        Ok(self.clock.now())
    }

    /// Lifts the holds of tenants and hosts that were made while the clock was ahead. How long
    /// it was ahead is not known: a hold that ends later than half of the jump from now counts
    /// as one of them. If it is not, its end is asked for again: by the limit, or by one answer.
    async fn lift_holds_of_the_future(&self, jump: Jump) -> Result<(), StoreError> {
        let (now, mut after) = (self.clock.now(), None);
        loop {
            let page = self.history.gates(now, after.as_ref(), GATES_PER_PAGE).await?;
            let last = page.last().map(|closed| closed.gate.clone());
            // A host's own history that gives the same page again has no other one.
            if last <= after {
                return Ok(());
            }
            after = last;
            let ahead = page.into_iter().filter(|gate| gate.held_until > Some(now + jump.by / 2));
            let lifted: Vec<_> = ahead.map(|closed| (closed.gate, GateChange::Lift)).collect();
            if !lifted.is_empty() {
                self.store.gate(&lifted, now).await?;
            }
        }
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

    /// Tells the observer.
    pub(crate) fn notice(&self, notice: &Notice<'_>) {
        self.guard.notice(notice);
    }
}
