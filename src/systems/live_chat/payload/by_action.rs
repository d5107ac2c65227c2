//! The payload of a webhook, by its action.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::value::{EnumAccessDeserializer, StrDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, VariantAccess, Visitor,
};
use serde_json::de::StrRead;

use crate::systems::body::Json;

use super::ChatEvent;
use super::chat::{Access, ActiveChat, Chat, ChatProperties, Postback, Queue, Summary, TransferTarget, User};
use super::configuration::{Agent, AutoAccess, Bot, Customer, Group, Tag};

/// The payload of a webhook. If several actions have the same shape, the webhook's own
/// `action` says which of them it was.
///
/// Its `Deserialize` reads a variant under the name of its action, as
/// `{"chat_deactivated": {…}}`; a webhook has the two apart, and `read` joins them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Payload {
    /// `incoming_chat`: a chat began, or an agent began a thread in it.
    IncomingChat {
        /// The chat that began.
        chat: Box<Chat>,
    },
    /// `chat_deactivated`: a thread ended.
    ChatDeactivated {
        /// The id of the chat.
        chat_id: String,
        /// The id of the thread.
        thread_id: String,
        /// The id of the user who ended it; `None` if the router did.
        user_id: Option<String>,
    },
    /// `chat_access_granted`, `chat_access_revoked`, `chat_access_updated`
    #[serde(rename = "chat_access_granted", alias = "chat_access_revoked", alias = "chat_access_updated")]
    ChatAccess {
        /// The id of the chat.
        id: String,
        /// The new access, or what was granted or revoked.
        #[serde(default)]
        access: Access,
    },
    /// `chat_transferred`
    ChatTransferred {
        /// The id of the chat.
        chat_id: String,
        /// The id of its thread.
        thread_id: Option<String>,
        /// The id of the user who requested the transfer.
        requester_id: Option<String>,
        /// `manual`, `inactive`, `assigned`, `unassigned` or `other`.
        reason: Option<String>,
        /// Where the chat was transferred to.
        #[serde(default)]
        transferred_to: TransferTarget,
        /// The customer's new place in the queue.
        queue: Option<Queue>,
    },
    /// `user_added_to_chat`, `chat_user_added`: a user joined a chat.
    #[serde(rename = "user_added_to_chat", alias = "chat_user_added")]
    UserAdded {
        /// The id of the chat.
        chat_id: String,
        /// The id of its thread.
        thread_id: Option<String>,
        /// The user who joined.
        user: Box<User>,
        /// The reason for it.
        reason: Option<String>,
        /// The id of the user who requested it.
        requester_id: Option<String>,
    },
    /// `user_removed_from_chat`, `chat_user_removed`: a user left a chat.
    #[serde(rename = "user_removed_from_chat", alias = "chat_user_removed")]
    UserRemoved {
        /// The id of the chat.
        chat_id: String,
        /// The id of its thread.
        thread_id: Option<String>,
        /// The id of the user who left.
        user_id: String,
        /// The reason for it.
        reason: Option<String>,
        /// The id of the user who requested it.
        requester_id: Option<String>,
    },
    /// `incoming_event`, `event_updated`
    #[serde(rename = "incoming_event", alias = "event_updated")]
    Event {
        /// The id of the chat.
        chat_id: String,
        /// The id of its thread.
        thread_id: Option<String>,
        /// The event.
        event: Box<ChatEvent>,
    },
    /// `event_deleted`
    EventDeleted {
        /// The id of the chat.
        chat_id: String,
        /// The id of its thread.
        thread_id: Option<String>,
        /// The id of the event.
        event_id: String,
    },
    /// `incoming_rich_message_postback`: a button of a rich message was pressed.
    #[serde(rename = "incoming_rich_message_postback")]
    Postback {
        /// The id of the user who pressed it.
        user_id: Option<String>,
        /// The id of the chat.
        chat_id: String,
        /// The id of its thread.
        thread_id: Option<String>,
        /// The id of the rich message.
        event_id: Option<String>,
        /// The button that was pressed.
        postback: Postback,
    },
    /// `chat_`, `thread_`, `event_properties_updated`
    #[serde(
        rename = "chat_properties_updated",
        alias = "thread_properties_updated",
        alias = "event_properties_updated"
    )]
    PropertiesUpdated {
        /// The id of the chat.
        chat_id: String,
        /// The id of the thread, for properties of a thread or an event.
        thread_id: Option<String>,
        /// The id of the event, for properties of an event.
        event_id: Option<String>,
        /// Only the properties that changed.
        #[serde(default)]
        properties: ChatProperties,
    },
    /// `chat_`, `thread_`, `event_properties_deleted`
    #[serde(
        rename = "chat_properties_deleted",
        alias = "thread_properties_deleted",
        alias = "event_properties_deleted"
    )]
    PropertiesDeleted {
        /// The id of the chat.
        chat_id: String,
        /// The id of the thread, for properties of a thread or an event.
        thread_id: Option<String>,
        /// The id of the event, for properties of an event.
        event_id: Option<String>,
        /// The names of the deleted properties, by namespace.
        #[serde(default)]
        properties: BTreeMap<String, Vec<String>>,
    },
    /// `thread_tagged`, `thread_untagged`
    #[serde(rename = "thread_tagged", alias = "thread_untagged")]
    ThreadTag {
        /// The id of the chat.
        chat_id: String,
        /// The id of the thread.
        thread_id: Option<String>,
        /// The tag.
        tag: String,
    },
    /// `routing_status_set`: the status of an agent changed.
    #[serde(rename = "routing_status_set")]
    RoutingStatus {
        /// The id of the agent.
        agent_id: String,
        /// `accepting chats`, `not accepting chats` or `offline`: with spaces here, with
        /// underscores in a chat's users.
        status: String,
    },
    /// `incoming_customer`, `customer_created`
    #[serde(rename = "incoming_customer", alias = "customer_created")]
    Customer(Box<Customer>),
    /// `customer_session_fields_updated`
    #[serde(rename = "customer_session_fields_updated")]
    SessionFields {
        /// The id of the customer.
        id: String,
        /// The chat that the customer is in.
        active_chat: Option<ActiveChat>,
        /// The session fields, with one key each.
        #[serde(default)]
        session_fields: Vec<BTreeMap<String, Json>>,
    },
    /// `agent_created`, `agent_updated`, `agent_approved`, `agent_suspended`,
    /// `agent_unsuspended`, `agent_deleted`
    #[serde(
        rename = "agent_created",
        alias = "agent_updated",
        alias = "agent_approved",
        alias = "agent_suspended",
        alias = "agent_unsuspended",
        alias = "agent_deleted"
    )]
    Agent(Box<Agent>),
    /// `bot_created`, `bot_updated`, `bot_deleted`
    #[serde(rename = "bot_created", alias = "bot_updated", alias = "bot_deleted")]
    Bot(Bot),
    /// `group_created`, `group_updated`, `group_deleted`
    #[serde(rename = "group_created", alias = "group_updated", alias = "group_deleted")]
    Group(Group),
    /// `auto_accesses_updated`; of 3.4 `auto_access_added`, `auto_access_updated`,
    /// `auto_access_deleted`, each a list of one
    #[serde(
        rename = "auto_accesses_updated",
        alias = "auto_access_added",
        alias = "auto_access_updated",
        alias = "auto_access_deleted"
    )]
    AutoAccesses(#[serde(deserialize_with = "one_or_several")] Vec<AutoAccess>),
    /// `tag_created`, `tag_updated`, `tag_deleted`
    #[serde(rename = "tag_created", alias = "tag_updated", alias = "tag_deleted")]
    Tag(Tag),
    /// `events_marked_as_seen`: a user has seen the events of a chat.
    #[serde(rename = "events_marked_as_seen")]
    EventsSeen {
        /// The id of the user.
        user_id: String,
        /// The id of the chat.
        chat_id: String,
        /// The time up to which all events were seen.
        seen_up_to: Option<String>,
    },
    /// `thread_summary_set`
    #[serde(rename = "thread_summary_set")]
    ThreadSummary {
        /// The id of the chat.
        chat_id: String,
        /// The id of the thread.
        thread_id: Option<String>,
        /// The summary.
        summary: Summary,
    },
    /// A known action whose payload has another shape than documented. The place contains
    /// nothing of the payload.
    #[serde(skip)]
    Misshapen {
        /// The line of the payload's text at which reading stopped, from 1.
        line: usize,
        /// The column there, in bytes from 1.
        column: usize,
    },
    /// An action that is not known here.
    #[serde(other)]
    Unknown,
}

impl Payload {
    pub(super) fn read(action: &str, json: Option<&Json>) -> Self {
        let json = json.map_or("null", Json::as_str);
        let read = Self::deserialize(EnumAccessDeserializer::new(ByAction { action, json }));
        read.unwrap_or_else(|error| Self::Misshapen { line: error.line(), column: error.column() })
    }
}

/// The documented samples of `auto_accesses_updated` name `auto_access_added` and hold a list,
/// so the payload's own shape decides.
fn one_or_several<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<AutoAccess>, D::Error> {
    let json = Json::deserialize(deserializer)?;
    let several = json.parse().or_else(|_| json.parse().map(|one| vec![one]));
    several.map_err(D::Error::custom)
}

/// A payload as serde reads an enum: the action selects the variant, the JSON is its content.
struct ByAction<'de> {
    action: &'de str,
    json: &'de str,
}

impl<'de> EnumAccess<'de> for ByAction<'de> {
    type Error = serde_json::Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> serde_json::Result<(V::Value, Self)> {
        let action: StrDeserializer<'_, Self::Error> = self.action.into_deserializer();
        Ok((seed.deserialize(action)?, self))
    }
}

impl<'de> ByAction<'de> {
    /// Reads the content, if it is an object: serde would read a struct from a list of its
    /// fields too.
    fn content(&self) -> serde_json::Result<serde_json::Deserializer<StrRead<'de>>> {
        let may_be_list = self.action.starts_with("auto_access");
        if self.json.starts_with('{') || (may_be_list && self.json.starts_with('[')) {
            return Ok(serde_json::Deserializer::from_str(self.json));
        }
        Err(serde_json::Error::custom("must be an object"))
    }
}

impl<'de> VariantAccess<'de> for ByAction<'de> {
    type Error = serde_json::Error;

    fn unit_variant(self) -> serde_json::Result<()> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> serde_json::Result<T::Value> {
        seed.deserialize(&mut self.content()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> serde_json::Result<V::Value> {
        Err(serde_json::Error::custom("must be an object"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> serde_json::Result<V::Value> {
        self.content()?.deserialize_map(visitor)
    }
}
