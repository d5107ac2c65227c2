//! Rules that differ between versions of LiveChat's documentation.

use crate::systems::live_chat::payload::ApiVersion;

/// The rules in force. [`Rules::current`] follows the present documentation,
/// [`Rules::tutorial`] the tutorial of April 2021.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rules {
    /// What enables webhooks on a license.
    pub activation: Activation,
    /// The meaning of `owner_client_id` with a bearer token in calls about a license's state;
    /// `None` for what each version documents.
    pub owner_id: Option<OwnerId>,
    /// The most webhooks that a client id may have for one action.
    pub webhooks_per_action: usize,
}

/// What enables the webhooks on a license.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Activation {
    /// Only `enable_license_webhooks`.
    ExplicitEnable,
    /// Also the installation of the application, unless the webhooks on the license were
    /// disabled by a call: then they stay disabled until they are enabled again.
    AutoOnInstall,
}

/// The meaning of an `owner_client_id` beside a bearer token, which has its own client id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OwnerId {
    /// It is ignored.
    Ignored,
    /// The request is refused.
    Rejected,
    /// It is used instead of the token's client id.
    Overrides,
}

impl Rules {
    /// The rules of the present documentation.
    #[must_use]
    pub const fn current() -> Self {
        Self { activation: Activation::AutoOnInstall, owner_id: None, webhooks_per_action: 3 }
    }

    /// The rules of April 2021.
    #[must_use]
    pub const fn tutorial() -> Self {
        Self {
            activation: Activation::ExplicitEnable,
            owner_id: Some(OwnerId::Ignored),
            webhooks_per_action: 3,
        }
    }

    /// The meaning of `owner_client_id` with a bearer token in this version.
    #[must_use]
    pub fn owner_id(&self, version: ApiVersion) -> OwnerId {
        self.owner_id.unwrap_or(if version >= ApiVersion::V3_5 {
            OwnerId::Overrides
        } else {
            OwnerId::Rejected
        })
    }
}
