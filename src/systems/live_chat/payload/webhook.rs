//! Reads the body of a webhook.

use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::Invalid;
use crate::systems::body::Json;

use super::{ChatProperties, Payload};

/// A received webhook. Verify it before reading it: reading proves nothing.
///
/// ```
/// use bytes::Bytes;
/// use hookpost::systems::live_chat::payload::{Payload, LiveChatBody};
///
/// let body = Bytes::from(r#"{"action":"chat_deactivated","payload":{"chat_id":"C1","thread_id":"T1"}}"#);
/// let webhook = LiveChatBody::read(&body)?;
/// let Payload::ChatDeactivated { chat_id, .. } = &webhook.payload else { panic!("{webhook:?}") };
/// assert_eq!(chat_id, "C1");
/// assert_eq!(webhook.body(), &body);
/// # Ok::<(), hookpost::Invalid>(())
/// ```
#[derive(Clone)]
pub struct LiveChatBody {
    /// The id of the registration that it was sent for; it does not identify this delivery.
    pub webhook_id: Option<String>,
    /// The action that triggered it.
    pub action: String,
    /// The license on which it happened, in bodies up to 3.3.
    pub license_id: Option<u64>,
    /// The organization in which it happened, in bodies since 3.4.
    pub organization_id: Option<String>,
    /// The payload, as far as its action is known.
    pub payload: Payload,
    /// The additional data requested at registration; `None` if the body has none.
    pub additional_data: Option<AdditionalData>,
    /// Who did it, in configuration webhooks since 3.6.
    pub requester: Option<Requester>,
    payload_json: Option<Json>,
    body: Bytes,
}

/// The additional data that a registration may request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct AdditionalData {
    /// The chat's properties.
    pub chat_properties: Option<ChatProperties>,
    /// The ids of the users in the chat.
    pub chat_presence_user_ids: Option<Vec<String>>,
}

/// Who changed a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Requester {
    /// The id of the agent or bot.
    pub user_id: Option<String>,
    /// The id of its account.
    pub account_id: Option<String>,
    /// The client id of the application that was used.
    pub client_id: Option<String>,
}

/// The members around a payload. If one has another shape than documented, only that one is
/// lost.
#[derive(Deserialize)]
struct Members {
    action: String,
    webhook_id: Option<Json>,
    license_id: Option<Json>,
    organization_id: Option<Json>,
    payload: Option<Json>,
    additional_data: Option<Json>,
    requester: Option<Json>,
}

impl LiveChatBody {
    /// Reads a body. Members that are absent, or of another shape than documented, are `None`.
    ///
    /// # Errors
    /// If it is not a JSON object in UTF-8 that names its action.
    pub fn read(body: &Bytes) -> Result<Self, Invalid> {
        let text = std::str::from_utf8(body).map_err(|_| Invalid { field: "body", rule: "must be UTF-8" })?;
        if !text.trim_start().starts_with('{') {
            return Err(Invalid { field: "body", rule: "must be a JSON object" });
        }
        let members: Members = serde_json::from_str(text).map_err(|_| Invalid {
            field: "body",
            rule: "must be a JSON object that names its action, each member once",
        })?;
        Ok(Self {
            webhook_id: read(members.webhook_id),
            payload: Payload::read(&members.action, members.payload.as_ref()),
            action: members.action,
            license_id: read(members.license_id),
            organization_id: read(members.organization_id),
            additional_data: read(members.additional_data),
            requester: read(members.requester),
            payload_json: members.payload,
            body: body.clone(),
        })
    }

    /// The payload's JSON text, unchanged; `None` if the body has none, or `null`.
    #[must_use]
    pub fn payload_json(&self) -> Option<&str> {
        self.payload_json.as_ref().map(Json::as_str)
    }

    /// The whole body as it was received. **It contains the secret key.**
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }
}

/// Shows everything but the body, which contains the secret key.
impl fmt::Debug for LiveChatBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("webhook_id", &self.webhook_id)
            .field("action", &self.action)
            .field("license_id", &self.license_id)
            .field("organization_id", &self.organization_id)
            .field("payload", &self.payload)
            .field("additional_data", &self.additional_data)
            .field("requester", &self.requester)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

fn read<T: DeserializeOwned>(member: Option<Json>) -> Option<T> {
    member?.parse().ok()
}
