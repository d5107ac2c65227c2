//! Where LiveChat's documentation has said different things at different times.

use crate::systems::live_chat::payload::ApiVersion;

/// The rules in force. [`Rules::current`] is what the documentation says now,
/// [`Rules::tutorial`] what it said when the tutorial of April 2021 was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rules {
    /// What switches a license on.
    pub activation: Activation,
    /// What a bearer's `owner_client_id` means in calls about a license's state; `None`
    /// for what each version documents.
    pub owner_id: Option<OwnerId>,
    /// How many webhooks a client id may have for one action.
    pub webhooks_per_action: usize,
}

/// What switches a license's webhooks on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `enable_license_webhooks` alone.
    ExplicitEnable,
    /// The application's installation too, unless the license was switched off: that
    /// stays until it is switched on.
    AutoOnInstall,
}

/// What an `owner_client_id` means beside a bearer token, which has a client id of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnerId {
    /// Nothing.
    Ignored,
    /// The request is refused.
    Rejected,
    /// It is used instead.
    Overrides,
}

impl Rules {
    /// What the documentation says now.
    #[must_use]
    pub const fn current() -> Self {
        Self { activation: Activation::AutoOnInstall, owner_id: None, webhooks_per_action: 3 }
    }

    /// What it said in April 2021.
    #[must_use]
    pub const fn tutorial() -> Self {
        Self {
            activation: Activation::ExplicitEnable,
            owner_id: Some(OwnerId::Ignored),
            webhooks_per_action: 3,
        }
    }

    /// The meaning of a bearer's `owner_client_id` under a version.
    #[must_use]
    pub fn owner_id(&self, version: ApiVersion) -> OwnerId {
        self.owner_id.unwrap_or(if version >= ApiVersion::V3_5 {
            OwnerId::Overrides
        } else {
            OwnerId::Rejected
        })
    }
}
