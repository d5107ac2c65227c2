//! One body, read.

use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::systems::body::Json;

use super::{Payload, Properties};

/// A webhook as it arrived. Whoever reads it has verified it before: reading proves nothing.
///
/// ```
/// use bytes::Bytes;
/// use hookpost::systems::live_chat::payload::{Payload, Webhook};
///
/// let body = Bytes::from(r#"{"action":"chat_deactivated","payload":{"chat_id":"C1","thread_id":"T1"}}"#);
/// let webhook = Webhook::read(&body)?;
/// let Payload::ChatDeactivated(ended) = &webhook.payload else { panic!("{webhook:?}") };
/// assert_eq!(ended.chat_id, "C1");
/// assert_eq!(webhook.body(), &body);
/// # Ok::<(), hookpost::systems::live_chat::payload::ReadError>(())
/// ```
#[derive(Clone)]
pub struct Webhook {
    /// The registration that it was sent for; no name of this delivery.
    pub webhook_id: Option<String>,
    /// What happened.
    pub action: String,
    /// On which license, in bodies up to 3.3.
    pub license_id: Option<u64>,
    /// In which organization, in bodies since 3.4.
    pub organization_id: Option<String>,
    /// The payload as far as its action is known.
    pub payload: Payload,
    /// What was asked for at registration; `None` where the body has none.
    pub additional_data: Option<AdditionalData>,
    /// Who did it, in configuration webhooks since 3.6.
    pub requester: Option<Requester>,
    payload_json: Option<Json>,
    body: Bytes,
}

/// What a registration may ask for beside the payload.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct AdditionalData {
    /// The chat's properties.
    pub chat_properties: Option<Properties>,
    /// Who is in the chat.
    pub chat_presence_user_ids: Option<Vec<String>>,
}

/// Who changed a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Requester {
    /// The agent or bot.
    pub user_id: Option<String>,
    /// Its account.
    pub account_id: Option<String>,
    /// The application by which it was done.
    pub client_id: Option<String>,
}

/// A body that is no webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("body: {rule}")]
pub struct ReadError {
    /// The rule it breaks.
    pub rule: &'static str,
}

/// The members around a payload, each as it stands: one of another shape than
/// documented costs nothing but itself.
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

impl Webhook {
    /// Reads a body. Members that are absent, or of another shape than documented, are `None`.
    ///
    /// # Errors
    /// When it is no JSON object in UTF-8 that names its action.
    pub fn read(body: &Bytes) -> Result<Self, ReadError> {
        let text = std::str::from_utf8(body).map_err(|_| ReadError { rule: "must be UTF-8" })?;
        if !text.trim_start().starts_with('{') {
            return Err(ReadError { rule: "must be a JSON object" });
        }
        let members: Members = serde_json::from_str(text).map_err(|_| ReadError {
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

    /// The payload's JSON text to the byte; `None` where the body has none, or `null`.
    #[must_use]
    pub fn payload_json(&self) -> Option<&str> {
        self.payload_json.as_ref().map(Json::as_str)
    }

    /// The whole body as it came. **The secret key stands in it.**
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }
}

/// All but the body, in which the secret key stands.
impl fmt::Debug for Webhook {
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
