//! One event on its way to one endpoint, what a claim takes of it, and what
//! settling the claim writes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

use crate::event::Event;
use crate::id::{
    DeliveryId, EndpointId, EventId, EventType, HostName, OrderingKey, Round, Scope, TenantId, Token,
};
use crate::policy::lane::Lane;
use crate::policy::outcome::{NotSent, Unknown};
use crate::policy::retry::GiveUp;
use crate::time::Timestamp;

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
    /// When it is next due, or its lease ends; `None` when terminal or parked
    /// behind an earlier event of its ordering key.
    pub due_at: Option<Timestamp>,
    /// Its birth, from which its age counts.
    pub born_at: Timestamp,
    /// When its first attempt began.
    pub first_attempt_at: Option<Timestamp>,
    /// Attempts made.
    pub attempts: u32,
    /// When it became terminal.
    pub settled_at: Option<Timestamp>,
    /// Whether it is a test ping.
    pub test: bool,
}

/// What a routing makes of one match: a new delivery and, if need be, its lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The delivery's derived name.
    pub delivery: DeliveryId,
    /// Where to.
    pub endpoint: EndpointId,
    /// The endpoint's host, for the lane.
    pub host: HostName,
    /// The endpoint's width, for a new lane.
    pub width: u32,
    /// In which round.
    pub round: Round,
    /// When it is due, if nothing of its ordering key goes before it.
    pub due_at: Timestamp,
    /// Its birth.
    pub born_at: Timestamp,
    /// Whether it is a test ping: attempted once, apart from its lane.
    pub test: bool,
}

/// One event to be stored.
#[derive(Debug, Clone)]
pub struct Publish {
    /// The event.
    pub event: Arc<Event>,
    /// Its routes, if they are known already. An event with an older unrouted
    /// event of its ordering key is stored unrouted all the same.
    pub routes: Option<Vec<Route>>,
}

/// What became of one publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// It is stored.
    Stored,
    /// Its id or idempotency key was there already; nothing was added.
    Existing {
        /// Whether the stored event has the same content.
        same_content: bool,
    },
    /// The store holds as much as it may; nothing was added.
    Full {
        /// The limit that is reached.
        limit: u64,
    },
}

/// The answer to one publish: what became of it, and the id in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishAnswer {
    /// The id in the store: the event's own, or that of the existing one.
    pub id: EventId,
    /// What became of it.
    pub published: Published,
}

/// What an engine asks of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRequest {
    /// Drawn for this very call.
    pub token: Token,
    /// The caller's reading of the store's clock.
    pub now: Timestamp,
    /// Until when the caller may settle what it gets.
    pub lease_until: Timestamp,
    /// At most so many deliveries.
    pub deliveries: usize,
    /// At most so many events to route.
    pub events: usize,
    /// At most so many deliveries of one tenant, and of lanes whose last answer was
    /// no success, all together, at most `doubtful`.
    pub per_tenant: usize,
    /// Tenants that have their share in flight already.
    pub skip_tenants: Vec<TenantId>,
    /// See `per_tenant`.
    pub doubtful: usize,
    /// Whether the caller has nothing else in flight and takes a suspect: a
    /// delivery with [`SUSPECT_AFTER`] silent leases, which comes alone or not at all.
    pub alone: bool,
}

/// After so many silent leases in a row a delivery is claimed alone.
pub const SUSPECT_AFTER: u32 = 2;
/// After so many silent leases in a row, [`ABANDON_ALONE`] of them alone, a delivery
/// is given up.
pub const ABANDON_AFTER: u32 = 5;
/// See [`ABANDON_AFTER`].
pub const ABANDON_ALONE: u32 = 3;

/// What a store gives.
#[derive(Debug, Clone, Default)]
pub struct Claims {
    /// Deliveries to attempt.
    pub work: Vec<Claim>,
    /// The lanes of `work`, one each, as the claim left them.
    pub lanes: Vec<Lane>,
    /// Events to route.
    pub events: Vec<EventClaim>,
    /// Never later than the first moment at which another claim could give
    /// something; `None` if never, as things stand. After a publish it speaks of the
    /// published events alone.
    pub next_due: Option<Timestamp>,
    /// Whether a due suspect was passed over because the request was not `alone`.
    pub suspects: bool,
}

/// One leased delivery.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Which.
    pub delivery: DeliveryId,
    /// What is to be delivered.
    pub event: Arc<Event>,
    /// Where to.
    pub endpoint: EndpointId,
    /// In which round.
    pub round: Round,
    /// The right to settle it.
    pub token: Token,
    /// Until when.
    pub lease_until: Timestamp,
    /// The due time that the lease replaced: a release puts it back.
    pub due_at: Timestamp,
    /// Its birth.
    pub born_at: Timestamp,
    /// When its first attempt began.
    pub first_attempt_at: Option<Timestamp>,
    /// Attempts made before.
    pub attempts: u32,
    /// How many leases in a row ended without a word. Only a recorded attempt ends
    /// the row: a release or a deferral does not.
    pub silent: u32,
    /// How many of those had it alone.
    pub silent_alone: u32,
    /// Whether `due_at` is the end of a lease that ended without a word.
    pub lapsed: bool,
    /// Whether it is a test ping.
    pub test: bool,
}

/// One leased event to route.
#[derive(Debug, Clone)]
pub struct EventClaim {
    /// What.
    pub event: Arc<Event>,
    /// The last endpoint that an earlier chunk has routed to.
    pub after: Option<EndpointId>,
    /// The right to settle it.
    pub token: Token,
    /// Until when.
    pub lease_until: Timestamp,
}

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
    /// The event goes to these endpoints, and to more after that one if it is given.
    Routed {
        /// New deliveries.
        routes: Vec<Route>,
        /// Where the next chunk begins; `None` when this was the last.
        more_after: Option<EndpointId>,
    },
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

/// One call of the transport, as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The lease it belongs to: a delivery has at most one attempt of a token.
    pub token: Token,
    /// When it began.
    pub began_at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// What came back.
    pub result: AttemptResult,
    /// Whether the profile counts it as success.
    pub success: bool,
    /// The beginning of the answer's body, where the profile keeps it.
    pub body: Bytes,
}

/// What came back, in brief.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptResult {
    /// An HTTP status.
    Status(StatusCode),
    /// The request did not leave.
    NotSent(NotSent),
    /// The request may have left.
    Unknown(Unknown),
}

/// `503`, `refused`, `timeout` …
impl fmt::Display for AttemptResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => f.write_str(status.as_str()),
            Self::NotSent(reason) => f.write_str(reason.as_str()),
            Self::Unknown(reason) => f.write_str(reason.as_str()),
        }
    }
}

/// An attempt as the history shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedAttempt {
    /// 1 for the first that was recorded.
    pub number: u32,
    /// What was recorded.
    pub attempt: Attempt,
}

/// A lease that ended without a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SilentLease {
    /// Its token.
    pub token: Token,
    /// When it was claimed.
    pub claimed_at: Timestamp,
}

/// What routing asks a directory about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventMeta {
    /// Whose event.
    pub tenant: TenantId,
    /// Its type.
    pub kind: EventType,
    /// Its scope.
    pub scope: Option<Scope>,
}

impl EventMeta {
    /// What routing asks about this event.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        Self { tenant: event.tenant.clone(), kind: event.kind.clone(), scope: event.scope.clone() }
    }
}

/// What can hold work back in one row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Gate {
    /// One endpoint's lane.
    Lane(EndpointId),
    /// All of a tenant's lanes.
    Tenant(TenantId),
    /// All lanes to a host.
    Host(HostName),
    /// One ordering key of one endpoint.
    Key(EndpointId, OrderingKey),
}

/// What is done to a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateChange {
    /// The engine's hold: nothing before that moment, unless it is held longer.
    Hold(Timestamp),
    /// Ends the engine's hold, never a pause.
    Lift,
    /// The operator's pause: nothing until a resume. Only lanes and tenants pause.
    Pause,
    /// Ends the operator's pause.
    Resume,
}
