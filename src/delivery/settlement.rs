//! What settling a claim writes.

use std::borrow::Cow;

use crate::id::{DeliveryId, EndpointId, EventId, TenantId, Token};
use crate::time::Timestamp;

use super::attempt::Attempt;
use super::publish::Route;
use super::{FailReason, State};

/// What follows from a claim, in absolute values: settling twice is settling once.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// The right to write it.
    pub token: Token,
    /// What was claimed.
    pub of: Claimed,
    /// When it was decided.
    pub at: Timestamp,
    /// What follows.
    pub next: Next,
    /// What was tried, if anything was. Recorded even when the token is stale.
    pub attempt: Option<Attempt>,
}

/// What a settlement is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claimed {
    /// A delivery.
    Delivery(DeliveryId),
    /// An event that was being routed.
    Event(TenantId, EventId),
}

/// What follows from a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// The delivery is terminal.
    Done {
        /// How it ended.
        state: State,
        /// What it has behind it then.
        progress: Progress,
    },
    /// The delivery failed, for a reason that says too little by itself.
    Failed {
        /// The reason.
        reason: FailReason,
        /// What must hold and does not: at most [`WHY_MAX`] bytes, without any secret.
        why: Cow<'static, str>,
        /// What the delivery has behind it then.
        progress: Progress,
    },
    /// The delivery is due again then.
    Later {
        /// When.
        due_at: Timestamp,
        /// What it has behind it then.
        progress: Progress,
    },
    /// The claim is given back as if it had never been: the due time it replaced
    /// stands again and nothing is counted.
    Release,
    /// The event could not be routed now: it is due again then, at the same place.
    RouteLater {
        /// When.
        due_at: Timestamp,
    },
    /// The event goes to these endpoints, and to more after that one if it is given.
    Routed {
        /// New deliveries.
        routes: Vec<Route>,
        /// Where the next chunk begins; `None` when this was the last.
        more_after: Option<EndpointId>,
    },
}

/// The longest text that a delivery keeps of why it failed, in bytes.
pub const WHY_MAX: usize = 256;

/// How a delivery ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End<'a> {
    /// The terminal state.
    pub state: State,
    /// What the delivery has behind it then.
    pub progress: Progress,
    /// Why it failed, where the state's reason says too little.
    pub why: Option<&'a str>,
}

impl Next {
    /// How the delivery ends by this; `None` where it does not end.
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

    /// A failure with a text that says why, of which it keeps at most [`WHY_MAX`] bytes.
    #[must_use]
    pub fn failed(reason: FailReason, why: Cow<'static, str>, progress: Progress) -> Self {
        let kept = (0..=WHY_MAX.min(why.len())).rev().find(|at| why.is_char_boundary(*at)).unwrap_or(0);
        let why = if kept < why.len() { why[..kept].to_owned().into() } else { why };
        Self::Failed { reason, why, progress }
    }
}

/// What a delivery has behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Attempts made.
    pub attempts: u32,
    /// When the first one began.
    pub first_attempt_at: Option<Timestamp>,
}

/// What became of one settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It was written.
    Applied,
    /// The token no longer holds: nothing moved, but the attempt is recorded, and a
    /// success has ended a delivery that was still pending.
    Fenced,
    /// There is no such delivery or event (any more).
    Missing,
}
