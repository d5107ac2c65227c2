//! One sending dialect, as a struct of parts: a host takes a preset and changes a part.

mod check;
mod live_chat;
mod live_session;
mod standard;
mod x_webhook;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};

use crate::id::ProfileName;
use crate::policy::egress::{PortPolicy, SchemePolicy, UrlPolicy};
use crate::policy::outcome::Classify;
use crate::policy::rate::Limit;
use crate::policy::retry::RetryPolicy;

use super::envelope::Envelope;
use super::scheme::Scheme;

pub use check::ProfileError;

/// One sending dialect.
///
/// ```
/// use hookpost::Profile;
/// use std::time::Duration;
///
/// let own = Profile {
///     name: "partners".parse()?,
///     timeout: Duration::from_secs(5),
///     ..Profile::standard()
/// };
/// assert!(own.check().is_ok());
/// # Ok::<(), hookpost::id::IdError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Profile {
    /// What endpoints call it.
    pub name: ProfileName,
    /// Writes bodies.
    pub envelope: Arc<dyn Envelope>,
    /// Signs them; `None` for targets whose URL is the credential.
    pub scheme: Option<Scheme>,
    /// Whether an endpoint must have a secret.
    pub signing: Signing,
    /// Headers sent with every request, such as the user agent.
    pub headers: HeaderMap,
    /// Judges responses.
    pub classifier: Arc<dyn Classify>,
    /// When to try again.
    pub retry: RetryPolicy,
    /// How fast.
    pub limits: Vec<Limit>,
    /// Which URLs an endpoint may have.
    pub urls: UrlPolicy,
    /// Whether a tenant may have only one endpoint of a URL.
    pub unique_urls: bool,
    /// The deadline of one attempt.
    pub timeout: Duration,
    /// How many requests one endpoint may have in flight.
    pub width: NonZeroU32,
    /// How much of a response's body the history keeps.
    pub keep_body: usize,
    /// Disable an endpoint after every answer has been a failure for so long.
    pub disable_after: Option<Duration>,
    /// What becomes of older pending deliveries when an endpoint is enabled again.
    pub on_enable: OnEnable,
}

/// Whether an endpoint must have a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// An endpoint without a secret is refused.
    Required,
    /// An endpoint without a secret gets unsigned requests.
    Optional,
}

/// What becomes of older pending deliveries when an endpoint is enabled again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnEnable {
    /// They are sent.
    Send,
    /// They are cancelled.
    Cancel,
}

/// How many requests an endpoint of a built-in profile may have in flight.
const WIDTH: NonZeroU32 = at_least_one(16);

/// How the built-in profiles call themselves where their system says nothing.
const HOOKPOST: HeaderValue = HeaderValue::from_static(concat!("hookpost/", env!("CARGO_PKG_VERSION")));

const fn at_least_one(count: u32) -> NonZeroU32 {
    match NonZeroU32::new(count) {
        Some(count) => count,
        None => NonZeroU32::MIN,
    }
}

fn user_agent(value: HeaderValue) -> HeaderMap {
    HeaderMap::from_iter([(header::USER_AGENT, value)])
}

const fn web(schemes: SchemePolicy) -> UrlPolicy {
    UrlPolicy { schemes, ports: PortPolicy::WebAndHigh, danger_local_names: false }
}

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

const fn hours(count: u64) -> Duration {
    minutes(count * 60)
}
