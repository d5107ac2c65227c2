//! The endpoints that wait for a start under a shared limit, and their order.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::id::{EndpointId, TenantId};
use crate::policy::timeline::Shift;
use crate::time::Timestamp;

use super::WINDOW_MAX;

/// How long the turn of an endpoint that does not ask is kept.
const KEPT: Duration = Duration::from_secs(2);
/// The turn of an endpoint that asked late before is kept for twice as long as it was late, up
/// to this: whatever an endpoint does, its turn delays the others no longer.
const KEPT_MAX: Duration = Duration::from_secs(60);
/// How long an endpoint that does not ask keeps its place, without its turn being kept.
pub(crate) const FORGOTTEN_AFTER: Duration = Duration::from_secs(120);
/// The most turns that are considered in one call.
const TURNS_MAX: usize = 100_000;

/// An endpoint that asks for starts, with its tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Asker {
    /// The tenant of the endpoint.
    pub tenant: TenantId,
    /// The endpoint.
    pub endpoint: EndpointId,
}

/// An endpoint that was granted less than it asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiter {
    /// The number of starts that it waits for.
    pub wanted: u32,
    /// The time since which it has waited and has been granted nothing.
    pub since: Timestamp,
    /// When its tenant was last granted a start while it waited beside other tenants; `None`
    /// if never.
    pub served_at: Option<Timestamp>,
    /// When it asks again.
    pub comes_at: Timestamp,
    /// How long its turn is kept after that.
    pub kept: Duration,
}

impl Waiter {
    fn new(now: Timestamp) -> Self {
        Self { wanted: 0, since: now, served_at: None, comes_at: now, kept: KEPT }
    }

    /// The time until which its turn is kept.
    #[must_use]
    pub fn kept_until(&self) -> Timestamp {
        self.comes_at + self.kept.min(KEPT_MAX)
    }

    /// Whether it waits and is still expected to ask.
    #[must_use]
    pub fn is_expected(&self, now: Timestamp) -> bool {
        self.wanted > 0 && now < self.kept_until()
    }

    /// Whether a start is kept for it now, if it is its turn.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.comes_at <= now && self.is_expected(now)
    }
}

/// The endpoints that wait under one limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WaitingLine(BTreeMap<Asker, Waiter>);

impl WaitingLine {
    /// A line of these endpoints.
    #[must_use]
    pub fn from_waiters(waiters: impl IntoIterator<Item = (Asker, Waiter)>) -> Self {
        Self(waiters.into_iter().collect())
    }

    /// The waiting endpoints, by tenant and endpoint.
    #[must_use]
    pub const fn waiters(&self) -> &BTreeMap<Asker, Waiter> {
        &self.0
    }

    /// Whether no endpoint waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Removes endpoints that have not asked for long, and those that a clock that was ahead
    /// has told when to ask.
    pub fn forget(&mut self, now: Timestamp) {
        let last = now + WINDOW_MAX + WINDOW_MAX;
        self.0.retain(|_, waiter| now < waiter.comes_at + FORGOTTEN_AFTER && waiter.comes_at <= last);
    }

    /// Records that an endpoint asks now, whatever it asked for before. One that waits keeps
    /// its place, and for one that came late the turn is kept longer the next time.
    pub(super) fn ask(&mut self, asker: &Asker, starts: u32, now: Timestamp) {
        let waiter = self.0.entry(asker.clone()).or_insert_with(|| Waiter::new(now));
        let late = now.since(waiter.comes_at);
        waiter.kept = if late > KEPT_MAX { KEPT } else { (late * 2).clamp(KEPT, KEPT_MAX) };
        waiter.comes_at = now;
        waiter.wanted = starts;
    }

    /// Records that the same endpoint asks for more in the same call.
    pub(super) fn ask_for_more(&mut self, asker: &Asker, starts: u32) {
        if let Some(waiter) = self.0.get_mut(asker) {
            waiter.wanted = waiter.wanted.saturating_add(starts);
        }
    }

    /// Records that an endpoint is granted `starts`. For the rest it waits from now on.
    pub(super) fn granted(&mut self, asker: &Asker, starts: u32, now: Timestamp) {
        let Some(waiter) = self.0.get_mut(asker).filter(|_| starts > 0) else { return };
        waiter.wanted = waiter.wanted.saturating_sub(starts);
        waiter.since = now;
        if waiter.wanted == 0 {
            self.0.remove(asker);
        }
        if !self.is_of_one_tenant() {
            let of_tenant = self.0.iter_mut().filter(|(other, _)| other.tenant == asker.tenant);
            of_tenant.for_each(|(_, waiter)| waiter.served_at = Some(now));
        }
    }

    /// Records that an endpoint was refused and asks again at `until`.
    pub(super) fn put_off(&mut self, asker: &Asker, until: Timestamp) {
        if let Some(waiter) = self.0.get_mut(asker) {
            waiter.comes_at = until;
        }
    }

    /// Converts its times after the store's time moved by `by`.
    pub fn shift(&mut self, by: Shift) {
        for waiter in self.0.values_mut() {
            waiter.since = by.carry(waiter.since);
            waiter.served_at = waiter.served_at.map(|at| by.carry(at));
            waiter.comes_at = by.carry(waiter.comes_at);
        }
    }

    /// The order in which the endpoints that count are served, one start each time they are
    /// named: tenants in turn, the one served longest ago first, and within a tenant its
    /// endpoints in turn.
    pub(super) fn turns(&self, now: Timestamp, counts: impl Fn(&Waiter) -> bool) -> Vec<&Asker> {
        let mut tenants: BTreeMap<&TenantId, Tenant<'_>> = BTreeMap::new();
        for (asker, waiter) in &self.0 {
            let tenant = tenants.entry(&asker.tenant).or_default();
            tenant.served_at = tenant.served_at.max(waiter.served_at);
            if waiter.is_expected(now) {
                let since = tenant.since.unwrap_or(waiter.since);
                tenant.since = Some(waiter.since.min(since));
            }
            if counts(waiter) {
                tenant.waiting.push_back((waiter.since, asker, waiter.wanted));
            }
        }
        let mut round: Vec<_> = tenants.into_values().filter(|tenant| !tenant.waiting.is_empty()).collect();
        for tenant in &mut round {
            tenant.waiting.make_contiguous().sort_unstable();
        }
        round.sort_by_key(|tenant| tenant.place(now));
        let mut round = VecDeque::from(round);
        let turns = std::iter::from_fn(|| {
            let mut tenant = round.pop_front()?;
            let (since, asker, wanted) = tenant.waiting.pop_front()?;
            if wanted > 1 {
                tenant.waiting.push_back((since, asker, wanted - 1));
            }
            if !tenant.waiting.is_empty() {
                round.push_back(tenant);
            }
            Some(asker)
        });
        turns.take(TURNS_MAX).collect()
    }

    /// When the first of the kept turns ends.
    pub(super) fn first_given_up(&self, now: Timestamp) -> Option<Timestamp> {
        self.0.values().filter(|waiter| waiter.is_due(now)).map(Waiter::kept_until).min()
    }

    fn is_of_one_tenant(&self) -> bool {
        let (first, last) = (self.0.first_key_value(), self.0.last_key_value());
        first.map(|(asker, _)| &asker.tenant) == last.map(|(asker, _)| &asker.tenant)
    }
}

/// The endpoints of one tenant that wait.
#[derive(Default)]
struct Tenant<'a> {
    /// The time since which the first of the expected ones has waited.
    since: Option<Timestamp>,
    /// When one of them was last granted a start.
    served_at: Option<Timestamp>,
    waiting: VecDeque<(Timestamp, &'a Asker, u32)>,
}

impl<'a> Tenant<'a> {
    /// Its place in the round: since when it waits, but not from before it was served last.
    /// What a clock that was ahead has written counts as of about now.
    fn place(&self, now: Timestamp) -> (Timestamp, bool, Option<&'a Asker>) {
        let first = self.waiting.front();
        let since = self.since.max(self.served_at).unwrap_or(now).min(now + KEPT);
        (since, self.served_at.is_some(), first.map(|(_, asker, _)| *asker))
    }
}
