//! Chats, their threads and users, and what happens in them.
//!
//! Times are texts as LiveChat writes them: RFC 3339 with microseconds.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::systems::body::Json;

use super::ChatEvent;

/// Properties by namespace and name. A value may be any JSON and is kept unchanged.
pub type ChatProperties = BTreeMap<String, BTreeMap<String, Json>>;

/// A chat.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Chat {
    /// The id of the chat.
    pub id: String,
    /// The users in the chat.
    #[serde(default)]
    pub users: Vec<User>,
    /// What applications store about the chat.
    #[serde(default)]
    pub properties: ChatProperties,
    /// The groups that may see the chat.
    #[serde(default)]
    pub access: Access,
    /// The newest thread of the chat.
    pub thread: Option<Thread>,
}

/// One conversation in a chat.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Thread {
    /// The id of the thread.
    pub id: String,
    /// Whether the thread is still active.
    #[serde(default)]
    pub active: bool,
    /// The ids of the users in the thread.
    #[serde(default)]
    pub user_ids: Vec<String>,
    /// The events of the thread so far.
    #[serde(default)]
    pub events: Vec<ChatEvent>,
    /// What applications store about the thread.
    #[serde(default)]
    pub properties: ChatProperties,
    /// The groups that may see the thread.
    #[serde(default)]
    pub access: Access,
    /// The customer's place in the queue; `None` if the customer does not wait.
    pub queue: Option<Queue>,
    /// When the thread began.
    pub created_at: Option<String>,
}

/// A place in a queue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Queue {
    /// The position in the queue; 1 is next.
    pub position: u64,
    /// LiveChat's estimate of the waiting time, in seconds.
    pub wait_time: u64,
    /// When the customer entered the queue.
    pub queued_at: Option<String>,
}

/// A customer, an agent or a bot in a chat.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct User {
    /// The id of the user; an agent's is an e-mail address.
    pub id: String,
    /// The type of the user: `customer` or `agent`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The name of the user.
    pub name: Option<String>,
    /// The e-mail address of the user.
    pub email: Option<String>,
    /// Whether the user is in the chat now.
    #[serde(default)]
    pub present: bool,
    /// The status of an agent, written here with underscores.
    pub routing_status: Option<String>,
    /// The session fields of a customer, with one key each.
    #[serde(default)]
    pub session_fields: Vec<BTreeMap<String, Json>>,
}

impl User {
    /// Whether the user is a customer.
    #[must_use]
    pub fn is_customer(&self) -> bool {
        self.kind.as_deref() == Some("customer")
    }
}

/// The groups that may see something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Access {
    /// The ids of these groups; 0 stands for everyone.
    pub group_ids: Vec<u64>,
}

/// Where a chat was transferred to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct TransferTarget {
    /// The ids of the groups.
    pub group_ids: Vec<u64>,
    /// The ids of the agents.
    pub agent_ids: Vec<String>,
}

/// A button of a rich message.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Postback {
    /// The id that the author gave the button.
    pub id: String,
    /// Whether the button is pressed now.
    #[serde(default)]
    pub toggled: bool,
    /// The type of the button, such as `url`.
    #[serde(rename = "button_type", alias = "type")]
    pub kind: Option<String>,
    /// The value that belongs to the type.
    #[serde(rename = "button_value", alias = "value")]
    pub value: Option<String>,
}

/// The chat that a customer is in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct ActiveChat {
    /// The id of the chat.
    pub chat_id: String,
    /// The id of its thread.
    pub thread_id: Option<String>,
}

/// A thread's summary.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Summary {
    /// Whether there is a summary.
    pub status: Option<String>,
    /// The text of the summary.
    pub text: Option<String>,
    /// When the summary was written.
    pub updated_at: Option<String>,
}
