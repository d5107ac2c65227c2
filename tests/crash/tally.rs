//! How much a run of kills was worth.

use std::collections::BTreeMap;
use std::fmt;

use hookpost::delivery::State;

use super::orders::Stage;
use super::process::Life;
use super::verdict::Evidence;

/// What was killed where, and how much came of it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) rounds: u32,
    /// How often a store failed under a child.
    pub(crate) faults: usize,
    wanted: u32,
    hits: BTreeMap<Stage, u32>,
    in_no_stage: u32,
    acknowledged: usize,
    requests: usize,
    attempts: usize,
    silent: usize,
    delivered: usize,
    failed: usize,
}

impl Tally {
    /// A run that is to meet each stage but publishing so often at least.
    pub(crate) fn wanting(wanted: u32) -> Self {
        Self { wanted, ..Self::default() }
    }

    pub(crate) fn count(&mut self, life: &Life) {
        let under_way = life.under_way();
        self.rounds += 1;
        self.in_no_stage += u32::from(under_way.is_empty());
        for stage in under_way {
            *self.hits.entry(stage).or_default() += 1;
        }
        self.faults += life.faults();
    }

    pub(crate) fn weigh(&mut self, evidence: &Evidence) {
        let deliveries = &evidence.deliveries;
        self.acknowledged += evidence.acknowledged.len();
        self.requests += evidence.requests.len();
        self.attempts += deliveries.iter().map(|told| told.attempts.len()).sum::<usize>();
        self.silent += deliveries.iter().map(|told| told.silent).sum::<usize>();
        let count = |is: fn(&State) -> bool| deliveries.iter().filter(|told| is(&told.state)).count();
        self.delivered += count(|state| matches!(state, State::Delivered { .. }));
        self.failed += count(|state| matches!(state, State::Failed(_)));
    }

    pub(crate) fn is_content(&self) -> bool {
        self.lacking().all(|(_, lacking)| lacking == 0)
    }

    /// The stage to be met next on purpose: when the rounds left are just enough for
    /// what chance has not met.
    pub(crate) fn missing(&self, rounds: u32) -> Option<Stage> {
        let in_all: u32 = self.lacking().map(|(_, lacking)| lacking).sum();
        let worst = self.lacking().max_by_key(|(_, lacking)| *lacking).filter(|(_, lacking)| *lacking > 0);
        worst.filter(|_| rounds.saturating_sub(self.rounds) <= in_all).map(|(stage, _)| stage)
    }

    fn hits(&self, stage: Stage) -> u32 {
        self.hits.get(&stage).copied().unwrap_or_default()
    }

    fn lacking(&self) -> impl Iterator<Item = (Stage, u32)> {
        [Stage::Claim, Stage::Send, Stage::Settle]
            .into_iter()
            .map(|stage| (stage, self.wanted.saturating_sub(self.hits(stage))))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} kills (in ", self.rounds)?;
        for stage in Stage::ALL {
            write!(f, "{} {}, ", stage.word(), self.hits(stage))?;
        }
        write!(
            f,
            "none {}): {} acknowledged, {} requests, {} attempts, {} silent leases, {} delivered, {} failed",
            self.in_no_stage,
            self.acknowledged,
            self.requests,
            self.attempts,
            self.silent,
            self.delivered,
            self.failed
        )
    }
}
