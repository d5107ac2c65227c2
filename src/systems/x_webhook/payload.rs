//! X-Webhook's bodies, as Botble Live Chat sends them.
//!
//! ```
//! use hookpost::systems::x_webhook::payload::{Body, Data};
//!
//! # let verified = include_bytes!("../../../tests/fixtures/systems/bl_02_message_received.json");
//! let body = Body::read(verified)?;
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
pub struct Body {
    /// When it was made; the same over retries. It is signed, unlike the header.
    pub timestamp: Moment,
    /// What happened.
    pub data: Data,
    /// Keys that are not documented.
    pub extra: Extra,
}

/// What a body is about, by its `event`. It serialises as the body's `data`, so a
/// sender publishes it with [`NewEvent::serialize`](crate::NewEvent::serialize).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// `conversation.started`.
    ConversationStarted(Conversation),
    /// `message.received`.
    MessageReceived(Message),
    /// An event that this crate does not know.
    Unknown {
        /// Its name.
        event: String,
        /// Its data as it came.
        data: Json,
    },
}

/// A conversation with a visitor. Only the name is asked of visitors everywhere, so that
/// all they say of themselves may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conversation {
    /// Its id.
    pub conversation_id: i64,
    /// Who the visitor says they are.
    pub visitor_name: Option<String>,
    /// Their address.
    pub visitor_email: Option<String>,
    /// Their number.
    pub visitor_phone: Option<String>,
    /// Where they connect from.
    pub visitor_ip: Option<String>,
    /// The page they were on.
    pub current_url: Option<String>,
    /// Whether it goes on.
    pub status: Status,
    /// When it was started; in a message, when the message was sent.
    pub created_at: Moment,
    /// Keys that are not documented.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A message in a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Its id.
    pub message_id: i64,
    /// What it says, as its author typed it: nothing in it is safe to be shown as markup.
    pub content: String,
    /// Whether somebody of the site wrote it.
    pub is_from_admin: bool,
    /// Who of the site wrote it.
    pub admin_name: Option<String>,
    /// Where it was written; its `created_at` is the message's.
    #[serde(flatten)]
    pub conversation: Conversation,
}

/// Whether a conversation goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Status {
    /// `open`.
    Open,
    /// `closed`.
    Closed,
    /// A word that this crate does not know.
    Unknown(String),
}

impl Body {
    /// Reads a body. Event, timestamp and data have to be there.
    ///
    /// # Errors
    /// When it is no JSON object, is nested too deep, or a documented field has not its
    /// documented type.
    pub fn read(body: &[u8]) -> Result<Self, PayloadError> {
        let mut body = Object::of_body(body)?;
        let event: String = body.need("event", TEXT)?;
        let known = match event.as_str() {
            CONVERSATION_STARTED => {
                Some(body.object("data", Conversation::from_object)?.map(Data::ConversationStarted))
            }
            MESSAGE_RECEIVED => Some(body.object("data", Message::from_object)?.map(Data::MessageReceived)),
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

impl TryFrom<Json> for Body {
    type Error = PayloadError;
    fn try_from(json: Json) -> Result<Self, PayloadError> {
        Self::read(json.as_str().as_bytes())
    }
}

impl Serialize for Body {
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

impl Message {
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
