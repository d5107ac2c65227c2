//! LiveSession's bodies: an envelope with an event of a visitor's session.
//!
//! ```
//! use hookpost::systems::live_session::payload::{LiveSessionBody, LiveSessionPayload, SessionEventKind};
//!
//! # let verified = include_bytes!("../../../../tests/fixtures/systems/ls_06_custom.json");
//! let body = LiveSessionBody::read(verified)?;
//! if let LiveSessionPayload::SessionEvent(event) = &body.payload
//!     && let SessionEventKind::Custom { name, properties } = &event.kind
//! {
//!     assert_eq!(name.as_deref(), Some("Coupon applied"));
//!     assert_eq!(properties.get("uses_int").and_then(|uses| uses.as_i64()), Some(2));
//! }
//! # Ok::<(), hookpost::systems::body::PayloadError>(())
//! ```

mod event;
mod kind;
mod properties;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::systems::body::json::{Json, OBJECT, Object, TEXT};
use crate::systems::body::{Extra, PayloadError};

pub use event::{Geolocation, Param, SessionEvent, Visitor};
pub use kind::{ErrorName, SessionEventKind};
pub use properties::{PROPERTIES_MAX, PROPERTY_TEXT_MAX, Properties, Property, PropertyType};

/// The webhook type of all events at present.
pub const SESSION_EVENT: &str = "session.event";

/// A whole request body. Its ids are opaque texts: they need not be UUIDs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Json")]
pub struct LiveSessionBody {
    /// The id of the message, the same for all retries. A receiver remembers it, for at least
    /// 24 hours, to detect duplicates.
    pub message_id: String,
    /// The id of the endpoint that it was sent for.
    pub webhook_id: Option<String>,
    /// The version of this form; `v1.0` at present.
    pub api_version: Option<String>,
    /// The id of the account.
    pub account_id: Option<String>,
    /// The id of the website where it happened.
    pub website_id: Option<String>,
    /// When it was created, in Unix seconds; the same for all retries.
    pub created_at: Option<i64>,
    /// What happened.
    pub payload: LiveSessionPayload,
    /// The keys that are not documented.
    pub extra: Extra,
}

/// The payload of a body, by its `webhook_type`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "nearly every body is the larger one")]
pub enum LiveSessionPayload {
    /// `session.event`.
    SessionEvent(SessionEvent),
    /// An unknown type.
    Unknown {
        /// The name of the type.
        webhook_type: String,
        /// The payload as it was received.
        payload: Json,
    },
}

impl LiveSessionBody {
    /// Reads a body. Message id, webhook type and payload are required.
    ///
    /// # Errors
    /// If it is not a JSON object, if it is nested too deeply, or if a documented field does
    /// not have its documented type.
    pub fn read(body: &[u8]) -> Result<Self, PayloadError> {
        let mut body = Object::of_body(body)?;
        let webhook_type: String = body.need("webhook_type", TEXT)?;
        let payload = if webhook_type == SESSION_EVENT {
            let event = body.object("payload", SessionEvent::from_object)?;
            LiveSessionPayload::SessionEvent(event.ok_or_else(|| PayloadError::field("payload", OBJECT))?)
        } else {
            LiveSessionPayload::Unknown { webhook_type, payload: body.need("payload", "must be there")? }
        };
        Ok(Self {
            message_id: body.need("message_id", TEXT)?,
            webhook_id: body.text("webhook_id")?,
            api_version: body.text("api_version")?,
            account_id: body.text("account_id")?,
            website_id: body.text("website_id")?,
            created_at: body.integer("created_at")?,
            payload,
            extra: body.rest(),
        })
    }

    /// The webhook type, such as `session.event`.
    #[must_use]
    pub fn webhook_type(&self) -> &str {
        match &self.payload {
            LiveSessionPayload::SessionEvent(_) => SESSION_EVENT,
            LiveSessionPayload::Unknown { webhook_type, .. } => webhook_type,
        }
    }
}

impl TryFrom<Json> for LiveSessionBody {
    type Error = PayloadError;
    fn try_from(json: Json) -> Result<Self, PayloadError> {
        Self::read(json.as_str().as_bytes())
    }
}

impl Serialize for LiveSessionBody {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("message_id", &self.message_id)?;
        map.serialize_entry("webhook_id", &self.webhook_id)?;
        map.serialize_entry("webhook_type", self.webhook_type())?;
        map.serialize_entry("api_version", &self.api_version)?;
        map.serialize_entry("account_id", &self.account_id)?;
        map.serialize_entry("website_id", &self.website_id)?;
        map.serialize_entry("created_at", &self.created_at)?;
        match &self.payload {
            LiveSessionPayload::SessionEvent(event) => map.serialize_entry("payload", event)?,
            LiveSessionPayload::Unknown { payload, .. } => map.serialize_entry("payload", payload)?,
        }
        self.extra.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
        map.end()
    }
}
