//! One event on its way to one endpoint, what a claim takes of it, and what
//! settling the claim writes.

mod attempt;
mod claim;
mod gate;
mod moving;
mod publish;
mod settlement;
mod share;
mod unreadable;

use std::fmt;

use crate::id::{DeliveryId, EndpointId, EventId, EventType, Round, TenantId};
use crate::policy::retry::GiveUp;
use crate::time::Timestamp;

pub use self::attempt::{Attempt, AttemptResult, RecordedAttempt, SilentLease};
pub use self::claim::{ABANDON_AFTER, ABANDON_ALONE, Claim, ClaimRequest, Claims, EventClaim, SUSPECT_AFTER};
pub use self::gate::{Gate, GateChange};
pub use self::publish::{EventMeta, Publish, PublishAnswer, Published, Route};
pub use self::settlement::{Claimed, End, Next, Progress, Settled, Settlement, WHY_MAX};
#[cfg(feature = "tokio")]
pub(crate) use self::share::leaves_enough;
pub use self::share::{Allowance, InFlight, Shares};
pub use self::unreadable::UnreadableRow;

/// Where a delivery stands. All but `Pending` are terminal: they never change again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Waiting for its first or next attempt, or being attempted.
    Pending,
    /// The receiver has it.
    Delivered {
        /// Whether the answer proves it.
        confirmed: bool,
    },
    /// It was given up: a dead letter, which a replay can send again.
    Failed(FailReason),
    /// It was taken back before it was delivered.
    Cancelled(CancelReason),
}

impl State {
    /// Whether it never changes again.
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

            /// Reads the word that stores and logs use.
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
        /// The next try would have been past the retry window.
        RetryWindow = "retry_window",
        /// It grew older than its profile or its event allows.
        Expired = "expired",
        /// Its schedule or number of attempts was used up.
        Exhausted = "exhausted",
        /// The receiver answered that it is gone for good.
        Gone = "gone",
        /// The receiver refuses this very message.
        Rejected = "rejected",
        /// Its URL names a forbidden address.
        Blocked = "blocked",
        /// The profile cannot write this event.
        Unrenderable = "unrenderable",
        /// Its lease ended silently too often: sending it seems to kill the process.
        Abandoned = "abandoned",
    }
}

words! {
    /// Why a delivery was taken back.
    CancelReason {
        /// The host asked.
        ByHost = "by_host",
        /// Its endpoint was removed.
        EndpointRemoved = "endpoint_removed",
        /// Its endpoint was disabled, and its profile does not catch up.
        EndpointDisabled = "endpoint_disabled",
        /// Its endpoint could not be read when it was routed, and does not want the event.
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

/// A delivery as the history shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its name.
    pub id: DeliveryId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What is delivered.
    pub event: EventId,
    /// The event's type.
    pub kind: EventType,
    /// Where to.
    pub endpoint: EndpointId,
    /// In which round.
    pub round: Round,
    /// Where it stands.
    pub state: State,
    /// Why it failed, where the reason of its state says too little: what must hold and
    /// does not. It holds no secret.
    pub why: Option<String>,
    /// When it is next due, or its lease ends; `None` when terminal or parked
    /// behind an earlier event of its ordering key.
    pub due_at: Option<Timestamp>,
    /// Its birth, from which its age counts.
    pub born_at: Timestamp,
    /// When its first attempt began.
    pub first_attempt_at: Option<Timestamp>,
    /// Attempts made that count for its retries. Those cut at shutdown, and those that came
    /// before their due time and failed, are in its history and do not count.
    pub attempts: u32,
    /// When it became terminal.
    pub settled_at: Option<Timestamp>,
    /// Whether it is a test ping.
    pub test: bool,
}
