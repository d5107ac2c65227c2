//! LiveChat's Configuration API for webhooks, as library calls.
//!
//! LiveChat registers a webhook once per application (client id), and enables or disables all
//! webhooks of an application per license. An endpoint of hookpost belongs to one tenant.
//! Therefore:
//!
//! * The **tenant** is the license's organization, and the event's **scope** is its license.
//! * A **registration** is a row of its own ([`Rows`]), since LiveChat keeps it even while it
//!   is delivered on no license.
//! * A registration has **one endpoint on each license** on which its owner's webhooks have
//!   ever been enabled, named `<webhook id>:<license>`. Disabling disables these endpoints,
//!   and enabling enables them again; unregistering removes them.
//!
//! With one endpoint for all licenses, a problem of one license would affect all of them, and
//! it could not be enabled per license; a subscription cannot name several tenants. With one
//! endpoint each, isolation, history, retries and pauses work as usual, and routing an event
//! reads only the endpoints of its organization.
//!
//! A refused call changes nothing. Rows are written before endpoints, and removed after them:
//! if a store fails in between, or the call's future is dropped, the row still shows what must
//! be completed (see [`ApiError`]). Calls of one [`LiveChatAdmin`] that write for the same owner
//! take turns; owners do not wait for each other. If several processes use the same rows, all
//! may read at once, but only one of them may write.
//!
//! An endpoint that the engine disabled because its receiver answered 410 stays disabled until
//! its license is enabled again.

mod caller;
mod calls;
mod filters;
mod refusal;
mod registration;
mod rows;
mod rules;
mod switch;
mod turns;

use std::fmt;
use std::sync::Arc;

use crate::backend::Entropy;
use crate::id::EndpointId;
use crate::os::OsEntropy;
use crate::systems::live_chat::payload::{AppEvent, AppWebhook, License};
use crate::webhooks::{RegisterError, Webhooks};

use switch::Change;
use turns::Turns;

pub use caller::{AccessToken, Caller, ClientId, TokenScope};
pub use calls::{Calls, WebhookName};
pub use filters::{ChatPresence, Filters, Members, SourceType};
pub use refusal::{ApiError, ErrorType};
pub use registration::{AdditionalPart, ListedWebhook, NewWebhook, Registration, WebhookType};
pub use rows::{MemoryRows, Rows};
pub use rules::{Activation, OwnerId, Rules};
pub use switch::{LicenseRow, RoutingStatus};

/// Registers webhooks, and enables and disables them, through a [`Webhooks`].
pub struct LiveChatAdmin {
    webhooks: Webhooks,
    rows: Arc<dyn Rows>,
    rules: Rules,
    entropy: Arc<dyn Entropy>,
    turns: Turns,
}

impl LiveChatAdmin {
    /// Uses this [`Webhooks`], these rows and these rules.
    #[must_use]
    pub fn new(webhooks: Webhooks, rows: Arc<dyn Rows>, rules: Rules) -> Self {
        Self { webhooks, rows, rules, entropy: Arc::new(OsEntropy), turns: Turns::default() }
    }

    /// Replaces the operating system's random numbers, from which ids are created.
    #[must_use]
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// Processes a webhook of the Developer Console: an application was installed on a
    /// license, or uninstalled. Returns whether it was one of the two.
    ///
    /// # Errors
    /// `internal`, if a store fails.
    pub async fn application(&self, webhook: &AppWebhook) -> Result<bool, ApiError> {
        let installed = match webhook.event {
            AppEvent::Installed => true,
            AppEvent::Uninstalled => false,
            AppEvent::Payment(_) | AppEvent::Other(_) => return Ok(false),
        };
        let owner = webhook.client_id.as_str().into();
        self.change(&owner, &webhook.license, Change::Installed(installed)).await?;
        Ok(true)
    }

    /// Records whether a bot of this application on the license accepts chats.
    ///
    /// # Errors
    /// `internal`, if a store fails.
    pub async fn bot_status_set(
        &self,
        owner: &ClientId,
        license: &License,
        bot: impl Into<String>,
        status: RoutingStatus,
    ) -> Result<(), ApiError> {
        self.change(owner, license, Change::Bot(bot.into(), status)).await
    }

    /// Records that a bot of this application was deleted from the license.
    ///
    /// # Errors
    /// `internal`, if a store fails.
    pub async fn bot_deleted(
        &self,
        owner: &ClientId,
        license: &License,
        bot: impl Into<String>,
    ) -> Result<(), ApiError> {
        self.change(owner, license, Change::BotGone(bot.into())).await
    }

    /// Writes the license's row, and brings the endpoints there to what it says.
    async fn change(&self, owner: &ClientId, license: &License, change: Change) -> Result<(), ApiError> {
        let _turn = self.turns.of(owner).await;
        let before = self.license_row(owner, license).await?;
        let touches = change.touches();
        let row = before.after(change);
        self.rows.put_license(owner, &row).await?;
        let on = row.is_on(touches, self.rules.activation);
        for registration in self.rows.registrations(owner).await? {
            if registration.webhook.kind == touches {
                self.switch(&registration, license, on).await?;
            }
        }
        Ok(())
    }

    async fn license_row(&self, owner: &ClientId, license: &License) -> Result<LicenseRow, ApiError> {
        let rows = self.rows.licenses(owner).await?;
        let found = rows.into_iter().find(|row| row.license == *license);
        Ok(found.unwrap_or_else(|| LicenseRow::new(license.clone())))
    }

    /// Makes a registration's endpoint on a license be there and be on, or be off.
    async fn switch(&self, registration: &Registration, license: &License, on: bool) -> Result<(), ApiError> {
        let id = endpoint_id(registration, license)?;
        if !on {
            return match self.webhooks.disable(&license.organization, &id).await {
                Ok(()) | Err(RegisterError::NotFound) => Ok(()),
                Err(error) => Err(error.into()),
            };
        }
        let there = self.webhooks.endpoint(&license.organization, &id).await?;
        match there.map(|endpoint| endpoint.enabled) {
            None => drop(self.webhooks.register(registration.endpoint(license)?).await?),
            Some(false) => drop(self.webhooks.enable(&license.organization, &id).await?),
            Some(true) => {}
        }
        Ok(())
    }
}

fn endpoint_id(registration: &Registration, license: &License) -> Result<EndpointId, RegisterError> {
    EndpointId::new(registration.endpoint_id(license))
        .map_err(|error| RegisterError::from(crate::endpoint::EndpointError::from(error)))
}

impl Change {
    /// Which webhooks it may switch.
    const fn touches(&self) -> WebhookType {
        match self {
            Self::Chosen(_) | Self::Installed(_) => WebhookType::License,
            Self::Bot(..) | Self::BotGone(_) => WebhookType::Bot,
        }
    }
}

impl fmt::Debug for LiveChatAdmin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveChatAdmin").field("rules", &self.rules).finish_non_exhaustive()
    }
}
