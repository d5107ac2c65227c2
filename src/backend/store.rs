//! The durable queue of events and deliveries.

use async_trait::async_trait;

use crate::delivery::{ClaimRequest, Claims, Gate, GateChange, Publish, PublishAnswer, Settled, Settlement};
use crate::error::StoreError;
use crate::history::Class;
use crate::policy::lane::LaneChange;
use crate::time::Timestamp;

/// Stores events, deliveries, lanes and leases. The cases of the conformance suite define the
/// contract in full. In brief:
///
/// * Whatever `publish` reports as stored survives a crash. An event whose id or idempotency
///   key is already there adds nothing.
/// * `claim` returns due deliveries of open gates. Each goes to one caller only, and within
///   the width of its lane, counting the leases of all processes. A claimed delivery is not
///   returned again until its lease ends; then it is due by itself.
/// * A claim serves tenants in turn, separately for their proven and their doubtful lanes.
///   Among the tenants that the request allows something, each with a ready lane gives one
///   delivery before any gives a second, and a tenant that was served goes behind those that
///   wait. A tenant's deliveries thereby wait for at most one turn of each other tenant,
///   however many lanes those have.
/// * Within a tenant, the lane that has waited longest goes first, and each ready lane gives
///   one delivery before any gives a second. A claim of 64 from a tenant with 1,000 ready
///   lanes reaches 64 endpoints; from four ready lanes it takes 16 each; a single ready lane
///   gives its whole width. This determines how many requests an endpoint gets at once, and
///   how many connections are open.
/// * A tenant gets no more than its [share](crate::delivery::Shares), including what it
///   already has in flight. [`Allowance`](crate::delivery::Allowance) counts it.
/// * A publish that also claims its deliveries leaves those of doubtful lanes to a later claim
///   while any doubtful lane waits.
/// * `settle` writes only with the current token. Otherwise the state does not change, except
///   that a success ends a delivery that is still pending. The attempt is always recorded.
/// * No due delivery is skipped for ever. A flood in one lane or tenant delays the first claim
///   of another by a bounded number of claims.
/// * A row that cannot be read affects only its own delivery or event. The call that finds it
///   does everything else that it was asked to do, and names the row in
///   [`Claims::unreadable`].
/// * `now` alone reads a wall clock, and no method creates an id.
///
/// If a future is dropped, its call was made in full or not at all. `publish` and `settle` are
/// safe to repeat.
///
/// The methods are called on the engine's task and must not block its thread. A panic
/// counts as an error of the kind `InDoubt`.
#[async_trait]
pub trait Store: Send + Sync {
    /// The store's time, which due times and leases are written in. It is the same for all
    /// processes of the store.
    ///
    /// * It advances evenly. A wall clock that disagrees moves it only after no process has
    ///   contradicted that clock for
    ///   [`CONFIRMED_AFTER`](crate::policy::timeline::CONFIRMED_AFTER).
    /// * When it moves, everything written in the old time is moved too, before any caller
    ///   sees the new time: leases, due times of retries, ages, holds, granted starts. A lease
    ///   that is in force stays in force. Deliveries that wait for a time stated in their
    ///   event keep that time.
    ///
    /// * A claim that was dated before the time moved, and arrives after it, takes nothing. It
    ///   fails as `Contended`; a publish stores its events and claims none of them.
    ///
    /// [`timeline::read`](crate::policy::timeline::read) and
    /// [`Timeline::check_date`](crate::policy::timeline::Timeline::check_date) decide this for a
    /// store whose time comes from the clocks of its processes.
    async fn now(&self) -> Result<Timestamp, StoreError>;

    /// The last time that the store had before its present time began. It is returned only if
    /// it is so far from that beginning that one of the two must be wrong, and the present
    /// time is younger than `CONFIRMED_AFTER`. `None` if the time has advanced without a
    /// break.
    async fn unconfirmed(&self) -> Result<Option<Timestamp>, StoreError>;

    /// The largest payload, in bytes, that the store accepts from any publisher, including
    /// those that publish without this crate; `None` if there is no such limit. A publish with
    /// a larger payload is an error and stores nothing. A `Webhooks` on this store accepts no
    /// larger payload, and cannot be built with a larger limit of its own.
    fn payload_max(&self) -> Option<usize> {
        None
    }

    /// Stores all events or, on an error, none. Returns one answer per event, in order. With a
    /// request, the same call also claims what a claim would return of **these** events'
    /// deliveries.
    async fn publish(
        &self,
        publishes: &[Publish],
        claim: Option<&ClaimRequest>,
        now: Timestamp,
    ) -> Result<(Vec<PublishAnswer>, Claims), StoreError>;

    /// Claims due deliveries and events.
    async fn claim(&self, request: &ClaimRequest) -> Result<Claims, StoreError>;

    /// Writes the consequences of claims. Returns one answer per settlement, in order.
    /// Settlements are independent of each other. Lane changes are applied after the
    /// settlements.
    ///
    /// Also returns when something is due next, as defined by [`Claims::next_due`]. A
    /// settlement may free room in its lane, end a hold or make something due, and only this
    /// answer tells the engine that another claim is worthwhile.
    async fn settle(
        &self,
        settlements: &[Settlement],
        lanes: &[LaneChange],
        now: Timestamp,
    ) -> Result<(Vec<Settled>, Option<Timestamp>), StoreError>;

    /// Opens and closes gates. After it has returned, no claim that begins takes anything from
    /// a held or paused gate.
    async fn gate(&self, changes: &[(Gate, GateChange)], now: Timestamp) -> Result<(), StoreError>;

    /// Removes at most `limit` rows, with their attempts, that became terminal (or unmatched)
    /// before the time given for their class. Returns whether more remain.
    ///
    /// When the last delivery to an endpoint that is no longer registered is removed, its lane
    /// is removed too, unless it is paused. The store then forgets the lane's health and which
    /// tenant its id belonged to. Holds of tenants and hosts that ended before the latest of
    /// these times are removed too.
    async fn prune(&self, before: &[(Class, Timestamp)], limit: usize) -> Result<bool, StoreError>;

    /// Returns when there may be new work. It is only a hint: it may be wrong, and it may be
    /// lost if several callers wait for it. A store that cannot know never returns.
    ///
    /// If the calls of a store can take effect after their futures were dropped, the store
    /// must track that: it returns once such a call has made something claimable. The engine
    /// learned of the call when the future was dropped, and may have claimed too early.
    async fn hint(&self);
}
