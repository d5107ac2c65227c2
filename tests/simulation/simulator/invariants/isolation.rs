//! The invariant that one tenant's endpoints never affect another tenant: T1.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::machine::TIMEOUT;
use super::super::noise::{BEGINS, NOISY};
use super::super::trace::What;
use super::super::world::Site;
use super::{Evidence, Report, began};

/// The time within which an event for an endpoint that has succeeded before is sent, in
/// addition to the poll interval and the time of its own tenant's answers.
const PROVEN: Duration = Duration::from_secs(1);
/// An event for an endpoint without a success may also wait for one request to time out.
const NEW: Duration = PROVEN.saturating_add(TIMEOUT);

/// How often an endpoint far behind in the waiting line of a limit asks again.
const ASKS_AGAIN: Duration = Duration::from_secs(10);

/// T1: in a noisy world, every event of a quiet tenant is sent to each of its endpoints within
/// a bound that does not depend on the amount of noise. Under a limit that all share, it also
/// waits for as many turns as there are events before it for the same endpoint.
pub(super) fn judge(evidence: &Evidence, report: Report<'_>) {
    let world = &evidence.world;
    if world.sites.iter().all(|site| site.tenant != NOISY) {
        return;
    }
    for entry in &evidence.entries {
        let What::Accepted { parcel, event } = &entry.what else { continue };
        for site in world.sites.iter().filter(|site| site.tenant != NOISY && site.is_for(parcel)) {
            let first = evidence.requests_of(event.as_str(), &site.url).map(began).min();
            let waited = first.map(|first| first.saturating_sub(entry.at));
            let bound = if is_proven(evidence, site, entry.at) { PROVEN } else { NEW } + world.poll;
            let bound = bound + turns(evidence, site, entry.at);
            if waited.is_none_or(|waited| waited > bound) {
                let when = if entry.at < BEGINS { "before" } else { "beside" };
                let what =
                    format!("{event} to {} {when} the noise waited {waited:?}, not {bound:?}", site.id);
                report("T1 isolation", what);
            }
        }
    }
}

fn is_proven(evidence: &Evidence, site: &Site, at: Duration) -> bool {
    evidence.exchanges.iter().any(|exchange| exchange.url == site.url && began(exchange) < at)
}

/// How long an event accepted at that time may wait for its site's turns under the limit that
/// all share: about half of what `Limit` states, which is enough in these worlds.
fn turns(evidence: &Evidence, site: &Site, at: Duration) -> Duration {
    let world = &evidence.world;
    let Some((starts, window)) = world.shared_limit else { return Duration::ZERO };
    let tenants: BTreeSet<&str> = world.sites.iter().map(|site| site.tenant.as_str()).collect();
    let endpoints = world.sites.iter().filter(|other| other.tenant == site.tenant).count();
    let waiting = evidence.entries.iter().filter(|entry| {
        let What::Accepted { parcel, event } = &entry.what else { return false };
        let sent_by_then = || evidence.requests_of(event.as_str(), &site.url).any(|sent| began(sent) < at);
        entry.at <= at && site.is_for(parcel) && !sent_by_then()
    });
    let round = u32::try_from(tenants.len() * endpoints).unwrap_or(u32::MAX).div_ceil(starts);
    let turns = u32::try_from(waiting.count()).unwrap_or(u32::MAX).saturating_mul(round);
    (window + Duration::from_secs(1)).saturating_mul(turns.saturating_add(2)) + ASKS_AGAIN
}
