//! The payload of a webhook, by its action.

use serde::Deserialize;
use serde::de::Error as _;

use crate::systems::body::Json;

use super::chat::{
    ChatAccess, ChatEnded, ChatTransferred, EventDeleted, EventInChat, EventsSeen, IncomingChat,
    PropertiesDeleted, PropertiesUpdated, RichMessagePostback, SessionFieldsUpdated, TagOnThread,
    ThreadSummary, UserAdded, UserRemoved,
};
use super::configuration::{Agent, AutoAccess, Bot, Customer, Group, RoutingStatusSet, Tag};

/// The payload of a webhook. If several actions have the same shape, the webhook's own
/// `action` says which of them it was.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Payload {
    /// `incoming_chat`
    IncomingChat(Box<IncomingChat>),
    /// `chat_deactivated`
    ChatDeactivated(ChatEnded),
    /// `chat_access_granted`, `chat_access_revoked`, `chat_access_updated`
    ChatAccess(ChatAccess),
    /// `chat_transferred`
    ChatTransferred(ChatTransferred),
    /// `user_added_to_chat`, `chat_user_added`
    UserAdded(Box<UserAdded>),
    /// `user_removed_from_chat`, `chat_user_removed`
    UserRemoved(UserRemoved),
    /// `incoming_event`, `event_updated`
    Event(Box<EventInChat>),
    /// `event_deleted`
    EventDeleted(EventDeleted),
    /// `incoming_rich_message_postback`
    Postback(RichMessagePostback),
    /// `chat_`, `thread_`, `event_properties_updated`
    PropertiesUpdated(PropertiesUpdated),
    /// `chat_`, `thread_`, `event_properties_deleted`
    PropertiesDeleted(PropertiesDeleted),
    /// `thread_tagged`, `thread_untagged`
    ThreadTag(TagOnThread),
    /// `routing_status_set`
    RoutingStatus(RoutingStatusSet),
    /// `incoming_customer`, `customer_created`
    Customer(Box<Customer>),
    /// `customer_session_fields_updated`
    SessionFields(SessionFieldsUpdated),
    /// `agent_created`, `agent_updated`, `agent_approved`, `agent_suspended`,
    /// `agent_unsuspended`, `agent_deleted`
    Agent(Box<Agent>),
    /// `bot_created`, `bot_updated`, `bot_deleted`
    Bot(Bot),
    /// `group_created`, `group_updated`, `group_deleted`
    Group(Group),
    /// `auto_accesses_updated`; of 3.4 `auto_access_added`, `auto_access_updated`,
    /// `auto_access_deleted`, each a list of one
    AutoAccesses(Vec<AutoAccess>),
    /// `tag_created`, `tag_updated`, `tag_deleted`
    Tag(Tag),
    /// `events_marked_as_seen`
    EventsSeen(EventsSeen),
    /// `thread_summary_set`
    ThreadSummary(ThreadSummary),
    /// An action that is not known here.
    Unknown,
    /// A known action whose payload has another shape than documented.
    Misshapen(Misshapen),
}

/// How a payload differs from the documented shape. It contains nothing of the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Misshapen {
    /// The line of the payload's text at which reading stopped, from 1.
    pub line: usize,
    /// The column there, in bytes from 1.
    pub column: usize,
}

impl Payload {
    pub(super) fn read(action: &str, json: Option<&Json>) -> Self {
        let json = json.map_or("null", Json::as_str);
        let read = match action {
            "incoming_chat" => of(json, |chat| Self::IncomingChat(Box::new(chat))),
            "chat_deactivated" => of(json, Self::ChatDeactivated),
            "chat_access_granted" | "chat_access_revoked" | "chat_access_updated" => {
                of(json, Self::ChatAccess)
            }
            "chat_transferred" => of(json, Self::ChatTransferred),
            "user_added_to_chat" | "chat_user_added" => of(json, |added| Self::UserAdded(Box::new(added))),
            "user_removed_from_chat" | "chat_user_removed" => of(json, Self::UserRemoved),
            "incoming_event" | "event_updated" => of(json, |event| Self::Event(Box::new(event))),
            "event_deleted" => of(json, Self::EventDeleted),
            "incoming_rich_message_postback" => of(json, Self::Postback),
            "chat_properties_updated" | "thread_properties_updated" | "event_properties_updated" => {
                of(json, Self::PropertiesUpdated)
            }
            "chat_properties_deleted" | "thread_properties_deleted" | "event_properties_deleted" => {
                of(json, Self::PropertiesDeleted)
            }
            "thread_tagged" | "thread_untagged" => of(json, Self::ThreadTag),
            "routing_status_set" => of(json, Self::RoutingStatus),
            "incoming_customer" | "customer_created" => {
                of(json, |customer| Self::Customer(Box::new(customer)))
            }
            "customer_session_fields_updated" => of(json, Self::SessionFields),
            "agent_created" | "agent_updated" | "agent_approved" | "agent_suspended"
            | "agent_unsuspended" | "agent_deleted" => of(json, |agent| Self::Agent(Box::new(agent))),
            "bot_created" | "bot_updated" | "bot_deleted" => of(json, Self::Bot),
            "group_created" | "group_updated" | "group_deleted" => of(json, Self::Group),
            // The documented samples of `auto_accesses_updated` name `auto_access_added`
            // and hold a list, so the payload's own shape decides.
            "auto_accesses_updated" | "auto_access_added" | "auto_access_updated" | "auto_access_deleted" => {
                serde_json::from_str(json)
                    .map(Self::AutoAccesses)
                    .or_else(|_| of(json, |one| Self::AutoAccesses(vec![one])))
            }
            "tag_created" | "tag_updated" | "tag_deleted" => of(json, Self::Tag),
            "events_marked_as_seen" => of(json, Self::EventsSeen),
            "thread_summary_set" => of(json, Self::ThreadSummary),
            _ => return Self::Unknown,
        };
        read.unwrap_or_else(|error| Self::Misshapen(Misshapen { line: error.line(), column: error.column() }))
    }
}

/// An object: serde would read a struct from a list of its fields too.
fn of<'a, T: Deserialize<'a>>(
    json: &'a str,
    payload: impl FnOnce(T) -> Payload,
) -> serde_json::Result<Payload> {
    if !json.starts_with('{') {
        return Err(serde_json::Error::custom("must be an object"));
    }
    serde_json::from_str(json).map(payload)
}
