//! A registration: as requested, as stored, and as listed.

use serde::{Deserialize, Serialize};

use crate::id::Scope;
use crate::secret::Secret;
use crate::subscription::Subscription;
use crate::systems::live_chat::payload::{
    Action, ApiVersion, CHAT_PRESENCE_USER_IDS, CHAT_PROPERTIES, License,
};
use crate::systems::live_chat::profile;
use crate::webhooks::NewEndpoint;

use super::caller::ClientId;
use super::filters::{Filters, object};
use super::refusal::ApiError;

/// The longest URL since 3.5, in characters.
const URL_CHARS_MAX: usize = 500;

/// What enables a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WebhookType {
    /// The license: enabled per license, for all webhooks of an application at once.
    License,
    /// The application's bots on the license: delivered while at least one of them is not
    /// offline.
    Bot,
}

/// A webhook that a caller wants to register.
#[derive(Clone)]
pub struct NewWebhook {
    /// The action that triggers it.
    pub action: String,
    /// The secret key in each body, by which the receiver recognises the sender.
    pub secret_key: Secret,
    /// The URL that bodies are sent to.
    pub url: String,
    /// The client id of the application that owns it.
    pub owner_client_id: ClientId,
    /// What enables it.
    pub kind: WebhookType,
    /// A description for people.
    pub description: Option<String>,
    /// The additional data in each body.
    pub additional_data: Vec<AdditionalPart>,
    /// The occurrences that it wants.
    pub filters: Filters,
}

/// Data that a body carries on request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AdditionalPart {
    /// The chat's properties.
    ChatProperties,
    /// The ids of the users in the chat.
    ChatPresenceUserIds,
}

/// A webhook as it is stored: what was requested, its id, and the version under which it was
/// requested, which determines the form of its bodies permanently. It does not change after it
/// was added.
///
/// A host that persists it must keep every field, and protect the secret key like the secrets
/// of endpoints.
#[derive(Debug, Clone)]
pub struct Registration {
    /// The id, which bodies contain as `webhook_id`.
    pub id: String,
    /// The version that determines the form of its bodies.
    pub version: ApiVersion,
    /// The webhook as it was requested.
    pub webhook: NewWebhook,
}

/// A webhook as it is listed, without its secret key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ListedWebhook {
    /// The id of the webhook.
    pub id: String,
    /// The URL that bodies are sent to.
    pub url: String,
    /// A description for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The action that triggers it.
    pub action: String,
    /// The occurrences that it wants.
    #[serde(skip_serializing_if = "Filters::is_empty")]
    pub filters: Filters,
    /// The client id of the application that owns it.
    pub owner_client_id: ClientId,
    /// What enables it.
    #[serde(rename = "type")]
    pub kind: WebhookType,
}

/// The request as it comes in JSON: what must be there is looked for by name, so that
/// the answer says what is missing.
#[derive(Deserialize)]
struct Request {
    action: Option<String>,
    secret_key: Option<String>,
    url: Option<String>,
    owner_client_id: Option<String>,
    #[serde(rename = "type")]
    kind: Option<WebhookType>,
    description: Option<String>,
    additional_data: Option<Vec<AdditionalPart>>,
    #[serde(default, deserialize_with = "object")]
    filters: Option<Filters>,
}

impl NewWebhook {
    /// Parses the body of a `register_webhook` request.
    ///
    /// # Errors
    /// `validation`, with the name of what is missing. If something has the wrong shape, only
    /// its place is named.
    pub fn from_json(body: &[u8]) -> Result<Self, ApiError> {
        if !body.trim_ascii_start().starts_with(b"{") {
            return Err(ApiError::validation("the request must be a JSON object"));
        }
        let request: Request = serde_json::from_slice(body).map_err(|error| misshapen(&error))?;
        let required = |value: Option<String>, field: &str| {
            value
                .filter(|text| !text.is_empty())
                .ok_or_else(|| ApiError::validation(format!("`{field}` is required")))
        };
        let secret_key = required(request.secret_key, "secret_key")?;
        Ok(Self {
            action: required(request.action, "action")?,
            secret_key: Secret::new(secret_key)
                .map_err(|error| ApiError::validation(format!("`secret_key`: {error}")))?,
            url: required(request.url, "url")?,
            owner_client_id: required(request.owner_client_id, "owner_client_id")?.into(),
            kind: request.kind.ok_or_else(|| ApiError::validation("`type` is required"))?,
            description: request.description,
            additional_data: request.additional_data.unwrap_or_default(),
            filters: request.filters.unwrap_or_default(),
        })
    }

    /// Checks it against what the version documents. The profile checks the URL.
    pub(super) fn check(&self, version: ApiVersion) -> Result<(), ApiError> {
        let action = Action::named(&self.action, version).ok_or_else(|| {
            ApiError::validation(format!("`action` is none of the actions of version {version}"))
        })?;
        if version >= ApiVersion::V3_5 && self.url.chars().count() > URL_CHARS_MAX {
            return Err(ApiError::validation(format!("`url` has at most {URL_CHARS_MAX} characters")));
        }
        if !self.additional_data.is_empty() && !action.has_additional_data() {
            return Err(ApiError::validation(format!("`additional_data` is not for `{}`", self.action)));
        }
        self.filters.check(action, version)
    }
}

/// Says where, and not what: what was sent may hold the secret key.
fn misshapen(error: &serde_json::Error) -> ApiError {
    let (line, column) = (error.line(), error.column());
    ApiError::validation(format!("the request is misshapen at line {line}, column {column}"))
}

impl Registration {
    /// The id of its endpoint on a license.
    #[must_use]
    pub fn endpoint_id(&self, license: &License) -> String {
        format!("{}:{}", self.id, license.id)
    }

    /// Its endpoint on a license.
    pub(super) fn endpoint(&self, license: &License) -> Result<NewEndpoint, ApiError> {
        let wanted = &self.webhook;
        let scope = Scope::new(license.id.to_string()).map_err(crate::endpoint::EndpointError::from)?;
        let parts = wanted.additional_data.iter().map(|part| match part {
            AdditionalPart::ChatProperties => CHAT_PROPERTIES,
            AdditionalPart::ChatPresenceUserIds => CHAT_PRESENCE_USER_IDS,
        });
        let subscription = Subscription::to([&wanted.action])
            .and_then(|subscription| wanted.filters.narrow(subscription, &wanted.owner_client_id))
            .map_err(crate::endpoint::EndpointError::from)?
            .within(scope)
            .including(parts);
        let profile = profile::name(self.version);
        let endpoint = NewEndpoint::new(license.organization.as_str(), wanted.url.as_str(), profile)?
            .id(self.endpoint_id(license))?
            .secret(wanted.secret_key.expose())?
            .name(wanted.action.as_str())?;
        Ok(endpoint.subscription(subscription))
    }

    /// The webhook as it is listed.
    #[must_use]
    pub fn listed(&self) -> ListedWebhook {
        ListedWebhook {
            id: self.id.clone(),
            url: self.webhook.url.clone(),
            description: self.webhook.description.clone(),
            action: self.webhook.action.clone(),
            filters: self.webhook.filters.clone(),
            owner_client_id: self.webhook.owner_client_id.clone(),
            kind: self.webhook.kind,
        }
    }
}

/// Shows everything but the URL, which may be a credential; the secret is never shown.
impl std::fmt::Debug for NewWebhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewWebhook")
            .field("action", &self.action)
            .field("owner_client_id", &self.owner_client_id)
            .field("kind", &self.kind)
            .field("additional_data", &self.additional_data)
            .field("filters", &self.filters)
            .finish_non_exhaustive()
    }
}
