//! Endpoints: the URLs that events are delivered to.

mod loaded;
mod not_sendable;
mod write;

use std::num::NonZeroU32;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::error::{StoreError, StoreErrorKind};
use crate::id::{EndpointId, IdError, ProfileName, TenantId};
use crate::policy::egress::{EndpointUrl, UrlError};
use crate::policy::rate::{Limit, LimitScope};
use crate::policy::retry::RetryPolicy;
use crate::secret::{SECRETS_MAX, Secret, SecretError, Secrets};
use crate::sequence::Sequence;
use crate::subscription::{Subscription, SubscriptionError};
use crate::time::Timestamp;

pub use crate::id::Generation;
pub use loaded::{EndpointPage, Loaded, Unreadable, WhyUnreadable};
pub use not_sendable::NotSendable;
pub use write::{Expected, Put, Write};

/// The longest total timeout that an endpoint may set.
pub const TIMEOUT_MAX: Duration = Duration::from_secs(120);
/// The greatest width: the most requests that one endpoint may have in flight.
pub const WIDTH_MAX: u32 = 1024;

/// A URL that events are delivered to, with its settings, as a store keeps it. A host creates
/// one with `register`, which checks it against its profile.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The id of the endpoint.
    pub id: EndpointId,
    /// The tenant that it belongs to. It never changes.
    pub tenant: TenantId,
    /// A label for people.
    pub name: String,
    /// The URL that requests are sent to.
    pub url: EndpointUrl,
    /// The profile that defines how events are sent there.
    pub profile: ProfileName,
    /// The secrets that requests are signed with.
    pub secrets: Secrets,
    /// The events that it wants.
    pub subscription: Subscription,
    /// The host's own headers, sent with every request.
    pub headers: Headers,
    /// The settings in which it differs from its profile.
    pub overrides: Overrides,
    /// Whether events are routed to it.
    pub enabled: bool,
    /// When it was registered or last enabled, by the clock of the process that did it. It is
    /// only informative: routing compares `began`.
    pub since: Timestamp,
    /// The place in the store's order at which it was registered or last enabled. Events with
    /// an earlier place are not routed to it. A [`Registry`](crate::backend::Registry) sets
    /// it. An endpoint of a host's own directory has [`Sequence::START`] and gets every event
    /// that is routed while the directory lists it.
    pub began: Sequence,
    /// A number that changes with every write.
    pub version: u64,
    /// The registration of its id that it belongs to, and how often it has begun anew. A
    /// registry counts it and ignores the value in a write.
    pub generation: Generation,
}

impl Endpoint {
    /// Whether its id was registered after the place `born`. Only a registry numbers
    /// registrations by its store's order, and an endpoint that it registers begins no
    /// earlier.
    #[must_use]
    #[cfg(feature = "tokio")]
    pub(crate) fn was_registered_after(&self, born: Sequence) -> bool {
        let registration = Sequence::from_number(self.generation.registration);
        born < registration && registration <= self.began
    }

    /// Whether `next` is so different that what was learned of this endpoint no longer
    /// applies: it has another URL or another secret, or it is enabled again.
    #[must_use]
    pub fn begins_anew_as(&self, next: &Self) -> bool {
        let switched_on = next.enabled && !self.enabled;
        switched_on || self.url.expose() != next.url.expose() || has_new_secret(&self.secrets, &next.secrets)
    }
}

/// Secrets that are sealed are written over by themselves: they stay.
fn has_new_secret(before: &Secrets, next: &Secrets) -> bool {
    let Secrets::Open(next) = next else { return false };
    let Secrets::Open(before) = before else { return true };
    !before.current.iter().map(Secret::expose).eq(next.current.iter().map(Secret::expose))
}

/// The longest name of an endpoint, in characters.
pub const NAME_LENGTH_MAX: usize = 255;

impl Endpoint {
    /// Checks the limits that hold under every profile, so that the stored endpoint can be
    /// read back. Stores call this before they write.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn check(&self) -> Result<(), EndpointError> {
        check_name(&self.name)?;
        if let Secrets::Open(set) = &self.secrets
            && set.current.len() + set.retiring.len() > SECRETS_MAX
        {
            let rule = "must be one of at most 10 that are in force at once";
            return Err(EndpointError::Field { field: "secret", rule });
        }
        Ok(self.subscription.check()?)
    }
}

/// An error unless a name is short and plain enough for a label.
pub(crate) fn check_name(name: &str) -> Result<(), EndpointError> {
    if name.chars().count() > NAME_LENGTH_MAX || name.chars().any(char::is_control) {
        let rule = "must be at most 255 characters, none of them a control character";
        return Err(EndpointError::Field { field: "name", rule });
    }
    Ok(())
}

/// An endpoint that a store refuses to write.
impl From<EndpointError> for StoreError {
    fn from(error: EndpointError) -> Self {
        Self::new(StoreErrorKind::Invalid, format!("endpoint: {error}")).with_told_source(error)
    }
}

/// The settings that an endpoint has instead of its profile's, each optional. They affect only
/// this endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Overrides {
    retry: Option<RetryPolicy>,
    limits: Option<Vec<Limit>>,
    width: Option<NonZeroU32>,
    timeout: Option<Duration>,
}

/// The most limits that an endpoint may set.
pub const OWN_LIMITS_MAX: usize = 4;
/// The most starts that an endpoint's own limit may allow. The log of a limit keeps an entry
/// for each start that still counts.
pub const OWN_STARTS_MAX: u32 = 10_000;

impl Overrides {
    /// No setting: those of the profile apply.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Sets the retry policy.
    #[must_use]
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = Some(retry);
        self
    }

    /// Sets the rate limits; an empty list removes the profile's. A limit that several
    /// endpoints share must be set in their profile.
    ///
    /// # Errors
    /// If a limit has another scope than [`LimitScope::Endpoint`] or allows more than
    /// [`OWN_STARTS_MAX`] starts, or if there are more than [`OWN_LIMITS_MAX`].
    pub fn limits(mut self, limits: impl Into<Vec<Limit>>) -> Result<Self, EndpointError> {
        let limits = limits.into();
        let refuse = |rule| Err(EndpointError::Field { field: "limits", rule });
        if limits.iter().any(|limit| limit.scope() != LimitScope::Endpoint) {
            return refuse("must have the scope endpoint, since other endpoints share the other scopes");
        }
        if limits.iter().any(|limit| limit.starts() > OWN_STARTS_MAX) {
            return refuse("must each allow at most 10,000 starts");
        }
        if limits.len() > OWN_LIMITS_MAX {
            return refuse("must be at most 4");
        }
        self.limits = Some(limits);
        Ok(self)
    }

    /// Sets how many requests may be in flight at once.
    ///
    /// # Errors
    /// If it is above [`WIDTH_MAX`].
    pub fn width(mut self, width: NonZeroU32) -> Result<Self, EndpointError> {
        if width.get() > WIDTH_MAX {
            return Err(EndpointError::Field { field: "width", rule: "must be at most 1024" });
        }
        self.width = Some(width);
        Ok(self)
    }

    /// Sets the total timeout of one attempt. The lease must cover it: the default lease of 30
    /// s leaves room for 19 s, and registering an endpoint with a longer timeout is an error
    /// that says so.
    ///
    /// # Errors
    /// If it is zero or longer than [`TIMEOUT_MAX`].
    pub fn timeout(mut self, timeout: Duration) -> Result<Self, EndpointError> {
        if timeout < Duration::from_millis(1) || timeout > TIMEOUT_MAX {
            return Err(EndpointError::Field { field: "timeout", rule: "must be between 1 ms and 120 s" });
        }
        self.timeout = Some(timeout);
        Ok(self)
    }

    /// The retry policy in force: the endpoint's own, or else its profile's.
    #[must_use]
    pub fn retry_or<'a>(&'a self, profiles: &'a RetryPolicy) -> &'a RetryPolicy {
        self.retry.as_ref().unwrap_or(profiles)
    }

    /// The limits in force: the endpoint's own, or else its profile's.
    #[must_use]
    pub fn limits_or<'a>(&'a self, profiles: &'a [Limit]) -> &'a [Limit] {
        self.limits.as_deref().unwrap_or(profiles)
    }

    /// The width in force: the endpoint's own, or else its profile's.
    #[must_use]
    pub fn width_or(&self, profiles: NonZeroU32) -> NonZeroU32 {
        self.width.unwrap_or(profiles)
    }

    /// The total timeout in force: the endpoint's own, or else its profile's.
    #[must_use]
    pub fn timeout_or(&self, profiles: Duration) -> Duration {
        self.timeout.unwrap_or(profiles)
    }
}

/// Overrides as they are written, before the rules of each were held against them.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Unchecked {
    retry: Option<RetryPolicy>,
    limits: Option<Vec<Limit>>,
    width: Option<NonZeroU32>,
    timeout: Option<Duration>,
}

impl TryFrom<Unchecked> for Overrides {
    type Error = EndpointError;

    fn try_from(written: Unchecked) -> Result<Self, EndpointError> {
        let Unchecked { retry, limits, width, timeout } = written;
        let mut read = Self { retry, ..Self::none() };
        if let Some(limits) = limits {
            read = read.limits(limits)?;
        }
        if let Some(width) = width {
            read = read.width(width)?;
        }
        if let Some(timeout) = timeout {
            read = read.timeout(timeout)?;
        }
        Ok(read)
    }
}

/// Why an endpoint cannot be registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// A name breaks its rule.
    #[error(transparent)]
    Id(#[from] IdError),
    /// The URL breaks the grammar or its profile's policy.
    #[error("url: {0}")]
    Url(UrlError),
    /// A secret breaks its scheme's rule.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The subscription selects nothing, or has a part that cannot be written.
    #[error(transparent)]
    Subscription(#[from] SubscriptionError),
    /// One of the host's own headers is refused.
    #[error("header {name:?}: {rule}")]
    Header {
        /// The name of the header, cut to 64 characters.
        name: String,
        /// The rule that the header breaks.
        rule: &'static str,
    },
    /// A field breaks its rule.
    #[error("{field}: {rule}")]
    Field {
        /// The name of the field.
        field: &'static str,
        /// The rule that the field breaks.
        rule: &'static str,
    },
}

/// The URL's error is in the text, so it is not the source too: otherwise a report of the
/// whole chain of causes would repeat it.
impl From<UrlError> for EndpointError {
    fn from(error: UrlError) -> Self {
        Self::Url(error)
    }
}

/// Headers that a host adds to every request of an endpoint.
///
/// `Debug` shows only their names: their values may be credentials.
#[derive(Clone, Default)]
pub struct Headers(HeaderMap);

/// Header names that affect the connection, the framing of the message or the route, or that
/// describe the origin of a request or what it asked for.
const RESERVED: [&str; 32] = [
    "host",
    "content-length",
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "via",
    "forwarded",
    "x-forwarded",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "x-original-url",
    "x-original-uri",
    "x-rewrite-url",
    "x-http-method-override",
    "x-slack-request-timestamp",
    "cookie",
    "referer",
    "user-agent",
    "traceparent",
    "tracestate",
    "baggage",
    "date",
    "accept-encoding",
];
const RESERVED_PREFIXES: [&str; 4] = ["proxy-", "x-forwarded-", "webhook-", "svix-"];
/// What the names of signature headers have in common, whatever the scheme.
const OF_SIGNATURES: [&str; 2] = ["signature", "hmac"];

/// Whether a header of this name, in lower case, is not the host's to set. CGI and WSGI read
/// an underscore as the hyphen.
fn is_reserved(name: &str) -> bool {
    let name = name.replace('_', "-");
    RESERVED.contains(&name.as_str())
        || RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || OF_SIGNATURES.iter().any(|word| name.contains(word))
}

impl Headers {
    /// No headers.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a header. The value must be printable ASCII without white space at either end.
    ///
    /// # Errors
    /// If the name is reserved or is not a field name, if the value is not plain text, if the
    /// header was added before, or if there are already 32.
    pub fn with(mut self, name: &str, value: &str) -> Result<Self, EndpointError> {
        let refuse = |rule| EndpointError::Header { name: name.chars().take(64).collect(), rule };
        let header = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| refuse("its name must be a token of RFC 9110"))?;
        if is_reserved(header.as_str()) {
            return Err(refuse("its name is reserved"));
        }
        let plain = value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if !plain || value.trim() != value || value.is_empty() || value.len() > 4096 {
            return Err(refuse(
                "its value must be 1 to 4096 printable ASCII characters, not white space at an end",
            ));
        }
        if self.0.len() >= 32 {
            return Err(refuse("an endpoint may have at most 32 headers"));
        }
        if self.0.contains_key(&header) {
            return Err(refuse("must occur once"));
        }
        let mut value = HeaderValue::from_str(value).map_err(|_| refuse("its value must be plain text"))?;
        value.set_sensitive(true);
        self.0.insert(header, value);
        Ok(self)
    }

    /// The headers as a map.
    #[must_use]
    pub const fn as_map(&self) -> &HeaderMap {
        &self.0
    }
}

impl std::fmt::Debug for Headers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_that_could_split_or_smuggle_a_header_is_refused() {
        for byte in 0..=u8::MAX {
            let character = char::from(byte);
            let value_ok = byte.is_ascii_graphic() || byte == b' ';
            let value = format!("a{character}b");
            assert_eq!(Headers::none().with("x-own", &value).is_ok(), value_ok, "value with {byte:#x}");
            for value in [format!("{character}b"), format!("a{character}")] {
                assert_eq!(
                    Headers::none().with("x-own", &value).is_ok(),
                    byte.is_ascii_graphic(),
                    "{byte:#x}"
                );
            }
            let name = format!("x{character}y");
            let name_ok = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            assert_eq!(Headers::none().with(&name, "v").is_ok(), name_ok, "name with {byte:#x}");
        }
    }

    #[test]
    fn reserved_names_are_refused_in_any_case() {
        for name in [
            "Host",
            "CONTENT-LENGTH",
            "Transfer-Encoding",
            "Connection",
            "TE",
            "Trailer",
            "Upgrade",
            "Expect",
            "Proxy-Authorization",
            "X-Forwarded-For",
            "webhook-signature",
            "Content-Type",
            "User-Agent",
            "X-Forwarded",
            "X-Real-IP",
            "X-Original-URL",
            "Baggage",
            "webhook_signature",
            "Webhook_Id",
            "X_Forwarded_For",
            "transfer_encoding",
            "Stripe-Signature",
            "X-Shopify-Hmac-Sha256",
            "X-Signature-Timestamp",
            "Svix-Id",
        ] {
            assert!(Headers::none().with(name, "v").is_err(), "{name}");
        }
        let twice = Headers::none().with("x-own", "1").unwrap().with("X-Own", "2");
        assert!(twice.is_err());
    }

    #[test]
    fn header_values_do_not_print() {
        let headers = Headers::none().with("authorization", "Bearer canary-4711").unwrap();
        assert_eq!(format!("{headers:?}"), "{\"authorization\"}");
    }

    #[test]
    fn overrides_refuse_nonsense_by_field() {
        let refused = |result: Result<Overrides, EndpointError>| result.unwrap_err().to_string();
        assert!(refused(Overrides::none().timeout(Duration::ZERO)).starts_with("timeout: "));
        assert!(refused(Overrides::none().timeout(Duration::MAX)).starts_with("timeout: "));
        assert!(refused(Overrides::none().width(NonZeroU32::MAX)).starts_with("width: "));
    }
}
