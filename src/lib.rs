//! hookpost: send webhooks from your own process, and verify the ones you receive.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod conformance;
pub mod delivery;
pub mod endpoint;
pub mod error;
pub mod event;
pub mod id;
pub mod policy;
pub mod seam;
pub mod secret;
pub mod step;
pub mod stores;
pub mod subscription;
pub mod time;
pub mod wire;

pub use async_trait::async_trait;
pub use endpoint::{Endpoint, EndpointError, Headers, Overrides};
pub use event::{Event, EventError, NewEvent};
pub use secret::{Secret, SecretError, SecretSet};
pub use subscription::{Filter, Subscription, SubscriptionError};
pub use time::{Timestamp, TimestampError};
