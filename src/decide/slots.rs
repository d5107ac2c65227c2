//! Counts the work in progress, and decides how much may be claimed.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::delivery::{InFlight, Shares};
use crate::id::TenantId;
use crate::policy::lane::Lane;

/// A tenant may use this many times the number of slots that it leaves free. A tenant that is alone
/// can use three quarters of all slots.
const SHARE_OF_ALL: usize = 3;
/// The same for a tenant's doubtful lanes, within the half of the slots that doubtful lanes may
/// use. A tenant that is alone can use half of that.
const SHARE_OF_DOUBTFUL: usize = 1;

/// The engine's slots: one per request in flight.
///
/// Doubtful lanes together may use half of the slots. The share of each tenant leaves slots for
/// others. So neither a flood of events nor endpoints that never answer can use all slots.
#[derive(Debug)]
pub(crate) struct Slots {
    total: usize,
    sending: usize,
    waiting: usize,
    doubtful: usize,
    tenants: BTreeMap<TenantId, InFlight>,
    finished_lately: usize,
    freed_at: Option<Duration>,
}

/// How much one claim asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) deliveries: usize,
    pub(crate) doubtful: usize,
    pub(crate) shares: Shares,
}

impl Room {
    /// Room for one delivery of any kind.
    pub(crate) const fn for_one() -> Self {
        Self { deliveries: 1, doubtful: 1, shares: Shares::unlimited() }
    }
}

impl Slots {
    pub(crate) const fn new(total: usize) -> Self {
        Self {
            total,
            sending: 0,
            waiting: 0,
            doubtful: 0,
            tenants: BTreeMap::new(),
            finished_lately: 0,
            freed_at: None,
        }
    }

    /// How much another claim may return: one delivery per free slot, and in advance one per request
    /// that ended since the last claim, at most the total again. So slow receivers get no work that
    /// would only wait.
    pub(crate) fn room(&mut self) -> Room {
        let ahead = std::mem::take(&mut self.finished_lately).min(self.total);
        let deliveries = self.free(ahead);
        Room {
            deliveries,
            doubtful: (self.total / 2).max(1).saturating_sub(self.doubtful).min(deliveries),
            shares: Shares {
                in_flight: self.tenants.clone(),
                of_all: SHARE_OF_ALL,
                of_doubtful: SHARE_OF_DOUBTFUL,
            },
        }
    }

    /// How many more deliveries of one tenant a claim might return.
    pub(crate) fn room_for(&self, tenant: &TenantId) -> usize {
        let free = self.free(self.finished_lately.min(self.total));
        let held = self.tenants.get(tenant).map_or(0, |held| held.all);
        let more = (free * SHARE_OF_ALL).saturating_sub(held) / (SHARE_OF_ALL + 1);
        more.max(usize::from(held == 0)).min(free)
    }

    const fn free(&self, ahead: usize) -> usize {
        (self.total + ahead).saturating_sub(self.sending + self.waiting)
    }

    /// When a slot last became free.
    pub(crate) const fn freed_at(&self) -> Option<Duration> {
        self.freed_at
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.sending + self.waiting >= self.total
    }

    pub(crate) const fn can_start(&self) -> bool {
        self.sending < self.total
    }

    pub(crate) const fn is_idle(&self) -> bool {
        self.sending + self.waiting == 0
    }

    pub(crate) const fn sending(&self) -> usize {
        self.sending
    }

    /// Notes a claimed delivery that waits. It has no lane if widths do not apply to it.
    pub(crate) fn take(&mut self, tenant: &TenantId, lane: Option<&Lane>) {
        self.waiting += 1;
        let doubtful = usize::from(lane.is_some_and(Lane::is_doubtful));
        self.doubtful += doubtful;
        let held = self.tenants.entry(tenant.clone()).or_default();
        held.all += 1;
        held.doubtful += doubtful;
    }

    /// Notes that a waiting delivery is being sent.
    pub(crate) const fn start(&mut self) {
        self.waiting -= 1;
        self.sending += 1;
    }

    /// Notes that a request has ended.
    pub(crate) fn finish(&mut self, tenant: &TenantId, lane: Option<&Lane>, now: Duration) {
        self.freed_at = Some(now);
        self.sending -= 1;
        self.finished_lately += 1;
        self.leave(tenant, lane);
    }

    /// Notes that a waiting delivery is given back.
    pub(crate) fn give_back(&mut self, tenant: &TenantId, lane: Option<&Lane>) {
        self.waiting -= 1;
        self.leave(tenant, lane);
    }

    fn leave(&mut self, tenant: &TenantId, lane: Option<&Lane>) {
        let doubtful = usize::from(lane.is_some_and(Lane::is_doubtful));
        self.doubtful -= doubtful;
        if let Some(held) = self.tenants.get_mut(tenant) {
            held.all -= 1;
            held.doubtful -= doubtful;
            if held.all == 0 {
                self.tenants.remove(tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::{Allowance, ClaimRequest};
    use crate::id::Token;
    use crate::time::Timestamp;

    fn lane(endpoint: &str, width: u32) -> Lane {
        let (tenant, host) = ("flood".parse().unwrap(), "receiver.example".parse().unwrap());
        Lane::new(endpoint.parse().unwrap(), tenant, host, width)
    }

    #[test]
    fn a_tenant_has_three_quarters_and_doubtful_lanes_half_of_the_slots() {
        let tenant = TenantId::new("flood").unwrap();
        let mut slots = Slots::new(8);
        assert_eq!((slots.room().deliveries, slots.room().doubtful, slots.room_for(&tenant)), (8, 4, 6));
        let doubtful = lane("new", 16);
        let proven = Lane { proven: true, ..lane("known", 16) };
        for n in 0..6 {
            slots.take(&tenant, Some(if n < 4 { &doubtful } else { &proven }));
            slots.start();
        }
        let room = slots.room();
        assert_eq!((room.deliveries, room.doubtful), (2, 0));
        assert_eq!(room.shares.in_flight[&tenant], InFlight { all: 6, doubtful: 4 });
        assert_eq!(slots.room_for(&tenant), 0);
        slots.finish(&tenant, Some(&doubtful), Duration::from_secs(1));
        assert_eq!(slots.room_for(&tenant), 1, "of its own, three free and one ahead");
        assert_eq!(slots.room_for(&TenantId::new("other").unwrap()), 3, "one stays for a third one");
        assert_eq!(slots.freed_at(), Some(Duration::from_secs(1)));
        assert_eq!(slots.room().deliveries, 4, "three free, and one ahead for the one that finished");
        assert_eq!(slots.room().deliveries, 3);
    }

    #[test]
    fn what_a_claim_allows_a_tenant_is_what_the_slots_say() {
        for (total, held) in [(1, 0), (2, 0), (2, 1), (8, 0), (8, 5), (64, 0), (64, 47), (64, 48)] {
            let tenant = TenantId::new("flood").unwrap();
            let mut slots = Slots::new(total);
            for _ in 0..held {
                slots.take(&tenant, None);
            }
            let request = ClaimRequest {
                token: Token::from_bytes([1; 16]),
                now: Timestamp::from_unix_seconds(0),
                lease_until: Timestamp::from_unix_seconds(0),
                deliveries: slots.room().deliveries,
                doubtful: 0,
                events: 0,
                shares: slots.room().shares,
                alone: false,
            };
            let (mut left, mut taken) = (Allowance::of(&request), 0);
            while left.allows(&tenant, false) {
                left.take(&tenant, false);
                taken += 1;
            }
            assert_eq!(taken, slots.room_for(&tenant), "{held} of {total}");
        }
    }
}
