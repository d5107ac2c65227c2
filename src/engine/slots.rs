//! How much is under way, and how much may be asked for.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::id::TenantId;
use crate::policy::lane::Lane;

/// The engine's slots: one per request in flight.
///
/// A tenant gets at most three quarters of them and the doubtful lanes together half,
/// so that neither a flood nor endpoints that never answer take them all.
#[derive(Debug)]
pub(crate) struct Slots {
    total: usize,
    sending: usize,
    waiting: usize,
    doubtful: usize,
    tenants: BTreeMap<TenantId, usize>,
    finished_lately: usize,
    freed_at: Option<Duration>,
}

/// How much one claim asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) deliveries: usize,
    pub(crate) per_tenant: usize,
    pub(crate) doubtful: usize,
    pub(crate) skip_tenants: Vec<TenantId>,
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

    /// What another claim may bring: the free slots, and ahead of them as much as was
    /// finished since the last claim, up to as much again. A slow set of receivers
    /// thereby gets no work that would only wait.
    pub(crate) fn room(&mut self) -> Room {
        let ahead = std::mem::take(&mut self.finished_lately).min(self.total);
        let deliveries = (self.total + ahead).saturating_sub(self.sending + self.waiting);
        let share = self.share();
        Room {
            deliveries,
            per_tenant: share.min(deliveries),
            doubtful: (self.total / 2).max(1).saturating_sub(self.doubtful).min(deliveries),
            skip_tenants: self
                .tenants
                .iter()
                .filter(|(_, taken)| **taken >= share + ahead)
                .map(|(tenant, _)| tenant.clone())
                .collect(),
        }
    }

    /// How much more a claim might bring of one tenant.
    pub(crate) fn room_for(&self, tenant: &TenantId) -> usize {
        let ahead = self.finished_lately.min(self.total);
        let taken = self.tenants.get(tenant).copied().unwrap_or(0);
        let of_all = (self.total + ahead).saturating_sub(self.sending + self.waiting);
        of_all.min((self.share() + ahead).saturating_sub(taken))
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

    /// Something was claimed and waits; of no lane where it is outside of widths.
    pub(crate) fn take(&mut self, tenant: &TenantId, lane: Option<&Lane>) {
        self.waiting += 1;
        count_one(&mut self.tenants, tenant);
        if let Some(lane) = lane {
            self.doubtful += usize::from(lane.is_doubtful());
        }
    }

    /// What waited is being sent.
    pub(crate) const fn start(&mut self) {
        self.waiting -= 1;
        self.sending += 1;
    }

    /// What was being sent is done.
    pub(crate) fn finish(&mut self, tenant: &TenantId, lane: Option<&Lane>, now: Duration) {
        self.freed_at = Some(now);
        self.sending -= 1;
        self.finished_lately += 1;
        self.leave(tenant, lane);
    }

    /// What waited is given back.
    pub(crate) fn give_back(&mut self, tenant: &TenantId, lane: Option<&Lane>) {
        self.waiting -= 1;
        self.leave(tenant, lane);
    }

    fn leave(&mut self, tenant: &TenantId, lane: Option<&Lane>) {
        count_off(&mut self.tenants, tenant);
        self.doubtful -= usize::from(lane.is_some_and(Lane::is_doubtful));
    }

    fn share(&self) -> usize {
        (self.total * 3 / 4).max(1)
    }
}

fn count_one<K: Ord + Clone>(counts: &mut BTreeMap<K, usize>, of: &K) {
    if let Some(count) = counts.get_mut(of) {
        *count += 1;
    } else {
        counts.insert(of.clone(), 1);
    }
}

fn count_off<K: Ord>(counts: &mut BTreeMap<K, usize>, of: &K) {
    let Some(count) = counts.get_mut(of) else { return };
    *count -= 1;
    if *count == 0 {
        counts.remove(of);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(endpoint: &str, width: u32) -> Lane {
        let (tenant, host) = ("flood".parse().unwrap(), "receiver.example".parse().unwrap());
        Lane::new(endpoint.parse().unwrap(), tenant, host, width)
    }

    #[test]
    fn a_tenant_has_three_quarters_and_doubtful_lanes_half_of_the_slots() {
        let tenant = TenantId::new("flood").unwrap();
        let mut slots = Slots::new(8);
        assert_eq!(slots.room(), Room { deliveries: 8, per_tenant: 6, doubtful: 4, skip_tenants: vec![] });
        let doubtful = lane("new", 16);
        let proven = Lane { proven: true, ..lane("known", 16) };
        for n in 0..6 {
            slots.take(&tenant, Some(if n < 4 { &doubtful } else { &proven }));
            slots.start();
        }
        assert_eq!(
            slots.room(),
            Room { deliveries: 2, per_tenant: 2, doubtful: 0, skip_tenants: vec![tenant.clone()] }
        );
        assert_eq!(slots.room_for(&tenant), 0);
        slots.finish(&tenant, Some(&doubtful), Duration::from_secs(1));
        assert_eq!(slots.room_for(&tenant), 2, "one of its own, and one ahead");
        assert_eq!(slots.freed_at(), Some(Duration::from_secs(1)));
        assert_eq!(slots.room().deliveries, 4, "three free, and one ahead for the one that finished");
        assert_eq!(slots.room().deliveries, 3);
    }
}
