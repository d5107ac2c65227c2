//! Concludes an attempt: decides what its result means for the delivery, its lane and its endpoint.

use std::time::Duration;

use bytes::Bytes;

use crate::delivery::{
    Attempt, AttemptResult, Claim, Claimed, FailReason, Gate, GateChange, Next, Progress, Settlement, State,
};
use crate::notice::DisableReason;
use crate::policy::lane::{Lane, LaneChange};
use crate::policy::outcome::{Hold, NotSent, Outcome, Reach, Verdict};
use crate::policy::retry::NextTry;
use crate::profile::{OnRecovery, Profile};
use crate::time::Timestamp;

use super::kept::kept;
use super::prepare::{life, progress};
use super::resolve::Sendable;

/// One call of the transport.
#[derive(Debug)]
pub(crate) struct Sent {
    /// The response, or the failure.
    pub(crate) outcome: Outcome,
    /// When the call began.
    pub(crate) began_at: Timestamp,
    /// How long the call took.
    pub(crate) took: Duration,
    /// Whose fault it is if there is no response.
    pub(crate) fault: Fault,
    /// Whether no delivery may fail because of its age or its retry window, since the clock that
    /// measures them may be wrong.
    pub(crate) expiry_suspended: bool,
}

/// How long a lane is held after a request for it was refused for lack of capacity.
pub(crate) const BUSY_HOLD: Duration = Duration::from_secs(1);

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The endpoint's fault, or nobody's.
    Endpoint,
    /// Our own fault: it does not count, and no attempt is recorded.
    Ours,
    /// The engine cancelled the request at shutdown. An attempt is recorded, but does not count.
    Cut,
    /// Nobody's fault: there was no capacity for a request of this tenant. It does not count, no
    /// attempt is recorded, and the endpoint's lane is held for [`BUSY_HOLD`].
    Busy,
}

/// The consequences of an attempt.
#[derive(Debug)]
pub(crate) struct Conclusion {
    /// The settlement of the delivery.
    pub(crate) settlement: Settlement,
    /// The change of its lane, if there is one.
    pub(crate) lane: Option<LaneChange>,
    /// The holds of a tenant or a host that the response asked for.
    pub(crate) gates: Vec<(Gate, GateChange)>,
    /// Why the endpoint is to be disabled. It is disabled only if this settlement is applied and
    /// the endpoint is still the version that was sent to.
    pub(crate) disable: Option<Disable>,
}

/// Why an endpoint is to be disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disable {
    /// Its receiver answered that it is permanently gone.
    Gone,
    /// All attempts have failed for too long.
    Failing {
        /// When the first failed attempt ended. If a success was recorded meanwhile, the endpoint
        /// stays enabled.
        since: Timestamp,
    },
}

impl Disable {
    /// The reason as notices report it and stores record it.
    #[must_use]
    pub(crate) const fn why(self) -> DisableReason {
        match self {
            Self::Gone => DisableReason::Gone,
            Self::Failing { .. } => DisableReason::Failing,
        }
    }
}

/// Concludes an attempt. `roll` returns a uniform random number; it is called only for a retry.
#[must_use]
pub(crate) fn conclude(
    claim: &Claim,
    sendable: &Sendable,
    lane: Option<&Lane>,
    sent: &Sent,
    roll: impl FnOnce() -> u64,
) -> Conclusion {
    let ended_at = sent.began_at + sent.took;
    let settle = |next, attempt| Settlement {
        token: claim.token,
        of: Claimed::Delivery(claim.delivery),
        at: ended_at,
        next,
        attempt,
    };
    let plain = |next, attempt| Conclusion {
        settlement: settle(next, attempt),
        lane: None,
        gates: Vec::new(),
        disable: None,
    };
    match sent.fault {
        Fault::Ours if !claim.test => return plain(Next::Release, None),
        Fault::Cut if !claim.test => {
            let next = Next::Later { due_at: ended_at, progress: progress(claim) };
            return plain(next, Some(record(claim, sent, false, None)));
        }
        Fault::Busy if !claim.test => {
            let lane = lane.map(|lane| lane.hold(ended_at + BUSY_HOLD));
            return Conclusion { lane, ..plain(Next::Release, None) };
        }
        Fault::Ours | Fault::Cut | Fault::Busy | Fault::Endpoint => {}
    }
    let verdict = judge(sendable, &sent.outcome, ended_at);
    let success = matches!(verdict, Verdict::Delivered { .. });
    let attempt = record(claim, sent, success, Some(sendable));
    let behind = Progress {
        attempts: claim.attempts.saturating_add(1),
        first_attempt_at: Some(claim.first_attempt_at.unwrap_or(sent.began_at)),
    };
    let done = |state| Next::Done { state, progress: behind };
    let next = match verdict {
        Verdict::Delivered { confirmed } => done(State::Delivered { confirmed }),
        Verdict::Reject if is_blocked(&sent.outcome) => done(State::Failed(FailReason::Blocked)),
        Verdict::Reject => done(State::Failed(FailReason::Rejected)),
        Verdict::Gone { .. } => done(State::Failed(FailReason::Gone)),
        Verdict::Retry { .. } if claim.test => done(State::Failed(FailReason::Exhausted)),
        Verdict::Retry { after } => retry(claim, sendable, behind, sent, after, roll),
    };
    if claim.test {
        return plain(next, Some(attempt));
    }
    let mut lane_change = lane.and_then(|lane| change_lane(lane, sendable, verdict, ended_at));
    let disable = disable(sendable, lane_change.as_ref(), verdict).filter(|why| {
        // The length of a failure is measured by the clock that may be wrong.
        !sent.expiry_suspended || *why == Disable::Gone
    });
    let mut gates = Vec::new();
    if let Some(Hold { reach, span }) = asked_hold(sendable, &sent.outcome, ended_at) {
        match reach {
            // An endpoint may have its own retry policy. That does not limit holds on others.
            Reach::Service if sendable.on_service => {
                gates = hold_service(&sendable.profile, ended_at, span);
            }
            Reach::Service | Reach::Endpoint => {
                let until = ended_at + span.min(sendable.retry.retry_after_limit());
                lane_change = lane.map(|lane| held(lane, lane_change, until));
            }
        }
    }
    Conclusion { settlement: settle(next, Some(attempt)), lane: lane_change, gates, disable }
}

fn asked_hold(sendable: &Sendable, outcome: &Outcome, now: Timestamp) -> Option<Hold> {
    match outcome {
        Outcome::Response(response) => sendable.profile.classifier.hold(response, now),
        Outcome::NotSent(_) | Outcome::Unknown(_) => None,
    }
}

fn held(lane: &Lane, change: Option<LaneChange>, until: Timestamp) -> LaneChange {
    let mut change = change.unwrap_or_else(|| lane.hold(until));
    change.raise = change.raise.max(Some(until));
    change
}

fn hold_service(profile: &Profile, now: Timestamp, span: Duration) -> Vec<(Gate, GateChange)> {
    let hold = GateChange::Hold(now + span.min(profile.retry.retry_after_limit()));
    profile.service.iter().map(|host| (Gate::Host(host.clone()), hold)).collect()
}

fn judge(sendable: &Sendable, outcome: &Outcome, now: Timestamp) -> Verdict {
    match outcome {
        Outcome::Response(response) => sendable.profile.classifier.classify(response, now),
        Outcome::NotSent(NotSent::BlockedLiteral) => Verdict::Reject,
        Outcome::NotSent(_) | Outcome::Unknown(_) => Verdict::Retry { after: None },
    }
}

const fn is_blocked(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::NotSent(NotSent::BlockedLiteral))
}

fn retry(
    claim: &Claim,
    sendable: &Sendable,
    behind: Progress,
    sent: &Sent,
    after: Option<Duration>,
    roll: impl FnOnce() -> u64,
) -> Next {
    let ended_at = sent.began_at + sent.took;
    // A delivery sent before its due time, as a probe or to catch up, keeps that due time: a probe
    // does not use up a step of the delivery's schedule.
    if catch_up_gap(sendable).is_some_and(|gap| ended_at + gap < claim.due_at) {
        return Next::Later { due_at: claim.due_at, progress: progress(claim) };
    }
    let mut life = life(claim, behind.attempts);
    life.first_attempt_at = behind.first_attempt_at;
    let next = if sent.expiry_suspended {
        life.expires_at = None;
        sendable.retry.without_end().after_failure(&life, ended_at, after, roll())
    } else {
        sendable.retry.after_failure(&life, ended_at, after, roll())
    };
    match next {
        NextTry::At(due_at) => Next::Later { due_at, progress: behind },
        NextTry::GiveUp(reason) => Next::Done { state: State::Failed(reason.into()), progress: behind },
    }
}

/// The change of the lane. A rejected message counts as a success, since the endpoint has answered.
fn change_lane(
    lane: &Lane,
    sendable: &Sendable,
    verdict: Verdict,
    ended_at: Timestamp,
) -> Option<LaneChange> {
    match verdict {
        Verdict::Delivered { .. } | Verdict::Reject => {
            lane.after_success(sendable.width, ended_at, catch_up_gap(sendable))
        }
        Verdict::Gone { .. } => Some(failed(lane, sendable, ended_at, None)),
        Verdict::Retry { after } => Some(failed(lane, sendable, ended_at, after)),
    }
}

fn catch_up_gap(sendable: &Sendable) -> Option<Duration> {
    let catches_up = sendable.profile.on_recovery == OnRecovery::CatchUp;
    catches_up.then(|| sendable.retry.schedule().back_off(0))
}

fn failed(lane: &Lane, sendable: &Sendable, ended_at: Timestamp, after: Option<Duration>) -> LaneChange {
    let probe_gap_max = sendable.profile.probe_gap_max;
    lane.after_failure(&sendable.retry, probe_gap_max, ended_at, after, catch_up_gap(sendable))
}

fn disable(sendable: &Sendable, change: Option<&LaneChange>, verdict: Verdict) -> Option<Disable> {
    if matches!(verdict, Verdict::Gone { disable: true }) {
        return Some(Disable::Gone);
    }
    let failing = change?.health?.failing?;
    let limit = sendable.profile.disable_after?;
    failing.lasts(limit).then_some(Disable::Failing { since: failing.since })
}

/// The record of an attempt. `keeps` is the endpoint whose response body is kept, if any.
fn record(claim: &Claim, sent: &Sent, success: bool, keeps: Option<&Sendable>) -> Attempt {
    let (result, body) = match &sent.outcome {
        Outcome::Response(response) => (
            AttemptResult::Status(response.status),
            keeps.map(|keeps| kept(response, keeps)).unwrap_or_default(),
        ),
        Outcome::NotSent(reason) => (AttemptResult::NotSent(*reason), Bytes::new()),
        Outcome::Unknown(reason) => (AttemptResult::Unknown(*reason), Bytes::new()),
    };
    Attempt { token: claim.token, began_at: sent.began_at, took: sent.took, result, success, body }
}
