//! The agents, bots, groups and settings of a license.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::systems::body::Json;

/// An agent. After a change, only the changed fields are set.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Agent {
    /// The id of the agent, an e-mail address; `agent_id` in bodies up to 3.3.
    #[serde(alias = "agent_id")]
    pub id: String,
    /// The name of the agent.
    pub name: Option<String>,
    /// The role of the agent, such as `administrator`.
    pub role: Option<String>,
    /// The working hours of the agent.
    pub work_scheduler: Option<WorkScheduler>,
}

/// The working hours of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorkScheduler {
    /// The form up to 3.4: hours by the name of the day.
    ByDay(BTreeMap<String, Hours>),
    /// The form since 3.5.
    Zoned {
        /// The time zone, such as `Europe/Lisbon`.
        timezone: Option<String>,
        /// The days of the schedule.
        schedule: Vec<WorkDay>,
    },
}

/// The working hours of a day, each time as `HH:MM`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Hours {
    /// The beginning.
    pub start: String,
    /// The end.
    pub end: String,
}

/// A day of a work schedule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct WorkDay {
    /// The name of the day.
    pub day: String,
    /// Whether it is a working day.
    #[serde(default)]
    pub enabled: bool,
    /// The beginning.
    pub start: Option<String>,
    /// The end.
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

/// A customer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Customer {
    /// The id of the customer.
    pub id: String,
    /// The name of the customer.
    pub name: Option<String>,
    /// The e-mail address of the customer.
    pub email: Option<String>,
    /// The session fields of the customer, with one key each.
    pub session_fields: Vec<BTreeMap<String, Json>>,
}

/// In the documentation the customer is under `customer`; in the vendor's own test data its
/// fields are in the payload itself.
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
#[non_exhaustive]
pub struct Bot {
    /// The id of the bot.
    pub id: String,
    /// The name of the bot.
    pub name: Option<String>,
    /// The client id of the application that runs the bot.
    pub owner_client_id: Option<String>,
}

/// A group of agents.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Group {
    /// The number of the group.
    pub id: u64,
    /// The name of the group.
    pub name: Option<String>,
    /// The language of the group, such as `en`.
    pub language_code: Option<String>,
    /// The priority of each agent: `first`, `normal`, `last` or `supervisor`.
    #[serde(default)]
    pub agent_priorities: BTreeMap<String, String>,
}

/// A rule that assigns chats to groups automatically.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct AutoAccess {
    /// The id of the rule.
    pub id: String,
    /// The id of the next rule.
    pub next_id: Option<String>,
    /// The change to this rule in a list: `added`, `updated` or `deleted`.
    pub status: Option<String>,
    /// A description of the rule.
    pub description: Option<String>,
    /// The conditions of the rule, unchanged.
    pub conditions: Option<Json>,
}

/// A tag for threads.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Tag {
    /// The name of the tag.
    pub name: String,
    /// The ids of the groups that have the tag.
    #[serde(default)]
    pub group_ids: Vec<u64>,
    /// When the tag was created.
    pub created_at: Option<String>,
    /// The id of its author.
    pub author_id: Option<String>,
}
