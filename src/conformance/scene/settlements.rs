//! Settlements of claims.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

use crate::conformance::Breach;
use crate::delivery::{
    Attempt, AttemptResult, Claim, Claimed, EventClaim, FailReason, Next, Progress, Settlement, State,
};
use crate::time::Timestamp;

use super::draft::{endpoint, route};

/// The record of an attempt that began at that moment and took 20 ms.
pub(in crate::conformance) fn attempt(claim: &Claim, status: u16, began_at: Timestamp) -> Attempt {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    Attempt {
        token: claim.token,
        began_at,
        took: Duration::from_millis(20),
        result: AttemptResult::Status(status),
        success: status.is_success(),
        body: Bytes::from_static(b"answer"),
    }
}

fn tried(claim: &Claim, status: u16, now: Timestamp, next: impl Fn(Progress) -> Next) -> Settlement {
    let progress = Progress {
        attempts: claim.attempts + 1,
        first_attempt_at: Some(claim.first_attempt_at.unwrap_or(now)),
    };
    Settlement {
        token: claim.token,
        of: Claimed::Delivery(claim.delivery),
        at: now,
        next: next(progress),
        attempt: Some(attempt(claim, status, now)),
    }
}

/// Settles a claim that was attempted at that moment and answered with 200.
pub(in crate::conformance) fn delivered(claim: &Claim, now: Timestamp) -> Settlement {
    let state = State::Delivered { confirmed: true };
    tried(claim, 200, now, |progress| Next::Done { state, progress })
}

/// Settles claims that were all attempted at that moment and answered with 200.
pub(in crate::conformance) fn all_delivered(claims: &[Claim], now: Timestamp) -> Vec<Settlement> {
    claims.iter().map(|claim| delivered(claim, now)).collect()
}

/// Settles a claim that was attempted at that moment and has failed for good.
pub(in crate::conformance) fn given_up(claim: &Claim, reason: FailReason, now: Timestamp) -> Settlement {
    tried(claim, 500, now, |progress| Next::Done { state: State::Failed(reason), progress })
}

/// Settles a claim that was attempted at that moment and is due again at `due_at`.
pub(in crate::conformance) fn retried(claim: &Claim, due_at: Timestamp, now: Timestamp) -> Settlement {
    tried(claim, 500, now, |progress| Next::Later { due_at, progress })
}

/// Settles a claim that was deferred without an attempt.
pub(in crate::conformance) fn deferred(claim: &Claim, due_at: Timestamp, now: Timestamp) -> Settlement {
    let progress = Progress { attempts: claim.attempts, first_attempt_at: claim.first_attempt_at };
    Settlement { next: Next::Later { due_at, progress }, ..released(claim, now) }
}

/// Settles a claim that was not attempted and is given back.
pub(in crate::conformance) fn released(claim: &Claim, now: Timestamp) -> Settlement {
    let of = Claimed::Delivery(claim.delivery);
    Settlement { token: claim.token, of, at: now, next: Next::Release, attempt: None }
}

/// Settles an event that is routed to these endpoints, and to more of them after `more_after`.
pub(in crate::conformance) fn routed(
    claim: &EventClaim,
    endpoints: &[&str],
    more_after: Option<&str>,
    now: Timestamp,
) -> Result<Settlement, Breach> {
    let routes = endpoints.iter().map(|name| route(&claim.event, name)).collect::<Result<_, _>>()?;
    let more_after = more_after.map(endpoint).transpose()?;
    Ok(Settlement {
        token: claim.token,
        of: Claimed::Event(claim.event.tenant.clone(), claim.event.id.clone()),
        at: now,
        next: Next::Routed { routes, more_after },
        attempt: None,
    })
}
