//! What the sender publishes: one event, from which every registration gets its own body.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::event::{EventError, NewEvent, check_json};
use crate::systems::body::Json;

use super::License;

/// The name of the chat's properties in the additional data of an occurrence.
pub const CHAT_PROPERTIES: &str = "chat_properties";
/// The name of the list of users in the chat, in the additional data of an occurrence.
pub const CHAT_PRESENCE_USER_IDS: &str = "chat_presence_user_ids";

/// An action on a license, with its payload and the facts that filters need.
///
/// ```
/// use hookpost::systems::live_chat::payload::{License, Occurrence};
///
/// let license = License { id: 100_200_300, organization: "4b1c7e7a".parse()? };
/// let event = Occurrence::new("chat_deactivated", r#"{"chat_id":"C1","thread_id":"T1"}"#)?
///     .present(["c-77", "ana@ex.test"])
///     .caused_by("cl_abc")
///     .on(&license)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Occurrence {
    action: String,
    record: Record,
}

/// The event's payload. The additional data and the requester have the keys that are used in
/// requests.
#[derive(Debug, Clone, Serialize)]
struct Record {
    payload: Json,
    additional_data: AdditionalParts,
    #[serde(skip_serializing_if = "Option::is_none")]
    requester: Option<Json>,
    facts: Facts,
}

#[derive(Debug, Clone, Default, Serialize)]
struct AdditionalParts {
    #[serde(skip_serializing_if = "Option::is_none")]
    chat_properties: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chat_presence_user_ids: Option<Vec<String>>,
}

/// The facts that filters need and that no body contains.
#[derive(Debug, Clone, Default, Serialize)]
struct Facts {
    /// `null` for the system.
    source_client_id: Option<String>,
    author_type: Option<AuthorType>,
    bot_owner_client_ids: Vec<String>,
}

/// Where the facts are in the event's payload, for the filters of a subscription.
impl Occurrence {
    /// The client id whose application began the chat.
    pub const CHAT_CLIENT_ID: &str = "/additional_data/chat_properties/source/client_id";
    /// The users in the chat.
    pub const PRESENT_USER_IDS: &str = "/additional_data/chat_presence_user_ids";
    /// The client id that caused the action; `null` for the system.
    pub const SOURCE_CLIENT_ID: &str = "/facts/source_client_id";
    /// The type of the event's author.
    pub const AUTHOR_TYPE: &str = "/facts/author_type";
    /// The client ids that own the bots in the chat.
    pub const BOT_OWNER_CLIENT_IDS: &str = "/facts/bot_owner_client_ids";
    /// The agent that the action is about.
    pub const AGENT_ID: &str = "/payload/agent_id";
}

/// The type of an event's author.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AuthorType {
    /// A customer.
    Customer,
    /// An agent or a bot.
    Agent,
}

/// An occurrence as an envelope reads it back.
#[derive(Deserialize)]
pub(crate) struct Recorded<'a> {
    #[serde(borrow)]
    pub(crate) payload: &'a RawValue,
    #[serde(borrow, default)]
    pub(crate) additional_data: RecordedParts<'a>,
    #[serde(borrow)]
    pub(crate) requester: Option<&'a RawValue>,
}

#[derive(Default, Serialize, Deserialize)]
pub(crate) struct RecordedParts<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(crate) chat_properties: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(crate) chat_presence_user_ids: Option<&'a RawValue>,
}

impl Occurrence {
    /// Creates an action with this JSON payload, which is sent unchanged.
    ///
    /// # Errors
    /// If the payload is not JSON.
    pub fn new(action: impl Into<String>, payload: &str) -> Result<Self, EventError> {
        let record = Record {
            payload: json(payload)?,
            additional_data: AdditionalParts::default(),
            requester: None,
            facts: Facts::default(),
        };
        Ok(Self { action: action.into(), record })
    }

    /// Sets the properties of the chat in which it happened, as JSON.
    ///
    /// # Errors
    /// If they are not JSON.
    pub fn chat_properties(mut self, properties: &str) -> Result<Self, EventError> {
        self.record.additional_data.chat_properties = Some(json(properties)?);
        Ok(self)
    }

    /// Sets the ids of the users in the chat.
    #[must_use]
    pub fn present<U: Into<String>>(mut self, user_ids: impl IntoIterator<Item = U>) -> Self {
        self.record.additional_data.chat_presence_user_ids =
            Some(user_ids.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the client ids that own the bots in the chat.
    #[must_use]
    pub fn bots_of<C: Into<String>>(mut self, client_ids: impl IntoIterator<Item = C>) -> Self {
        self.record.facts.bot_owner_client_ids = client_ids.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the client id of the application that caused it; without this call, the system
    /// caused it.
    #[must_use]
    pub fn caused_by(mut self, client_id: impl Into<String>) -> Self {
        self.record.facts.source_client_id = Some(client_id.into());
        self
    }

    /// Sets the type of the event's author.
    #[must_use]
    pub const fn author(mut self, author: AuthorType) -> Self {
        self.record.facts.author_type = Some(author);
        self
    }

    /// Sets who changed the configuration, as JSON; it is sent since version 3.6.
    ///
    /// # Errors
    /// If it is not JSON.
    pub fn requester(mut self, requester: &str) -> Result<Self, EventError> {
        self.record.requester = Some(json(requester)?);
        Ok(self)
    }

    /// Creates the event to publish: its tenant is the license's organization, its scope the
    /// license.
    ///
    /// # Errors
    /// If the action is not a valid event type.
    pub fn on(&self, license: &License) -> Result<NewEvent, EventError> {
        NewEvent::serialize(license.organization.as_str(), &self.action, &self.record)?
            .scope(license.id.to_string())
    }
}

fn json(text: &str) -> Result<Json, EventError> {
    check_json(text.as_bytes())?;
    let refused = |_| EventError::NotJson { at: 0, expected: "valid JSON" };
    RawValue::from_string(text.trim().to_owned()).map(Json::from).map_err(refused)
}
