//! The HTTP client, with its checks of addresses.
//!
//! One call is one request on the wire, to an address that was checked in the look-up for that
//! connection. reqwest can do more than that: most lines of `build` switch something off.

mod body;
mod build;
mod clients;
mod fault;
mod guard;
mod local;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use http::Method;
use reqwest::Url;
use tokio::runtime::Handle;
use tokio::task::yield_now;

use crate::backend::Transport;
use crate::policy::egress::{AddressPolicy, EndpointUrl, UrlScheme};
use crate::policy::outcome::{NotSent, Outcome, Response, Unknown};
use crate::profile::Request;

use clients::Clients;

pub use build::{ReqwestTransportBuilder, TransportError};

/// Sends over HTTP/1.1 with reqwest, without redirects, retries, proxy or decompression.
/// Connections are kept idle for up to 4 s, used for up to 60 s, and shared by the requests to
/// one host.
///
/// Clones share these connections.
#[derive(Debug, Clone)]
pub struct ReqwestTransport {
    clients: Clients,
    addresses: Arc<AddressPolicy>,
    tls: bool,
    /// The number of requests in flight.
    in_flight: Arc<AtomicUsize>,
}

/// The most requests in flight with which it is worth waiting for news of closed connections
/// before each of them. With more, the runtime learns of them all the time.
const QUIET: usize = 8;

impl ReqwestTransport {
    /// Creates a transport with the defaults of its builder: to public addresses alone.
    ///
    /// # Errors
    /// Those of [`build`](ReqwestTransportBuilder::build).
    pub fn public() -> Result<Self, TransportError> {
        Self::builder().build()
    }

    /// Starts a builder for a transport to public addresses over http and https. Finish with
    /// [`build`](ReqwestTransportBuilder::build).
    #[must_use]
    pub fn builder() -> ReqwestTransportBuilder {
        ReqwestTransportBuilder::new()
    }

    async fn exchange(&self, request: Request) -> Outcome {
        let scheme = request.url.scheme();
        // Without a runtime nothing can be connected, whichever endpoint it is for.
        if Handle::try_current().is_err() {
            return Outcome::NotSent(NotSent::Ours);
        }
        if scheme == UrlScheme::Https && !self.tls {
            return Outcome::NotSent(NotSent::Tls);
        }
        let Some(url) = self.admit(&request.url) else {
            return Outcome::NotSent(NotSent::BlockedLiteral);
        };
        let Some(client) = self.clients.for_host(request.url.host()) else {
            return Outcome::NotSent(NotSent::Ours);
        };
        let mut call = reqwest::Request::new(Method::POST, url);
        *call.headers_mut() = request.headers;
        *call.body_mut() = Some(request.body.into());
        *call.timeout_mut() = Some(request.timeout);
        let _under_way = UnderWay::among(&self.in_flight).await;
        match client.execute(call).await {
            Ok(response) => self.receive(response, request.response_body_max).await,
            Err(error) => fault::outcome(&error, scheme),
        }
    }

    /// The URL for the client, if it may be asked for at all. A literal address never
    /// reaches the resolver, so it is judged here; and what the client would read
    /// differently from the grammar that judged the URL is not asked for.
    fn admit(&self, url: &EndpointUrl) -> Option<Url> {
        url.judge_literal(&self.addresses).ok()?;
        Url::parse(url.expose()).ok().filter(|read| read.as_str() == url.expose())
    }

    async fn receive(&self, mut response: reqwest::Response, body_max: usize) -> Outcome {
        // The resolver gave out judged addresses alone. Should the client ever connect
        // elsewhere, nothing that came from there is passed on.
        if response.remote_addr().is_some_and(|peer| self.addresses.judge(peer.ip()).is_err()) {
            return Outcome::Unknown(Unknown::Protocol);
        }
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        let (body, cut) = body::read(response, body_max).await;
        Outcome::Response(Response { status, headers, body, cut })
    }
}

/// A request in flight.
struct UnderWay<'a>(&'a AtomicUsize);

impl<'a> UnderWay<'a> {
    /// Counts a request, and lets the runtime first learn of connections that their servers
    /// closed. A request written to such a connection is lost, and cannot be distinguished
    /// from one that was read. The first pause learns of them, the second lets them end.
    async fn among(in_flight: &'a AtomicUsize) -> Self {
        let under_way = Self(in_flight);
        if in_flight.fetch_add(1, Ordering::Relaxed) < QUIET {
            yield_now().await;
            yield_now().await;
        }
        under_way
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(&self, request: Request) -> (Outcome, Duration) {
        let began = Instant::now();
        let outcome = self.exchange(request).await;
        (outcome, began.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::backend::{ResolveError, Resolver};
    use crate::id::HostName;
    use crate::policy::egress::UrlPolicy;

    struct ThisMachine;

    #[async_trait]
    impl Resolver for ThisMachine {
        async fn resolve(&self, _: &HostName) -> Result<Vec<IpAddr>, ResolveError> {
            Ok(vec![Ipv4Addr::LOCALHOST.into()])
        }
    }

    #[tokio::test]
    async fn an_answer_from_an_address_that_nobody_judged_is_not_passed_on() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://a.example:{}/", listener.local_addr().unwrap().port());
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut asked = Vec::new();
                while !asked.ends_with(b"{}") {
                    stream.read_buf(&mut asked).await.unwrap();
                }
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
                    .await
                    .unwrap();
            }
        });
        let lax = AddressPolicy::public_only().danger_allow_loopback();
        let lax = ReqwestTransport::builder()
            .plain_http_only()
            .resolver(ThisMachine)
            .addresses(lax)
            .build()
            .unwrap();
        let strict = ReqwestTransport { addresses: Arc::new(AddressPolicy::public_only()), ..lax.clone() };
        let request = Request {
            url: EndpointUrl::parse(&url, &UrlPolicy::http_and_https()).unwrap(),
            headers: http::HeaderMap::new(),
            body: "{}".into(),
            timeout: Duration::from_secs(60),
            response_body_max: 0,
        };
        let passed_on = lax.send(request.clone()).await.0;
        assert!(matches!(passed_on, Outcome::Response(_)), "{passed_on:?}");
        assert_eq!(strict.send(request).await.0, Outcome::Unknown(Unknown::Protocol));
    }
}
