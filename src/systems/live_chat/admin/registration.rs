//! A registration: as it is asked for, as it is kept, as it is listed.

use serde::{Deserialize, Serialize};

use crate::id::Scope;
use crate::profile::Profile;
use crate::secret::Secret;
use crate::subscription::Subscription;
use crate::systems::live_chat::payload::{
    Action, ApiVersion, CHAT_PRESENCE_USER_IDS, CHAT_PROPERTIES, License,
};
use crate::webhooks::NewEndpoint;

use super::caller::ClientId;
use super::filters::{Filters, object};
use super::refusal::Refusal;

/// The longest URL since 3.5, in characters.
const URL_CHARS_MAX: usize = 500;

/// Which switch a webhook hangs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookType {
    /// The license's: enabled per license, for all of an application's webhooks at once.
    License,
    /// The application's bots on the license: delivered while one of them is not offline.
    Bot,
}

/// A webhook as a caller wants it registered.
#[derive(Clone)]
pub struct NewWebhook {
    /// What triggers it.
    pub action: String,
    /// What stands in each body, so that the receiver knows the sender.
    pub secret_key: Secret,
    /// Where bodies go.
    pub url: String,
    /// The application that owns it.
    pub owner_client_id: ClientId,
    /// Which switch it hangs on.
    pub kind: WebhookType,
    /// A text for people.
    pub description: Option<String>,
    /// Which additional data each body carries.
    pub additional_data: Vec<AdditionalPart>,
    /// Which occurrences it wants.
    pub filters: Filters,
}

/// Data that a body carries on request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdditionalPart {
    /// The chat's properties.
    ChatProperties,
    /// Who is in the chat.
    ChatPresenceUserIds,
}

/// A webhook as it is kept: what was asked for, its id, and the version it was asked for
/// under, which decides about its bodies for good. Once added it does not change.
///
/// A host that persists it keeps every field; the secret key wants the same care as the
/// secrets of endpoints.
#[derive(Debug, Clone)]
pub struct Registration {
    /// Its id, which bodies call `webhook_id`.
    pub id: String,
    /// The version of its bodies.
    pub version: ApiVersion,
    /// What was asked for.
    pub webhook: NewWebhook,
}

/// A webhook as it is listed: everything but the secret key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListedWebhook {
    /// Its id.
    pub id: String,
    /// Where bodies go.
    pub url: String,
    /// A text for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What triggers it.
    pub action: String,
    /// Which occurrences it wants.
    #[serde(skip_serializing_if = "Filters::is_empty")]
    pub filters: Filters,
    /// The application that owns it.
    pub owner_client_id: ClientId,
    /// Which switch it hangs on.
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
    /// Reads the body of a `register_webhook` request.
    ///
    /// # Errors
    /// `validation`, naming what is missing; of what is misshapen it tells the place alone.
    pub fn from_json(body: &[u8]) -> Result<Self, Refusal> {
        if !body.trim_ascii_start().starts_with(b"{") {
            return Err(Refusal::validation("the request must be a JSON object"));
        }
        let request: Request = serde_json::from_slice(body).map_err(|error| misshapen(&error))?;
        let required = |value: Option<String>, field: &str| {
            value
                .filter(|text| !text.is_empty())
                .ok_or_else(|| Refusal::validation(format!("`{field}` is required")))
        };
        let secret_key = required(request.secret_key, "secret_key")?;
        Ok(Self {
            action: required(request.action, "action")?,
            secret_key: Secret::new(secret_key)
                .map_err(|error| Refusal::validation(format!("`secret_key`: {error}")))?,
            url: required(request.url, "url")?,
            owner_client_id: required(request.owner_client_id, "owner_client_id")?.into(),
            kind: request.kind.ok_or_else(|| Refusal::validation("`type` is required"))?,
            description: request.description,
            additional_data: request.additional_data.unwrap_or_default(),
            filters: request.filters.unwrap_or_default(),
        })
    }

    /// Holds it against what the version documents. The URL's own rules are the profile's.
    pub(super) fn check(&self, version: ApiVersion) -> Result<(), Refusal> {
        let action = Action::named(&self.action, version).ok_or_else(|| {
            Refusal::validation(format!("`action` is none of the actions of version {version}"))
        })?;
        if version >= ApiVersion::V3_5 && self.url.chars().count() > URL_CHARS_MAX {
            return Err(Refusal::validation(format!("`url` has at most {URL_CHARS_MAX} characters")));
        }
        if !self.additional_data.is_empty() && !action.has_additional_data() {
            return Err(Refusal::validation(format!("`additional_data` is not for `{}`", self.action)));
        }
        self.filters.check(action, version)
    }
}

/// Says where, and not what: what was sent may hold the secret key.
fn misshapen(error: &serde_json::Error) -> Refusal {
    let (line, column) = (error.line(), error.column());
    Refusal::validation(format!("the request is misshapen at line {line}, column {column}"))
}

impl Registration {
    /// The endpoint's name on a license.
    #[must_use]
    pub fn endpoint_id(&self, license: &License) -> String {
        format!("{}:{}", self.id, license.id)
    }

    /// Its endpoint on a license.
    pub(super) fn endpoint(&self, license: &License) -> Result<NewEndpoint, Refusal> {
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
        let profile = Profile::live_chat_name(self.version);
        let endpoint =
            NewEndpoint::new(license.organization.as_str(), wanted.url.as_str(), profile.as_str())?
                .id(self.endpoint_id(license))?
                .secret(wanted.secret_key.expose())?
                .name(wanted.action.as_str())?;
        Ok(endpoint.subscription(subscription))
    }

    /// What a list says of it.
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

/// All but the URL, which may be a credential; the secret does not print anyway.
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
