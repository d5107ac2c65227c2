//! Observes, from outside, whether every engine sleeps while there is something to claim.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, sleep};

use hookpost::backend::Clock;
use hookpost::delivery::{ClaimRequest, Claimed, Settled};
use hookpost::error::StoreError;
use hookpost::id::Token;
use hookpost::testing::store::{Call, Effect, Interpose};

use super::machine::Ground;
use super::trace::What;

/// How often the store is checked.
const STEP: Duration = Duration::from_millis(20);

/// What every machine does with the store.
#[derive(Debug)]
pub(super) struct Watch {
    machines: Vec<Arc<Doing>>,
}

/// What one machine does with the store.
#[derive(Debug, Default)]
pub(super) struct Doing {
    now: Mutex<Now>,
}

#[derive(Debug, Default)]
struct Now {
    /// The calls that were made and not answered yet.
    calls: usize,
    /// The leases of deliveries that were not settled. An engine holds no more than its slots.
    leases: BTreeMap<Claimed, Token>,
}

impl Watch {
    pub(super) fn over(machines: usize) -> Self {
        Self { machines: (0..machines).map(|_| Arc::default()).collect() }
    }

    pub(super) fn of(&self, machine: usize) -> Arc<Doing> {
        Arc::clone(&self.machines[machine])
    }

    /// The most that any machine holds; `None` while one waits for the store, or has no slot
    /// left: such an engine asks for nothing, not even for events to route.
    fn most_held(&self, slots: usize) -> Option<usize> {
        let mut most = 0;
        for machine in &self.machines {
            let now = machine.now();
            if now.calls > 0 {
                return None;
            }
            most = most.max(now.leases.len());
        }
        (most < slots).then_some(most)
    }
}

impl Doing {
    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Interpose for Doing {
    async fn before(&self, _: Call<'_>) -> Result<(), StoreError> {
        self.now().calls += 1;
        Ok(())
    }

    async fn after(&self, call: Call<'_>, effect: Effect<'_>) -> Result<(), StoreError> {
        let mut now = self.now();
        now.calls = now.calls.saturating_sub(1);
        match (call, effect) {
            (_, Effect::Published(_, claims) | Effect::Claimed(claims)) => {
                let leased = claims.work.iter().map(|claim| (Claimed::Delivery(claim.delivery), claim.token));
                now.leases.extend(leased);
            }
            (Call::Settle(settlements, _), Effect::Settled(answers)) => {
                for (settlement, _) in
                    settlements.iter().zip(answers).filter(|(_, it)| **it == Settled::Applied)
                {
                    now.leases.remove(&settlement.of);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Records how long something could be claimed while every engine had room and waited for no
/// answer of the store.
pub(super) async fn watch(ground: Arc<Ground>) {
    let mut since: Option<Instant> = None;
    loop {
        sleep(STEP).await;
        let held = ground.watch.most_held(ground.world.concurrency);
        if held.is_some_and(|held| ground.store.could_claim(&request(&ground, held))) {
            since.get_or_insert_with(Instant::now);
        } else if let Some(since) = since.take().filter(|since| since.elapsed() > STEP * 2) {
            ground.trace.note("world", What::Overlooked(since.elapsed()));
        }
    }
}

/// A claim that an engine with this many deliveries may make, whichever tenant they belong to.
/// It requests nothing if one tenant that held all of them would have used up its share, and
/// no suspect, which may wait while an engine has other work.
fn request(ground: &Ground, held: usize) -> ClaimRequest {
    let (total, now) = (ground.world.concurrency, ground.clock.now());
    let within = |part: usize, multiple: usize| {
        let left = part.saturating_sub(held);
        if held == 0 || held < left.saturating_sub(1) * multiple { left } else { 0 }
    };
    ClaimRequest {
        token: Token::from_bytes([0; 16]),
        now,
        lease_until: now + ground.world.lease,
        deliveries: within(total, 3),
        events: 1,
        doubtful: within((total / 2).max(1), 1),
        shares: hookpost::delivery::Shares::unlimited(),
        alone: false,
    }
}
