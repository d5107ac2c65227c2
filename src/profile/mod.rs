//! One sending dialect, as a struct of parts: a host takes a preset and changes a part.
//! A part that a preset lacks is a value of the host's own: an [`Envelope`] that writes the
//! body, a [`Classify`] that reads the answers.
#![cfg_attr(
    all(feature = "reqwest", feature = "targets", feature = "systems"),
    doc = "",
    doc = "[docs/answers.md]: crate::targets",
    doc = "[docs/messages.md]: crate::targets::message",
    doc = "[systems.md]: crate::systems",
    doc = ""
)]
#![cfg_attr(
    all(feature = "reqwest", feature = "targets", feature = "systems"),
    doc = include_str!("../../docs/profiles.md")
)]

mod check;
mod envelope;
mod request;
mod standard;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};

use crate::id::{HostName, ProfileName};
use crate::policy::egress::{EndpointUrl, PortPolicy, SchemePolicy, UrlPolicy};
use crate::policy::outcome::Classify;
use crate::policy::rate::Limit;
use crate::policy::retry::RetryPolicy;
use crate::sign::Schemes;

pub use check::ProfileError;
pub use envelope::{Envelope, Occasion, RenderError, Rendered, Sample, payload_json};
pub use request::Request;
pub use standard::{Standard, StandardEvent, Verbatim};

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
    /// Sign them, all at once; none for targets whose URL is the credential.
    pub schemes: Schemes,
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
    /// The hosts of the one service that speaks this dialect, in lower case. From them an
    /// answer may hold every endpoint of the service ([`Reach::Service`]), and a limit of
    /// the scope `host` that has no room holds the host. On every other host both hold the
    /// endpoint alone. Empty where anybody may run the receiver.
    ///
    /// [`Reach::Service`]: crate::policy::outcome::Reach::Service
    pub service: Vec<HostName>,
    /// Which URLs an endpoint may have.
    pub urls: UrlPolicy,
    /// Finds URLs that belong to another profile than the one of that name, and returns that
    /// other profile's name: an endpoint with such a URL is refused. The built-in targets
    /// know each other's URLs by it. `None` takes every URL that `urls` permits.
    pub url_of_another: Option<fn(&ProfileName, &EndpointUrl) -> Option<&'static str>>,
    /// Whether a tenant may have only one endpoint of a URL.
    pub unique_urls: bool,
    /// The deadline of one attempt.
    pub timeout: Duration,
    /// How many requests one endpoint may have in flight.
    pub width: NonZeroU32,
    /// How much of a response's body the history keeps. The endpoint's secrets, the values of
    /// its sensitive headers and of its URL's query, and long segments of the URL's path are
    /// masked in it: as they are, in base64 or in hexadecimal, also in lines, and escaped for
    /// URLs, JSON and HTML up to three times within each other. A receiver that encodes them
    /// otherwise, or answers with pieces of them, shows them to whoever reads the history.
    pub keep_body: usize,
    /// How long a sick endpoint is left alone between two probes at most: its lane backs
    /// off by the schedule's gaps up to this one, whatever gaps each delivery keeps.
    pub probe_gap_max: Duration,
    /// How long an endpoint answers with failures alone until it is disabled; `None`
    /// never disables it for that. The time counts from the moment at which two failures
    /// lie at least 12 hours apart, and anew after more than 24 hours without an answer.
    pub disable_after: Option<Duration>,
    /// What becomes of older pending deliveries when an endpoint is enabled again.
    pub on_enable: OnEnable,
    /// When what waits for a retry is sent once a sick endpoint has recovered.
    pub on_recovery: OnRecovery,
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

/// When what waits for a retry is sent once a sick endpoint has recovered, got a new URL or
/// secret, or was enabled or lifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRecovery {
    /// At once, in the order of the due times, as fast as the endpoint's width allows, and
    /// never sooner than the schedule's first gap after the last attempt. While the endpoint
    /// is sick, one of several waiting deliveries is the probe, due or not. An attempt that
    /// comes before its due time and fails leaves that due time as it was.
    CatchUp,
    /// When it is due, since the system promises its gaps. The same holds for probes.
    KeepGaps,
}

/// How many requests an endpoint of a built-in profile may have in flight.
pub(crate) const WIDTH: NonZeroU32 = at_least_one(16);

/// How long an endpoint of a built-in profile waits for its next probe at most.
pub(crate) const PROBE_GAP_MAX: Duration = minutes(10);

/// How the built-in profiles call themselves where their system says nothing.
pub(crate) const HOOKPOST: HeaderValue =
    HeaderValue::from_static(concat!("hookpost/", env!("CARGO_PKG_VERSION")));

pub(crate) const fn at_least_one(count: u32) -> NonZeroU32 {
    match NonZeroU32::new(count) {
        Some(count) => count,
        None => NonZeroU32::MIN,
    }
}

pub(crate) fn user_agent(value: HeaderValue) -> HeaderMap {
    HeaderMap::from_iter([(header::USER_AGENT, value)])
}

pub(crate) const fn web(schemes: SchemePolicy) -> UrlPolicy {
    UrlPolicy { schemes, ports: PortPolicy::WebAndHigh, danger_local_names: false }
}

pub(crate) const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

pub(crate) const fn hours(count: u64) -> Duration {
    minutes(count * 60)
}
