//! What receivers saw: I3, I5, I6, I8, I10, and the order of keyed events.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::value::RawValue;

use crate::delivery::{Attempt, AttemptResult, Delivery, FailReason, State};
use crate::history::AttemptLog;
use crate::id::Round;
use crate::policy::outcome::{Outcome, Unknown};
use crate::profile::StandardEvent;
use crate::secret::Secret;
use crate::sign::{Scheme, Tolerance, Verifier};
use crate::testing::Exchange;
use crate::time::Timestamp;

use super::super::machine::{BASE, SECRET};
use super::super::trace::{Command, What};
use super::super::world::{Deed, Site, World};
use super::{Evidence, Report, began, event_of, store_time};

/// An endpoint may have been read so long before a request to it begins.
const FRESH: Duration = Duration::from_secs(1);
/// A receiver's `Retry-After` counts up to this.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

pub(super) fn judge(evidence: &Evidence, report: Report<'_>) {
    records_and_requests_agree(evidence, report);
    switched_off_means_quiet(evidence, report);
    limits_hold_in_every_window(evidence, report);
    nothing_ends_before_its_window(evidence, report);
    each_attempt_says_the_same(evidence, report);
    gaps_are_kept(evidence, report);
    keyed_events_arrive_in_turn(evidence, report);
}

/// I3: every recorded attempt was a request with that outcome; where nothing was
/// torn down, every request is recorded.
fn records_and_requests_agree(evidence: &Evidence, report: Report<'_>) {
    let mut recorded: BTreeMap<_, Vec<AttemptResult>> = BTreeMap::new();
    for (delivery, log) in &evidence.deliveries {
        let Some((number, _)) = evidence.site(&delivery.endpoint) else { continue };
        let results = log.attempts.iter().map(|attempt| attempt.attempt.result);
        recorded.entry((delivery.event.as_str(), number)).or_default().extend(results);
    }
    for ((event, number), results) in recorded {
        let site = &evidence.world.sites[number];
        let mut seen: Vec<_> = evidence.requests_of(event, &site.url).map(result_of).collect();
        // What did not leave may be an own fault, of which no attempt is recorded.
        let left = |it: &&AttemptResult| !matches!(it, AttemptResult::NotSent(_));
        let requests = seen.iter().filter(left).count();
        for result in &results {
            if let Some(at) = seen.iter().position(|it| it == result) {
                seen.swap_remove(at);
            } else {
                report("I3 no phantom", format!("{result:?} of {event} at {} was no request", site.id));
            }
        }
        if evidence.world.is_calm() && results.iter().filter(left).count() != requests {
            let told = results.iter().filter(left).count();
            report("I3 no ghost", format!("{event} at {}: {requests} requests, {told} recorded", site.id));
        }
    }
}

fn result_of(exchange: &Exchange) -> AttemptResult {
    match &exchange.outcome {
        Some(Outcome::Response(response)) => AttemptResult::Status(response.status),
        Some(Outcome::NotSent(why)) => AttemptResult::NotSent(*why),
        Some(Outcome::Unknown(why)) => AttemptResult::Unknown(*why),
        None => AttemptResult::Unknown(Unknown::Aborted),
    }
}

/// I5: no request begins once an endpoint is off or gone, but for those whose
/// endpoint had just been read.
fn switched_off_means_quiet(evidence: &Evidence, report: Report<'_>) {
    for site in &evidence.world.sites {
        let Ok(endpoint) = site.id.parse() else { continue };
        let off = evidence.certain(Command::Disable, &[Command::Enable], &endpoint);
        let gone = evidence.spans(Command::Remove, &endpoint).into_iter().filter(|span| span.done);
        let spans: Vec<_> = off.into_iter().chain(gone.map(|span| (span.answered, Duration::MAX))).collect();
        for exchange in evidence.exchanges.iter().filter(|exchange| exchange.url == site.url) {
            let at = began(exchange);
            if spans.iter().any(|(from, until)| at > *from + FRESH && at < *until) {
                report("I5 off is off", format!("a request to {} began at {at:?}", site.id));
            }
        }
    }
}

/// I6: in any window of a limit's length at most its number of starts.
fn limits_hold_in_every_window(evidence: &Evidence, report: Report<'_>) {
    let world = &evidence.world;
    let mut by_tenant: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    let mut all = Vec::new();
    for exchange in &evidence.exchanges {
        // A site that sets a limit of its own has no other.
        let site = world.sites.iter().find(|site| site.url == exchange.url);
        if let Some(site) = site.filter(|site| site.limit.is_none()) {
            by_tenant.entry(&site.tenant).or_default().push(began(exchange));
            all.push(began(exchange));
        }
    }
    let of_tenants = by_tenant.into_iter().map(|(tenant, times)| (tenant, times, world.limit));
    for (whose, mut times, limit) in of_tenants.chain([("all", all, world.shared_limit)]) {
        let Some((starts, window)) = limit else { continue };
        times.sort();
        let starts = usize::try_from(starts).unwrap_or(usize::MAX);
        for together in times.windows(starts + 1) {
            if together[starts] < together[0] + window {
                report("I6 rate limit", format!("{whose} began {} within {window:?}", starts + 1));
                break;
            }
        }
    }
}

/// I8: id and payload are those of the event in every attempt; the signature is fresh.
fn each_attempt_says_the_same(evidence: &Evidence, report: Report<'_>) {
    let payloads: BTreeMap<_, _> = evidence
        .world
        .script
        .iter()
        .filter_map(|(_, deed)| match deed {
            Deed::Publish(parcel) => Some((parcel.id.as_str(), parcel.payload.as_bytes())),
            _ => None,
        })
        .collect();
    let verifier = Secret::new(SECRET)
        .and_then(|secret| Verifier::new(&Scheme::standard(), [secret]))
        .ok()
        .and_then(|verifier| {
            if evidence.world.jumps() { verifier.tolerance(Tolerance::Off).ok() } else { Some(verifier) }
        });
    for exchange in &evidence.exchanges {
        let event = event_of(exchange).unwrap_or("nothing");
        let body = serde_json::from_slice::<StandardEvent<&RawValue>>(&exchange.body);
        let carried = body.ok().map(|body| body.data.get().as_bytes());
        if carried.is_none() || payloads.get(event).copied() != carried {
            report("I8 same bytes", format!("request {} does not carry {event}'s payload", exchange.order));
        }
        let now = store_time(began(exchange));
        let valid =
            verifier.as_ref().map(|it| it.verify(&exchange.headers, exchange.body.as_ref(), now).is_ok());
        if valid != Some(true) {
            report("I8 same bytes", format!("request {} is not signed as it should be", exchange.order));
        }
    }
}

/// I10: never earlier than the schedule less its jitter, nor than a receiver asked,
/// and nothing past the window.
fn gaps_are_kept(evidence: &Evidence, report: Report<'_>) {
    let world = &evidence.world;
    if !world.is_calm() {
        return;
    }
    if world.jumps() {
        return first_gaps_are_kept(evidence, report);
    }
    for (delivery, log) in &evidence.deliveries {
        let Some((number, site)) = evidence.site(&delivery.endpoint) else { continue };
        if world.touches(number, Deed::repeats) || world.touches(number, Deed::ends_work_of) {
            continue;
        }
        let asked = waits_asked_for(evidence, delivery, site);
        // Where the schedule may stand: after so many retries, the last of which was that
        // attempt. What came before its due time leaves it there.
        let mut stands = BTreeSet::from([(0, 0)]);
        for (number, pair) in log.attempts.windows(2).enumerate() {
            let [before, this] = [&pair[0].attempt, &pair[1].attempt];
            let catches_up = succeeded_between(evidence, site, before, this);
            let may_be_early = catches_up || may_be_a_probe(evidence, delivery, site, this);
            let least = if catches_up { world.gap_first } else { asked[number].max(world.gap_first) };
            let mut next = BTreeSet::new();
            for (retries, last) in stands {
                let since = gap_between(&log.attempts[last].attempt, this);
                let early = |due: Duration| may_be_early && since + world.gap_first < due;
                // An early one stands for the due one where that would follow within a gap.
                if !early(least_gap(world, retries)) && (may_be_early || since >= least_gap(world, retries)) {
                    next.insert((retries + 1, number + 1));
                }
                if early(longest_gap(world, retries).max(asked[last])) {
                    next.insert((retries, last));
                }
            }
            if next.is_empty() || gap_between(before, this) < least {
                let (event, waited) = (&delivery.event, gap_between(before, this));
                report(
                    "I10 gaps",
                    format!("{event} to {} waited {waited:?} before try {}", site.id, number + 2),
                );
                break;
            }
            stands = next;
        }
        past_the_window(world, delivery, log, report);
    }
}

/// What attempts record is in the store's time, which moves in these worlds. The receivers'
/// own record is not, and no gap of a schedule is shorter than its first.
fn first_gaps_are_kept(evidence: &Evidence, report: Report<'_>) {
    let least = least_gap(&evidence.world, 0);
    for (delivery, _) in &evidence.deliveries {
        let Some((number, site)) = evidence.site(&delivery.endpoint) else { continue };
        let touched = evidence.world.touches(number, Deed::repeats);
        if touched || evidence.world.touches(number, Deed::ends_work_of) {
            continue;
        }
        let mut requests: Vec<_> = evidence.requests_of(delivery.event.as_str(), &site.url).collect();
        requests.sort_by_key(|exchange| exchange.began_at);
        for pair in requests.windows(2) {
            let ended = pair[0].ended_at.unwrap_or(pair[0].began_at);
            let waited = pair[1].began_at.since(ended);
            if waited < least {
                let event = &delivery.event;
                report("I10 gaps", format!("{event} to {} waited {waited:?}, not {least:?}", site.id));
            }
        }
    }
}

fn gap_between(first: &Attempt, second: &Attempt) -> Duration {
    second.began_at.since(first.began_at + first.took)
}

/// Whether an attempt may have been the probe of a sick endpoint: the last answers before it
/// were failures, three at least, and another delivery waited for the endpoint.
fn may_be_a_probe(evidence: &Evidence, delivery: &Delivery, site: &Site, attempt: &Attempt) -> bool {
    let began = attempt.began_at;
    let another_waits = evidence.deliveries.iter().any(|(other, _)| {
        let ended = evidence.ended_at(other.id).map(store_time);
        other.id != delivery.id
            && other.endpoint == delivery.endpoint
            && other.born_at <= began
            && ended.is_none_or(|ended| ended >= began)
    });
    let answered = evidence
        .exchanges
        .iter()
        .filter(|exchange| exchange.url == site.url)
        .filter_map(|exchange| Some((exchange, exchange.ended_at?)))
        .filter(|(_, ended)| store_time(ended.since(BASE)) <= began);
    let (successes, failures): (Vec<_>, Vec<_>) = answered.partition(|(exchange, _)| is_success(exchange));
    // What failed while a request that succeeded was under way keeps the streak from ending.
    let recovered = successes.iter().filter(|(success, ended)| {
        let overlaps = |(_, failed): &(_, Timestamp)| success.began_at <= *failed && failed <= ended;
        !failures.iter().any(overlaps)
    });
    let last = recovered.map(|(_, ended)| *ended).max();
    another_waits && failures.iter().filter(|(_, failed)| last.is_none_or(|last| *failed > last)).count() >= 3
}

fn is_success(exchange: &Exchange) -> bool {
    matches!(&exchange.outcome, Some(Outcome::Response(answer)) if answer.status.is_success())
}

/// Whether a receiver answered anything with a success after the end of one attempt and
/// before the next began.
fn succeeded_between(evidence: &Evidence, site: &Site, first: &Attempt, second: &Attempt) -> bool {
    let between = first.began_at + first.took..=second.began_at;
    evidence.exchanges.iter().filter(|exchange| exchange.url == site.url).any(|exchange| {
        let ended = exchange.ended_at.map(|ended| store_time(ended.since(BASE)));
        let ended = ended.is_some_and(|ended| between.contains(&ended));
        ended && is_success(exchange)
    })
}

/// I14: nothing is given up for its retry window before that much time has passed.
fn nothing_ends_before_its_window(evidence: &Evidence, report: Report<'_>) {
    let world = &evidence.world;
    // It ends at once when its next try would be past the end.
    let longest_gap = (world.gap_max * 2).max(RETRY_AFTER_MAX);
    for (delivery, _) in &evidence.deliveries {
        let Some((_, site)) = evidence.site(&delivery.endpoint) else { continue };
        if delivery.state != State::Failed(FailReason::RetryWindow) || delivery.round != Round::Routing {
            continue;
        }
        let first = evidence.requests_of(delivery.event.as_str(), &site.url).map(began).min();
        let Some((first, ended)) = first.zip(evidence.ended_at(delivery.id)) else { continue };
        let tried_for = ended.saturating_sub(first);
        if tried_for + longest_gap < world.window {
            let event = &delivery.event;
            report("I14 not early", format!("{event} to {} was given up after {tried_for:?}", site.id));
        }
    }
}

fn past_the_window(world: &World, delivery: &Delivery, log: &AttemptLog, report: Report<'_>) {
    let Some(first) = log.attempts.first() else { return };
    let end = first.attempt.began_at + world.window;
    if log.attempts.iter().any(|attempt| attempt.attempt.began_at > end) {
        report("I10 gaps", format!("{} was tried past its window", delivery.id));
    }
}

/// What the receiver asked for in its answer to each attempt.
fn waits_asked_for(evidence: &Evidence, delivery: &Delivery, site: &Site) -> Vec<Duration> {
    let asked = |exchange: &Exchange| {
        let Some(Outcome::Response(response)) = &exchange.outcome else { return Duration::ZERO };
        let listens = matches!(response.status.as_u16(), 429 | 503);
        let value = response.headers.get("retry-after").filter(|_| listens);
        let seconds = value.and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
        Duration::from_secs(seconds.unwrap_or(0))
    };
    evidence.requests_of(delivery.event.as_str(), &site.url).map(asked).collect()
}

/// The shortest gap that the schedule and its jitter allow after so many retries.
fn least_gap(world: &World, retries: usize) -> Duration {
    let (gap, spread) = gap(world, retries);
    gap.saturating_sub(spread).max(world.gap_first)
}

/// The longest one.
fn longest_gap(world: &World, retries: usize) -> Duration {
    let (gap, spread) = gap(world, retries);
    (gap + spread).min(world.gap_max)
}

/// The schedule's gap after so many retries, and how far its jitter moves it.
fn gap(world: &World, retries: usize) -> (Duration, Duration) {
    let doubled = 2_u32.saturating_pow(u32::try_from(retries).unwrap_or(u32::MAX));
    let gap = world.gap_first.saturating_mul(doubled).min(world.gap_max);
    (gap, gap * u32::from(world.jitter_percent) / 100)
}

/// The store's tenth promise: of one ordering key and endpoint, an event is sent only
/// after every earlier one has come to its end.
fn keyed_events_arrive_in_turn(evidence: &Evidence, report: Report<'_>) {
    let mut keys: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for entry in &evidence.entries {
        if let What::Stored { tenant, event, order: Some(key) } = &entry.what {
            keys.entry((tenant.as_str(), key)).or_default().push(event.as_str());
        }
    }
    let ids: BTreeMap<_, _> =
        evidence.deliveries.iter().map(|(it, _)| ((it.event.as_str(), it.endpoint.as_str()), it)).collect();
    for ((tenant, key), events) in keys {
        for (number, site) in evidence.world.sites.iter().enumerate().filter(|(_, it)| it.tenant == tenant) {
            if evidence.world.touches(number, Deed::repeats) {
                continue;
            }
            let mut free_from = Duration::ZERO;
            for event in &events {
                let Some(delivery) = ids.get(&(*event, site.id.as_str())) else { continue };
                let first = evidence.requests_of(event, &site.url).map(began).min();
                if first.is_some_and(|first| first < free_from) {
                    report("C10 order", format!("{event} of {key} overtook at {}", site.id));
                }
                let cancelled = matches!(delivery.state, State::Cancelled(_));
                let ended = evidence.ended_at(delivery.id).filter(|_| !cancelled);
                free_from = free_from.max(ended.unwrap_or(Duration::ZERO));
            }
        }
    }
}
