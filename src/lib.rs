// The first definition of a link counts, so README's files are modules here.
//! [`payload::StandardEvent`]: crate::payload::StandardEvent
//! [docs/answers.md]: crate::wire::profile
//! [docs/clocks.md]: crate::policy::timeline
//! [docs/messages.md]: crate::wire::message
//! [docs/own-parts.md]: crate::seam
//! [docs/publishing.md]: crate::stores
//! [docs/receiving.md]: crate::receive
//! [docs/schemes.md]: crate::wire::scheme
//! [docs/sqlite.md]: crate::stores
#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

#[cfg(feature = "tokio")]
pub mod admin;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod conformance;
pub mod delivery;
pub mod endpoint;
#[cfg(feature = "tokio")]
mod engine;
pub mod error;
pub mod event;
pub mod id;
pub mod payload;
pub mod policy;
pub mod receive;
pub mod seam;
pub mod secret;
pub mod sequence;
#[cfg(feature = "service")]
#[cfg_attr(docsrs, doc(cfg(feature = "service")))]
pub mod services;
pub mod step;
pub mod stores;
pub mod subscription;
#[cfg(feature = "tokio")]
pub mod system;
#[cfg(feature = "testing")]
pub mod testing;
pub mod time;
#[cfg(feature = "tokio")]
pub mod transports;
#[cfg(feature = "tokio")]
pub mod webhooks;
pub mod wire;

pub use async_trait::async_trait;
pub use endpoint::{Endpoint, EndpointError, EndpointPage, Headers, Overrides};
pub use event::{Event, EventError, NewEvent};
pub use secret::{Secret, SecretError, SecretSet};
pub use subscription::{Filter, Interest, Subscription, SubscriptionError};
pub use time::{Timestamp, TimestampError};
#[cfg(feature = "tokio")]
pub use webhooks::{ConfigError, NewEndpoint, PublishError, RegisterError, Webhooks};
pub use wire::profile::Profile;
pub use wire::scheme::Scheme;
pub use wire::verify::{Verified, Verifier, VerifyError};
