//! How the deliveries of a claim are shared among tenants.

use std::collections::BTreeMap;

use crate::id::TenantId;

use super::ClaimRequest;

/// The part of a claim that one tenant may get.
///
/// A tenant that has nothing in flight may always take one delivery, as long as the request
/// has one left. Any further delivery must leave enough for other tenants: what the tenant
/// then holds is at most [`of_all`](Self::of_all) times what the request then has left. The
/// more tenants share the slots, the smaller is the share of each, and something is left for
/// the next tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shares {
    /// What each tenant already has in flight. A tenant that is not listed has nothing.
    pub in_flight: BTreeMap<TenantId, InFlight>,
    /// The most deliveries that a tenant may hold, as a multiple of what is left of
    /// [`ClaimRequest::deliveries`]; `usize::MAX` sets no limit.
    pub of_all: usize,
    /// The most deliveries of doubtful lanes that a tenant may hold, as a multiple of what is
    /// left of [`ClaimRequest::doubtful`]; `usize::MAX` sets no limit.
    pub of_doubtful: usize,
}

/// How many deliveries a tenant has in flight.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InFlight {
    /// The number in all its lanes.
    pub all: usize,
    /// The number in its doubtful lanes.
    pub doubtful: usize,
}

/// What a claim may still take of its request. Every store counts with this type.
#[derive(Debug)]
pub struct Allowance<'a> {
    request: &'a ClaimRequest,
    deliveries: usize,
    doubtful: usize,
    taken: BTreeMap<TenantId, InFlight>,
}

impl Shares {
    /// Shares that limit no tenant.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self { in_flight: BTreeMap::new(), of_all: usize::MAX, of_doubtful: usize::MAX }
    }
}

impl<'a> Allowance<'a> {
    /// The allowance of a request of which nothing has been taken.
    #[must_use]
    pub const fn of(request: &'a ClaimRequest) -> Self {
        Self { request, deliveries: request.deliveries, doubtful: request.doubtful, taken: BTreeMap::new() }
    }

    /// The number of deliveries that may still be taken, from any lane.
    #[must_use]
    pub const fn deliveries(&self) -> usize {
        self.deliveries
    }

    /// Whether a delivery of a doubtful lane may still be taken.
    #[must_use]
    pub const fn takes_doubtful(&self) -> bool {
        self.deliveries > 0 && self.doubtful > 0
    }

    /// Whether another delivery may be taken from a lane of this tenant.
    #[must_use]
    pub fn allows(&self, tenant: &TenantId, doubtful: bool) -> bool {
        let (all, of_doubtful) = (self.request.shares.of_all, self.request.shares.of_doubtful);
        let held = self.held(tenant);
        leaves_enough(held.all, self.deliveries, all)
            && (!doubtful || leaves_enough(held.doubtful, self.doubtful, of_doubtful))
    }

    /// Counts a delivery taken from a lane of this tenant.
    pub fn take(&mut self, tenant: &TenantId, doubtful: bool) {
        self.deliveries = self.deliveries.saturating_sub(1);
        self.doubtful = self.doubtful.saturating_sub(usize::from(doubtful));
        let taken = InFlight { all: 1, doubtful: usize::from(doubtful) };
        if let Some(before) = self.taken.get_mut(tenant) {
            *before = before.plus(taken);
        } else {
            self.taken.insert(tenant.clone(), taken);
        }
    }

    /// Counts a test ping, which uses up only the number of deliveries.
    pub const fn take_test(&mut self) {
        self.deliveries = self.deliveries.saturating_sub(1);
    }

    fn held(&self, tenant: &TenantId) -> InFlight {
        let before = self.request.shares.in_flight.get(tenant).copied().unwrap_or_default();
        before.plus(self.taken.get(tenant).copied().unwrap_or_default())
    }
}

impl InFlight {
    const fn plus(self, more: Self) -> Self {
        Self { all: self.all.saturating_add(more.all), doubtful: self.doubtful.saturating_add(more.doubtful) }
    }
}

/// Whether a tenant that holds `held` deliveries may take one more, if it may hold at most
/// `multiple` times what is left.
pub(crate) const fn leaves_enough(held: usize, left: usize, multiple: usize) -> bool {
    match left {
        0 => false,
        _ if held == 0 => true,
        _ if multiple == usize::MAX => held < usize::MAX,
        _ => held < (left - 1).saturating_mul(multiple),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Token;
    use crate::time::Timestamp;

    fn request(deliveries: usize, doubtful: usize, of_all: usize, of_doubtful: usize) -> ClaimRequest {
        let now = Timestamp::from_unix_seconds(0);
        ClaimRequest {
            token: Token::from_bytes([1; 16]),
            now,
            lease_until: now,
            deliveries,
            doubtful,
            events: 0,
            shares: Shares { in_flight: BTreeMap::new(), of_all, of_doubtful },
            alone: false,
        }
    }

    fn tenant(number: usize) -> TenantId {
        TenantId::new(format!("t{number}")).unwrap()
    }

    /// How many each tenant gets where all of them always want more, in turn.
    fn shared_out(request: &ClaimRequest, tenants: usize, doubtful: bool) -> Vec<usize> {
        let (mut left, mut taken) = (Allowance::of(request), vec![0; tenants]);
        loop {
            let before: usize = taken.iter().sum();
            for (number, taken) in taken.iter_mut().enumerate() {
                if left.allows(&tenant(number), doubtful) {
                    left.take(&tenant(number), doubtful);
                    *taken += 1;
                }
            }
            if taken.iter().sum::<usize>() == before {
                return taken;
            }
        }
    }

    #[test]
    fn the_share_of_a_tenant_shrinks_with_the_number_of_tenants_and_leaves_room_for_one_more() {
        for (deliveries, multiple, tenants, expected) in [
            (64, 3, 1, vec![48]),
            (64, 3, 2, vec![27, 27]),
            (32, 1, 1, vec![16]),
            (32, 1, 2, vec![11, 10]),
            (32, 1, 3, vec![8, 8, 8]),
            (8, 3, 1, vec![6]),
            (2, 3, 1, vec![1]),
            (1, 3, 2, vec![1, 0]),
            (0, 3, 1, vec![0]),
            (64, usize::MAX, 1, vec![64]),
        ] {
            let request = request(deliveries, deliveries, multiple, multiple);
            assert_eq!(shared_out(&request, tenants, false), expected, "{deliveries}, {multiple}");
            assert_eq!(shared_out(&request, tenants, true), expected, "{deliveries}, {multiple}");
        }
    }

    #[test]
    fn what_a_tenant_has_in_flight_counts_against_its_share() {
        let mut request = request(16, 16, 3, 1);
        let held = InFlight { all: 48, doubtful: 16 };
        request.shares.in_flight.insert(tenant(0), held);
        assert_eq!(shared_out(&request, 1, false), [0]);
        request.shares.in_flight.insert(tenant(0), InFlight { all: 44, ..held });
        assert_eq!(shared_out(&request, 1, false), [1]);
        assert_eq!(shared_out(&request, 1, true), [0], "half of the doubtful ones");
    }

    #[test]
    fn doubtful_lanes_have_their_part_and_no_more() {
        let request = request(8, 3, usize::MAX, usize::MAX);
        assert_eq!(shared_out(&request, 2, true), [2, 1]);
        assert_eq!(shared_out(&request, 1, false), [8]);
    }

    #[test]
    fn a_test_ping_counts_against_the_whole_alone() {
        let request = request(2, 2, usize::MAX, 1);
        let mut left = Allowance::of(&request);
        left.take_test();
        assert!(left.allows(&tenant(0), true) && left.takes_doubtful());
        left.take_test();
        assert!(!left.allows(&tenant(0), false) && !left.takes_doubtful());
    }
}
