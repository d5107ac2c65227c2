//! X-Webhook's bodies, as Botble Live Chat sends them.
//!
//! ```
//! use hookpost::systems::x_webhook::payload::{XWebhookBody, Data};
//!
//! # let verified = include_bytes!("../../../tests/fixtures/systems/bl_02_message_received.json");
//! let body = XWebhookBody::read(verified)?;
//! if let Data::MessageReceived(message) = &body.data {
//!     assert_eq!(message.content, "Is the terrace open on Sunday?");
//!     assert_eq!(message.conversation.conversation_id, 8841);
//! }
//! # Ok::<(), hookpost::systems::body::PayloadError>(())
//! ```

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::systems::body::json::{INTEGER, Json, OBJECT, Object, TEXT};
use crate::systems::body::{Extra, Moment, PayloadError};

/// A visitor has started a conversation.
pub const CONVERSATION_STARTED: &str = "conversation.started";
/// A visitor has sent a message.
pub const MESSAGE_RECEIVED: &str = "message.received";

const MOMENT: &str = "must be a moment in RFC 3339";

/// A whole request body.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Json")]
pub struct XWebhookBody {
    /// When it was created; the same for all retries. It is signed, unlike the header.
    pub timestamp: Moment,
    /// The data, by the kind of event.
    pub data: Data,
    /// The keys that are not documented.
    pub extra: Extra,
}

/// The data of a body, by its `event`. It serialises as the body's `data`, so a sender
/// publishes it with [`NewEvent::serialize`](crate::NewEvent::serialize).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// `conversation.started`.
    ConversationStarted(Conversation),
    /// `message.received`.
    MessageReceived(ChatMessage),
    /// An unknown event.
    Unknown {
        /// The name of the event.
        event: String,
        /// The data as it was received.
        data: Json,
    },
}

/// A conversation with a visitor. Only the name is always asked for, so the other details of
/// the visitor may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conversation {
    /// The id of the conversation.
    pub conversation_id: i64,
    /// The name that the visitor gave.
    pub visitor_name: Option<String>,
    /// The e-mail address of the visitor.
    pub visitor_email: Option<String>,
    /// The phone number of the visitor.
    pub visitor_phone: Option<String>,
    /// The IP address of the visitor.
    pub visitor_ip: Option<String>,
    /// The page that the visitor was on.
    pub current_url: Option<String>,
    /// Whether the conversation is open.
    pub status: Status,
    /// When the conversation was started; in a message, when the message was sent.
    pub created_at: Moment,
    /// The keys that are not documented.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A message in a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChatMessage {
    /// The id of the message.
    pub message_id: i64,
    /// The text as its author typed it: it is not safe to show it as markup.
    pub content: String,
    /// Whether a person of the site wrote it.
    pub is_from_admin: bool,
    /// The name of the person of the site who wrote it.
    pub admin_name: Option<String>,
    /// The conversation of the message; its `created_at` is the message's.
    #[serde(flatten)]
    pub conversation: Conversation,
}

/// Whether a conversation is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum Status {
    /// `open`.
    Open,
    /// `closed`.
    Closed,
    /// An unknown word.
    Unknown(String),
}

impl XWebhookBody {
    /// Reads a body. Event, timestamp and data are required.
    ///
    /// # Errors
    /// If it is not a JSON object, if it is nested too deeply, or if a documented field does
    /// not have its documented type.
    pub fn read(body: &[u8]) -> Result<Self, PayloadError> {
        let mut body = Object::of_body(body)?;
        let event: String = body.need("event", TEXT)?;
        let known = match event.as_str() {
            CONVERSATION_STARTED => {
                Some(body.object("data", Conversation::from_object)?.map(Data::ConversationStarted))
            }
            MESSAGE_RECEIVED => {
                Some(body.object("data", ChatMessage::from_object)?.map(Data::MessageReceived))
            }
            _ => None,
        };
        let data = match known {
            Some(data) => data.ok_or_else(|| PayloadError::field("data", OBJECT))?,
            None => Data::Unknown { event, data: body.need("data", "must be there")? },
        };
        Ok(Self { timestamp: body.need("timestamp", MOMENT)?, data, extra: body.rest() })
    }

    /// The event's name, such as `message.received`.
    #[must_use]
    pub fn event(&self) -> &str {
        self.data.event()
    }
}

impl TryFrom<Json> for XWebhookBody {
    type Error = PayloadError;
    fn try_from(json: Json) -> Result<Self, PayloadError> {
        Self::read(json.as_str().as_bytes())
    }
}

impl Serialize for XWebhookBody {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("event", self.event())?;
        map.serialize_entry("timestamp", &self.timestamp)?;
        map.serialize_entry("data", &self.data)?;
        self.extra.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
        map.end()
    }
}

impl Data {
    /// The event's name, such as `message.received`.
    #[must_use]
    pub fn event(&self) -> &str {
        match self {
            Self::ConversationStarted(_) => CONVERSATION_STARTED,
            Self::MessageReceived(_) => MESSAGE_RECEIVED,
            Self::Unknown { event, .. } => event,
        }
    }
}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::ConversationStarted(conversation) => conversation.serialize(serializer),
            Self::MessageReceived(message) => message.serialize(serializer),
            Self::Unknown { data, .. } => data.serialize(serializer),
        }
    }
}

impl Conversation {
    fn from_object(mut data: Object) -> Result<Self, PayloadError> {
        Ok(Self {
            conversation_id: data.need("conversation_id", INTEGER)?,
            visitor_name: data.text("visitor_name")?,
            visitor_email: data.text("visitor_email")?,
            visitor_phone: data.text("visitor_phone")?,
            visitor_ip: data.text("visitor_ip")?,
            current_url: data.text("current_url")?,
            status: data.need("status", TEXT)?,
            created_at: data.need("created_at", MOMENT)?,
            extra: data.rest(),
        })
    }
}

impl ChatMessage {
    fn from_object(mut data: Object) -> Result<Self, PayloadError> {
        Ok(Self {
            message_id: data.need("message_id", INTEGER)?,
            content: data.need("content", TEXT)?,
            is_from_admin: data.need("is_from_admin", "must be true or false")?,
            admin_name: data.text("admin_name")?,
            conversation: Conversation::from_object(data)?,
        })
    }
}

impl From<String> for Status {
    fn from(word: String) -> Self {
        match word.as_str() {
            "open" => Self::Open,
            "closed" => Self::Closed,
            _ => Self::Unknown(word),
        }
    }
}

impl From<Status> for String {
    fn from(status: Status) -> Self {
        match status {
            Status::Open => "open".to_owned(),
            Status::Closed => "closed".to_owned(),
            Status::Unknown(word) => word,
        }
    }
}
