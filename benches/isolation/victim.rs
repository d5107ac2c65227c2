//! A tenant that publishes at a steady rate, and how long its events waited.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hookpost::{NewEndpoint, NewEvent};

use crate::stage::{PROFILE, SECRET, Stage};

/// Between two events of one victim.
const EVERY: Duration = Duration::from_millis(50);

/// Numbers every event of every victim.
static NUMBER: AtomicU64 = AtomicU64::new(0);

pub(crate) struct Victim {
    tenant: &'static str,
    host: &'static str,
}

/// The events of one period: their numbers, and when each was published.
pub(crate) struct Period(Vec<(u64, Instant)>);

/// How long each event of a period waited, in order of length.
pub(crate) struct Waits {
    waits: Vec<Duration>,
    arrived: usize,
}

impl Victim {
    pub(crate) const fn new(tenant: &'static str, host: &'static str) -> Self {
        Self { tenant, host }
    }

    pub(crate) async fn register(&self, stage: &Stage) {
        let url = format!("http://{}:{}/victim", self.host, stage.receivers.port());
        let new = NewEndpoint::new(self.tenant, url, PROFILE)
            .and_then(|new| new.id(format!("{}-endpoint", self.tenant)))
            .and_then(|new| new.secret(SECRET))
            .unwrap();
        stage.webhooks.register(new).await.unwrap();
    }

    /// Publishes on the beat, however long each call takes.
    pub(crate) async fn publish_for(&self, stage: &Stage, span: Duration) -> Period {
        let mut beat = tokio::time::interval(EVERY);
        let (end, mut published) = (Instant::now() + span, Vec::new());
        while Instant::now() < end {
            beat.tick().await;
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            published.push((number, Instant::now()));
            let (webhooks, tenant) = (stage.webhooks.clone(), self.tenant);
            tokio::spawn(async move {
                let event = NewEvent::json(tenant, "order.paid", format!("{{\"number\":{number}}}")).unwrap();
                if let Err(error) = webhooks.publish(event).await {
                    eprintln!("{tenant}: {error}");
                }
            });
        }
        Period(published)
    }
}

impl Period {
    /// Compares what was published with what has arrived until now.
    pub(crate) fn judge(&self, stage: &Stage) -> Waits {
        let (now, arrivals) = (Instant::now(), stage.receivers.arrivals());
        let arrival = |number: &u64| arrivals.get(number).copied();
        let wait = |(number, at): &(u64, Instant)| arrival(number).unwrap_or(now).duration_since(*at);
        let mut waits: Vec<_> = self.0.iter().map(wait).collect();
        waits.sort_unstable();
        Waits { waits, arrived: self.0.iter().filter(|(number, _)| arrival(number).is_some()).count() }
    }
}

impl Waits {
    pub(crate) const fn published(&self) -> usize {
        self.waits.len()
    }

    pub(crate) const fn arrived(&self) -> usize {
        self.arrived
    }

    pub(crate) fn longest(&self) -> Duration {
        self.waits.last().copied().unwrap_or_default()
    }

    /// That part of the events waited at most so long.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(crate) fn percentile(&self, part: f64) -> Duration {
        let at = (self.waits.len() as f64 * part) as usize;
        self.waits.get(at.min(self.waits.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}
