//! Sends requests.

use std::time::Duration;

use async_trait::async_trait;

use crate::policy::outcome::Outcome;
use crate::profile::Request;

/// Sends requests. One call is one request on the wire: no retry, no redirect, no
/// decompression, and the request's timeout covers everything. If the body breaks off after
/// the response's head, the result is still a response.
///
/// It is called on the engine's task: a call that blocks its thread stops everything that this
/// process sends. A panic counts as an attempt that may have been sent.
///
/// **You must check the addresses.** Nothing before a transport knows which addresses a name
/// resolves to. Check every address by [`AddressPolicy::judge`], refuse the request if one is
/// forbidden, and connect only to the addresses that you checked: a second look-up may return
/// others.
///
/// ```
/// use hookpost::policy::egress::{AddressPolicy, UrlHost};
/// use hookpost::policy::outcome::{NotSent, Outcome, Response};
/// use hookpost::{backend::Transport, profile::Request};
/// use std::net::SocketAddr;
/// use std::time::{Duration, Instant};
///
/// struct Own(AddressPolicy);
///
/// impl Own {
///     async fn addresses(&self, request: &Request) -> Result<Vec<SocketAddr>, NotSent> {
///         let (host, port) = (request.url.host().as_str(), request.url.port());
///         let found: Vec<SocketAddr> = match request.url.host_kind() {
///             UrlHost::V4(literal) => vec![(literal, port).into()],
///             UrlHost::V6(literal) => vec![(literal, port).into()],
///             UrlHost::Name(_) => {
///                 tokio::net::lookup_host((host, port)).await.map_err(|_| NotSent::Name)?.collect()
///             }
///         };
///         let public = found.iter().all(|address| self.0.judge(address.ip()).is_ok());
///         if public { Ok(found) } else { Err(NotSent::Blocked) }
///     }
///
///     /// Posts to one of these addresses, within `request.timeout` less what is spent.
///     async fn post(&self, _: &[SocketAddr], _: Request) -> Outcome {
///         // … what your client does. It answers such as this:
///         let (headers, body) = (http::HeaderMap::new(), bytes::Bytes::new());
///         Outcome::Response(Response { status: http::StatusCode::OK, headers, body, cut: false })
///     }
/// }
///
/// #[hookpost::async_trait]
/// impl Transport for Own {
///     async fn send(&self, request: Request) -> (Outcome, Duration) {
///         let began = Instant::now();
///         let outcome = match self.addresses(&request).await {
///             Ok(judged) => self.post(&judged, request).await,
///             Err(why) => Outcome::NotSent(why),
///         };
///         (outcome, began.elapsed())
///     }
/// }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// # use hookpost::policy::egress::{EndpointUrl, UrlPolicy};
/// # let to = |url: &str| EndpointUrl::parse(url, &UrlPolicy::https_only()).map(|url| Request {
/// #     url, headers: http::HeaderMap::new(), body: bytes::Bytes::new(),
/// #     timeout: Duration::from_secs(1), response_body_max: 0,
/// # });
/// # let own = Own(AddressPolicy::public_only());
/// # let forbidden = own.send(to("https://169.254.169.254/")?).await.0;
/// # assert_eq!(forbidden, Outcome::NotSent(NotSent::Blocked));
/// # assert!(matches!(own.send(to("https://8.8.8.8/")?).await.0, Outcome::Response(_)));
/// # Ok::<(), hookpost::policy::egress::UrlError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`AddressPolicy::judge`]: crate::policy::egress::AddressPolicy::judge
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends one request. Returns the outcome and how long it took.
    async fn send(&self, request: Request) -> (Outcome, Duration);
}
