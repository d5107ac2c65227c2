//! Worlds: everything that is decided before a simulation runs.

use std::time::Duration;

use hookpost::testing::Faults;

use super::failpoints::Point;
use super::mood::Mood;

/// A world to simulate. A plain value: you can print it, change it and run it again.
#[derive(Debug, Clone)]
pub(crate) struct World {
    /// The seed that drew it. Everything drawn while it runs comes from this seed too.
    pub(crate) seed: u64,
    /// The number of processes that run an engine on the store.
    pub(crate) machines: usize,
    /// How long a lease lasts.
    pub(crate) lease: Duration,
    /// How often an idle engine looks for work.
    pub(crate) poll: Duration,
    /// The most requests in flight per machine.
    pub(crate) concurrency: usize,
    /// The first gap between two attempts; each further gap is twice as long.
    pub(crate) gap_first: Duration,
    /// The longest gap.
    pub(crate) gap_max: Duration,
    /// How far gaps are spread, in percent.
    pub(crate) jitter_percent: u8,
    /// How long a delivery is tried, from the start of its first attempt.
    pub(crate) window: Duration,
    /// The request starts that each tenant may make per window; `None` for no limit.
    pub(crate) limit: Option<(u32, Duration)>,
    /// The request starts that all endpoints together may make per window; `None` for no
    /// limit.
    pub(crate) shared_limit: Option<(u32, Duration)>,
    /// The faults of the store, for each machine.
    pub(crate) store_faults: Faults,
    /// The endpoints, by tenant.
    pub(crate) sites: Vec<Site>,
    /// The actions, each with its time.
    pub(crate) script: Vec<(Duration, Deed)>,
    /// The time from which nothing fails any more.
    pub(crate) heal_at: Duration,
}

/// An endpoint and its receiver.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    /// The endpoint's id.
    pub(crate) id: String,
    /// The tenant of the endpoint.
    pub(crate) tenant: String,
    /// The URL of the endpoint; no two sites share one.
    pub(crate) url: String,
    /// The event types it wants: all, or those of one pattern.
    pub(crate) wants: String,
    /// How its receiver behaves until the world heals.
    pub(crate) mood: Mood,
    /// The most requests that it has in flight.
    pub(crate) width: u32,
    /// The number of filters in its subscription; every payload passes them.
    pub(crate) filters: usize,
    /// The request starts that the endpoint allows itself per window, if fewer than its tenant
    /// may make.
    pub(crate) limit: Option<(u32, Duration)>,
}

/// An event to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parcel {
    /// The event's id: publishing is repeated under it until it is answered.
    pub(crate) id: String,
    /// The tenant of the event.
    pub(crate) tenant: String,
    /// The event's type.
    pub(crate) kind: String,
    /// The payload.
    pub(crate) payload: String,
    /// The idempotency key.
    pub(crate) key: Option<String>,
    /// The ordering key.
    pub(crate) order: Option<String>,
}

/// An action. Sites and machines are given by their index in the world.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    /// Publishes.
    Publish(Parcel),
    /// Pauses a site, and resumes it after this time.
    Pause(usize, Duration),
    /// Disables a site, and enables it after this time.
    Disable(usize, Duration),
    /// Removes a site for good.
    Remove(usize),
    /// Replays all deliveries of a site.
    Replay(usize),
    /// Makes all pending deliveries of a site due now.
    Expedite(usize),
    /// Cancels all pending deliveries of a site.
    Cancel(usize),
    /// Crashes a machine when it next reaches that point, and starts it again after this time.
    Crash(usize, Point, Duration),
    /// Keeps a machine from calling the store and from receiving answers for this long. When
    /// it continues, it behaves as if no time had passed.
    Freeze(usize, Duration),
    /// Sets the wall clock of all processes ahead.
    JumpAhead(Duration),
    /// Sets the wall clock of all processes back.
    JumpBack(Duration),
    /// Makes the endpoints with [`Mood::Unreadable`] unreadable from now on.
    Damage,
    /// Moves the wall clock of one process ahead by this many seconds, or back if they are
    /// negative; 0 sets it right.
    Skew(usize, i64),
}

impl World {
    /// Whether the script has an action of that kind.
    #[must_use]
    pub(crate) fn has(&self, kind: impl Fn(&Deed) -> bool) -> bool {
        self.script.iter().any(|(_, deed)| kind(deed))
    }

    /// Whether the script moves a wall clock.
    #[must_use]
    pub(crate) fn jumps(&self) -> bool {
        self.has(|deed| matches!(deed, Deed::JumpAhead(_) | Deed::JumpBack(_) | Deed::Skew(..)))
    }

    /// Whether no machine crashes or freezes and the store never fails, so that every request
    /// is recorded.
    #[must_use]
    pub(crate) fn is_calm(&self) -> bool {
        self.store_faults.are_none() && !self.has(|deed| matches!(deed, Deed::Crash(..) | Deed::Freeze(..)))
    }

    /// Whether the script has such an action for that site.
    #[must_use]
    pub(crate) fn touches(&self, site: usize, kind: impl Fn(&Deed) -> Option<usize>) -> bool {
        self.has(|deed| kind(deed) == Some(site))
    }
}

impl Site {
    /// Whether the site wants events of that type and tenant.
    #[must_use]
    pub(crate) fn is_for(&self, parcel: &Parcel) -> bool {
        let under = self
            .wants
            .strip_suffix(".*")
            .is_some_and(|start| parcel.kind.strip_prefix(start).is_some_and(|rest| rest.starts_with('.')));
        self.tenant == parcel.tenant && (self.wants == "*" || self.wants == parcel.kind || under)
    }
}

impl Deed {
    /// The site that the action disables, removes or empties.
    #[must_use]
    pub(crate) const fn ends_work_of(&self) -> Option<usize> {
        match self {
            Self::Disable(site, _) | Self::Remove(site) | Self::Cancel(site) => Some(*site),
            _ => None,
        }
    }

    /// The site whose timing or rounds the action changes.
    #[must_use]
    pub(crate) const fn repeats(&self) -> Option<usize> {
        match self {
            Self::Replay(site) | Self::Expedite(site) => Some(*site),
            _ => None,
        }
    }
}
