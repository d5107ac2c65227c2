//! What settling a claim writes.

use std::borrow::Cow;

use crate::id::{DeliveryId, EndpointId, EventId, TenantId, Token};
use crate::time::Timestamp;

use super::attempt::Attempt;
use super::publish::Route;
use super::{FailReason, State};

/// The consequence of a claim, in absolute values: writing it twice has the effect of once.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// The token of the claim.
    pub token: Token,
    /// The delivery or the event that was claimed.
    pub of: Claimed,
    /// When the consequence was decided.
    pub at: Timestamp,
    /// The consequence for the delivery or the event.
    pub next: Next,
    /// The attempt that was made, if there was one. It is recorded even if the token is stale.
    pub attempt: Option<Attempt>,
}

/// The subject of a settlement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claimed {
    /// A delivery.
    Delivery(DeliveryId),
    /// An event that was being routed.
    Event(TenantId, EventId),
}

/// The consequence of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// The delivery becomes terminal.
    Done {
        /// The terminal state.
        state: State,
        /// The attempts of the delivery so far.
        progress: Progress,
    },
    /// The delivery fails, for a reason that needs an explanation.
    Failed {
        /// The reason of the failure.
        reason: FailReason,
        /// The rule that does not hold: at most [`WHY_MAX`] bytes, without any secret.
        why: Cow<'static, str>,
        /// The attempts of the delivery so far.
        progress: Progress,
    },
    /// The delivery becomes due again at a later time.
    Later {
        /// When it is due.
        due_at: Timestamp,
        /// The attempts of the delivery so far.
        progress: Progress,
    },
    /// The claim is undone: the due time that it replaced is restored, and nothing is counted.
    Release,
    /// The event could not be routed now. It becomes due again later, at the same place.
    RouteLater {
        /// When it is due.
        due_at: Timestamp,
    },
    /// The event is routed to these endpoints, and to further ones if `more_after` is given.
    Routed {
        /// The new deliveries.
        routes: Vec<Route>,
        /// The endpoint after which the next chunk begins; `None` in the last chunk.
        more_after: Option<EndpointId>,
    },
}

/// The longest stored text of why a delivery failed, in bytes.
pub const WHY_MAX: usize = 256;

/// The end of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End<'a> {
    /// The terminal state.
    pub state: State,
    /// The attempts of the delivery so far.
    pub progress: Progress,
    /// Why it failed, if the reason in the state is not specific enough.
    pub why: Option<&'a str>,
}

impl Next {
    /// How the delivery ends with this settlement; `None` if it does not end.
    #[must_use]
    pub fn end(&self) -> Option<End<'_>> {
        match self {
            Self::Done { state, progress } => Some(End { state: *state, progress: *progress, why: None }),
            Self::Failed { reason, why, progress } => {
                Some(End { state: State::Failed(*reason), progress: *progress, why: Some(why) })
            }
            Self::Later { .. } | Self::Release | Self::RouteLater { .. } | Self::Routed { .. } => None,
        }
    }

    /// A failure with a text that explains it, cut to [`WHY_MAX`] bytes.
    #[must_use]
    pub fn failed(reason: FailReason, why: Cow<'static, str>, progress: Progress) -> Self {
        let kept = (0..=WHY_MAX.min(why.len())).rev().find(|at| why.is_char_boundary(*at)).unwrap_or(0);
        let why = if kept < why.len() { why[..kept].to_owned().into() } else { why };
        Self::Failed { reason, why, progress }
    }
}

/// The attempts that a delivery has had so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The number of attempts made.
    pub attempts: u32,
    /// When the first attempt began; `None` if there was none.
    pub first_attempt_at: Option<Timestamp>,
}

/// The result of one settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It was written.
    Applied,
    /// The token no longer holds. The state did not change, except that a success has ended a
    /// delivery that was still pending. The attempt is recorded.
    Fenced,
    /// There is no such delivery or event, or it no longer exists.
    Missing,
}
