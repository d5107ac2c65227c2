//! What a claim requests, and what the store returns.

use std::sync::Arc;

use crate::event::Event;
use crate::id::{DeliveryId, EndpointId, Round, Token};
use crate::policy::lane::Lane;
use crate::sequence::Sequence;
use crate::time::Timestamp;

use super::{Shares, UnreadableRow};

/// What an engine requests from a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRequest {
    /// A token drawn only for this call.
    pub token: Token,
    /// The time of the store as the caller reads it.
    pub now: Timestamp,
    /// When the lease of everything that is claimed ends; the caller may settle until then.
    pub lease_until: Timestamp,
    /// The most deliveries to claim.
    pub deliveries: usize,
    /// The most deliveries to claim from doubtful lanes: lanes whose last answer was not a
    /// success, and new lanes. They count against `deliveries` too.
    pub doubtful: usize,
    /// The most events to claim for routing.
    pub events: usize,
    /// The part of `deliveries` and `doubtful` that one tenant may get.
    pub shares: Shares,
    /// Whether the caller has nothing else in flight and accepts a suspect: a delivery with
    /// [`SUSPECT_AFTER`] silent leases. A suspect is claimed only by itself, and only if its
    /// tenant's share allows it.
    pub alone: bool,
}

/// The number of silent leases in a row after which a delivery is claimed only by itself.
pub const SUSPECT_AFTER: u32 = 2;
/// The number of silent leases in a row after which a delivery is given up, if at least
/// [`ABANDON_ALONE`] of them were claimed alone.
pub const ABANDON_AFTER: u32 = 5;
/// How many of the silent leases must have been claimed alone; see [`ABANDON_AFTER`].
pub const ABANDON_ALONE: u32 = 3;

/// What a claim returns.
#[derive(Debug, Clone, Default)]
pub struct Claims {
    /// The deliveries to attempt.
    pub work: Vec<Claim>,
    /// The lanes of `work`, each once, in the state after the claim.
    pub lanes: Vec<Lane>,
    /// The events to route.
    pub events: Vec<EventClaim>,
    /// The places in the store's order of those `events` that were not stored by
    /// [`Store::publish`](crate::backend::Store::publish). Each is listed only when its event
    /// is claimed for the first time. The engine then notifies the observer of them. Always
    /// empty in a store that takes events only by `publish`.
    pub found: Vec<Sequence>,
    /// A time no later than the first moment at which another claim could return something;
    /// `None` if there is no such moment unless something changes. After a publish it covers
    /// only the published events.
    pub next_due: Option<Timestamp>,
    /// Whether a due suspect was skipped because the request was not `alone`.
    pub suspects: bool,
    /// Rows that the store could not read, found by this call or an earlier one. Each row is
    /// reported once, however often the store finds it again.
    pub unreadable: Vec<UnreadableRow>,
}

/// A delivery that was claimed, with its lease.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The id of the delivery.
    pub delivery: DeliveryId,
    /// The event to deliver.
    pub event: Arc<Event>,
    /// The endpoint to deliver it to.
    pub endpoint: EndpointId,
    /// The round of the delivery: the event's routing or a replay.
    pub round: Round,
    /// The token that is needed to settle it.
    pub token: Token,
    /// When the lease ends.
    pub lease_until: Timestamp,
    /// The due time that the lease replaced. A release restores it.
    pub due_at: Timestamp,
    /// The time from which its age counts.
    pub born_at: Timestamp,
    /// The delivery's place in the store's order: that of its event, or of the replay that
    /// created it.
    pub born: Sequence,
    /// When its first attempt began; `None` if there was no attempt yet.
    pub first_attempt_at: Option<Timestamp>,
    /// The number of attempts made before this claim.
    pub attempts: u32,
    /// The number of leases in a row that expired before anything was settled. Only a recorded
    /// attempt resets it; a release or a deferral does not.
    pub silent: u32,
    /// The number of those leases in which the delivery was claimed alone.
    pub silent_alone: u32,
    /// Whether `due_at` is the end of a lease that expired before anything was settled.
    pub lapsed: bool,
    /// Whether the delivery is a test ping.
    pub test: bool,
}

/// An event that was claimed for routing, with its lease.
#[derive(Debug, Clone)]
pub struct EventClaim {
    /// The event to route.
    pub event: Arc<Event>,
    /// The event's place in the store's order.
    pub sequence: Sequence,
    /// The last endpoint of the previous chunk; `None` in the first chunk.
    pub after: Option<EndpointId>,
    /// The token that is needed to settle it.
    pub token: Token,
    /// When the lease ends.
    pub lease_until: Timestamp,
}
