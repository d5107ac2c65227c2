//! An extractor that verifies, for handlers of axum; built on axum-core alone.

use std::sync::Arc;
use std::time::SystemTime;

use axum_core::body::Body;
use axum_core::extract::{FromRef, FromRequest, FromRequestParts, Request};
use axum_core::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{Method, StatusCode};

use crate::payload::{live_chat, live_session, x_webhook};
use crate::time::Timestamp;
use crate::wire::verify::{Verified, Verifier};

use super::Refused;

/// A request that was verified, read by another extractor from the bytes that were
/// verified: `Webhook<Json<Order>>`, `Webhook<Bytes>`, or a type of
/// [`payload`](crate::payload).
///
/// The verifier is the state's, by [`FromRef`]: an `Arc<Verifier>`. The body is limited as
/// axum limits every body: to 2 MB, unless `DefaultBodyLimit` says otherwise. A handler that
/// also takes what was refused asks for `Result<Webhook<T>, Refused>`.
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
    /// What the other extractor read.
    pub content: T,
    /// The proof, with the event's id and the bytes as they came.
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
        let (head, body) = request.into_parts();
        if head.method != Method::POST {
            return Err(Refused::Method);
        }
        let bytes = Bytes::from_request(Request::from_parts(head.clone(), body), state)
            .await
            .map_err(|why| unread(why.status()))?;
        let now = Timestamp::from(SystemTime::now());
        let own = Arc::<Verifier>::from_ref(state);
        let verified = own.verify_with_query(head.uri.query(), &head.headers, bytes.clone(), now)?;
        let mut request = Request::from_parts(head, Body::from(bytes));
        request.extensions_mut().insert::<Verified<Bytes>>(verified.clone());
        let content = T::from_request(request, state)
            .await
            .map_err(|why| Refused::Unwanted(why.into_response().status()))?;
        Ok(Self { content, verified })
    }
}

fn unread(status: StatusCode) -> Refused {
    if status == StatusCode::PAYLOAD_TOO_LARGE { Refused::TooLarge } else { Refused::Unreadable }
}

/// Its status, with an empty body.
impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        self.answer()
    }
}

/// What a [`VerifyLayer`](super::tower::VerifyLayer) or [`Webhook`] verified. Where neither
/// stands in front the answer is a 500 with an empty body: nothing passes for verified by an
/// oversight.
impl<S: Sync> FromRequestParts<S> for Verified<Bytes> {
    type Rejection = StatusCode;

    async fn from_request_parts(head: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        head.extensions.get().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// Reads the bytes that were verified, which need not be the request's body any more. What
/// has another shape than its system documents is answered 422.
macro_rules! read_from_what_was_verified {
    ($($payload:ty),+) => { $(
        impl<S: Send + Sync> FromRequest<S> for $payload {
            type Rejection = StatusCode;

            async fn from_request(request: Request, state: &S) -> Result<Self, StatusCode> {
                let (mut head, _) = request.into_parts();
                let verified = Verified::from_request_parts(&mut head, state).await?;
                Self::read(verified.body()).map_err(|_| StatusCode::UNPROCESSABLE_ENTITY)
            }
        }
    )+ };
}

read_from_what_was_verified!(live_session::Body, x_webhook::Body, live_chat::Webhook);
