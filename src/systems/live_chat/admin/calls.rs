//! The seven methods of the API.

use serde::Serialize;

use crate::systems::live_chat::payload::{
    Action, ApiVersion, CHAT_PRESENCE_USER_IDS, CHAT_PROPERTIES, FilterName,
};

use super::caller::{Caller, ClientId, TokenScope};
use super::refusal::{ApiError, ErrorType};
use super::registration::{ListedWebhook, NewWebhook, Registration, WebhookType};
use super::switch::Change;
use super::{LiveChatAdmin, endpoint_id};

/// An action that webhooks can be registered for, as listed by `list_webhook_names`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WebhookName {
    /// The action.
    pub action: &'static str,
    /// The filters that a registration may have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<&'static str>,
    /// The additional data that a registration may request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub additional_data: Vec<&'static str>,
}

/// The API in one version, for one caller.
#[derive(Debug, Clone, Copy)]
pub struct Calls<'a> {
    live_chat: &'a LiveChatAdmin,
    caller: &'a Caller,
    version: ApiVersion,
}

impl LiveChatAdmin {
    /// The API in this version, for this caller.
    #[must_use]
    pub const fn calls<'a>(&'a self, caller: &'a Caller, version: ApiVersion) -> Calls<'a> {
        Calls { live_chat: self, caller, version }
    }

    /// `list_webhook_names`: the actions of a version. Any caller may use it.
    #[must_use]
    pub fn webhook_names(version: ApiVersion) -> Vec<WebhookName> {
        let parts = [CHAT_PROPERTIES, CHAT_PRESENCE_USER_IDS];
        Action::all(version)
            .map(|action| WebhookName {
                action: action.name(),
                filters: action.filters(version).into_iter().map(FilterName::as_str).collect(),
                additional_data: parts.into_iter().filter(|_| action.has_additional_data()).collect(),
            })
            .collect()
    }
}

impl Calls<'_> {
    /// `register_webhook`: returns the new webhook's id. The webhook is delivered on the
    /// licenses where its owner's webhooks are enabled, and on others once they are.
    ///
    /// # Errors
    /// `authorization`, `validation`, `limit_reached`, `internal`.
    pub async fn register_webhook(&self, webhook: NewWebhook) -> Result<String, ApiError> {
        let Self { live_chat, caller, version } = *self;
        caller.require(&[TokenScope::ConfigurationWrite])?;
        caller.require_owner(&webhook.owner_client_id)?;
        webhook.check(version)?;
        let mut random = [0; 16];
        live_chat.entropy.fill(&mut random)?;
        let registration = Registration { id: hex::encode(random), version, webhook };
        live_chat.webhooks.check(registration.endpoint(&caller.license)?)?;

        let _turn = live_chat.turns.of(&registration.webhook.owner_client_id).await;
        if !live_chat.rows.add(&registration, live_chat.rules.webhooks_per_action).await? {
            return Err(ApiError::new(ErrorType::LimitReached));
        }
        match self.deliver(&registration).await {
            Ok(()) => Ok(registration.id),
            Err(refusal) => {
                // What cannot be taken back either is listed, and can be unregistered.
                self.withdraw(&registration).await?;
                Err(refusal)
            }
        }
    }

    /// `list_webhooks`: all webhooks of this application, without their secret keys.
    ///
    /// # Errors
    /// `authorization`, `validation`, `internal`.
    pub async fn list_webhooks(&self, owner: &ClientId) -> Result<Vec<ListedWebhook>, ApiError> {
        self.caller.require(&[TokenScope::ConfigurationWrite])?;
        self.caller.require_owner(owner)?;
        let registrations = self.live_chat.rows.registrations(owner).await?;
        Ok(registrations.iter().map(Registration::listed).collect())
    }

    /// `unregister_webhook`: removes a webhook and cancels its waiting deliveries.
    ///
    /// # Errors
    /// `authorization`, `validation`, `not_found`, `internal`.
    pub async fn unregister_webhook(&self, owner: &ClientId, id: &str) -> Result<(), ApiError> {
        self.caller.require(&[TokenScope::ConfigurationWrite])?;
        self.caller.require_owner(owner)?;
        if id.is_empty() {
            return Err(ApiError::validation("`id` is required"));
        }
        let _turn = self.live_chat.turns.of(owner).await;
        let registrations = self.live_chat.rows.registrations(owner).await?;
        let found = registrations.into_iter().find(|registration| registration.id == id);
        self.withdraw(&found.ok_or_else(|| ApiError::new(ErrorType::NotFound))?).await
    }

    /// `enable_license_webhooks`: enables all webhooks of the application with type `license`,
    /// on the caller's license.
    ///
    /// # Errors
    /// `authorization`, `validation`, `internal`.
    pub async fn enable_license_webhooks(&self, owner: Option<&ClientId>) -> Result<(), ApiError> {
        self.choose(owner, true).await
    }

    /// `disable_license_webhooks`: disables them. Reinstalling the application does not enable
    /// them again.
    ///
    /// # Errors
    /// `authorization`, `validation`, `internal`.
    pub async fn disable_license_webhooks(&self, owner: Option<&ClientId>) -> Result<(), ApiError> {
        self.choose(owner, false).await
    }

    /// `get_license_webhooks_state`: whether they are enabled on the caller's license.
    ///
    /// # Errors
    /// `authorization`, `validation`, `internal`.
    pub async fn license_webhooks_enabled(&self, owner: Option<&ClientId>) -> Result<bool, ApiError> {
        let Self { live_chat, caller, version } = *self;
        caller.require(&[TokenScope::StateRead, TokenScope::StateWrite])?;
        let client = caller.client(owner, version, &live_chat.rules)?;
        let row = live_chat.license_row(&client, &caller.license).await?;
        Ok(row.is_on(WebhookType::License, live_chat.rules.activation))
    }

    async fn choose(&self, owner: Option<&ClientId>, on: bool) -> Result<(), ApiError> {
        let Self { live_chat, caller, version } = *self;
        caller.require(&[TokenScope::StateWrite])?;
        let client = caller.client(owner, version, &live_chat.rules)?;
        live_chat.change(&client, &caller.license, Change::Chosen(on)).await
    }

    /// Writes the registration's endpoints, on every license on which its owner's webhooks are
    /// enabled.
    async fn deliver(&self, registration: &Registration) -> Result<(), ApiError> {
        let Self { live_chat, .. } = *self;
        let webhook = &registration.webhook;
        for row in live_chat.rows.licenses(&webhook.owner_client_id).await? {
            if row.is_on(webhook.kind, live_chat.rules.activation) {
                live_chat.switch(registration, &row.license, true).await?;
            }
        }
        Ok(())
    }

    /// Its endpoints first: a row without endpoints can be unregistered again, an
    /// endpoint without a row would be delivered to for ever.
    async fn withdraw(&self, registration: &Registration) -> Result<(), ApiError> {
        let Self { live_chat, .. } = *self;
        let owner = &registration.webhook.owner_client_id;
        for row in live_chat.rows.licenses(owner).await? {
            let id = endpoint_id(registration, &row.license)?;
            live_chat.webhooks.remove(&row.license.organization, &id).await?;
        }
        Ok(live_chat.rows.remove(owner, &registration.id).await?)
    }
}
