//! The invariants about leases, settlements and gates: I7, I9.

use std::collections::{BTreeMap, BTreeSet};

use hookpost::delivery::Settled;
use hookpost::id::{DeliveryId, Token};
use hookpost::time::Timestamp;

use super::super::trace::{Command, What};
use super::{Evidence, Report, store_time};

pub(super) fn judge(evidence: &Evidence, report: Report<'_>) {
    one_lease_at_a_time(evidence, report);
    attempts_are_numbered(evidence, report);
    paused_lanes_give_nothing(evidence, report);
}

/// The last lease of a delivery.
struct Lease {
    token: Token,
    until: Timestamp,
    settled: bool,
}

/// I7: no lease while another is valid, and no effect without the last token.
fn one_lease_at_a_time(evidence: &Evidence, report: Report<'_>) {
    let mut leases: BTreeMap<DeliveryId, Lease> = BTreeMap::new();
    for entry in &evidence.entries {
        match &entry.what {
            What::Leased { delivery, token, now, until, .. } => {
                let lease = Lease { token: *token, until: *until, settled: false };
                let before = leases.insert(*delivery, lease);
                // A claim that is dated too late would take what is leased.
                let now = store_time(entry.at).min(*now);
                if before.is_some_and(|before| !before.settled && before.until > now) {
                    report("I7 one lease", format!("{delivery} was leased to two at {:?}", entry.at));
                }
            }
            What::Settled { delivery, token, answer: Settled::Applied, .. } => {
                match leases.get_mut(delivery) {
                    Some(lease) if lease.token == *token => lease.settled = true,
                    _ => report("I7 one lease", format!("{delivery} was settled with another's token")),
                }
            }
            _ => {}
        }
    }
}

/// I9: attempts are numbered 1 to n, and each belongs to a lease of its own.
fn attempts_are_numbered(evidence: &Evidence, report: Report<'_>) {
    for (delivery, log) in &evidence.deliveries {
        let numbers = log.attempts.iter().map(|attempt| attempt.number);
        let tokens: BTreeSet<_> = log.attempts.iter().map(|attempt| attempt.attempt.token).collect();
        if !numbers.eq(1..=u32::try_from(log.attempts.len()).unwrap_or(u32::MAX)) {
            report("I9 numbers", format!("the attempts of {} are not numbered in turn", delivery.id));
        }
        if tokens.len() != log.attempts.len() {
            report("I9 numbers", format!("two attempts of {} have one token", delivery.id));
        }
    }
}

/// The store's ninth promise: a paused lane yields nothing once the pause returned,
/// until it is resumed or its endpoint is removed.
fn paused_lanes_give_nothing(evidence: &Evidence, report: Report<'_>) {
    let mut paused = BTreeMap::new();
    for entry in &evidence.entries {
        let What::Leased { endpoint, event, .. } = &entry.what else { continue };
        let spans = paused.entry(endpoint).or_insert_with(|| {
            evidence.certain(Command::Pause, &[Command::Resume, Command::Remove], endpoint)
        });
        if spans.iter().any(|(from, until)| (*from..*until).contains(&entry.at) && entry.at > *from) {
            report("C9 gates", format!("{event} was leased for {endpoint} while that was paused"));
        }
    }
}
