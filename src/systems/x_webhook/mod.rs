//! X-Webhook, the dialect of Botble Live Chat: `X-Webhook-*` headers and a signature in hex.

#[cfg(feature = "tokio")]
pub mod admin;
mod envelope;
mod headers;
pub mod payload;
mod profile;
#[cfg(feature = "targets")]
pub(crate) mod wording;

pub use envelope::XWebhook;
