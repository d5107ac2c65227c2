//! What a child is told, in one variable of its environment, and the words that
//! parent and child have in common.

use std::env;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use hookpost::testing::store::Call;
use serde::{Deserialize, Serialize};

const VARIABLE: &str = "HOOKPOST_CRASH_ORDERS";

/// How a child lives and ends.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Orders {
    /// The store.
    pub(crate) file: PathBuf,
    /// Begins the ids of its events: no two children's are the same.
    pub(crate) tag: String,
    /// How far its clock runs ahead of this machine's, so that leases of those who
    /// died before it have lapsed.
    pub(crate) ahead: Duration,
    /// So many tasks publish through the façade, one event after the other.
    pub(crate) publishers: u32,
    /// Whether one more publishes by SQL, on a connection of the host's.
    pub(crate) sql: bool,
    pub(crate) fate: Fate,
    pub(crate) conduct: Conduct,
}

impl Default for Orders {
    fn default() -> Self {
        Self {
            file: PathBuf::new(),
            tag: String::new(),
            ahead: Duration::ZERO,
            publishers: 3,
            sql: true,
            fate: Fate::Lives,
            conduct: Conduct::Honest,
        }
    }
}

impl Orders {
    /// The variable in which a child finds them.
    pub(crate) fn as_variable(&self) -> (&'static str, String) {
        (VARIABLE, serde_json::to_string(self).unwrap())
    }

    /// Those of this process, if it is a child.
    pub(crate) fn of_this_process() -> Option<Self> {
        env::var(VARIABLE).ok().map(|text| serde_json::from_str(&text).unwrap())
    }
}

/// What a child does to itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Fate {
    /// Nothing: it lives until somebody kills it.
    Lives,
    /// It kills itself when it passes that point for that time.
    Dies { at: Point, passing: u32 },
    /// It kills itself right after it has acknowledged so many events.
    DiesAcknowledging(u32),
    /// It stops itself once, before it settles, while no call of its store is open.
    StopsBeforeSettling,
}

/// Whether a child is what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Conduct {
    Honest,
    /// Says that an event is stored before it is.
    AcknowledgesEarly,
    /// Writes down answers to requests that it never sent.
    InventsAnswers,
    /// Sends each request again, and writes down one.
    SendsTwice,
}

/// Where a child can be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Stage {
    Publish,
    Claim,
    Send,
    Settle,
}

impl Stage {
    pub(crate) const ALL: [Self; 4] = [Self::Publish, Self::Claim, Self::Send, Self::Settle];

    /// The stage that a call of the store belongs to.
    pub(crate) const fn of(call: &Call<'_>) -> Option<Self> {
        match call {
            Call::Publish(..) => Some(Self::Publish),
            Call::Claim(_) => Some(Self::Claim),
            Call::Settle(..) => Some(Self::Settle),
            _ => None,
        }
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Claim => "claim",
            Self::Send => "send",
            Self::Settle => "settle",
        }
    }
}

/// The beginning or the end of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Point {
    pub(crate) stage: Stage,
    pub(crate) edge: Edge,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Edge {
    Entering,
    Leaving,
}

impl Point {
    pub(crate) const fn entering(stage: Stage) -> Self {
        Self { stage, edge: Edge::Entering }
    }

    pub(crate) const fn leaving(stage: Stage) -> Self {
        Self { stage, edge: Edge::Leaving }
    }

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Stage::ALL.into_iter().flat_map(|stage| [Self::entering(stage), Self::leaving(stage)])
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::all().find(|point| point.to_string() == word)
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let edge = match self.edge {
            Edge::Entering => '+',
            Edge::Leaving => '-',
        };
        write!(f, "{}{edge}", self.stage.word())
    }
}
