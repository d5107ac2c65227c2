//! Divides the starts of one call among the endpoints that ask and those that wait.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::time::Timestamp;

use super::{Asker, Limit, LimitKey, StartLog, WaitingLine};

/// Endpoints further behind ask again at least once per window, or this often if windows are
/// shorter, counted from the next opening: those before them may no longer wait.
const ASKS_AGAIN: Duration = Duration::from_secs(10);
/// The number of endpoints next in turn that ask again at every opening, since one before them
/// may not ask.
const NEXT_IN_LINE: u64 = 16;
/// One that could have been granted more asks again after this.
const SOON: Duration = Duration::from_secs(1);

/// A request for a number of starts under these limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The endpoint that asks. If a call has several asks of one endpoint, they add up.
    pub by: Asker,
    /// Each limit with the key of the log that it counts in.
    pub limits: Vec<(LimitKey, Limit)>,
    /// The number of starts requested.
    pub starts: u32,
}

/// The answer to an ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The number of starts granted, at most as many as requested.
    pub starts: u32,
    /// The limit that refused the rest; `None` if everything was granted.
    pub refusal: Option<Refusal>,
}

/// A limit that has no room left, or that reserves its room for other endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The key of the limit.
    pub limit: LimitKey,
    /// When the refused endpoint may ask again: it may be its turn then.
    pub until: Timestamp,
}

/// The identity of a limit. Two windows over one scope, such as ten a second and a hundred a
/// minute, count separately.
pub type Slot = (LimitKey, Duration);

/// The state of one limit: what it has granted, and which endpoints wait for it.
#[derive(Debug, Clone, Default)]
pub struct Counted {
    /// The starts that it has granted.
    pub log: StartLog,
    /// The endpoints that wait for it, if several share it.
    pub line: WaitingLine,
}

/// The slots of an ask, with their limits.
pub fn slots(ask: &Ask) -> impl Iterator<Item = (Slot, &Limit)> {
    ask.limits.iter().map(|(key, limit)| ((key.clone(), limit.window()), limit))
}

/// Divides the room of the limits of these asks. `limits` must contain exactly the slots of
/// the asks.
///
/// An ask is granted the least that one of its limits gives it. A limit of the endpoint alone
/// gives all its room; a shared limit gives what the endpoint gets when all present take
/// turns. A host's own limiter reads the limits that a call asks for, divides, and writes what
/// changed, in one transaction.
#[must_use]
pub fn divide(
    asks: &[Ask],
    limits: &mut BTreeMap<Slot, Counted>,
    now: Timestamp,
    start_by: Timestamp,
) -> Vec<Grant> {
    line_up(asks, limits, now, start_by);
    let (granted, served) = share_out(asks, limits, now, start_by);
    for ((slot, by), (starts, turn)) in served {
        if let Some(counted) = limits.get_mut(&slot) {
            // In the order of their turns, and behind all who wait since before.
            counted.line.granted(by, starts, now + Duration::from_micros(turn + 1));
        }
    }
    let refusals = refusals(asks, &granted, limits, now, start_by);
    for (ask, refusal) in asks.iter().zip(&refusals) {
        if let Some(refusal) = refusal {
            for_shared(ask, limits, |line| line.put_off(&ask.by, refusal.until));
        }
    }
    granted.into_iter().zip(refusals).map(|(starts, refusal)| Grant { starts, refusal }).collect()
}

/// Adds those that ask to the waiting lines of their shared limits.
fn line_up(asks: &[Ask], limits: &mut BTreeMap<Slot, Counted>, now: Timestamp, start_by: Timestamp) {
    let mut there: BTreeSet<(Slot, &Asker)> = BTreeSet::new();
    for counted in limits.values_mut() {
        counted.line.forget(now);
    }
    for ask in asks.iter().filter(|ask| ask.starts > 0) {
        for (slot, limit) in slots(ask) {
            let Some(counted) = limits.get_mut(&slot) else { continue };
            counted.log.forget_future(limit, start_by);
            if !limit.is_shared() {
                continue;
            }
            if there.insert((slot, &ask.by)) {
                counted.line.ask(&ask.by, ask.starts, now);
            } else {
                counted.line.ask_for_more(&ask.by, ask.starts);
            }
        }
    }
}

/// How many starts each was granted under each limit, and its last turn of those.
type Served<'a> = BTreeMap<(Slot, &'a Asker), (u32, u64)>;

/// The number of starts that each ask gets. What one cannot use, because another of its limits
/// gives it less, goes to the next in the line.
fn share_out<'a>(
    asks: &'a [Ask],
    limits: &mut BTreeMap<Slot, Counted>,
    now: Timestamp,
    start_by: Timestamp,
) -> (Vec<u32>, Served<'a>) {
    let mut open: BTreeMap<&Slot, Open<'_>> = BTreeMap::new();
    for (slot, Counted { log, line }) in limits {
        let turns = (0..).zip(line.turns(now, |waiter| waiter.is_due(now))).collect();
        open.insert(slot, Open { log, turns });
    }
    let (mut granted, mut served) = (vec![0; asks.len()], Served::new());
    // The second time is for those who came before one that left something.
    for _ in 0..2 {
        for (ask, granted) in asks.iter().zip(&mut granted) {
            let wanted = ask.starts - *granted;
            let share_of = |(slot, limit): (Slot, &Limit)| {
                open.get_mut(&slot).map_or(wanted, |open| open.share(&ask.by, limit, wanted, now))
            };
            let shares: Vec<u32> = slots(ask).map(share_of).collect();
            let starts = shares.iter().copied().fold(wanted, u32::min);
            let refusing = shares.iter().filter(|share| **share == starts && starts < wanted).count();
            for ((slot, limit), share) in slots(ask).zip(shares) {
                let Some(open) = open.get_mut(&slot) else { continue };
                if starts > 0 {
                    open.log.grant(limit, start_by, starts);
                    let of = served.entry((slot, &ask.by)).or_default();
                    *of = (of.0 + starts, open.leave(&ask.by, starts));
                }
                // Another limit refuses what this one might give.
                if refusing > usize::from(share == starts) {
                    open.leave(&ask.by, wanted - starts);
                }
            }
            *granted += starts;
        }
    }
    (granted, served)
}

/// A limit while its room is shared out.
struct Open<'a> {
    log: &'a mut StartLog,
    /// The endpoint whose turn it is, start by start, of all that are present.
    turns: Vec<(u64, &'a Asker)>,
}

impl Open<'_> {
    /// How many of the `wanted` starts this endpoint gets.
    fn share(&mut self, asker: &Asker, limit: &Limit, wanted: u32, now: Timestamp) -> u32 {
        let room = self.log.room(limit, now, u32::MAX);
        if !limit.is_shared() {
            return room.min(wanted);
        }
        let first = self.turns.iter().take(usize::try_from(room).unwrap_or(usize::MAX));
        wanted.min(count(first.filter(|(_, turn)| *turn == asker)))
    }

    /// Gives up the next `turns` turns of an endpoint, which does not need them. Returns the
    /// last of them.
    fn leave(&mut self, asker: &Asker, mut turns: u32) -> u64 {
        let mut last = 0;
        self.turns.retain(|(number, turn)| {
            let leaves = turns > 0 && *turn == asker;
            if leaves {
                (turns, last) = (turns - 1, *number);
            }
            !leaves
        });
        last
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}

/// The limit that refused the rest of each ask: the one that makes it wait longest.
fn refusals(
    asks: &[Ask],
    granted: &[u32],
    limits: &mut BTreeMap<Slot, Counted>,
    now: Timestamp,
    start_by: Timestamp,
) -> Vec<Option<Refusal>> {
    let refused = |(ask, granted): &(&Ask, &u32)| ask.starts > **granted;
    let refusing: BTreeSet<Slot> = asks
        .iter()
        .zip(granted)
        .filter(refused)
        .flat_map(|(ask, _)| slots(ask).map(|(slot, _)| slot))
        .collect();
    let mut places: BTreeMap<Slot, Places<'_>> = BTreeMap::new();
    for (slot, counted) in limits.iter_mut().filter(|(slot, _)| refusing.contains(slot)) {
        places.insert(slot.clone(), Places::of(counted, slot.1, now, start_by));
    }
    let refusal = |(ask, granted): (&Ask, &u32)| {
        let (first, _) = ask.limits.first().filter(|_| ask.starts > *granted)?;
        let mut refusal: Option<Refusal> = None;
        for (slot, limit) in slots(ask) {
            let until = places.get_mut(&slot).and_then(|places| places.turn_of(&ask.by, limit, now));
            if let Some(until) = until
                && refusal.as_ref().is_none_or(|refusal| refusal.until < until)
            {
                refusal = Some(Refusal { limit: slot.0, until });
            }
        }
        Some(refusal.unwrap_or_else(|| Refusal { limit: first.clone(), until: now + SOON }))
    };
    asks.iter().zip(granted).map(refusal).collect()
}

/// The turns of the endpoints that wait under a limit.
struct Places<'a> {
    log: &'a mut StartLog,
    /// How long a start that is granted now counts.
    counts_for: Duration,
    /// The latest time after the next opening at which a waiting endpoint asks again.
    asks_again: Duration,
    /// The number of turns before the next one of each endpoint.
    before: BTreeMap<&'a Asker, u64>,
    /// When the starts that are kept for others are given up.
    given_up: Option<Timestamp>,
}

impl<'a> Places<'a> {
    fn of(
        Counted { log, line }: &'a mut Counted,
        window: Duration,
        now: Timestamp,
        start_by: Timestamp,
    ) -> Self {
        let mut before = BTreeMap::new();
        for (number, asker) in (0..).zip(line.turns(now, |waiter| waiter.is_expected(now))) {
            before.entry(asker).or_insert(number);
        }
        let (counts_for, asks_again) = (window + start_by.since(now), window.max(ASKS_AGAIN));
        Self { log, counts_for, asks_again, before, given_up: line.first_given_up(now) }
    }

    /// When that one's next start may be granted; `None` if this limit would grant it now.
    fn turn_of(&mut self, asker: &Asker, limit: &Limit, now: Timestamp) -> Option<Timestamp> {
        let room = u64::from(self.log.room(limit, now, u32::MAX));
        if !limit.is_shared() {
            return self.log.opens_at(limit);
        }
        let before = self.before.get(asker).copied().unwrap_or(u64::MAX);
        if before < room {
            return None;
        }
        let next = self.opening(0, limit, now);
        let turn = match before {
            ..NEXT_IN_LINE if next > now => next,
            _ => self.opening(before, limit, now).min(next + self.asks_again),
        };
        Some(self.given_up.filter(|_| room > 0).map_or(turn, |given_up| given_up.min(turn)))
    }

    /// When a start may be granted with `before` other turns before it: endpoints whose turn
    /// it is now and at each of the next openings take their starts, which count from then.
    fn opening(&self, before: u64, limit: &Limit, now: Timestamp) -> Timestamp {
        let (rounds, before) = (before / u64::from(limit.starts()), before % u64::from(limit.starts()));
        let first = self.log.opens_for(limit, before + 1).unwrap_or(now);
        first + self.counts_for.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX))
    }
}

/// Changes the waiting lines of an ask's shared limits.
fn for_shared(ask: &Ask, limits: &mut BTreeMap<Slot, Counted>, change: impl Fn(&mut WaitingLine)) {
    for (slot, _) in slots(ask).filter(|(_, limit)| limit.is_shared()) {
        if let Some(counted) = limits.get_mut(&slot) {
            change(&mut counted.line);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::super::LimitScope;
    use super::*;
    use crate::id::{EndpointId, TenantId};

    const SECOND: Duration = Duration::from_secs(1);

    fn limit(scope: LimitScope, of: &str, starts: u32, window: u64) -> (LimitKey, Limit) {
        let starts = NonZeroU32::new(starts).unwrap();
        let limit = Limit::new(scope, starts, Duration::from_secs(window)).unwrap();
        (LimitKey { scope, of: of.to_owned() }, limit)
    }

    fn asker(tenant: u32, endpoint: u32) -> Asker {
        Asker {
            tenant: TenantId::new(format!("t{tenant}")).unwrap(),
            endpoint: EndpointId::new(format!("t{tenant}-e{endpoint}")).unwrap(),
        }
    }

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    /// The limits of a store.
    #[derive(Default)]
    struct Limits(BTreeMap<Slot, Counted>);

    impl Limits {
        fn take(&mut self, asks: &[Ask], now: Timestamp) -> Vec<Grant> {
            let slots: BTreeSet<Slot> = asks.iter().flat_map(slots).map(|(slot, _)| slot).collect();
            let counted = |slot: Slot| (slot.clone(), self.0.remove(&slot).unwrap_or_default());
            let mut asked_for: BTreeMap<_, _> = slots.into_iter().map(counted).collect();
            let grants = divide(asks, &mut asked_for, now, now + SECOND);
            self.0.extend(asked_for);
            grants
        }

        fn starts(&mut self, asks: &[Ask], now: Timestamp) -> Vec<u32> {
            self.take(asks, now).into_iter().map(|grant| grant.starts).collect()
        }
    }

    fn ask(by: Asker, limits: &[&(LimitKey, Limit)], starts: u32) -> Ask {
        Ask { by, limits: limits.iter().map(|limit| (*limit).clone()).collect(), starts }
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(48))]

        /// Those who always have more to send and come when they are told to, in any order.
        #[test]
        fn whoever_waits_gets_its_turn_within_the_stated_windows(
            seed in proptest::prelude::any::<u64>(), starts in 1_u32..12, window in 1_u64..100,
        ) {
            let mut random = fastrand::Rng::with_seed(seed);
            let global = limit(LimitScope::Global, "", starts, window);
            let tenants = random.u32(1..8);
            let endpoints: Vec<u32> = (0..tenants).map(|_| random.choice([1, 1, 2, 5, 9]).unwrap()).collect();
            let (mut limits, mut waiting, mut began) = (Limits::default(), BTreeMap::new(), Vec::new());
            for (tenant, endpoints) in (0..).zip(&endpoints) {
                for endpoint in 0..*endpoints {
                    let first = at(0) + Duration::from_millis(random.u64(..200_000));
                    let wide = random.choice([1, 3, 16]).unwrap();
                    waiting.insert(asker(tenant, endpoint), (first, first, wide));
                }
            }
            for _ in 0..500 {
                let now = waiting.values().map(|(next, ..)| *next).min().unwrap();
                let mut there: Vec<_> =
                    waiting.iter().filter(|(_, (next, ..))| *next == now).map(|(by, _)| by.clone()).collect();
                random.shuffle(&mut there);
                // Some calls carry all who are there, some are of other processes.
                let together = if random.bool() { there.len() } else { 1 };
                for some in there.chunks(together) {
                    let asks: Vec<_> =
                        some.iter().map(|by| ask(by.clone(), &[&global], waiting[by].2)).collect();
                    for (ask, grant) in asks.iter().zip(limits.take(&asks, now)) {
                        let (next, since, _) = waiting.get_mut(&ask.by).unwrap();
                        let of_tenant = endpoints[ask.by.tenant.as_str()[1..].parse::<usize>().unwrap()];
                        let windows = 2 * (tenants * of_tenant).div_ceil(starts) + 3;
                        let again = if window < ASKS_AGAIN.as_secs() { ASKS_AGAIN } else { Duration::ZERO };
                        let bound = Duration::from_secs(window + 1) * windows + again;
                        let waited = now.since(*since);
                        proptest::prop_assert!(waited <= bound, "{:?} waits {waited:?} of {bound:?}", ask.by);
                        if grant.starts > 0 {
                            *since = now;
                            began.extend((0..grant.starts).map(|_| now));
                        }
                        *next = grant.refusal.map_or(now + SECOND, |refusal| refusal.until);
                        proptest::prop_assert!(*next > now);
                    }
                }
            }
            for (number, first) in began.iter().enumerate() {
                let inside = began[number..].iter().take_while(|at| at.since(*first) <= global.1.window());
                proptest::prop_assert!(inside.count() <= starts as usize);
            }
        }
    }

    #[test]
    fn one_alone_gets_all_and_two_get_half_each() {
        let ten = limit(LimitScope::Host, "one.example", 10, 60);
        let (one, other) = (ask(asker(1, 1), &[&ten], 16), ask(asker(2, 1), &[&ten], 16));
        let mut limits = Limits::default();
        assert_eq!(limits.starts(std::slice::from_ref(&one), at(0)), [10]);
        assert_eq!(limits.starts(std::slice::from_ref(&other), at(1)), [0]);
        assert_eq!(limits.starts(&[one.clone(), other.clone()], at(61)), [5, 5]);
        // In calls of their own, whoever is first.
        assert_eq!(limits.starts(&[one], at(122)), [5]);
        assert_eq!(limits.starts(&[other], at(122)), [5]);
    }

    #[test]
    fn what_another_limit_takes_away_is_there_for_the_next() {
        let ten = limit(LimitScope::Global, "", 10, 60);
        let own = limit(LimitScope::Tenant, "t1", 1, 60);
        let one = |endpoint| ask(asker(1, endpoint), &[&own, &ten], 9);
        let other = ask(asker(2, 1), &[&ten], 16);
        let mut limits = Limits::default();
        assert_eq!(limits.starts(&[other.clone(), one(1), one(2), one(3)], at(0)), [9, 1, 0, 0]);
        assert_eq!(limits.starts(&[one(1), one(2), one(3), other], at(61)), [0, 1, 0, 9]);
    }

    #[test]
    fn the_same_pair_of_limits_in_another_order_locks_nobody_out() {
        let (host, all) = (limit(LimitScope::Host, "h", 1, 60), limit(LimitScope::Global, "", 1, 60));
        let (one, other) = (ask(asker(1, 1), &[&host, &all], 4), ask(asker(2, 1), &[&all, &host], 4));
        let (mut limits, mut got) = (Limits::default(), [0, 0]);
        for window in 0..8 {
            let starts = limits.starts(&[one.clone(), other.clone()], at(61 * window));
            assert_eq!(starts.iter().sum::<u32>(), 1);
            (0..2).for_each(|place| got[place] += starts[place]);
        }
        assert_eq!(got, [4, 4]);
    }

    #[test]
    fn whoever_is_refused_asks_again_when_its_turn_comes() {
        let two = limit(LimitScope::Global, "", 2, 60);
        let mut limits = Limits::default();
        let mut until = Vec::new();
        for number in 0..22 {
            let now = at(0) + Duration::from_micros(number.into());
            let grant = limits.take(&[ask(asker(number, 1), &[&two], 1)], now).remove(0);
            until.extend(grant.refusal.map(|refusal| refusal.until.unix_seconds()));
        }
        // The next ones at every opening; others once a window, since those before may leave.
        assert_eq!(until[..16], [61; 16]);
        assert_eq!(until[16..], [121; 4]);
    }

    #[test]
    fn one_that_comes_late_is_waited_for_longer_and_one_that_went_away_is_not() {
        let one_start = limit(LimitScope::Global, "", 1, 60);
        let (one, other) = (ask(asker(1, 1), &[&one_start], 9), ask(asker(2, 1), &[&one_start], 9));
        let mut limits = Limits::default();
        let mut take = |ask: &Ask, now: i64| limits.starts(std::slice::from_ref(ask), at(now))[0];
        assert_eq!((take(&one, 0), take(&other, 0)), (1, 0));
        assert_eq!((take(&one, 61), take(&other, 61)), (0, 1), "it has waited since before");
        assert_eq!((take(&one, 122), take(&other, 122)), (1, 0));
        // It comes 20 seconds late, and is too late.
        assert_eq!((take(&one, 183), take(&one, 185)), (0, 1));
        assert_eq!(take(&other, 203), 0);
        // The next time its turn is kept for 40 seconds.
        assert_eq!((take(&one, 246), take(&one, 285), take(&other, 286)), (0, 0, 1));
        // It goes away: what is kept for it is given up, and no longer after two minutes.
        assert_eq!((take(&one, 347), take(&other, 347)), (1, 0));
        assert_eq!((take(&one, 408), take(&one, 412), take(&one, 473)), (0, 1, 1));
    }
}
