//! People, bots, groups and settings of a license.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::systems::body::Json;

/// An agent. Of a change, only what changed is there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Agent {
    /// Its id, an e-mail address; `agent_id` in bodies up to 3.3.
    #[serde(alias = "agent_id")]
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// What it may do, such as `administrator`.
    pub role: Option<String>,
    /// When it works.
    pub work_scheduler: Option<WorkScheduler>,
}

/// When an agent works.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorkScheduler {
    /// Up to 3.4: hours by the day's name.
    ByDay(BTreeMap<String, Hours>),
    /// Since 3.5.
    Zoned {
        /// Whose clock, such as `Europe/Lisbon`.
        timezone: Option<String>,
        /// The days.
        schedule: Vec<WorkDay>,
    },
}

/// From when to when, each as `HH:MM`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Hours {
    /// From.
    pub start: String,
    /// To.
    pub end: String,
}

/// A day of a work schedule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct WorkDay {
    /// The day's name.
    pub day: String,
    /// Whether it is worked.
    #[serde(default)]
    pub enabled: bool,
    /// From.
    pub start: Option<String>,
    /// To.
    pub end: Option<String>,
}

impl<'de> Deserialize<'de> for WorkScheduler {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Zoned {
            timezone: Option<String>,
            schedule: Vec<WorkDay>,
        }
        let json = Json::deserialize(deserializer)?;
        if let Ok(Zoned { timezone, schedule }) = json.parse() {
            return Ok(Self::Zoned { timezone, schedule });
        }
        json.parse().map(Self::ByDay).map_err(D::Error::custom)
    }
}

/// An agent's readiness changed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RoutingStatusSet {
    /// Who.
    pub agent_id: String,
    /// `accepting chats`, `not accepting chats` or `offline`: with spaces here, with
    /// underscores in a chat's users.
    pub status: String,
}

/// A customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Its e-mail address.
    pub email: Option<String>,
    /// Its session fields, one key each.
    pub session_fields: Vec<BTreeMap<String, Json>>,
}

/// The documentation puts the customer under `customer`, the vendor's own test data
/// puts its fields into the payload itself.
impl<'de> Deserialize<'de> for Customer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Flat {
            id: String,
            name: Option<String>,
            email: Option<String>,
            #[serde(default)]
            session_fields: Vec<BTreeMap<String, Json>>,
        }
        #[derive(Deserialize)]
        struct Nested {
            customer: Flat,
        }
        let json = Json::deserialize(deserializer)?;
        let flat: Flat = json
            .parse()
            .or_else(|_| json.parse().map(|Nested { customer }| customer))
            .map_err(D::Error::custom)?;
        Ok(Self { id: flat.id, name: flat.name, email: flat.email, session_fields: flat.session_fields })
    }
}

/// A bot.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Bot {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Whose application runs it.
    pub owner_client_id: Option<String>,
}

/// A group of agents.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Group {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: Option<String>,
    /// Its language, such as `en`.
    pub language_code: Option<String>,
    /// `first`, `normal`, `last` or `supervisor` by agent.
    #[serde(default)]
    pub agent_priorities: BTreeMap<String, String>,
}

/// A rule by which a chat goes to groups by itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AutoAccess {
    /// Its id.
    pub id: String,
    /// The rule after it.
    pub next_id: Option<String>,
    /// `added`, `updated` or `deleted`, in lists.
    pub status: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// When it applies, as it stands.
    pub conditions: Option<Json>,
}

/// A tag for threads.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Tag {
    /// Its name.
    pub name: String,
    /// The groups that have it.
    #[serde(default)]
    pub group_ids: Vec<u64>,
    /// When it was made.
    pub created_at: Option<String>,
    /// By whom.
    pub author_id: Option<String>,
}
