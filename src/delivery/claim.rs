//! What a claim asks for and gives.

use std::sync::Arc;

use crate::event::Event;
use crate::id::{DeliveryId, EndpointId, Round, Token};
use crate::policy::lane::Lane;
use crate::sequence::Sequence;
use crate::time::Timestamp;

use super::{Shares, UnreadableRow};

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
    /// At most so many of them of doubtful lanes: those that have no success in their
    /// last answer, new ones among them.
    pub doubtful: usize,
    /// At most so many events to route.
    pub events: usize,
    /// Which part of `deliveries` and `doubtful` one tenant may have.
    pub shares: Shares,
    /// Whether the caller has nothing else in flight and takes a suspect: a
    /// delivery with [`SUSPECT_AFTER`] silent leases, which comes alone or not at all, and
    /// only of a tenant whose share has room.
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
    /// The places of those `events` that came into the store by another way than
    /// [`Store::publish`](crate::backend::Store::publish), each in its first claim alone. The
    /// engine sends their notice. Empty in a store that knows no other way.
    pub found: Vec<Sequence>,
    /// Never later than the first moment at which another claim could give
    /// something; `None` if never, as things stand. After a publish it speaks of the
    /// published events alone.
    pub next_due: Option<Timestamp>,
    /// Whether a due suspect was passed over because the request was not `alone`.
    pub suspects: bool,
    /// Rows that the store could not read, in whichever call it met them. Each is named
    /// once, however often it is met again.
    pub unreadable: Vec<UnreadableRow>,
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
    /// Where in the store's order it was born: its event's place, or the place of the
    /// replay that made it.
    pub born: Sequence,
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
    /// The event's place in the store's order.
    pub sequence: Sequence,
    /// The last endpoint that an earlier chunk has routed to.
    pub after: Option<EndpointId>,
    /// The right to settle it.
    pub token: Token,
    /// Until when.
    pub lease_until: Timestamp,
}
