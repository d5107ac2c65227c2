//! Distinguishes our own faults from an endpoint's, and pauses claiming for our own.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use crate::id::{HostName, TenantId};
use crate::notice::OwnFaultReason;
use crate::policy::outcome::{NotSent, Outcome};

use super::conclude::Fault;

/// Failures longer ago than this are ignored.
const WINDOW: Duration = Duration::from_secs(10);
/// How many tenants must fail before the fault is ours. If fewer tenants are known, how many
/// domains must fail.
const SEVERAL: usize = 3;
/// The most failing tenants that are remembered. More would not change the decision.
const REMEMBERED: usize = 256;
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// The recent results of requests, as evidence about our own network, and how long claiming pauses.
///
/// Anyone who may set URLs can make requests fail, under any number of names. Failures of one
/// tenant are therefore attributed to that tenant. The fault is ours only if several tenants fail
/// and no request succeeds.
#[derive(Debug, Default)]
pub(crate) struct OwnFaults {
    failing: BTreeMap<TenantId, Failing>,
    /// The first few tenants that requests were made for.
    known: BTreeSet<TenantId>,
    /// When a request last reached a network.
    reached_at: Option<Duration>,
    /// When the resolver last gave a definite answer.
    answered_at: Option<Duration>,
    streak: u32,
    paused_until: Duration,
    /// The fault that was reported to the observer, and the longest pause for it.
    told: Option<(OwnFaultReason, Duration)>,
}

/// The latest failures of a tenant.
#[derive(Debug, Default)]
struct Failing {
    /// When a look-up last failed.
    unanswered_at: Option<Duration>,
    /// When no network could last be reached.
    unreachable_at: Option<Duration>,
    /// The first few domains that failed within the window.
    domains: BTreeMap<String, Duration>,
}

impl OwnFaults {
    /// Decides whose fault this outcome is. An unreachable network, or a missing answer about a
    /// name, is our fault only if within ten seconds the endpoints of at least three tenants failed
    /// in this way and none succeeded. If fewer tenants are known, all of them have to fail, under
    /// at least three domains. A definite answer that a name does not exist shows that the resolver
    /// works, and shows nothing else.
    pub(crate) fn judge(
        &mut self,
        tenant: &TenantId,
        host: &HostName,
        outcome: &Outcome,
        now: impl FnOnce() -> Duration,
    ) -> Fault {
        if self.known.len() < SEVERAL && !self.known.contains(tenant) {
            self.known.insert(tenant.clone());
        }
        match outcome {
            Outcome::NotSent(NotSent::Ours) => return Fault::Ours,
            Outcome::NotSent(NotSent::Busy) => return Fault::Busy,
            Outcome::NotSent(NotSent::Blocked | NotSent::BlockedLiteral | NotSent::Proxy) => {}
            Outcome::NotSent(NotSent::NoSuchName) => self.answered_at = Some(now()),
            Outcome::NotSent(reason @ (NotSent::Name | NotSent::Unreachable)) => {
                let now = now();
                self.note(tenant, host, *reason, now);
                if self.cut_off(now) {
                    return Fault::Ours;
                }
            }
            Outcome::NotSent(_) | Outcome::Unknown(_) | Outcome::Response(_) => {
                let now = now();
                (self.reached_at, self.answered_at) = (Some(now), Some(now));
            }
        }
        Fault::Endpoint
    }

    /// Pauses claiming for 1, 2, 4 … 30 s, longer with each consecutive fault. `None` if claiming
    /// is paused already.
    pub(crate) fn pause(&mut self, now: Duration) -> Option<Duration> {
        if self.is_paused(now) {
            return None;
        }
        let pause = Duration::from_secs(1_u64 << self.streak.min(5)).min(PAUSE_MAX);
        self.streak = self.streak.saturating_add(1);
        self.paused_until = now.saturating_add(pause);
        Some(pause)
    }

    /// Notes a success: the next fault pauses for one second again.
    pub(crate) const fn clear(&mut self) {
        self.streak = 0;
    }

    /// Whether the observer was not told of this fault yet, or only with a shorter pause.
    pub(crate) fn is_new(&mut self, what: OwnFaultReason, pause: Duration) -> bool {
        let is_new = self.told.is_none_or(|(told, longest)| told != what || longest < pause);
        if is_new {
            self.told = Some((what, pause));
        }
        is_new
    }

    /// Notes that this fault has ended.
    pub(crate) fn is_over(&mut self, what: OwnFaultReason) {
        self.told = self.told.filter(|(told, _)| *told != what);
    }

    pub(crate) fn is_paused(&self, now: Duration) -> bool {
        now < self.paused_until
    }

    pub(crate) const fn paused_until(&self) -> Duration {
        self.paused_until
    }

    fn note(&mut self, tenant: &TenantId, host: &HostName, reason: NotSent, now: Duration) {
        self.failing.retain(|_, failing| failing.is_recent(now));
        if self.failing.len() >= REMEMBERED && !self.failing.contains_key(tenant) {
            return;
        }
        let failing = self.failing.entry(tenant.clone()).or_default();
        match reason {
            NotSent::Name => failing.unanswered_at = Some(now),
            _ => failing.unreachable_at = Some(now),
        }
        failing.domains.retain(|_, at| is_recent(Some(*at), now));
        let domain = domain(host);
        if failing.domains.len() < SEVERAL || failing.domains.contains_key(domain) {
            failing.domains.insert(domain.to_owned(), now);
        }
    }

    fn cut_off(&self, now: Duration) -> bool {
        if is_recent(self.reached_at, now) {
            return false;
        }
        let answered = is_recent(self.answered_at, now);
        let failing = self.failing.iter().filter(|(_, failing)| {
            is_recent(failing.unreachable_at, now) || !answered && is_recent(failing.unanswered_at, now)
        });
        let (tenants, domains): (Vec<_>, Vec<_>) =
            failing.map(|(tenant, failing)| (tenant, &failing.domains)).unzip();
        let domains = domains.into_iter().flatten().filter(|(_, at)| is_recent(Some(**at), now));
        let domains: BTreeSet<_> = domains.map(|(domain, _)| domain).collect();
        let everybody = self.known.len() < SEVERAL && tenants.len() == self.known.len();
        domains.len() >= SEVERAL && (tenants.len() >= SEVERAL || everybody)
    }
}

impl Failing {
    fn is_recent(&self, now: Duration) -> bool {
        is_recent(self.unanswered_at.max(self.unreachable_at), now)
    }
}

fn is_recent(at: Option<Duration>, now: Duration) -> bool {
    at.is_some_and(|at| now.saturating_sub(at) <= WINDOW)
}

/// The domain of a host: the last two labels of its name. A list of public suffixes would be more
/// exact, but would become out of date. An address is its own domain.
fn domain(host: &HostName) -> &str {
    let name = host.as_str();
    if name.parse::<Ipv4Addr>().is_ok() {
        return name;
    }
    name.rmatch_indices('.').nth(1).map_or(name, |(dot, _)| &name[dot + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::outcome::Unknown;

    const NO_ANSWER: Outcome = Outcome::NotSent(NotSent::Name);
    const NO_ROUTE: Outcome = Outcome::NotSent(NotSent::Unreachable);
    const NO_SUCH_NAME: Outcome = Outcome::NotSent(NotSent::NoSuchName);
    const REACHED: Outcome = Outcome::Unknown(Unknown::Reset);

    /// Judges outcomes, given as (second, tenant, domain, outcome) in order; returns the last result.
    fn last(rows: &[(u64, usize, usize, Outcome)]) -> Fault {
        let mut faults = OwnFaults::default();
        let judged = rows.iter().map(|(second, tenant, domain, outcome)| {
            let tenant = TenantId::new(format!("t{tenant}")).unwrap();
            let host = HostName::new(format!("hooks.d{domain}.example")).unwrap();
            faults.judge(&tenant, &host, outcome, || Duration::from_secs(*second))
        });
        judged.last().unwrap()
    }

    #[test]
    fn what_fails_for_three_tenants_in_ten_seconds_while_nobody_gets_through_is_our_own_fault() {
        for failure in [NO_ANSWER, NO_ROUTE] {
            let of = |second, number| (second, number, number, failure.clone());
            assert_eq!(last(&[of(1, 1), of(2, 2)]), Fault::Endpoint);
            assert_eq!(last(&[of(1, 1), of(2, 2), of(3, 3)]), Fault::Ours);
            assert_eq!(last(&[of(1, 1), of(2, 2), of(12, 3)]), Fault::Endpoint, "the first is too long ago");
            let reached = (0, 9, 9, REACHED);
            let rows = [reached.clone(), of(1, 1), of(2, 2), of(3, 3)];
            assert_eq!(last(&rows), Fault::Endpoint, "one got through before the first failure");
            assert_eq!(last(&[of(1, 1), of(2, 2), reached, of(3, 3)]), Fault::Endpoint);
        }
    }

    #[test]
    fn one_tenant_among_others_is_never_our_own_fault_under_however_many_names() {
        let others = [(0, 1, 1, REACHED), (0, 2, 2, REACHED)];
        let many =
            (0..1_000).map(|number| (20 + number / 100, 3, 10 + usize::try_from(number).unwrap(), NO_ANSWER));
        let rows: Vec<_> = others.into_iter().chain(many).collect();
        assert_eq!(last(&rows), Fault::Endpoint);
    }

    #[test]
    fn where_one_tenant_is_all_there_is_three_domains_have_to_fail() {
        let of = |domain| (1, 1, domain, NO_ROUTE);
        assert_eq!(last(&[of(1), of(1), of(2)]), Fault::Endpoint);
        assert_eq!(last(&[of(1), of(2), of(3)]), Fault::Ours);
    }

    #[test]
    fn an_answer_that_there_is_no_such_name_proves_the_resolver_and_no_network() {
        let answered = (1, 9, 9, NO_SUCH_NAME);
        let of = |number, failure| (2, number, number, failure);
        let unanswered = |number| of(number, NO_ANSWER);
        assert_eq!(last(&[answered.clone(), unanswered(1), unanswered(2), unanswered(3)]), Fault::Endpoint);
        let no_route = |number| of(number, NO_ROUTE);
        assert_eq!(last(&[answered, no_route(1), no_route(2), no_route(3)]), Fault::Ours);
        let ten: Vec<_> = (0..10).map(|number| of(number, NO_SUCH_NAME)).collect();
        assert_eq!(last(&ten), Fault::Endpoint);
    }

    #[test]
    fn the_last_two_labels_of_a_name_are_its_domain() {
        for (host, of) in [
            ("a.b.example.com", "example.com"),
            ("example.com", "example.com"),
            ("localhost", "localhost"),
            ("192.0.2.1", "192.0.2.1"),
        ] {
            assert_eq!(domain(&HostName::new(host).unwrap()), of);
        }
    }

    #[test]
    fn pauses_double_to_thirty_seconds_and_begin_anew_after_something_worked() {
        let mut faults = OwnFaults::default();
        let mut now = Duration::ZERO;
        let mut pauses = Vec::new();
        for _ in 0..7 {
            let pause = faults.pause(now).unwrap();
            assert_eq!(faults.pause(now), None, "a second fault within the pause does not lengthen it");
            now += pause;
            pauses.push(pause.as_secs());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
        faults.clear();
        assert_eq!(faults.pause(now), Some(Duration::from_secs(1)));
    }

    #[test]
    fn a_fault_is_news_with_each_longer_pause_and_after_it_was_over() {
        let mut faults = OwnFaults::default();
        let seconds = Duration::from_secs;
        assert!(faults.is_new(OwnFaultReason::Store, seconds(1)));
        assert!(!faults.is_new(OwnFaultReason::Store, seconds(1)));
        assert!(faults.is_new(OwnFaultReason::Store, seconds(2)));
        faults.is_over(OwnFaultReason::NoNetwork);
        assert!(!faults.is_new(OwnFaultReason::Store, seconds(1)));
        faults.is_over(OwnFaultReason::Store);
        assert!(faults.is_new(OwnFaultReason::Store, seconds(1)));
    }
}
