//! One request on its way, and what follows from it.

use std::sync::Arc;
use std::time::Duration;

use crate::decide::conclude::{Conclusion, Fault, Sent, conclude};
use crate::delivery::{Gate, GateChange, Next};
use crate::notice::{Notice, Part};
use crate::os::on_behalf_of;
use crate::policy::lane::LaneChange;
use crate::policy::outcome::{Outcome, Unknown};
use crate::profile::Request;
use crate::time::Timestamp;

use super::claiming::{Flight, release};
use super::settler::PendingSettlement;
use super::shared::Shared;

/// What a request came to, before anybody has judged whose fault it is.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) flight: Arc<Flight>,
    pub(crate) outcome: Outcome,
    pub(crate) began_at: Timestamp,
    pub(crate) took: Duration,
}

/// What is to be written about a flight that landed, in the time that it was claimed in.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) due: PendingSettlement,
    pub(crate) lane: Option<LaneChange>,
    pub(crate) gates: Vec<(Gate, GateChange)>,
}

impl Shared {
    /// Sends one request. A transport that panics may have sent it.
    pub(crate) async fn send(&self, flight: Arc<Flight>, request: Request) -> Finished {
        let (moved, clock) = (flight.moved, &self.clock);
        let began_at = clock.now_as_of(moved);
        let tenant = flight.claim.event.tenant.clone();
        let sending = async { self.guard.wait(Part::Transport, || self.transport.send(request)).await };
        let (outcome, took) = on_behalf_of(Some(tenant), sending)
            .await
            .unwrap_or_else(|_| (Outcome::Unknown(Unknown::Aborted), clock.now_as_of(moved).since(began_at)));
        Finished { flight, outcome, began_at, took }
    }

    /// Concludes what landed, and tells the observer.
    pub(crate) fn conclude(&self, landed: Finished, fault: Fault) -> Written {
        let Finished { flight, outcome, began_at, took } = landed;
        let claim = &flight.claim;
        let Some(sendable) = flight.sendable() else {
            let due = release(claim, self.clock.now_as_of(flight.moved));
            return Written { due, lane: None, gates: Vec::new() };
        };
        let sent = Sent { outcome, began_at, took, fault, expiry_suspended: self.clock.is_distrusted() };
        // An answer to a URL of before says nothing of the endpoint that stands there now.
        let generation = flight.resolved.endpoint.generation;
        let lane = flight.lane.as_deref().and_then(|lane| lane.for_generation(generation, sendable.width));
        let Conclusion { settlement, lane, gates, disable } =
            conclude(claim, sendable, lane.as_deref(), &sent, || self.roll());
        if let Some(attempt) = &settlement.attempt {
            let next_at = match settlement.next {
                Next::Later { due_at, .. } => Some(due_at),
                _ => None,
            };
            self.notice(&Notice::Attempted {
                tenant: &claim.event.tenant,
                kind: &claim.event.kind,
                delivery: claim.delivery,
                event: &claim.event.id,
                endpoint: &claim.endpoint,
                number: claim.attempts.saturating_add(1),
                result: attempt.result,
                success: attempt.success,
                took,
                next_at,
            });
        }
        let disable = disable.map(|why| (Arc::clone(&flight.resolved.endpoint), why));
        Written {
            due: PendingSettlement { disable, ..PendingSettlement::of(claim, settlement) },
            lane,
            gates,
        }
    }

    /// A number for jitter: without randomness, the middle of the spread.
    fn roll(&self) -> u64 {
        let mut bytes = [0; 8];
        match self.entropy.fill(&mut bytes) {
            Ok(()) => u64::from_le_bytes(bytes),
            Err(_) => u64::MAX / 2,
        }
    }
}
