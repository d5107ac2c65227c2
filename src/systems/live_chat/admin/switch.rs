//! Whether a client id's webhooks are enabled on a license.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::systems::live_chat::payload::License;

use super::registration::WebhookType;
use super::rules::Activation;

/// What is stored about a client id on one license. It is a plain value: a change creates a
/// new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LicenseRow {
    /// The license.
    pub license: License,
    /// Whether the application is installed there; `None` if that is not known.
    pub installed: Option<bool>,
    /// What a call last chose, enabled or disabled; `None` if there was no call. It remains
    /// when the application is reinstalled.
    pub chosen: Option<bool>,
    /// The client id's bots on the license.
    pub bots: BTreeMap<String, RoutingStatus>,
}

/// Whether a bot accepts chats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RoutingStatus {
    /// The bot accepts chats.
    AcceptingChats,
    /// The bot is present, but accepts no new chats.
    NotAcceptingChats,
    /// The bot is away: it counts as if it did not exist.
    Offline,
}

/// What changes a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Chosen(bool),
    Installed(bool),
    Bot(String, RoutingStatus),
    BotGone(String),
}

impl LicenseRow {
    pub(super) const fn new(license: License) -> Self {
        Self { license, installed: None, chosen: None, bots: BTreeMap::new() }
    }

    #[must_use]
    pub(super) fn after(mut self, change: Change) -> Self {
        match change {
            Change::Chosen(on) => self.chosen = Some(on),
            Change::Installed(installed) => self.installed = Some(installed),
            Change::Bot(id, status) => {
                self.bots.insert(id, status);
            }
            Change::BotGone(id) => {
                self.bots.remove(&id);
            }
        }
        self
    }

    /// Whether webhooks of this type are delivered on the license. An application that was
    /// uninstalled gets nothing, whatever a call chose.
    #[must_use]
    pub fn is_on(&self, kind: WebhookType, activation: Activation) -> bool {
        match kind {
            WebhookType::Bot => self.bots.values().any(|status| *status != RoutingStatus::Offline),
            WebhookType::License => {
                let by_itself = activation == Activation::AutoOnInstall && self.installed == Some(true);
                self.installed != Some(false) && self.chosen.unwrap_or(by_itself)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Activation::{AutoOnInstall, ExplicitEnable};
    use Change::{Chosen, Installed};

    #[test]
    fn a_license_is_on_by_installation_or_by_choice_and_a_choice_outlasts_reinstalling() {
        let rows: [(&[Change], bool, bool); 9] = [
            (&[], false, false),
            (&[Installed(true)], false, true),
            (&[Chosen(true)], true, true),
            (&[Installed(true), Chosen(false)], false, false),
            (&[Installed(true), Chosen(false), Installed(false), Installed(true)], false, false),
            (&[Installed(true), Installed(false)], false, false),
            (&[Installed(true), Chosen(true), Installed(false)], false, false),
            (&[Installed(true), Chosen(true), Installed(false), Installed(true)], true, true),
            (&[Chosen(true), Chosen(false)], false, false),
        ];
        let license = License { id: 1, organization: "o".parse().unwrap() };
        for (changes, explicit, auto) in rows {
            let row = changes.iter().cloned().fold(LicenseRow::new(license.clone()), LicenseRow::after);
            let on = |activation| row.is_on(WebhookType::License, activation);
            assert_eq!((on(ExplicitEnable), on(AutoOnInstall)), (explicit, auto), "{changes:?}");
            assert!(!row.is_on(WebhookType::Bot, AutoOnInstall), "no bot");
        }
    }
}
