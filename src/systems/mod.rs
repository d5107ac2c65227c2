//! Three systems whose webhooks hookpost sends and receives whole: one folder each holds
//! the system's payloads, envelope, profile, settings page and HTTP API.
//!
//! | system | profile | read | write | settings |
//! |---|---|---|---|---|
//! | LiveSession | [`Profile::live_session`] | [`live_session::payload`] | [`SessionEvent`](live_session::payload::SessionEvent) | `live_session::admin` |
//! | X-Webhook (Botble Live Chat) | [`Profile::x_webhook`] | [`x_webhook::payload`] | [`Data`](x_webhook::payload::Data) | `x_webhook::admin` |
//! | LiveChat | [`Profile::live_chat`] | [`live_chat::payload`] | [`Occurrence`](live_chat::payload::Occurrence) | `live_chat::admin`, `live_chat::http_api` |
//!
//! `body` holds what reading the three systems' bodies has in common, and `settings` what
//! their settings pages have in common. The settings need the feature `tokio`.
//!
#![doc = include_str!("../../docs/systems.md")]

pub mod body;
#[cfg(feature = "axum")]
mod extractors;
pub mod live_chat;
pub mod live_session;
#[cfg(feature = "tokio")]
pub mod settings;
#[cfg(feature = "targets")]
mod wording;
pub mod x_webhook;

use crate::profile::Profile;

impl Profile {
    /// The profiles of the built-in systems: `live_session`, `x_webhook`, and `live_chat`
    /// with each of its versions.
    #[must_use]
    pub fn systems() -> Vec<Self> {
        let versions = live_chat::payload::ApiVersion::ALL.map(Self::live_chat_at);
        [Self::live_session(), Self::x_webhook(), Self::live_chat()].into_iter().chain(versions).collect()
    }
}
