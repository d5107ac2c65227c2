//! The grammar of endpoint URLs. A URL that breaks it is refused, never repaired: a form that
//! two parsers could read differently could be read differently by a guard and a client.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU16;
use std::sync::Arc;

use crate::id::HostName;

use super::address::{AddressPolicy, ForbiddenAddress};
use super::host;

/// The longest URL of an endpoint, in its normal form: the length that every HTTP
/// implementation should accept (RFC 9110, 4.1).
pub const URL_LENGTH_MAX: usize = 8000;

/// Why no endpoint may have a URL. It never contains the URL, which may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{rule}")]
#[non_exhaustive]
pub struct UrlError {
    /// The rule that the URL breaks.
    pub rule: &'static str,
}

/// The schemes that a URL may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemePolicy {
    /// Only https.
    HttpsOnly,
    /// https and http.
    HttpAndHttps,
}

/// The ports that a URL may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PortPolicy {
    /// 443, 80 with http, and 1024 or more.
    WebAndHigh,
    /// Any port, including those of mail servers and databases.
    DangerAny,
}

/// The rules of a profile for URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UrlPolicy {
    /// The schemes that are allowed.
    pub schemes: SchemePolicy,
    /// The ports that are allowed.
    pub ports: PortPolicy,
    /// Whether `localhost` and similar names are allowed, for tests on one machine.
    pub danger_local_names: bool,
}

impl UrlPolicy {
    /// Allows https, public names and usual ports.
    #[must_use]
    pub const fn https_only() -> Self {
        Self { schemes: SchemePolicy::HttpsOnly, ports: PortPolicy::WebAndHigh, danger_local_names: false }
    }

    /// Allows http and https, public names and usual ports.
    #[must_use]
    pub const fn http_and_https() -> Self {
        Self { schemes: SchemePolicy::HttpAndHttps, ..Self::https_only() }
    }

    /// Also allows internal names (`localhost`, `.localhost`, `.local`, `.internal`), names of
    /// one label, such as `receiver` in Docker Compose, and any port, for tests on one
    /// machine. Addresses are checked separately, by the [`AddressPolicy`].
    #[must_use]
    pub const fn danger_allow_local(mut self) -> Self {
        self.ports = PortPolicy::DangerAny;
        self.danger_local_names = true;
        self
    }
}

/// The scheme of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UrlScheme {
    /// Unencrypted HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

impl UrlScheme {
    /// The scheme as it is written in URLs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// The URL that an endpoint's requests are sent to. `Debug` shows only scheme and host: path
/// and query may be credentials.
///
/// ```
/// use hookpost::policy::egress::{EndpointUrl, UrlPolicy};
///
/// let url = EndpointUrl::parse("HTTPS://Example.COM:443/Hook?key=s3cret", &UrlPolicy::https_only())?;
/// assert_eq!(url.expose(), "https://example.com/Hook?key=s3cret");
/// assert_eq!(format!("{url:?}"), "EndpointUrl(https://example.com/…)");
/// # Ok::<(), hookpost::policy::egress::UrlError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EndpointUrl {
    text: Arc<str>,
    host: HostName,
    literal: Option<IpAddr>,
    scheme: UrlScheme,
    port: u16,
}

/// The host of a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UrlHost {
    /// A name to resolve.
    Name(HostName),
    /// A literal IPv4 address.
    V4(Ipv4Addr),
    /// A literal IPv6 address.
    V6(Ipv6Addr),
}

impl EndpointUrl {
    /// Parses a URL that is to be registered.
    ///
    /// The limit [`URL_LENGTH_MAX`] applies to the normal form, which is what is stored and
    /// read back. A Punycode name that only the tables of IDNA show to be wrong is accepted
    /// here; the transport, which has these tables, refuses it.
    ///
    /// # Errors
    /// Names the rule of the grammar or of the policy that the URL breaks.
    pub fn parse(text: &str, policy: &UrlPolicy) -> Result<Self, UrlError> {
        let url = Self::read(text, policy.schemes)?;
        url.judge(policy)?;
        Ok(url)
    }

    /// Parses a URL that was stored, by the grammar only, since a store has no policy. Policy
    /// and address are checked again before each request.
    ///
    /// # Errors
    /// Names the rule of the grammar that the URL breaks.
    pub fn from_stored(text: &str) -> Result<Self, UrlError> {
        Self::read(text, SchemePolicy::HttpAndHttps)
    }

    /// Reads a URL by the grammar. An error about its scheme names those that are allowed.
    fn read(text: &str, allowed: SchemePolicy) -> Result<Self, UrlError> {
        let (scheme, authority, target) = split(text, allowed)?;
        let (host, port) = split_port(authority, scheme)?;
        let host = host.to_ascii_lowercase();
        let literal = host::read(&host)?;
        check_target(target)?;

        let shown_port = if port == scheme.default_port() { String::new() } else { format!(":{port}") };
        let empty_path = if target.starts_with('/') { "" } else { "/" };
        let text = format!("{}://{host}{shown_port}{empty_path}{target}", scheme.as_str());
        if text.len() > URL_LENGTH_MAX {
            return refuse("must be at most 8000 characters long in its normal form");
        }
        let host = HostName::new(host)
            .map_err(|_| UrlError { rule: "host must be a name of 1 to 253 characters or an address" })?;
        Ok(Self { text: Arc::from(text), host, literal, scheme, port })
    }

    /// Checks the URL against a policy: at registration, and again before each request,
    /// because the policy may have changed since.
    ///
    /// # Errors
    /// Names the rule that the URL breaks.
    pub fn judge(&self, policy: &UrlPolicy) -> Result<(), UrlError> {
        if self.scheme == UrlScheme::Http && policy.schemes == SchemePolicy::HttpsOnly {
            return refuse("scheme must be https; Webhooks::danger_local takes http too, for development");
        }
        let usual = match self.port {
            80 => self.scheme == UrlScheme::Http,
            port => port == 443 || port >= 1024,
        };
        if !usual && policy.ports == PortPolicy::WebAndHigh {
            return refuse("port must be 443, 80 with http, or 1024 and above");
        }
        if policy.danger_local_names || self.literal.is_some() {
            return Ok(());
        }
        if host::is_inside(self.host.as_str()) {
            return refuse(
                "host must be no name of this machine or of a local network; Webhooks::danger_local takes one, \
                 for development",
            );
        }
        // One label is a neighbour's name in the resolver's own search domain.
        if !self.host.as_str().contains('.') {
            return refuse(
                "host must be a full name of at least two labels; Webhooks::danger_local takes a name of one, \
                 for development",
            );
        }
        Ok(())
    }

    /// Checks the address in the URL, if its host is an address and not a name. The addresses
    /// of a name are known only when it is resolved, for each new connection.
    ///
    /// # Errors
    /// If no request may be sent to that address.
    pub fn judge_literal(&self, addresses: &AddressPolicy) -> Result<(), ForbiddenAddress> {
        self.literal.map_or(Ok(()), |address| addresses.judge(address))
    }

    /// The whole URL in its normal form. The caller is responsible for where it goes.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Path and query as they are sent. They may be credentials.
    #[must_use]
    pub fn expose_target(&self) -> &str {
        let begin = self.text.find("://").map_or(0, |at| at + 3);
        let rest = self.text.get(begin..).unwrap_or_default();
        rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
    }

    /// The same scheme, host and port with another path and query.
    ///
    /// # Errors
    /// Names the rule of the grammar that the result breaks.
    pub fn with_target(&self, target: &str) -> Result<Self, UrlError> {
        if !target.starts_with('/') {
            return refuse("path must begin with a slash");
        }
        let origin = self.text.len() - self.expose_target().len();
        Self::from_stored(&format!("{}{target}", self.text.get(..origin).unwrap_or_default()))
    }

    /// The scheme of the URL.
    #[must_use]
    pub const fn scheme(&self) -> UrlScheme {
        self.scheme
    }

    /// The host as written in the URL; an IPv6 address has its brackets.
    #[must_use]
    pub const fn host(&self) -> &HostName {
        &self.host
    }

    /// The kind of the host, with its name or address.
    #[must_use]
    pub fn host_kind(&self) -> UrlHost {
        match self.literal {
            None => UrlHost::Name(self.host.clone()),
            Some(IpAddr::V4(address)) => UrlHost::V4(address),
            Some(IpAddr::V6(address)) => UrlHost::V6(address),
        }
    }

    /// The port; if the URL has none, the default port of its scheme.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

/// Shows only the scheme and the end of the host's name: some services put the credential into
/// the first label of the host, others into path or query.
impl fmt::Debug for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.host.as_str();
        let mut dots = host.rmatch_indices('.').filter(|_| self.literal.is_none());
        let shown = dots.nth(1).map_or(host, |(dot, _)| &host[dot..]);
        let hidden = if shown.len() < host.len() { "…" } else { "" };
        write!(f, "EndpointUrl({}://{hidden}{shown}/…)", self.scheme.as_str())
    }
}

/// The scheme, the authority, and the rest of the URL.
fn split(text: &str, allowed: SchemePolicy) -> Result<(UrlScheme, &str, &str), UrlError> {
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return refuse(
            "must be printable ASCII without spaces; an international host is written in punycode",
        );
    }
    if text.contains('\\') {
        return refuse("must have no backslash");
    }
    if text.contains('#') {
        return refuse("must have no fragment");
    }
    let (beginning, schemes) = match allowed {
        SchemePolicy::HttpsOnly => ("must begin with https://", "scheme must be https"),
        SchemePolicy::HttpAndHttps => ("must begin with https:// or http://", "scheme must be https or http"),
    };
    let (scheme, rest) = text.split_once("://").ok_or(UrlError { rule: beginning })?;
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "https" => UrlScheme::Https,
        "http" => UrlScheme::Http,
        _ => return refuse(schemes),
    };
    let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if authority.contains('@') {
        return refuse("must have no user name or password");
    }
    Ok((scheme, authority, target))
}

fn split_port(authority: &str, scheme: UrlScheme) -> Result<(&str, u16), UrlError> {
    let end_of_host = match authority.find(']') {
        Some(bracket) => bracket + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at(end_of_host);
    if rest.is_empty() {
        return Ok((host, scheme.default_port()));
    }
    let digits = rest
        .strip_prefix(':')
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0'));
    match digits.and_then(|digits| digits.parse::<NonZeroU16>().ok()) {
        Some(port) => Ok((host, port.get())),
        None => refuse("port must be 1 to 65535 without leading zeros"),
    }
}

/// Checks path and query, which are sent exactly as written: anything that a client would
/// encode or resolve is refused.
fn check_target(target: &str) -> Result<(), UrlError> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if path.contains(['"', '<', '>', '{', '}', '`']) {
        return refuse("path must have no quote, angle bracket, brace or backtick");
    }
    if path.split('/').any(is_dot_segment) {
        return refuse("path must have no segment that is one dot or two");
    }
    if query.contains(['"', '\'', '<', '>']) {
        return refuse("query must have no quote or angle bracket");
    }
    Ok(())
}

fn is_dot_segment(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

const fn refuse<T>(rule: &'static str) -> Result<T, UrlError> {
    Err(UrlError { rule })
}
