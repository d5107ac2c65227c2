//! An extractor for axum's handlers that verifies requests; depends only on axum-core.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::SystemTime;

use axum_core::body::Body;
use axum_core::extract::{FromRef, FromRequest, FromRequestParts, Request};
use axum_core::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{Method, StatusCode};
use http_body::Body as _;

use crate::sign::{Verified, Verifier};
use crate::time::Timestamp;

use super::{Cause, Refused, body};

/// A request that was verified, with its content as read by another extractor from the
/// verified bytes: `Webhook<Json<Order>>`, `Webhook<Bytes>`, or a type of
/// [`systems`](crate::systems).
///
/// The verifier is taken from the state, by [`FromRef`]: an `Arc<Verifier>`. If the
/// application receives webhooks of several providers, [`SignedBy`] selects the verifier. The
/// body is limited as axum limits every body: to 2 MB, unless `DefaultBodyLimit` sets another
/// limit. A handler that also handles rejected requests takes `Result<Webhook<T>, Refused>`.
///
/// ```
/// use axum::{Json, Router, routing::post};
/// use hookpost::receive::axum::Webhook;
/// use hookpost::{Scheme, Secret, Verifier};
/// use std::sync::Arc;
///
/// #[derive(serde::Deserialize)]
/// struct Order { order: u64 }
///
/// async fn paid(Webhook { content: Json(order), verified }: Webhook<Json<Order>>) {
///     println!("{:?}: order {} is paid", verified.id(), order.order);
/// }
///
/// let verifier = Verifier::new(&Scheme::live_session(), [Secret::new("secret")?])?;
/// let app: Router = Router::new().route("/hooks", post(paid)).with_state(Arc::new(verifier));
/// # let _app = app;
/// # Ok::<(), hookpost::SecretError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook<T> {
    /// The content as read by the other extractor.
    pub content: T,
    /// The result of the verification, with the event's id and the bytes as they were
    /// received.
    pub verified: Verified<Bytes>,
}

impl<T, S> FromRequest<S> for Webhook<T>
where
    T: FromRequest<S>,
    S: Send + Sync,
    Arc<Verifier>: FromRef<S>,
{
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        read(request, state, &Arc::<Verifier>::from_ref(state)).await
    }
}

/// A sender of webhooks, as a type that names it: [`SignedBy`] uses its verifier. An
/// application has one for each provider that it receives webhooks of.
pub trait Provider<S> {
    /// Returns the provider's verifier from the application's state.
    fn verifier(state: &S) -> &Verifier;
}

/// [`Webhook`] of one provider, for applications that receive webhooks of several.
///
/// ```
/// use axum::{Json, Router, body::Bytes, extract::State, routing::post};
/// use hookpost::receive::axum::{Provider, SignedBy};
/// use hookpost::{Scheme, Secret, Verifier};
/// use std::sync::Arc;
///
/// struct App { stripe: Verifier, github: Verifier }
///
/// enum Stripe {}
/// impl Provider<Arc<App>> for Stripe {
///     fn verifier(app: &Arc<App>) -> &Verifier { &app.stripe }
/// }
///
/// enum GitHub {}
/// impl Provider<Arc<App>> for GitHub {
///     fn verifier(app: &Arc<App>) -> &Verifier { &app.github }
/// }
///
/// async fn charged(_app: State<Arc<App>>, event: SignedBy<Stripe, Json<u64>>) {
///     println!("{}", event.content.0);
/// }
///
/// async fn pushed(event: SignedBy<GitHub, Bytes>) {
///     println!("{} bytes", event.content.len());
/// }
///
/// let app = App {
///     stripe: Verifier::new(&Scheme::stripe(), [Secret::new("whsec_test")?])?,
///     github: Verifier::new(&Scheme::github(), [Secret::new("secret")?])?,
/// };
/// let routes: Router = Router::new()
///     .route("/stripe", post(charged))
///     .route("/github", post(pushed))
///     .with_state(Arc::new(app));
/// # let _routes = routes;
/// # Ok::<(), hookpost::SecretError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedBy<P, T> {
    /// The content as read by the other extractor.
    pub content: T,
    /// The result of the verification, with the event's id and the bytes as they were
    /// received.
    pub verified: Verified<Bytes>,
    provider: PhantomData<fn() -> P>,
}

impl<P, T, S> FromRequest<S> for SignedBy<P, T>
where
    P: Provider<S>,
    T: FromRequest<S>,
    S: Send + Sync,
{
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let Webhook { content, verified } = read(request, state, P::verifier(state)).await?;
        Ok(Self { content, verified, provider: PhantomData })
    }
}

async fn read<T: FromRequest<S>, S: Send + Sync>(
    request: Request,
    state: &S,
    by: &Verifier,
) -> Result<Webhook<T>, Refused> {
    let (head, body) = request.into_parts();
    if head.method != Method::POST {
        return Err(Refused::Method);
    }
    let bytes = Bytes::from_request(Request::from_parts(head.clone(), body), state)
        .await
        .map_err(|why| unread(why.status()))?;
    let now = Timestamp::from(SystemTime::now());
    let verified = by.verify_with_query(head.uri.query(), &head.headers, bytes.clone(), now)?;
    let mut request = Request::from_parts(head, Body::from(bytes));
    request.extensions_mut().insert::<Verified<Bytes>>(verified.clone());
    let rejection = match T::from_request(request, state).await {
        Ok(content) => return Ok(Webhook { content, verified }),
        Err(why) => why.into_response(),
    };
    Err(unwanted(rejection).await)
}

/// What a rejection says in its body is kept up to here.
const CAUSE_BYTES_MAX: usize = 4096;

/// A rejection, whose words stay with the receiver.
async fn unwanted(rejection: Response) -> Refused {
    let (head, body) = rejection.into_parts();
    if let Some(own) = head.extensions.get::<Refused>() {
        return own.clone();
    }
    // A body without a known length may never end.
    let length = body.size_hint().exact().and_then(|length| usize::try_from(length).ok());
    let words = match length {
        Some(1..=CAUSE_BYTES_MAX) => body::read(&head.headers, body, CAUSE_BYTES_MAX).await.ok(),
        _ => None,
    };
    let cause = words.and_then(|words| Cause::new(&String::from_utf8_lossy(&words)));
    Refused::Unwanted { status: head.status, cause }
}

fn unread(status: StatusCode) -> Refused {
    if status == StatusCode::PAYLOAD_TOO_LARGE { Refused::TooLarge } else { Refused::Unreadable }
}

/// The status, with an empty body. The reason is in the response's extensions, where a layer
/// of the receiver can read it.
impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut answer: Response = self.answer();
        answer.extensions_mut().insert(self);
        answer
    }
}

/// The result of a [`VerifyLayer`](super::tower::VerifyLayer) or [`Webhook`]. If neither is in
/// front of the handler, the response is a 500 with an empty body, so that no request is taken
/// for verified by mistake.
impl<S: Sync> FromRequestParts<S> for Verified<Bytes> {
    type Rejection = Refused;

    async fn from_request_parts(head: &mut Parts, _: &S) -> Result<Self, Refused> {
        head.extensions.get().cloned().ok_or(Refused::NotVerified)
    }
}
