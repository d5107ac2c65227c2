//! Three integrations whose webhooks hookpost can both send and receive. Each has its own
//! folder with payloads, envelope, profile, settings and HTTP API.
//!
//! | system | profile | read | write | settings |
//! |---|---|---|---|---|
//! | LiveSession | [`Profile::live_session`] | [`live_session::payload`] | [`SessionEvent`](live_session::payload::SessionEvent) | `live_session::admin` |
//! | X-Webhook (Botble Live Chat) | [`Profile::x_webhook`] | [`x_webhook::payload`] | [`Data`](x_webhook::payload::Data) | `x_webhook::admin` |
//! | LiveChat | [`Profile::live_chat`] | [`live_chat::payload`] | [`Occurrence`](live_chat::payload::Occurrence) | `live_chat::admin`, `live_chat::http_api` |
//!
//! `body` contains what reading the bodies of all three has in common, and `settings` what
//! their settings have in common. The settings need the feature `tokio`.
//!
//! [`Profile::live_session`]: crate::Profile::live_session
//! [`Profile::x_webhook`]: crate::Profile::x_webhook
//! [`Profile::live_chat`]: crate::Profile::live_chat
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
