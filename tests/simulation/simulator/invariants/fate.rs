//! The invariants about the fate of events and deliveries: I1, I2, I4, I11, I12, I19.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hookpost::delivery::{FailReason, State};
use hookpost::id::EventId;
use hookpost::policy::outcome::Outcome;
use hookpost::testing::Exchange;

use super::super::mood::Mood;
use super::super::trace::What;
use super::super::world::{Deed, Parcel};
use super::{Evidence, Report, ending};

pub(super) fn judge(evidence: &Evidence, report: Report<'_>) {
    no_loss(evidence, report);
    no_double(evidence, report);
    well_receivers_get_everything(evidence, report);
    delivered_means_received(evidence, report);
    terminal_absorbs(evidence, report);
    sums_agree(evidence, report);
    keys_are_idempotent(evidence, report);
    drained(evidence, report);
}

/// I1: an accepted event has a delivery for each site that existed and wanted it.
fn no_loss(evidence: &Evidence, report: Report<'_>) {
    let there: BTreeSet<_> =
        evidence.deliveries.iter().map(|(it, _)| (it.event.as_str(), it.endpoint.as_str())).collect();
    for entry in &evidence.entries {
        let What::Accepted { parcel, event } = &entry.what else { continue };
        for (number, site) in evidence.world.sites.iter().enumerate() {
            let removed = |deed: &Deed| match deed {
                Deed::Remove(site) | Deed::Disable(site, _) => Some(*site),
                _ => None,
            };
            let steady = !matches!(site.mood, Mood::GoneAt(_)) && !evidence.world.touches(number, removed);
            if steady && site.is_for(parcel) && !there.contains(&(event.as_str(), site.id.as_str())) {
                report("I1 no loss", format!("{event} was accepted and has no delivery to {}", site.id));
            }
        }
    }
}

/// I1: exactly one delivery per event, endpoint and round.
fn no_double(evidence: &Evidence, report: Report<'_>) {
    let mut seen = BTreeSet::new();
    for (delivery, _) in &evidence.deliveries {
        if !seen.insert((&delivery.event, &delivery.endpoint, &delivery.round)) {
            report("I1 no loss", format!("{} is there twice for {}", delivery.event, delivery.endpoint));
        }
    }
}

/// I2: a receiver that always answers 2xx gets every event that was not cancelled.
fn well_receivers_get_everything(evidence: &Evidence, report: Report<'_>) {
    let world = &evidence.world;
    let blows =
        world.script.iter().filter(|(_, it)| matches!(it, Deed::Crash(..) | Deed::Freeze(..))).count();
    if world.window < Duration::from_secs(8 * 3600) {
        return;
    }
    for (delivery, _) in &evidence.deliveries {
        let Some((number, site)) = evidence.site(&delivery.endpoint) else { continue };
        let asked_of_it = site.mood.is_well() && !world.touches(number, Deed::ends_work_of);
        let given_up = delivery.state == State::Failed(FailReason::Abandoned) && blows >= 5;
        if asked_of_it && !given_up && !matches!(delivery.state, State::Delivered { .. }) {
            let (event, state) = (&delivery.event, delivery.state);
            report("I2 at least once", format!("{event} to {}, which is well, is {state:?}", site.id));
        }
    }
}

/// I3: who is said to have it was sent it, and answered so.
fn delivered_means_received(evidence: &Evidence, report: Report<'_>) {
    for (delivery, _) in &evidence.deliveries {
        let Some((_, site)) = evidence.site(&delivery.endpoint) else { continue };
        let received = evidence.requests_of(delivery.event.as_str(), &site.url).any(is_success);
        if matches!(delivery.state, State::Delivered { .. }) && !received {
            report("I3 no phantom", format!("{} never said that it has {}", site.id, delivery.event));
        }
    }
}

/// I4: a terminal delivery is never leased again, and its state does not change.
fn terminal_absorbs(evidence: &Evidence, report: Report<'_>) {
    let mut ended = BTreeMap::new();
    for entry in &evidence.entries {
        if let What::Leased { delivery, .. } = &entry.what
            && ended.contains_key(delivery)
        {
            report("I4 terminal absorbs", format!("{delivery} was leased after its end"));
        }
        if let Some(delivery) = ending(&entry.what) {
            let What::Settled { ends, answer, .. } = &entry.what else { continue };
            let state = ends.filter(|_| *answer == hookpost::delivery::Settled::Applied);
            ended.entry(delivery).or_insert(state);
        }
    }
    for (delivery, _) in &evidence.deliveries {
        let said = ended.get(&delivery.id).copied().flatten();
        if said.is_some_and(|said| said != delivery.state) {
            report(
                "I4 terminal absorbs",
                format!("{} ended as {said:?} and is {:?}", delivery.id, delivery.state),
            );
        }
    }
}

/// I11: the store's counts are those of its rows.
fn sums_agree(evidence: &Evidence, report: Report<'_>) {
    let count = |of: fn(State) -> bool| {
        evidence.deliveries.iter().filter(|(delivery, _)| of(delivery.state)).count() as u64
    };
    let rows = [
        count(|state| matches!(state, State::Pending)),
        count(|state| matches!(state, State::Delivered { .. })),
        count(|state| matches!(state, State::Failed(_))),
        count(|state| matches!(state, State::Cancelled(_))),
    ];
    let stats = &evidence.stats;
    let counted = [stats.pending, stats.delivered, stats.failed, stats.cancelled];
    if rows != counted {
        report("I11 sums", format!("rows say {rows:?}, the store counts {counted:?}"));
    }
}

/// I12: one key and one content mean one event; one key and two contents, a refusal.
fn keys_are_idempotent(evidence: &Evidence, report: Report<'_>) {
    let content = |parcel: &Parcel| (parcel.kind.clone(), parcel.payload.clone(), parcel.order.clone());
    let mut owners: BTreeMap<_, (EventId, _)> = BTreeMap::new();
    for entry in &evidence.entries {
        let What::Accepted { parcel, event } = &entry.what else { continue };
        let Some(key) = &parcel.key else {
            if event.as_str() != parcel.id {
                report("I12 idempotency", format!("{} was stored as {event}", parcel.id));
            }
            continue;
        };
        let owner = owners
            .entry((parcel.tenant.clone(), key.clone()))
            .or_insert_with(|| (event.clone(), content(parcel)));
        if *owner != (event.clone(), content(parcel)) {
            report("I12 idempotency", format!("{key} stands for {} and for {event}", owner.0));
        }
    }
}

/// I19: after all faults have stopped, nothing stays pending.
fn drained(evidence: &Evidence, report: Report<'_>) {
    if evidence.entries.iter().any(|entry| matches!(entry.what, What::Drained)) {
        return;
    }
    let pending = evidence.deliveries.iter().filter(|(delivery, _)| delivery.state == State::Pending);
    let some: Vec<_> = pending.map(|(it, _)| format!("{} to {}", it.event, it.endpoint)).take(5).collect();
    let unrouted = evidence.stats.unrouted;
    report("I19 liveness", format!("{unrouted} events unrouted, pending for ever: {}", some.join(", ")));
}

fn is_success(exchange: &Exchange) -> bool {
    matches!(&exchange.outcome, Some(Outcome::Response(response)) if response.status.is_success())
}
