//! A layer that verifies, for every service that handles HTTP requests.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Request, Response};
use http_body::Body;
use http_body_util::Full;
use tower_layer::Layer;
use tower_service::Service;

use crate::backend::Clock;
use crate::sign::{Verified, Verifier};
use crate::time::Timestamp;

use super::{Refused, body};

/// The default limit of a body: 1 MiB.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// A layer that passes on only requests that a [`Verifier`] accepts.
///
/// The service behind it gets exactly the bytes that were verified, as a complete body, and a
/// [`Verified<Bytes>`](Verified) in the request's extensions. A rejected request gets a status
/// with an empty body:
///
/// | status | when |
/// |---|---|
/// | 405 | the method is not POST |
/// | 415 | the content type is none of [`content_types`](Self::content_types), where they were named |
/// | 413 | the body is longer than [`body_limit`](Self::body_limit) |
/// | 400 | the body breaks off |
/// | 401 | it is not proven, for whatever reason |
///
/// The layer waits for a slow body as long as the server allows: set a deadline in the server
/// or in a timeout layer around this one. It asks whether the service behind it is ready only
/// after a request was verified, so bodies that never arrive use none of its permits. Put a
/// limit on the number of bodies read at once around this layer too. Put a layer that
/// decompresses bodies behind it, because the signature covers what was sent.
///
/// ```
/// use bytes::Bytes;
/// use hookpost::receive::tower::{VerifiedBody, VerifyLayer};
/// use hookpost::{Scheme, Secret, Verified, Verifier};
/// use http::{Request, Response};
/// use tower_layer::Layer;
///
/// #[derive(Clone)]
/// struct Orders;
///
/// impl tower_service::Service<Request<VerifiedBody>> for Orders {
///     type Response = Response<VerifiedBody>;
///     type Error = std::convert::Infallible;
///     type Future = std::future::Ready<Result<Self::Response, Self::Error>>;
///
///     fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
///         std::task::Poll::Ready(Ok(()))
///     }
///
///     fn call(&mut self, request: Request<VerifiedBody>) -> Self::Future {
///         let event = request.extensions().get::<Verified<Bytes>>();
///         println!("{:?}", event.and_then(Verified::id));
///         std::future::ready(Ok(Response::default()))
///     }
/// }
///
/// let verifier = Verifier::new(&Scheme::live_session(), [Secret::new("secret")?])?;
/// let service = VerifyLayer::new(verifier).body_limit(64 * 1024).layer(Orders);
/// # let _service = service;
/// # Ok::<(), hookpost::SecretError>(())
/// ```
#[derive(Clone)]
pub struct VerifyLayer(Arc<Rules>);

/// The body behind the layer: complete, with the bytes that were verified.
pub type VerifiedBody = Full<Bytes>;

/// The service that [`VerifyLayer`] wraps around another.
#[derive(Debug, Clone)]
pub struct VerifyService<S> {
    rules: VerifyLayer,
    inner: S,
}

#[derive(Clone)]
struct Rules {
    verifier: Arc<Verifier>,
    body_limit: usize,
    content_types: Vec<&'static str>,
    clock: Option<Arc<dyn Clock>>,
    on_refusal: Option<Arc<Tell>>,
}

type Tell = dyn Fn(&Refused) + Send + Sync;

impl VerifyLayer {
    /// Creates a layer that accepts what this verifier accepts: bodies up to
    /// [`BODY_BYTES_MAX`], of any content type, by the system's clock.
    pub fn new(verifier: impl Into<Arc<Verifier>>) -> Self {
        Self(Arc::new(Rules {
            verifier: verifier.into(),
            body_limit: BODY_BYTES_MAX,
            content_types: Vec::new(),
            clock: None,
            on_refusal: None,
        }))
    }

    /// Sets the longest body, in bytes.
    #[must_use]
    pub fn body_limit(self, bytes: usize) -> Self {
        self.with(|rules| rules.body_limit = bytes)
    }

    /// Accepts only these media types, such as `application/json`. Parameters such as a
    /// charset are ignored.
    #[must_use]
    pub fn content_types(self, types: impl IntoIterator<Item = &'static str>) -> Self {
        self.with(|rules| rules.content_types = types.into_iter().collect())
    }

    /// Uses this clock to check the age of a signature.
    #[must_use]
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        self.with(|rules| rules.clock = Some(clock))
    }

    /// Calls `tell` with the reason why a request was rejected: for a log, never for the
    /// sender.
    #[must_use]
    pub fn on_refusal(self, tell: impl Fn(&Refused) + Send + Sync + 'static) -> Self {
        self.with(|rules| rules.on_refusal = Some(Arc::new(tell)))
    }

    fn with(mut self, change: impl FnOnce(&mut Rules)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

impl Rules {
    async fn verified<B: Body>(&self, request: Request<B>) -> Result<Request<VerifiedBody>, Refused> {
        let (mut head, body) = request.into_parts();
        if head.method != Method::POST {
            return Err(Refused::Method);
        }
        if !self.takes_type_of(&head.headers) {
            return Err(Refused::MediaType);
        }
        let bytes = body::read(&head.headers, body, self.body_limit).await?;
        let verified =
            self.verifier.verify_with_query(head.uri.query(), &head.headers, bytes.clone(), self.now())?;
        head.extensions.insert::<Verified<Bytes>>(verified);
        Ok(Request::from_parts(head, Full::new(bytes)))
    }

    fn takes_type_of(&self, headers: &HeaderMap) -> bool {
        if self.content_types.is_empty() {
            return true;
        }
        let mut values = headers.get_all(CONTENT_TYPE).iter();
        let (Some(only), None) = (values.next(), values.next()) else { return false };
        let essence = only.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
        self.content_types.iter().any(|taken| taken.eq_ignore_ascii_case(essence))
    }

    fn now(&self) -> Timestamp {
        self.clock.as_ref().map_or_else(|| Timestamp::from(SystemTime::now()), |clock| clock.now())
    }

    fn tell(&self, refused: &Refused) {
        if let Some(tell) = &self.on_refusal {
            tell(refused);
        }
    }
}

impl<S> Layer<S> for VerifyLayer {
    type Service = VerifyService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        VerifyService { rules: self.clone(), inner }
    }
}

impl<S, B, A> Service<Request<B>> for VerifyService<S>
where
    S: Service<Request<VerifiedBody>, Response = Response<A>> + Clone + Send + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    A: Default,
{
    type Response = Response<A>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    /// Always ready. Readiness may be a permit that few callers share, and an unverified
    /// sender must not keep one while its body is read: the service behind is asked after the
    /// verification.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let rules = Arc::clone(&self.rules.0);
        let mut inner = self.inner.clone();
        Box::pin(async move {
            match rules.verified(request).await {
                Ok(request) => {
                    poll_fn(|context| inner.poll_ready(context)).await?;
                    inner.call(request).await
                }
                Err(refused) => {
                    rules.tell(&refused);
                    Ok(refused.answer())
                }
            }
        })
    }
}

impl fmt::Debug for VerifyLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyLayer")
            .field("body_limit", &self.0.body_limit)
            .field("content_types", &self.0.content_types)
            .finish_non_exhaustive()
    }
}
