//! The durable queue.

use async_trait::async_trait;

use crate::delivery::{ClaimRequest, Claims, Gate, GateChange, Publish, PublishAnswer, Settled, Settlement};
use crate::error::StoreError;
use crate::history::Class;
use crate::policy::lane::LaneChange;
use crate::time::Timestamp;

/// Where events, deliveries, lanes and leases live. The contract, line by line, is
/// the conformance suite's list of cases; in brief:
///
/// * What `publish` says is stored survives a crash. Same id or key: nothing added.
/// * `claim` gives due work of open gates, each piece to one caller, within each
///   lane's width, counting leases held anywhere. Claimed work is invisible until
///   its lease ends, then due by itself.
/// * A claim serves tenants in turn, separately for their proven and their doubtful lanes:
///   of those that the request allows something, each that has a ready lane gives one
///   delivery before any gives a second, and one that was served goes behind those that
///   wait. The work of a tenant thereby waits for at most one turn of each other tenant,
///   however many lanes those have.
/// * A tenant's turn goes to its longest waiting lane, and each ready lane gives one
///   delivery before any gives a second. A claim of 64 over a tenant's 1,000 ready lanes is
///   for 64 endpoints, over four it is 16 for each, and a lane that is ready alone gives its
///   whole width. What is sent to an endpoint at once, and with it the number of open
///   connections, follows from that.
/// * A tenant gets no more than its [share](crate::delivery::Shares), what it has in flight
///   included. [`Allowance`](crate::delivery::Allowance) counts it.
/// * A publish that asks for its deliveries back leaves those of doubtful lanes to a claim
///   while any doubtful lane waits.
/// * `settle` applies with the current token only; otherwise nothing moves, except
///   that a success ends a delivery still pending. The attempt is always recorded.
/// * Nothing due is passed over for ever; a flood in one lane or tenant delays
///   another's first claim by a bounded number of claims.
/// * A row that cannot be read costs what it stands for. The call that meets it does
///   everything else that it was asked to do, and the row is named in
///   [`Claims::unreadable`].
/// * No method reads a clock but `now`, and none invents an id.
///
/// Dropping a future leaves the call done or not done. `publish` and `settle` are
/// safe to repeat.
///
/// The methods are called on the engine's task and must not block its thread. A panic
/// counts as an error of the kind `InDoubt`.
#[async_trait]
pub trait Store: Send + Sync {
    /// The store's time: the one that due times and leases are written in, the same for all
    /// of its processes.
    ///
    /// * It goes on evenly. A wall clock that disagrees moves it only after nobody has
    ///   contradicted that clock for
    ///   [`CONFIRMED_AFTER`](crate::policy::timeline::CONFIRMED_AFTER).
    /// * When it moves, what is written in the old time moves along, before anybody is told the
    ///   new one: leases, due times of retries, ages, holds, granted starts. A lease that is
    ///   held is still held. What waits for a moment that its event states keeps that moment.
    ///
    /// [`timeline::read`](crate::policy::timeline::read) decides this for a store whose time
    /// comes from the clocks of its processes.
    async fn now(&self) -> Result<Timestamp, StoreError>;

    /// The last moment that the store had seen before its present time began, if that lies so
    /// far from where it began that one of the two must be wrong, and the present time is
    /// younger than `CONFIRMED_AFTER`. `None` where the time has gone on without a break.
    async fn unconfirmed(&self) -> Result<Option<Timestamp>, StoreError>;

    /// The largest payload in bytes that the store takes of every publisher, also of those that
    /// publish without this crate's help; `None` where it has no such limit. A publish with a
    /// larger one is an error, and nothing of it is stored. A `Webhooks` on it takes no larger
    /// one, and refuses to be built with a larger limit of its own.
    fn payload_max(&self) -> Option<usize> {
        None
    }

    /// Stores events, all or, on error, none; one answer per event, in order. With
    /// a request, what a claim would give of **these** events' deliveries is leased
    /// by the same call.
    async fn publish(
        &self,
        publishes: &[Publish],
        claim: Option<&ClaimRequest>,
        now: Timestamp,
    ) -> Result<(Vec<PublishAnswer>, Claims), StoreError>;

    /// Leases due work.
    async fn claim(&self, request: &ClaimRequest) -> Result<Claims, StoreError>;

    /// Writes what follows from claims; one answer per settlement, in order. Items
    /// are independent of each other. Lane changes apply after the settlements.
    ///
    /// Also answers when something is due next, by the rule of [`Claims::next_due`]: a
    /// settlement frees room in its lane, ends a hold or makes something due, and the
    /// engine learns from this answer alone that another claim is worth it.
    async fn settle(
        &self,
        settlements: &[Settlement],
        lanes: &[LaneChange],
        now: Timestamp,
    ) -> Result<(Vec<Settled>, Option<Timestamp>), StoreError>;

    /// Opens and closes gates. A gate held or paused yields nothing to any claim
    /// that begins after this returned.
    async fn gate(&self, changes: &[(Gate, GateChange)], now: Timestamp) -> Result<(), StoreError>;

    /// Removes at most `limit` rows that are terminal (or unmatched) and became so
    /// before their class's moment, with their attempts; says whether more remain.
    ///
    /// With the last delivery to an endpoint that is no longer registered goes its lane,
    /// unless that is paused: its health is forgotten, and so is whose its id was. Holds of
    /// tenants and hosts go that ended before the latest of these moments.
    async fn prune(&self, before: &[(Class, Timestamp)], limit: usize) -> Result<bool, StoreError>;

    /// Returns when there may be new work: a hint, which may be spurious, and lost where
    /// several wait for it. Never returns where a store has no way to know.
    ///
    /// A store whose calls may take effect after their futures were dropped knows of those:
    /// once such a call has made something claimable, this returns. The engine was told when
    /// the future was dropped, and may have looked too early.
    async fn hint(&self);
}
