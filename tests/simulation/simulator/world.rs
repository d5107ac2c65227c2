//! A world: everything that is decided before it begins to move.

use std::time::Duration;

use hookpost::testing::Faults;

use super::failpoints::Point;
use super::mood::Mood;

/// One world. A plain value: print it, change it, play it again.
#[derive(Debug, Clone)]
pub(crate) struct World {
    /// The seed that drew it, and of all that is drawn while it is played.
    pub(crate) seed: u64,
    /// How many processes run an engine on the one store.
    pub(crate) machines: usize,
    /// How long a claim lasts.
    pub(crate) lease: Duration,
    /// How often an idle engine looks.
    pub(crate) poll: Duration,
    /// Requests in flight per machine.
    pub(crate) concurrency: usize,
    /// The first gap between two attempts; each next one is twice as long.
    pub(crate) gap_first: Duration,
    /// The longest gap.
    pub(crate) gap_max: Duration,
    /// How much gaps are spread.
    pub(crate) jitter_percent: u8,
    /// How long a delivery is tried, from its first attempt.
    pub(crate) window: Duration,
    /// Request starts per window that each tenant may make.
    pub(crate) limit: Option<(u32, Duration)>,
    /// Request starts per window that all endpoints together may make.
    pub(crate) shared_limit: Option<(u32, Duration)>,
    /// How the store fails each machine.
    pub(crate) store_faults: Faults,
    /// The endpoints, by tenant.
    pub(crate) sites: Vec<Site>,
    /// What is done, and when.
    pub(crate) script: Vec<(Duration, Deed)>,
    /// From here on nothing fails any more.
    pub(crate) heal_at: Duration,
}

/// An endpoint and its receiver.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    /// The endpoint's id.
    pub(crate) id: String,
    /// Whose it is.
    pub(crate) tenant: String,
    /// Where it is; no two sites share one.
    pub(crate) url: String,
    /// The event types it wants: all, or those of one pattern.
    pub(crate) wants: String,
    /// How its receiver behaves until the world heals.
    pub(crate) mood: Mood,
    /// How many requests it takes at a time.
    pub(crate) width: u32,
    /// How many filters its subscription has; every payload passes them.
    pub(crate) filters: usize,
    /// How many request starts it allows itself in a window, if that is less than its
    /// tenant may.
    pub(crate) limit: Option<(u32, Duration)>,
}

/// What somebody publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parcel {
    /// The event's id: publishing is repeated under it until it is answered.
    pub(crate) id: String,
    /// Whose.
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

/// What somebody does. Sites and machines are meant by their place in the world.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    /// Publishes.
    Publish(Parcel),
    /// Pauses a site, and resumes it so much later.
    Pause(usize, Duration),
    /// Disables a site, and enables it so much later.
    Disable(usize, Duration),
    /// Removes a site for good.
    Remove(usize),
    /// Replays everything of a site.
    Replay(usize),
    /// Makes everything pending of a site due now.
    Expedite(usize),
    /// Cancels everything pending of a site.
    Cancel(usize),
    /// Kills a machine when it next comes by that point; it starts again so much later.
    Crash(usize, Point, Duration),
    /// Keeps a machine from reaching the store and hearing from receivers for so long:
    /// it comes back believing that no time has passed.
    Freeze(usize, Duration),
    /// Sets the wall clock of all processes ahead.
    JumpAhead(Duration),
    /// Sets the wall clock of all processes back.
    JumpBack(Duration),
    /// From now on the endpoints of [`Mood::Unreadable`] cannot be read.
    Damage,
    /// Sets the wall clock of one process ahead by so many seconds, or back if they are
    /// negative; 0 sets it right.
    Skew(usize, i64),
}

impl World {
    /// Whether some deed is of that kind.
    #[must_use]
    pub(crate) fn has(&self, kind: impl Fn(&Deed) -> bool) -> bool {
        self.script.iter().any(|(_, deed)| kind(deed))
    }

    /// Whether a wall clock is moved.
    #[must_use]
    pub(crate) fn jumps(&self) -> bool {
        self.has(|deed| matches!(deed, Deed::JumpAhead(_) | Deed::JumpBack(_) | Deed::Skew(..)))
    }

    /// Whether no machine crashes or freezes and the store never fails: every request
    /// then has its record.
    #[must_use]
    pub(crate) fn is_calm(&self) -> bool {
        self.store_faults.are_none() && !self.has(|deed| matches!(deed, Deed::Crash(..) | Deed::Freeze(..)))
    }

    /// Whether anybody touches that site with such a deed.
    #[must_use]
    pub(crate) fn touches(&self, site: usize, kind: impl Fn(&Deed) -> Option<usize>) -> bool {
        self.has(|deed| kind(deed) == Some(site))
    }
}

impl Site {
    /// Whether it wants events of that type of its tenant.
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
    /// The site that it switches off, takes away or empties.
    #[must_use]
    pub(crate) const fn ends_work_of(&self) -> Option<usize> {
        match self {
            Self::Disable(site, _) | Self::Remove(site) | Self::Cancel(site) => Some(*site),
            _ => None,
        }
    }

    /// The site whose timing or rounds it changes.
    #[must_use]
    pub(crate) const fn repeats(&self) -> Option<usize> {
        match self {
            Self::Replay(site) | Self::Expedite(site) => Some(*site),
            _ => None,
        }
    }
}
