//! X-Webhook, as sent by Botble Live Chat: `X-Webhook-*` headers and a signature in
//! hexadecimal.

#[cfg(feature = "tokio")]
pub mod admin;
mod envelope;
mod headers;
pub mod payload;
pub(crate) mod profile;
#[cfg(feature = "targets")]
pub(crate) mod wording;
