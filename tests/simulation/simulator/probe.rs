//! Records what happened in the store, whatever answer its caller gets.

use std::sync::Arc;

use async_trait::async_trait;

use hookpost::delivery::{Claimed, Claims, Publish, PublishAnswer, Published, Settled, Settlement};
use hookpost::error::StoreError;
use hookpost::policy::timeline::Shift;
use hookpost::stores::memory::MemoryStore;
use hookpost::testing::store::{Call, Effect, Interpose};
use hookpost::time::Timestamp;

use super::machine::BASE;
use super::trace::{Trace, What};

/// The layer directly in front of the store.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) machine: String,
    pub(super) trace: Arc<Trace>,
    pub(super) store: Arc<MemoryStore>,
}

#[async_trait]
impl Interpose for Probe {
    async fn before(&self, _: Call<'_>) -> Result<(), StoreError> {
        Ok(())
    }

    async fn after(&self, call: Call<'_>, effect: Effect<'_>) -> Result<(), StoreError> {
        match (call, effect) {
            (Call::Publish(publishes, claim), Effect::Published(answers, claims)) => {
                self.stored(publishes, answers);
                self.leased(claims, claim.map_or(Timestamp::MAX, |request| request.now));
            }
            (Call::Claim(request), Effect::Claimed(claims)) => self.leased(claims, request.now),
            (Call::Settle(settlements, _), Effect::Settled(answers)) => self.settled(settlements, answers),
            _ => {}
        }
        Ok(())
    }
}

impl Probe {
    fn stored(&self, publishes: &[Publish], answers: &[PublishAnswer]) {
        for (publish, answer) in publishes.iter().zip(answers) {
            if answer.published == Published::Stored {
                let event = &publish.event;
                self.note(What::Stored {
                    tenant: event.tenant.clone(),
                    event: event.id.clone(),
                    order: event.ordering_key.clone(),
                });
            }
        }
    }

    fn leased(&self, claims: &Claims, now: Timestamp) {
        // Judges compare leases in one time, however the store's moves.
        let right = Shift::between(self.store.zero().unwrap_or(BASE), BASE);
        for claim in &claims.work {
            self.note(What::Leased {
                delivery: claim.delivery,
                event: claim.event.id.clone(),
                endpoint: claim.endpoint.clone(),
                token: claim.token,
                now: right.carry(now),
                until: right.carry(claim.lease_until),
            });
        }
    }

    fn settled(&self, settlements: &[Settlement], answers: &[Settled]) {
        for (settlement, answer) in settlements.iter().zip(answers) {
            let Claimed::Delivery(delivery) = settlement.of else { continue };
            let ends = settlement.next.end().map(|end| end.state);
            self.note(What::Settled {
                delivery,
                token: settlement.token,
                ends,
                success: settlement.attempt.as_ref().is_some_and(|attempt| attempt.success),
                answer: *answer,
            });
        }
    }

    fn note(&self, what: What) {
        self.trace.note(&self.machine, what);
    }
}
