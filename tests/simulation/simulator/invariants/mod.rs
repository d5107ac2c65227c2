//! The invariants that must hold in every world, each with its number.

mod fate;
mod isolation;
mod leases;
mod looking;
mod requests;

use std::fmt;
use std::time::Duration;

use sha2::{Digest, Sha256};

use hookpost::backend::History;
use hookpost::delivery::Delivery;
use hookpost::history::{AttemptLog, DeliveryQuery, PageAfter, Selection, Stats};
use hookpost::id::{DeliveryId, EndpointId, TenantId};
use hookpost::testing::Exchange;
use hookpost::time::Timestamp;

use super::machine::Ground;
use super::trace::{Command, Entry, What};
use super::world::{Site, World};

/// Everything that can be seen of a world after it ended.
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    /// The world that was run.
    pub(crate) world: World,
    /// The trace of what happened.
    pub(crate) entries: Vec<Entry>,
    /// The receivers' own records.
    pub(crate) exchanges: Vec<Exchange>,
    /// The deliveries in the final store, each with its attempts.
    pub(crate) deliveries: Vec<(Delivery, AttemptLog)>,
    /// The counts of the final store.
    pub(crate) stats: Stats,
}

/// A violation of an invariant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The number and name of the invariant, such as `I7 one lease`.
    pub(crate) invariant: &'static str,
    /// What violated it.
    pub(crate) what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.what)
    }
}

type Report<'a> = &'a mut dyn FnMut(&'static str, String);

impl Evidence {
    pub(super) async fn gather(ground: &Ground) -> Self {
        let store = &*ground.store;
        let mut deliveries = Vec::new();
        let mut tenants: Vec<_> = ground.world.sites.iter().map(|site| site.tenant.clone()).collect();
        tenants.sort();
        tenants.dedup();
        for tenant in tenants.iter().filter_map(|tenant| TenantId::new(tenant).ok()) {
            let query = DeliveryQuery { tenant: tenant.clone(), selection: Selection::default() };
            let mut page = PageAfter::first(1000);
            while let Ok(found) = store.deliveries(&query, page).await {
                for delivery in found.deliveries {
                    let log = store.attempts(&tenant, &delivery.id).await;
                    deliveries.push((delivery, log.ok().flatten().unwrap_or_default()));
                }
                page.after = found.more_after;
                if page.after.is_none() {
                    break;
                }
            }
        }
        Self {
            world: ground.world.clone(),
            entries: ground.trace.entries(),
            exchanges: ground.transport.exchanges(),
            deliveries,
            stats: store.stats(None).await.unwrap_or_default(),
        }
    }

    /// Checks every invariant and returns the violations.
    #[must_use]
    pub(crate) fn judge(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        let mut report = |invariant, what| found.push(Violation { invariant, what });
        fate::judge(self, &mut report);
        leases::judge(self, &mut report);
        looking::judge(self, &mut report);
        requests::judge(self, &mut report);
        isolation::judge(self, &mut report);
        found
    }

    /// A hash of exactly what happened: the trace and every request (I18).
    #[must_use]
    pub(crate) fn hash(&self) -> String {
        let mut digest = Sha256::new();
        for line in self.entries.iter().map(Entry::to_string) {
            digest.update(line);
            digest.update([b'\n']);
        }
        for exchange in &self.exchanges {
            digest.update(format!("{exchange:?} {:?} {:?}\n", exchange.url, exchange.ended_at));
            digest.update(&exchange.body);
        }
        hex::encode(&digest.finalize()[..8])
    }

    /// A site by its endpoint, with its place in the world.
    fn site(&self, endpoint: &EndpointId) -> Option<(usize, &Site)> {
        self.world.sites.iter().enumerate().find(|(_, site)| site.id == endpoint.as_str())
    }

    /// The requests for an event at a site, in the order of their beginning.
    fn requests_of<'a>(&'a self, event: &'a str, url: &'a str) -> impl Iterator<Item = &'a Exchange> {
        self.exchanges.iter().filter(move |it| it.url == url && event_of(it) == Some(event))
    }

    /// When a delivery became terminal, by the store's own answers.
    fn ended_at(&self, delivery: DeliveryId) -> Option<Duration> {
        let ends = |entry: &&Entry| ending(&entry.what) == Some(delivery);
        self.entries.iter().find(ends).map(|entry| entry.at)
    }

    /// The spans in which a command certainly held at an endpoint, and nothing that
    /// ends it was even asked for.
    fn certain(
        &self,
        command: Command,
        ended_by: &[Command],
        endpoint: &EndpointId,
    ) -> Vec<(Duration, Duration)> {
        let ends: Vec<_> = ended_by.iter().flat_map(|end| self.spans(*end, endpoint)).collect();
        let overlaps = |a: &Span| ends.iter().any(|b| a.asked <= b.answered && b.asked <= a.answered);
        let certain = self.spans(command, endpoint).into_iter().filter(|span| span.done && !overlaps(span));
        certain
            .map(|span| {
                let next = ends.iter().map(|end| end.asked).filter(|at| *at > span.answered).min();
                (span.answered, next.unwrap_or(Duration::MAX))
            })
            .collect()
    }

    /// Each time a command was asked for, paired with its answers in order.
    fn spans(&self, wanted: Command, endpoint: &EndpointId) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        let mut answered = 0;
        for entry in &self.entries {
            match &entry.what {
                What::Asked(command, at) if *command == wanted && at == endpoint => {
                    spans.push(Span { asked: entry.at, answered: Duration::MAX, done: false });
                }
                What::Done(command, at) | What::Doubtful(command, at)
                    if *command == wanted && at == endpoint =>
                {
                    // Answers that overtake each other only make spans longer than they were.
                    if let Some(span) = spans.get_mut(answered) {
                        span.answered = entry.at;
                        span.done = matches!(entry.what, What::Done(..));
                    }
                    answered += 1;
                }
                _ => {}
            }
        }
        spans
    }
}

/// From asking for a command to its answer.
struct Span {
    asked: Duration,
    answered: Duration,
    done: bool,
}

/// The delivery that this makes terminal.
fn ending(what: &What) -> Option<DeliveryId> {
    use hookpost::delivery::Settled::{Applied, Fenced};
    match what {
        What::Settled { delivery, ends: Some(_), answer: Applied, .. }
        | What::Settled { delivery, success: true, answer: Fenced, .. } => Some(*delivery),
        _ => None,
    }
}

/// The event that a request says it carries.
fn event_of(exchange: &Exchange) -> Option<&str> {
    exchange.headers.get("webhook-id")?.to_str().ok()
}

/// When a request began, on the trace's clock.
fn began(exchange: &Exchange) -> Duration {
    exchange.began_at.since(super::machine::BASE)
}

/// The store's clock in a world without jumps.
fn store_time(at: Duration) -> Timestamp {
    super::machine::BASE + at
}
