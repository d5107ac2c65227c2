//! Chats, their threads and users, and what happens in them.
//!
//! Moments are texts as LiveChat writes them: RFC 3339 with microseconds.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::systems::body::Json;

use super::Event;

/// Properties by namespace and name. A value may be any JSON and stays as it stands.
pub type Properties = BTreeMap<String, BTreeMap<String, Json>>;

/// A chat began, or an agent began a thread in it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct IncomingChat {
    /// The chat.
    pub chat: Chat,
}

/// A chat.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Chat {
    /// Its id.
    pub id: String,
    /// Who takes part.
    #[serde(default)]
    pub users: Vec<User>,
    /// What applications keep about it.
    #[serde(default)]
    pub properties: Properties,
    /// Who may see it.
    #[serde(default)]
    pub access: Access,
    /// Its newest thread.
    pub thread: Option<Thread>,
}

/// One conversation in a chat.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Thread {
    /// Its id.
    pub id: String,
    /// Whether it goes on.
    #[serde(default)]
    pub active: bool,
    /// Who takes part.
    #[serde(default)]
    pub user_ids: Vec<String>,
    /// What was said so far.
    #[serde(default)]
    pub events: Vec<Event>,
    /// What applications keep about it.
    #[serde(default)]
    pub properties: Properties,
    /// Who may see it.
    #[serde(default)]
    pub access: Access,
    /// Where the customer waits; `None` when it does not.
    pub queue: Option<Queue>,
    /// When it began.
    pub created_at: Option<String>,
}

/// A place in a queue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Queue {
    /// 1 for whoever is next.
    pub position: u64,
    /// How long it will take, in seconds, as LiveChat guesses.
    pub wait_time: u64,
    /// Since when.
    pub queued_at: Option<String>,
}

/// A customer, an agent or a bot in a chat.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct User {
    /// Its id; an agent's is an e-mail address.
    pub id: String,
    /// `customer` or `agent`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its e-mail address.
    pub email: Option<String>,
    /// Whether it is in the chat now.
    #[serde(default)]
    pub present: bool,
    /// An agent's status, here with underscores.
    pub routing_status: Option<String>,
    /// A customer's session fields, one key each.
    #[serde(default)]
    pub session_fields: Vec<BTreeMap<String, Json>>,
}

impl User {
    /// Whether it is a customer.
    #[must_use]
    pub fn is_customer(&self) -> bool {
        self.kind.as_deref() == Some("customer")
    }
}

/// Who may see something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Access {
    /// These groups; 0 is everybody.
    pub group_ids: Vec<u64>,
}

/// A thread ended.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ChatEnded {
    /// The chat.
    pub chat_id: String,
    /// The thread.
    pub thread_id: String,
    /// Who ended it; `None` when the router did.
    pub user_id: Option<String>,
}

/// Who may see a chat has changed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ChatAccess {
    /// The chat.
    pub id: String,
    /// Who may see it, or what was granted or revoked.
    #[serde(default)]
    pub access: Access,
}

/// A chat went to others.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ChatTransferred {
    /// The chat.
    pub chat_id: String,
    /// Its thread.
    pub thread_id: Option<String>,
    /// Who asked for it.
    pub requester_id: Option<String>,
    /// `manual`, `inactive`, `assigned`, `unassigned` or `other`.
    pub reason: Option<String>,
    /// To whom.
    #[serde(default)]
    pub transferred_to: TransferTarget,
    /// Where the customer waits now.
    pub queue: Option<Queue>,
}

/// To whom a chat went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct TransferTarget {
    /// These groups.
    pub group_ids: Vec<u64>,
    /// These agents.
    pub agent_ids: Vec<String>,
}

/// Somebody joined a chat.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct UserAdded {
    /// The chat.
    pub chat_id: String,
    /// Its thread.
    pub thread_id: Option<String>,
    /// Who joined.
    pub user: User,
    /// Why.
    pub reason: Option<String>,
    /// Who asked for it.
    pub requester_id: Option<String>,
}

/// Somebody left a chat.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct UserRemoved {
    /// The chat.
    pub chat_id: String,
    /// Its thread.
    pub thread_id: Option<String>,
    /// Who left.
    pub user_id: String,
    /// Why.
    pub reason: Option<String>,
    /// Who asked for it.
    pub requester_id: Option<String>,
}

/// An event came, or changed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct EventInChat {
    /// The chat.
    pub chat_id: String,
    /// Its thread.
    pub thread_id: Option<String>,
    /// The event.
    pub event: Event,
}

/// An event was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct EventDeleted {
    /// The chat.
    pub chat_id: String,
    /// Its thread.
    pub thread_id: Option<String>,
    /// The event.
    pub event_id: String,
}

/// A button of a rich message was pressed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RichMessagePostback {
    /// By whom.
    pub user_id: Option<String>,
    /// The chat.
    pub chat_id: String,
    /// Its thread.
    pub thread_id: Option<String>,
    /// The rich message.
    pub event_id: Option<String>,
    /// The button.
    pub postback: Postback,
}

/// A button of a rich message.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Postback {
    /// What its author calls it.
    pub id: String,
    /// Whether it is pressed now.
    #[serde(default)]
    pub toggled: bool,
    /// What it does, such as `url`.
    #[serde(rename = "button_type", alias = "type")]
    pub kind: Option<String>,
    /// With what.
    #[serde(rename = "button_value", alias = "value")]
    pub value: Option<String>,
}

/// Properties of a chat, a thread or an event changed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PropertiesUpdated {
    /// The chat.
    pub chat_id: String,
    /// The thread, of a thread's or an event's properties.
    pub thread_id: Option<String>,
    /// The event, of an event's properties.
    pub event_id: Option<String>,
    /// The changed ones alone.
    #[serde(default)]
    pub properties: Properties,
}

/// Properties of a chat, a thread or an event are gone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PropertiesDeleted {
    /// The chat.
    pub chat_id: String,
    /// The thread, of a thread's or an event's properties.
    pub thread_id: Option<String>,
    /// The event, of an event's properties.
    pub event_id: Option<String>,
    /// Their names by namespace.
    #[serde(default)]
    pub properties: BTreeMap<String, Vec<String>>,
}

/// A thread got a tag, or lost one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TagOnThread {
    /// The chat.
    pub chat_id: String,
    /// The thread.
    pub thread_id: Option<String>,
    /// The tag.
    pub tag: String,
}

/// A customer's session fields changed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SessionFieldsUpdated {
    /// The customer.
    pub id: String,
    /// The chat it is in.
    pub active_chat: Option<ActiveChat>,
    /// The fields, one key each.
    #[serde(default)]
    pub session_fields: Vec<BTreeMap<String, Json>>,
}

/// The chat that a customer is in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ActiveChat {
    /// The chat.
    pub chat_id: String,
    /// Its thread.
    pub thread_id: Option<String>,
}

/// Somebody has seen what was said.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct EventsSeen {
    /// Who.
    pub user_id: String,
    /// The chat.
    pub chat_id: String,
    /// Everything up to this moment.
    pub seen_up_to: Option<String>,
}

/// A thread got a summary.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ThreadSummary {
    /// The chat.
    pub chat_id: String,
    /// The thread.
    pub thread_id: Option<String>,
    /// The summary.
    pub summary: Summary,
}

/// A thread's summary.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Summary {
    /// Whether there is one.
    pub status: Option<String>,
    /// The summary itself.
    pub text: Option<String>,
    /// When it was written.
    pub updated_at: Option<String>,
}
