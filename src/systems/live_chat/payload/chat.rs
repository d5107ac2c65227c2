//! Chats, their threads and users, and what happens in them.
//!
//! Times are texts as LiveChat writes them: RFC 3339 with microseconds.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::systems::body::Json;

use super::Event;

/// Properties by namespace and name. A value may be any JSON and is kept unchanged.
pub type Properties = BTreeMap<String, BTreeMap<String, Json>>;

/// A chat began, or an agent began a thread in it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct IncomingChat {
    /// The chat that began.
    pub chat: Chat,
}

/// A chat.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Chat {
    /// The id of the chat.
    pub id: String,
    /// The users in the chat.
    #[serde(default)]
    pub users: Vec<User>,
    /// What applications store about the chat.
    #[serde(default)]
    pub properties: Properties,
    /// The groups that may see the chat.
    #[serde(default)]
    pub access: Access,
    /// The newest thread of the chat.
    pub thread: Option<Thread>,
}

/// One conversation in a chat.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
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
    pub events: Vec<Event>,
    /// What applications store about the thread.
    #[serde(default)]
    pub properties: Properties,
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
pub struct Access {
    /// The ids of these groups; 0 stands for everyone.
    pub group_ids: Vec<u64>,
}

/// A thread ended.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ChatEnded {
    /// The id of the chat.
    pub chat_id: String,
    /// The id of the thread.
    pub thread_id: String,
    /// The id of the user who ended it; `None` if the router did.
    pub user_id: Option<String>,
}

/// The access to a chat changed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ChatAccess {
    /// The id of the chat.
    pub id: String,
    /// The new access, or what was granted or revoked.
    #[serde(default)]
    pub access: Access,
}

/// A chat was transferred.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ChatTransferred {
    /// The id of the chat.
    pub chat_id: String,
    /// The id of its thread.
    pub thread_id: Option<String>,
    /// The id of the user who requested the transfer.
    pub requester_id: Option<String>,
    /// `manual`, `inactive`, `assigned`, `unassigned` or `other`.
    pub reason: Option<String>,
    /// Where the chat was transferred to.
    #[serde(default)]
    pub transferred_to: TransferTarget,
    /// The customer's new place in the queue.
    pub queue: Option<Queue>,
}

/// Where a chat was transferred to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct TransferTarget {
    /// The ids of the groups.
    pub group_ids: Vec<u64>,
    /// The ids of the agents.
    pub agent_ids: Vec<String>,
}

/// A user joined a chat.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct UserAdded {
    /// The id of the chat.
    pub chat_id: String,
    /// The id of its thread.
    pub thread_id: Option<String>,
    /// The user who joined.
    pub user: User,
    /// The reason for it.
    pub reason: Option<String>,
    /// The id of the user who requested it.
    pub requester_id: Option<String>,
}

/// A user left a chat.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct UserRemoved {
    /// The id of the chat.
    pub chat_id: String,
    /// The id of its thread.
    pub thread_id: Option<String>,
    /// The id of the user who left.
    pub user_id: String,
    /// The reason for it.
    pub reason: Option<String>,
    /// The id of the user who requested it.
    pub requester_id: Option<String>,
}

/// An event was received or changed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct EventInChat {
    /// The id of the chat.
    pub chat_id: String,
    /// The id of its thread.
    pub thread_id: Option<String>,
    /// The event.
    pub event: Event,
}

/// An event was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct EventDeleted {
    /// The id of the chat.
    pub chat_id: String,
    /// The id of its thread.
    pub thread_id: Option<String>,
    /// The id of the event.
    pub event_id: String,
}

/// A button of a rich message was pressed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RichMessagePostback {
    /// The id of the user who pressed it.
    pub user_id: Option<String>,
    /// The id of the chat.
    pub chat_id: String,
    /// The id of its thread.
    pub thread_id: Option<String>,
    /// The id of the rich message.
    pub event_id: Option<String>,
    /// The button that was pressed.
    pub postback: Postback,
}

/// A button of a rich message.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
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

/// Properties of a chat, a thread or an event changed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PropertiesUpdated {
    /// The id of the chat.
    pub chat_id: String,
    /// The id of the thread, for properties of a thread or an event.
    pub thread_id: Option<String>,
    /// The id of the event, for properties of an event.
    pub event_id: Option<String>,
    /// Only the properties that changed.
    #[serde(default)]
    pub properties: Properties,
}

/// Properties of a chat, a thread or an event were deleted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PropertiesDeleted {
    /// The id of the chat.
    pub chat_id: String,
    /// The id of the thread, for properties of a thread or an event.
    pub thread_id: Option<String>,
    /// The id of the event, for properties of an event.
    pub event_id: Option<String>,
    /// The names of the deleted properties, by namespace.
    #[serde(default)]
    pub properties: BTreeMap<String, Vec<String>>,
}

/// A tag was added to a thread or removed from it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TagOnThread {
    /// The id of the chat.
    pub chat_id: String,
    /// The id of the thread.
    pub thread_id: Option<String>,
    /// The tag.
    pub tag: String,
}

/// A customer's session fields changed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SessionFieldsUpdated {
    /// The id of the customer.
    pub id: String,
    /// The chat that the customer is in.
    pub active_chat: Option<ActiveChat>,
    /// The session fields, with one key each.
    #[serde(default)]
    pub session_fields: Vec<BTreeMap<String, Json>>,
}

/// The chat that a customer is in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ActiveChat {
    /// The id of the chat.
    pub chat_id: String,
    /// The id of its thread.
    pub thread_id: Option<String>,
}

/// A user has seen the events of a chat.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct EventsSeen {
    /// The id of the user.
    pub user_id: String,
    /// The id of the chat.
    pub chat_id: String,
    /// The time up to which all events were seen.
    pub seen_up_to: Option<String>,
}

/// A thread was given a summary.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ThreadSummary {
    /// The id of the chat.
    pub chat_id: String,
    /// The id of the thread.
    pub thread_id: Option<String>,
    /// The summary.
    pub summary: Summary,
}

/// A thread's summary.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Summary {
    /// Whether there is a summary.
    pub status: Option<String>,
    /// The text of the summary.
    pub text: Option<String>,
    /// When the summary was written.
    pub updated_at: Option<String>,
}
