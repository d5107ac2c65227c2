//! The invariant about when engines look for work: I20.

use std::time::Duration;

use super::super::mood::Mood;
use super::super::trace::What;
use super::{Evidence, Report};

/// How long an engine may leave work unclaimed, apart from the time of its store: it may wait
/// for a slot that is about to be free, and its timer counts in milliseconds.
const SOON: Duration = Duration::from_millis(200);

/// I20: an engine with room does not sleep while something can be claimed, as long as no
/// process and no call fails. It learns of work by the store's answers, each of which takes
/// time.
pub(super) fn judge(evidence: &Evidence, report: Report<'_>) {
    // Names that do not resolve may be an own fault, for which an engine pauses.
    let names_fail = evidence.world.sites.iter().any(|site| matches!(site.mood, Mood::SlowName(_)));
    if !evidence.world.is_calm() || evidence.world.jumps() || names_fail {
        return;
    }
    let bound = SOON + evidence.world.store_faults.takes * 2;
    for entry in &evidence.entries {
        if let What::Overlooked(span) = entry.what
            && span > bound
        {
            report("I20 looking", format!("{span:?} until {:?} nobody took what was due", entry.at));
        }
    }
}
