//! LiveChat's Configuration API for webhooks, as library calls.
//!
//! LiveChat registers a webhook once per application (client id) and switches all of an
//! application's webhooks on and off per license. Endpoints of the façade belong to one
//! tenant. So here:
//!
//! * the **tenant** is the license's organization, the event's **scope** its license;
//! * a **registration** is a row of its own ([`Rows`]): LiveChat has it while it is
//!   delivered nowhere;
//! * a registration has **one endpoint on each license** that its owner's webhooks have
//!   ever been on, named `<webhook id>:<license>`. Switching off disables these, and on
//!   enables them again; unregistering removes them.
//!
//! One endpoint for all licenses would make one license's trouble the trouble of all, and
//! could not be switched per license; a subscription cannot name several tenants. With one
//! each, isolation, history, retries and pauses are the façade's own, and routing an event
//! looks at the endpoints of its organization alone.
//!
//! What is refused changes nothing. Rows are written before endpoints, and at unregistering
//! after them: if a store fails between the two, or the call's future is dropped, the row
//! still says what is to be completed (see [`Refusal`]). Calls of one [`LiveChat`] that write
//! for the same owner take turns; owners do not wait for each other. Several processes over the same rows may read at once, and one of them writes.
//!
//! An endpoint that the engine disabled, because its receiver answered 410, stays disabled
//! until its license is switched on again.

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

pub use caller::{Caller, ClientId, Token, TokenScope};
pub use calls::{Calls, WebhookName};
pub use filters::{ChatPresence, Filters, Members, SourceType};
pub use refusal::{ErrorType, Refusal};
pub use registration::{AdditionalPart, ListedWebhook, NewWebhook, Registration, WebhookType};
pub use rows::{MemoryRows, Rows};
pub use rules::{Activation, OwnerId, Rules};
pub use switch::{LicenseRow, RoutingStatus};

/// Registers webhooks and switches them, over a façade.
pub struct LiveChat {
    webhooks: Webhooks,
    rows: Arc<dyn Rows>,
    rules: Rules,
    entropy: Arc<dyn Entropy>,
    turns: Turns,
}

impl LiveChat {
    /// Over this façade, with these rows, by these rules.
    #[must_use]
    pub fn new(webhooks: Webhooks, rows: Arc<dyn Rows>, rules: Rules) -> Self {
        Self { webhooks, rows, rules, entropy: Arc::new(OsEntropy), turns: Turns::default() }
    }

    /// Replaces the operating system's randomness, from which ids are drawn.
    #[must_use]
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// Takes what the Developer Console tells: an application was installed on a license,
    /// or uninstalled. Says whether it was one of the two.
    ///
    /// # Errors
    /// `internal`, when a store fails.
    pub async fn application(&self, webhook: &AppWebhook) -> Result<bool, Refusal> {
        let installed = match webhook.event {
            AppEvent::Installed => true,
            AppEvent::Uninstalled => false,
            AppEvent::Payment(_) | AppEvent::Other(_) => return Ok(false),
        };
        let owner = webhook.client_id.as_str().into();
        self.change(&owner, &webhook.license, Change::Installed(installed)).await?;
        Ok(true)
    }

    /// A bot of this application is on the license, and takes chats or does not.
    ///
    /// # Errors
    /// `internal`, when a store fails.
    pub async fn bot_status_set(
        &self,
        owner: &ClientId,
        license: &License,
        bot: impl Into<String>,
        status: RoutingStatus,
    ) -> Result<(), Refusal> {
        self.change(owner, license, Change::Bot(bot.into(), status)).await
    }

    /// A bot of this application is gone from the license.
    ///
    /// # Errors
    /// `internal`, when a store fails.
    pub async fn bot_deleted(
        &self,
        owner: &ClientId,
        license: &License,
        bot: impl Into<String>,
    ) -> Result<(), Refusal> {
        self.change(owner, license, Change::BotGone(bot.into())).await
    }

    /// Writes the license's row, and brings the endpoints there to what it says.
    async fn change(&self, owner: &ClientId, license: &License, change: Change) -> Result<(), Refusal> {
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

    async fn license_row(&self, owner: &ClientId, license: &License) -> Result<LicenseRow, Refusal> {
        let rows = self.rows.licenses(owner).await?;
        let found = rows.into_iter().find(|row| row.license == *license);
        Ok(found.unwrap_or_else(|| LicenseRow::new(license.clone())))
    }

    /// Makes a registration's endpoint on a license be there and be on, or be off.
    async fn switch(&self, registration: &Registration, license: &License, on: bool) -> Result<(), Refusal> {
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

impl fmt::Debug for LiveChat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveChat").field("rules", &self.rules).finish_non_exhaustive()
    }
}
