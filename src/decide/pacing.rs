//! Decides when to claim work from the store.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::delivery::{InFlight, Shares};
use crate::id::TenantId;
use crate::policy::timeline::Shift;
use crate::time::Timestamp;

/// The pause after a claim that returned nothing although something was due. The due work may be
/// waiting for a slot, a share or another process. Doubled with each such claim in a row.
const STALL_FIRST: Duration = Duration::from_millis(1);
const STALL_MAX: Duration = Duration::from_millis(100);
/// After a suspect, the engine does other work for this multiple of the time in which the suspect
/// kept it from starting anything else.
const SUSPECT_REST: u32 = 3;

/// What is known of the work that waits in the store.
#[derive(Debug)]
pub(crate) struct Pacing {
    /// The claim in progress, if there is one.
    asking: Option<Asking>,
    asked_at: Duration,
    /// When something is due, by the last claim's answer and by what was learned since.
    next_due: Option<Timestamp>,
    /// When something may be due that was learned while the last claim was in progress. That claim
    /// may have taken it or may have missed it.
    perhaps_due: Option<Timestamp>,
    /// Set if the last claims returned nothing although something was due.
    stall: Option<Stall>,
    suspect: Suspect,
    /// Since when no other work is started because of a suspect.
    closed_at: Duration,
    /// The engine does not wait for another suspect before this time.
    rests_until: Duration,
    /// The tenants that had a suspect sent while other tenants may have had some waiting.
    had_a_turn: BTreeSet<TenantId>,
    /// The sum of the moves of the store's time that all these times refer to.
    moved: Shift,
}

/// What is learned while a claim is in progress. The claim may have read the store before, so its
/// answer does not replace this.
#[derive(Debug, Default)]
struct Asking {
    due: Option<Timestamp>,
    stirred: bool,
}

/// The pause after claims that returned nothing.
#[derive(Debug, Clone, Copy)]
struct Stall {
    length: Duration,
    until: Duration,
}

/// The state of a suspect: a delivery that may crash processes is sent while nothing else is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Suspect {
    None,
    /// A suspect waits until nothing else is in progress.
    Waits,
    /// A suspect is being claimed or sent, and nothing else is started.
    InFlight,
}

impl Pacing {
    pub(crate) const fn new(store_now: Timestamp, now: Duration) -> Self {
        Self {
            asking: None,
            asked_at: now,
            next_due: Some(store_now),
            perhaps_due: None,
            stall: None,
            suspect: Suspect::None,
            closed_at: now,
            rests_until: now,
            had_a_turn: BTreeSet::new(),
            moved: Shift::ZERO,
        }
    }

    /// Converts all times to the store's present time.
    pub(crate) fn move_to(&mut self, moved: Shift) {
        let by = moved.since(self.moved);
        self.moved = moved;
        let carried = |due: Option<Timestamp>| due.map(|due| by.carry(due));
        self.next_due = carried(self.next_due);
        self.perhaps_due = carried(self.perhaps_due);
        if let Some(asking) = &mut self.asking {
            asking.due = carried(asking.due);
        }
    }

    /// Notes that something is due at `at`, which earlier claims may not have seen.
    pub(crate) fn due(&mut self, at: Option<Timestamp>) {
        if at.is_none() {
            return;
        }
        self.retry_soon();
        let known = match &mut self.asking {
            Some(asking) => &mut asking.due,
            None => &mut self.next_due,
        };
        *known = at.into_iter().chain(*known).min();
    }

    /// Notes that there may be work now.
    pub(crate) fn look_at_once(&mut self, store_now: Timestamp) {
        self.due(Some(store_now));
    }

    /// Notes that something ended: a claim that returned nothing before may succeed now.
    pub(crate) const fn retry_soon(&mut self) {
        self.stall = None;
        if let Some(asking) = &mut self.asking {
            asking.stirred = true;
        }
    }

    /// Notes the answer of a claim for a suspect: the tenant whose suspect is to be sent, or `None`.
    pub(crate) fn suspect_claimed(&mut self, of: Option<&TenantId>, now: Duration) {
        if self.suspect != Suspect::InFlight {
            return;
        }
        if let Some(tenant) = of {
            self.had_a_turn.insert(tenant.clone());
        } else {
            self.had_a_turn.clear();
            self.suspect_ended(now);
        }
    }

    /// Notes that the suspect has ended.
    pub(crate) fn suspect_ended(&mut self, now: Duration) {
        if self.suspect == Suspect::InFlight {
            self.suspect = Suspect::None;
            self.rests_until = now.saturating_add(now.saturating_sub(self.closed_at) * SUSPECT_REST);
        }
    }

    /// Makes tenants take turns with their suspects: each has one sent before any has a second. In
    /// a claim for a suspect, tenants that had a turn count as if they held every slot.
    pub(crate) fn take_turns(&self, shares: &mut Shares) {
        let all = InFlight { all: usize::MAX, doubtful: usize::MAX };
        shares.in_flight.extend(self.had_a_turn.iter().map(|tenant| (tenant.clone(), all)));
    }

    /// Stops claiming, as if a suspect were waiting.
    pub(crate) const fn close(&mut self) {
        self.suspect = Suspect::Waits;
    }

    /// Notes that a claim begins.
    pub(crate) fn ask(&mut self, now: Duration) {
        self.asking = Some(Asking::default());
        self.asked_at = now;
        if self.suspect == Suspect::Waits {
            self.suspect = Suspect::InFlight;
        }
    }

    pub(crate) fn claimed(
        &mut self,
        next_due: Option<Timestamp>,
        suspects: bool,
        count: usize,
        store_now: Timestamp,
        now: Duration,
    ) {
        let meanwhile = self.asking.take().unwrap_or_default();
        (self.next_due, self.perhaps_due) = (next_due, meanwhile.due);
        if suspects && self.suspect == Suspect::None && now >= self.rests_until {
            self.suspect = Suspect::Waits;
            self.closed_at = now;
        }
        let in_vain = count == 0 && self.is_due(store_now) && !meanwhile.stirred;
        self.stall = in_vain.then(|| {
            let length = self.stall.map_or(STALL_FIRST, |last| (last.length * 2).min(STALL_MAX));
            Stall { length, until: now.saturating_add(length) }
        });
    }

    /// Notes that a claim failed: the work that it looked for is still to be claimed.
    pub(crate) fn claim_failed(&mut self, store_now: Timestamp) {
        self.asking = None;
        self.next_due = Some(store_now);
        if self.suspect == Suspect::InFlight {
            self.suspect = Suspect::None;
        }
    }

    pub(crate) const fn is_claiming(&self) -> bool {
        self.asking.is_some()
    }

    /// Whether a suspect waits until nothing else is in progress.
    pub(crate) fn suspect_waits(&self) -> bool {
        self.suspect == Suspect::Waits
    }

    /// Whether new work may start, which a suspect prevents.
    pub(crate) fn is_open(&self) -> bool {
        self.suspect == Suspect::None
    }

    /// Whether a claim is allowed now, or something has to end first. `idle` says that nothing is
    /// in progress.
    pub(crate) const fn may_ask(&self, idle: bool) -> bool {
        match self.suspect {
            Suspect::None => true,
            Suspect::Waits => idle,
            Suspect::InFlight => false,
        }
    }

    /// Whether a claim is useful: something is due, or the last claim was at least `poll` ago.
    pub(crate) fn is_worth_it(&self, poll: Duration, store_now: Timestamp, now: Duration) -> bool {
        let polled = now.saturating_sub(self.asked_at) >= poll;
        let due = self.earliest().is_some_and(|due| due <= store_now);
        polled || (due && now >= self.stalled_until())
    }

    /// When a claim will be useful, by the monotonic clock.
    pub(crate) fn worth_it_at(&self, poll: Duration, store_now: Timestamp, now: Duration) -> Duration {
        if self.suspect == Suspect::Waits {
            return now;
        }
        let poll = self.asked_at.saturating_add(poll);
        let due =
            self.earliest().map(|due| now.saturating_add(due.since(store_now)).max(self.stalled_until()));
        due.map_or(poll, |due| due.min(poll))
    }

    /// Whether something is certainly due that no claim has taken.
    pub(crate) fn is_due(&self, store_now: Timestamp) -> bool {
        self.next_due.is_some_and(|due| due <= store_now)
    }

    fn earliest(&self) -> Option<Timestamp> {
        self.next_due.into_iter().chain(self.perhaps_due).min()
    }

    fn stalled_until(&self) -> Duration {
        self.stall.map_or(Duration::ZERO, |stall| stall.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    const POLL: Duration = Duration::from_secs(1);

    #[test]
    fn an_idle_engine_sleeps_until_something_is_due_or_the_poll() {
        let mut pacing = Pacing::new(at(100), Duration::ZERO);
        assert!(pacing.is_worth_it(POLL, at(100), Duration::ZERO), "it looks at once when it begins");
        pacing.ask(Duration::ZERO);
        pacing.claimed(None, false, 0, at(100), Duration::ZERO);
        assert_eq!(pacing.worth_it_at(POLL, at(100), Duration::ZERO), POLL);
        pacing.due(Some(at(100) + ms(300)));
        assert_eq!(pacing.worth_it_at(POLL, at(100), Duration::ZERO), ms(300));
    }

    #[test]
    fn what_is_learned_while_a_claim_is_under_way_outlives_its_answer() {
        let mut pacing = Pacing::new(at(100), Duration::ZERO);
        pacing.ask(Duration::ZERO);
        pacing.due(Some(at(100)));
        pacing.claimed(Some(at(130)), false, 16, at(100), ms(5));
        assert!(pacing.is_worth_it(POLL, at(100), ms(5)), "the claim may have looked before");
        pacing.ask(ms(5));
        pacing.claimed(Some(at(130)), false, 0, at(100), ms(10));
        assert!(!pacing.is_worth_it(POLL, at(100), ms(10)), "this one was made after it");
    }

    #[test]
    fn what_ends_while_a_claim_is_under_way_lets_the_next_follow_at_once() {
        let mut pacing = Pacing::new(at(100), Duration::ZERO);
        pacing.ask(Duration::ZERO);
        pacing.retry_soon();
        pacing.claimed(Some(at(99)), false, 0, at(100), ms(5));
        assert!(pacing.is_worth_it(POLL, at(100), ms(5)));
    }

    #[test]
    fn what_becomes_due_does_not_wait_for_the_pause_of_earlier_claims() {
        let mut pacing = Pacing::new(at(100), Duration::ZERO);
        for _ in 0..9 {
            pacing.ask(Duration::ZERO);
            pacing.claimed(Some(at(99)), false, 0, at(100), Duration::ZERO);
        }
        pacing.due(Some(at(100)));
        assert!(pacing.is_worth_it(POLL, at(100), Duration::ZERO));
    }

    #[test]
    fn claims_that_give_nothing_of_what_is_due_pause_longer_and_longer() {
        let mut pacing = Pacing::new(at(100), Duration::ZERO);
        let (mut now, mut pauses) = (Duration::ZERO, Vec::new());
        for _ in 0..9 {
            pacing.ask(now);
            pacing.claimed(Some(at(99)), false, 0, at(100), now);
            assert!(!pacing.is_worth_it(POLL, at(100), now));
            let next = pacing.worth_it_at(POLL, at(100), now);
            pauses.push(next.saturating_sub(now).as_millis());
            now = next;
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 100, 100]);
        pacing.retry_soon();
        assert!(pacing.is_worth_it(POLL, at(100), now));
    }

    #[test]
    fn a_claim_that_failed_is_made_again() {
        let mut pacing = Pacing::new(at(100), Duration::ZERO);
        pacing.ask(Duration::ZERO);
        pacing.claimed(Some(at(130)), false, 0, at(100), Duration::ZERO);
        pacing.ask(POLL);
        pacing.claim_failed(at(101));
        assert!(pacing.is_worth_it(POLL, at(101), POLL));
    }

    #[test]
    fn a_suspect_closes_the_lookout_until_it_has_ended() {
        let mut pacing = Pacing::new(at(100), Duration::ZERO);
        pacing.claimed(Some(at(99)), true, 0, at(100), Duration::ZERO);
        assert!(pacing.suspect_waits() && !pacing.is_open());
        assert!(!pacing.may_ask(false));
        assert_eq!((pacing.may_ask(true), pacing.worth_it_at(POLL, at(100), ms(5))), (true, ms(5)));
        pacing.ask(ms(5));
        assert!(!pacing.is_open(), "while it is being claimed");
        pacing.claimed(Some(at(99)), false, 1, at(100), ms(6));
        pacing.suspect_claimed(Some(&tenant("a")), ms(6));
        assert!(!pacing.is_open());
        pacing.suspect_ended(ms(7));
        assert!(pacing.is_open());
    }

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name).unwrap()
    }

    /// Finds a suspect at `now` that ends after `lasts`; returns whether the engine waited for it at
    /// all.
    fn suspect(pacing: &mut Pacing, of: Option<&str>, now: Duration, lasts: Duration) -> bool {
        pacing.claimed(Some(at(99)), true, 0, at(100), now);
        if !pacing.suspect_waits() {
            return false;
        }
        pacing.ask(now);
        pacing.claimed(Some(at(99)), false, 1, at(100), now);
        pacing.suspect_claimed(of.map(tenant).as_ref(), now);
        pacing.suspect_ended(now + lasts);
        true
    }

    #[test]
    fn suspects_take_at_most_a_quarter_of_the_time() {
        let (mut pacing, second) = (Pacing::new(at(100), Duration::ZERO), Duration::from_secs(1));
        assert!(suspect(&mut pacing, Some("a"), Duration::ZERO, second * 15));
        for seconds in [15, 59] {
            assert!(!suspect(&mut pacing, Some("a"), second * seconds, second), "{seconds} s");
            assert!(pacing.is_open());
        }
        assert!(suspect(&mut pacing, Some("a"), second * 60, ms(1)));
        assert!(suspect(&mut pacing, Some("a"), second * 60 + ms(4), ms(1)), "a short one costs little");
    }

    #[test]
    fn tenants_take_turns_with_their_suspects() {
        let mut pacing = Pacing::new(at(100), Duration::ZERO);
        let spared = |pacing: &Pacing| {
            let mut shares = Shares::unlimited();
            pacing.take_turns(&mut shares);
            shares.in_flight.into_keys().map(|tenant| tenant.to_string()).collect::<Vec<_>>()
        };
        suspect(&mut pacing, Some("a"), Duration::ZERO, Duration::ZERO);
        suspect(&mut pacing, Some("b"), Duration::ZERO, Duration::ZERO);
        assert_eq!(spared(&pacing), ["a", "b"]);
        suspect(&mut pacing, None, Duration::ZERO, Duration::ZERO);
        assert!(spared(&pacing).is_empty(), "nobody else has one: the next round begins");
    }
}
