// The first definition of a link counts, so README's files are modules here.
//! [`profile::StandardEvent`]: crate::profile::StandardEvent
//! [docs/clocks.md]: crate::policy::timeline
//! [docs/comparison.md]: crate::guide::comparison
//! [docs/design.md]: crate::guide::design
//! [docs/getting-started.md]: crate::guide::getting_started
//! [docs/glossary.md]: crate::guide::glossary
//! [docs/limits.md]: crate::guide::limits
//! [docs/own-parts.md]: crate::backend
//! [docs/profiles.md]: crate::profile
//! [docs/publishing.md]: crate::stores
//! [docs/receiving.md]: crate::receive
//! [docs/schemes.md]: crate::sign
//! [docs/sqlite.md]: crate::stores
//! [docs/stability.md]: crate::guide::stability
#![cfg_attr(feature = "tokio", doc = "[docs/guarantees.md]: crate::webhooks")]
#![cfg_attr(feature = "tokio", doc = "[docs/operating.md]: crate::webhooks")]
#![cfg_attr(feature = "systems", doc = "[docs/systems.md]: crate::systems")]
#![cfg_attr(feature = "targets", doc = "[docs/answers.md]: crate::targets")]
#![cfg_attr(feature = "targets", doc = "[docs/messages.md]: crate::targets::message")]
#![cfg_attr(feature = "testing", doc = "[docs/testing.md]: crate::testing")]
#![cfg_attr(feature = "testing", doc = "[docs/writing-a-store.md]: crate::conformance")]
#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod as_text;
pub mod backend;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod conformance;
#[cfg(feature = "tokio")]
mod decide;
pub mod delivery;
pub mod endpoint;
#[cfg(feature = "tokio")]
mod engine;
pub mod error;
pub mod event;
#[cfg(any(doc, doctest))]
pub mod guide;
pub mod history;
pub mod id;
pub mod notice;
#[cfg(feature = "tokio")]
pub mod os;
pub mod policy;
#[cfg(any(feature = "targets", feature = "systems"))]
mod presets;
pub mod profile;
pub mod receive;
pub mod secret;
pub mod sequence;
pub mod sign;
pub mod stores;
pub mod subscription;
#[cfg(feature = "systems")]
#[cfg_attr(docsrs, doc(cfg(feature = "systems")))]
pub mod systems;
#[cfg(feature = "targets")]
#[cfg_attr(docsrs, doc(cfg(feature = "targets")))]
pub mod targets;
#[cfg(feature = "testing")]
pub mod testing;
pub mod time;
#[cfg(feature = "tokio")]
pub mod transports;
#[cfg(feature = "tokio")]
pub mod webhooks;

pub use async_trait::async_trait;
pub use endpoint::{Endpoint, EndpointError, EndpointPage, Headers, Overrides};
pub use error::Invalid;
pub use event::{Event, EventError, NewEvent};
pub use profile::Profile;
pub use secret::{Secret, SecretError, SecretSet};
pub use sign::{Scheme, Verified, Verifier, VerifyError};
pub use subscription::{Filter, Interest, Subscription, SubscriptionError};
pub use time::{Timestamp, TimestampError};
#[cfg(feature = "tokio")]
pub use webhooks::{ConfigError, NewEndpoint, PublishError, RegisterError, Webhooks};
