//! Builds the client: the options, and what is always switched off.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, retry};

use crate::backend::{IntoShared, Resolver};
use crate::error::BoxError;
use crate::os::SystemResolver;
use crate::policy::egress::AddressPolicy;

use super::ReqwestTransport;
use super::clients::Clients;
use super::guard::Guard;

/// The longest time to wait for a connection.
const CONNECT_TIMEOUT_MAX: Duration = Duration::from_secs(5);
/// How long an unused connection is kept: shorter than most servers keep theirs, so
/// that a request seldom meets one that is just being closed.
const IDLE_MAX: Duration = Duration::from_secs(4);
/// How long a connection is used, unless the builder says otherwise.
const AGE: Duration = Duration::from_secs(60);
/// The shortest age: what a client kept has to be idle for longer than [`IDLE_MAX`] while
/// the others have their rounds.
const AGE_MIN: Duration = Duration::from_secs(2);
const AGE_MAX: Duration = Duration::from_secs(3600);

/// The settings of a [`ReqwestTransport`].
pub struct ReqwestTransportBuilder {
    resolver: Arc<dyn Resolver>,
    addresses: AddressPolicy,
    connect_timeout: Duration,
    connection_age: Duration,
    tls: bool,
}

/// Why a transport could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The connect timeout is out of bounds.
    #[error("connect_timeout: {rule}")]
    ConnectTimeout {
        /// The rule that the connect timeout breaks.
        rule: &'static str,
    },
    /// The connection age is out of bounds.
    #[error("connection_age: {rule}")]
    ConnectionAge {
        /// The rule that the connection age breaks.
        rule: &'static str,
    },
    /// This machine trusts no certificate authority, so no https endpoint could be trusted.
    #[error(
        "this machine has no trusted certificate authorities: install its ca-certificates package, \
         or name a bundle in SSL_CERT_FILE, or send to http endpoints alone with plain_http_only()"
    )]
    NoTrustRoots(#[source] BoxError),
    /// The HTTP client could not be set up.
    #[error("the HTTP client could not be set up")]
    Client(#[source] BoxError),
}

impl ReqwestTransportBuilder {
    pub(super) fn new() -> Self {
        Self {
            resolver: Arc::new(SystemResolver::new()),
            addresses: AddressPolicy::public_only(),
            connect_timeout: CONNECT_TIMEOUT_MAX,
            connection_age: AGE,
            tls: cfg!(any(feature = "rustls", feature = "native-tls")),
        }
    }

    /// Sets the resolver of host names; by default the operating system's. Every address that
    /// it returns is checked, and one forbidden address refuses the request.
    #[must_use]
    pub fn resolver<How>(mut self, resolver: impl IntoShared<dyn Resolver, How>) -> Self {
        self.resolver = resolver.into_shared();
        self
    }

    /// Sets the addresses that requests may be sent to; by default public ones. A transport
    /// does not share its policy and its connections: for another policy, build another
    /// transport.
    #[must_use]
    pub fn addresses(mut self, addresses: AddressPolicy) -> Self {
        self.addresses = addresses;
        self
    }

    /// Also allows requests to this machine and private networks, for development: see
    /// [`AddressPolicy::danger_allow_local`]. The builder of `Webhooks` has a method with the
    /// same name, which allows such URLs to be registered.
    #[must_use]
    pub fn danger_allow_local(mut self) -> Self {
        self.addresses = self.addresses.danger_allow_local();
        self
    }

    /// Sets how long to wait for a connection, including look-up and TLS; the default and
    /// maximum is 5 s. The look-up may take four fifths of that.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long a connection is used, however closely requests follow each other; the
    /// default is 60 s. After that the host's name is looked up and checked again, so that a
    /// change of the host's address is noticed. A request in flight is never cut off by this.
    /// A connection whose request took longer than three times this duration may be used for
    /// `age` once more.
    #[must_use]
    pub fn connection_age(mut self, age: Duration) -> Self {
        self.connection_age = age;
        self
    }

    /// Builds the transport without TLS and its trusted certificate authorities. Requests to
    /// https endpoints are not sent.
    #[must_use]
    pub fn plain_http_only(mut self) -> Self {
        self.tls = false;
        self
    }

    /// Builds the transport. It opens no connection and starts nothing.
    ///
    /// # Errors
    /// If the connect timeout is zero or above 5 s, if the connection age is not between 2 s
    /// and an hour, or if TLS cannot be set up.
    pub fn build(self) -> Result<ReqwestTransport, TransportError> {
        if self.connect_timeout < Duration::from_millis(1) || self.connect_timeout > CONNECT_TIMEOUT_MAX {
            return Err(TransportError::ConnectTimeout { rule: "must be between 1 ms and 5 s" });
        }
        if !(AGE_MIN..=AGE_MAX).contains(&self.connection_age) {
            return Err(TransportError::ConnectionAge { rule: "must be between 2 s and 1 h" });
        }
        let addresses = Arc::new(self.addresses);
        let guard = Guard {
            resolver: self.resolver,
            addresses: Arc::clone(&addresses),
            deadline: self.connect_timeout * 4 / 5,
        };
        let guard = Arc::new(guard);
        let with = |tls| client(&guard, self.connect_timeout, tls);
        let clients = match Clients::build(self.connection_age, || with(self.tls)) {
            Ok(clients) => clients,
            // What builds as soon as it trusts nobody failed for lack of someone to trust.
            Err(error) if self.tls && with(false).is_ok() => {
                return Err(TransportError::NoTrustRoots(error.into()));
            }
            Err(error) => return Err(TransportError::Client(error.into())),
        };
        Ok(ReqwestTransport { clients, addresses, tls: self.tls, in_flight: Arc::default() })
    }
}

impl fmt::Debug for ReqwestTransportBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransportBuilder")
            .field("addresses", &self.addresses)
            .field("connect_timeout", &self.connect_timeout)
            .field("connection_age", &self.connection_age)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

/// A client that sends one request per call and does nothing else. Each switch is set even if
/// reqwest was compiled without what it controls, because another crate of the same program
/// may have enabled it.
fn client(guard: &Arc<Guard>, connect_timeout: Duration, tls: bool) -> reqwest::Result<Client> {
    let builder = Client::builder()
        .dns_resolver(Arc::clone(guard))
        .no_hickory_dns()
        // A proxy resolves the name out of the guard's sight; the environment names some.
        .no_proxy()
        .redirect(Policy::none())
        .referer(false)
        // Never again, and with a count of none not even the copy to do it with.
        .retry(retry::never().max_retries_per_request(0))
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .http1_only()
        // RFC 9112, 5.1 and 5.2: an answer is not lost over how a header is written that
        // nobody reads. Lost, it would be sent again to a receiver that has it.
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .http1_allow_spaces_after_header_name_in_responses(true)
        .http1_ignore_invalid_headers_in_responses(true)
        .connect_timeout(connect_timeout)
        .pool_idle_timeout(IDLE_MAX);
    tls_settings(builder, tls).build()
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
fn tls_settings(builder: reqwest::ClientBuilder, tls: bool) -> reqwest::ClientBuilder {
    let builder = builder.tls_version_min(reqwest::tls::Version::TLS_1_2);
    // Session keys are written nowhere, whatever SSLKEYLOGFILE says.
    #[cfg(feature = "rustls")]
    let builder = builder.tls_sslkeylogfile(false);
    if tls { builder } else { builder.tls_certs_only([]) }
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
fn tls_settings(builder: reqwest::ClientBuilder, _tls: bool) -> reqwest::ClientBuilder {
    builder
}
