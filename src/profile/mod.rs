//! Profiles: how a kind of system is sent to, as a struct of parts. A host takes a preset and
//! changes a part. If no preset has a part, the host writes it: an [`Envelope`] that writes
//! the body, or a [`Classify`] that judges the responses.
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

pub use envelope::{Envelope, Occasion, RenderError, Rendered, Sample, payload_json};
pub use request::Request;
pub use standard::{Standard, StandardEvent, Verbatim};

/// How one kind of system is sent to.
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
    /// The name by which endpoints refer to the profile.
    pub name: ProfileName,
    /// The envelope, which writes the bodies.
    pub envelope: Arc<dyn Envelope>,
    /// The signature schemes; every request is signed with all of them. Empty for targets
    /// whose URL is the credential.
    pub schemes: Schemes,
    /// Whether an endpoint must have a secret.
    pub signing: Signing,
    /// Headers sent with every request, such as the user agent.
    pub headers: HeaderMap,
    /// The classifier, which judges responses.
    pub classifier: Arc<dyn Classify>,
    /// The schedule of the retries.
    pub retry: RetryPolicy,
    /// The rate limits of requests.
    pub limits: Vec<Limit>,
    /// The hosts of the service that this profile is for, in lower case. Only an answer from
    /// them can hold every endpoint of the service ([`Reach::Service`]), and only there does a
    /// used-up limit of the scope `host` hold the host. For any other host, both hold only the
    /// endpoint. Empty if anyone may run the receiver.
    ///
    /// [`Reach::Service`]: crate::policy::outcome::Reach::Service
    pub service: Vec<HostName>,
    /// The URLs that an endpoint may have.
    pub urls: UrlPolicy,
    /// A function that recognises a URL of another profile and returns that profile's name.
    /// Its first argument is the name of this profile. An endpoint with such a URL is refused.
    /// The built-in targets use it to recognise each other's URLs. `None` accepts every URL
    /// that `urls` permits.
    pub url_of_another: Option<fn(&ProfileName, &EndpointUrl) -> Option<&'static str>>,
    /// Whether a tenant may have only one endpoint with the same URL.
    pub unique_urls: bool,
    /// The total timeout of one attempt.
    pub timeout: Duration,
    /// The most requests that one endpoint may have in flight.
    pub width: NonZeroU32,
    /// The most bytes of a response's body that the history keeps. In it, the endpoint's
    /// secrets, the values of its sensitive headers and of its URL's query, and long segments
    /// of its URL's path are masked: in plain form, in base64 or hexadecimal, also broken into
    /// lines, and escaped for URLs, JSON and HTML up to three times within each other. If a
    /// receiver encodes them in another way, or answers with pieces of them, everyone who
    /// reads the history can see them.
    pub keep_body: usize,
    /// The longest time between two probes of a sick endpoint. Its lane backs off by the gaps
    /// of the retry schedule up to this one, whatever gaps each delivery has.
    pub probe_gap_max: Duration,
    /// How long an endpoint may answer only with failures until it is disabled; `None` never
    /// disables it for that. The time counts from the moment at which two failures are at
    /// least 12 hours apart. It starts again after more than 24 hours without an answer.
    pub disable_after: Option<Duration>,
    /// Whether older pending deliveries are sent or cancelled when an endpoint is enabled
    /// again.
    pub on_enable: OnEnable,
    /// When deliveries that wait for a retry are sent after a sick endpoint has recovered.
    pub on_recovery: OnRecovery,
}

/// Whether an endpoint must have a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signing {
    /// An endpoint without a secret is refused.
    Required,
    /// An endpoint without a secret gets unsigned requests.
    Optional,
}

/// Whether older pending deliveries are sent or cancelled when an endpoint is enabled again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnEnable {
    /// They are sent.
    Send,
    /// They are cancelled.
    Cancel,
}

/// When deliveries that wait for a retry are sent after a sick endpoint has recovered, got a
/// new URL or secret, or was enabled or lifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnRecovery {
    /// At once, in the order of their due times, as fast as the endpoint's width allows, but
    /// never sooner than the schedule's first gap after the last attempt. If several wait while
    /// the endpoint is sick, one of them is sent as the probe, even before it is due. If an
    /// attempt before the due time fails, the due time does not change.
    CatchUp,
    /// Only when they are due, for systems that promise the gaps. The same applies to probes.
    KeepGaps,
}

/// The most requests that an endpoint of a built-in profile may have in flight.
pub(crate) const WIDTH: NonZeroU32 = at_least_one(16);

/// The longest time between two probes of an endpoint of a built-in profile.
pub(crate) const PROBE_GAP_MAX: Duration = minutes(10);

/// The user agent of the built-in profiles whose system does not define one.
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
