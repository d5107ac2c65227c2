//! The delivery of one event to one endpoint: what a claim takes of it, and what settling the
//! claim writes.

mod attempt;
mod claim;
mod gate;
mod moving;
mod publish;
mod settlement;
mod share;
mod unreadable;

use std::fmt;

use serde::Serialize;

use crate::as_text::serialize_as_text;
use crate::id::{DeliveryId, EndpointId, EventId, EventType, Round, TenantId};
use crate::policy::retry::GiveUp;
use crate::time::Timestamp;

pub use self::attempt::{Attempt, AttemptResult, RecordedAttempt, SilentLease};
#[cfg(feature = "tokio")]
pub(crate) use self::attempt::{as_lossy_text, as_millis};
pub use self::claim::{ABANDON_AFTER, ABANDON_ALONE, Claim, ClaimRequest, Claims, EventClaim, SUSPECT_AFTER};
pub use self::gate::{Gate, GateChange};
pub use self::publish::{EventMeta, Publish, PublishAnswer, Published, Route};
pub use self::settlement::{Claimed, End, Next, Progress, Settled, Settlement, WHY_MAX};
#[cfg(feature = "tokio")]
pub(crate) use self::share::leaves_enough;
pub use self::share::{Allowance, InFlight, Shares};
pub use self::unreadable::UnreadableRow;

/// The state of a delivery. All states but `Pending` are terminal: they never change again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Waiting for its first or next attempt, or being attempted.
    Pending,
    /// The receiver got the event.
    Delivered {
        /// Whether the response proves that.
        confirmed: bool,
    },
    /// It was given up, for this reason. A replay can send it again.
    Failed(FailReason),
    /// It was cancelled before it was delivered, for this reason.
    Cancelled(CancelReason),
}

impl State {
    /// Whether the state never changes again.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Pending)
    }
}

/// `pending`, `delivered`, `delivered unconfirmed`, `failed: expired`, `cancelled: by_host` …
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pending => f.write_str("pending"),
            Self::Delivered { confirmed: true } => f.write_str("delivered"),
            Self::Delivered { confirmed: false } => f.write_str("delivered unconfirmed"),
            Self::Failed(reason) => write!(f, "failed: {reason}"),
            Self::Cancelled(reason) => write!(f, "cancelled: {reason}"),
        }
    }
}

serialize_as_text!(State FailReason CancelReason);

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// The word that stores and logs use.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// Returns the value for a word of [`as_str`](Self::as_str); `None` for any other
            /// word.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// Why a delivery was given up.
    FailReason {
        /// The next attempt would have been after the end of the retry window.
        RetryWindow = "retry_window",
        /// The delivery became older than its profile or its event allows.
        Expired = "expired",
        /// Its retry schedule, or its number of attempts, was used up.
        Exhausted = "exhausted",
        /// The receiver answered that the endpoint no longer exists.
        Gone = "gone",
        /// The receiver refused this message for good.
        Rejected = "rejected",
        /// The endpoint's URL points to a forbidden address.
        Blocked = "blocked",
        /// The profile cannot write a body for this event.
        Unrenderable = "unrenderable",
        /// Its leases expired silently too often: sending it seems to kill the process.
        Abandoned = "abandoned",
    }
}

words! {
    /// Why a delivery was cancelled.
    CancelReason {
        /// The host cancelled it.
        ByHost = "by_host",
        /// Its endpoint was removed.
        EndpointRemoved = "endpoint_removed",
        /// Its endpoint was disabled, and its profile does not catch up.
        EndpointDisabled = "endpoint_disabled",
        /// Its endpoint could not be read when the event was routed, and turned out not to
        /// want it.
        Unwanted = "unwanted",
    }
}

impl From<GiveUp> for FailReason {
    fn from(reason: GiveUp) -> Self {
        match reason {
            GiveUp::RetryWindow => Self::RetryWindow,
            GiveUp::Expired => Self::Expired,
            GiveUp::Exhausted => Self::Exhausted,
        }
    }
}

/// A delivery as the history returns it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// The id of the delivery.
    pub id: DeliveryId,
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// The id of the event to deliver.
    pub event: EventId,
    /// The event's type.
    pub kind: EventType,
    /// The endpoint to deliver it to.
    pub endpoint: EndpointId,
    /// The round of the delivery: the event's routing or a replay.
    pub round: Round,
    /// The state of the delivery.
    pub state: State,
    /// Why it failed, if the reason in its state is not specific enough: the rule that does
    /// not hold. Contains no secret.
    pub why: Option<String>,
    /// When it is next due, or when its lease ends. `None` if it is terminal or waits for an
    /// earlier event of its ordering key.
    pub due_at: Option<Timestamp>,
    /// The time from which its age counts.
    pub born_at: Timestamp,
    /// When its first attempt began; `None` if there was no attempt yet.
    pub first_attempt_at: Option<Timestamp>,
    /// The number of attempts that count for its retries. Attempts that were cut off at
    /// shutdown, and those that came before their due time and failed, are in its history but
    /// do not count.
    pub attempts: u32,
    /// When it became terminal; `None` if it is pending.
    pub settled_at: Option<Timestamp>,
    /// Whether the delivery is a test ping.
    pub test: bool,
}
