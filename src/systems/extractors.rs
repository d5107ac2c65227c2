//! Makes the bodies of the built-in integrations extractors of axum.

use axum_core::extract::{FromRequest, FromRequestParts, Request};
use http::StatusCode;

use crate::receive::{Cause, Refused};
use crate::sign::Verified;

use super::{live_chat, live_session, x_webhook};

/// Reads the bytes that were verified, which need not be the request's body any more. What
/// has another shape than its system documents is answered 422.
macro_rules! read_from_what_was_verified {
    ($($payload:ty),+) => { $(
        impl<S: Send + Sync> FromRequest<S> for $payload {
            type Rejection = Refused;

            async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
                let (mut head, _) = request.into_parts();
                let verified = Verified::from_request_parts(&mut head, state).await?;
                Self::read(verified.body()).map_err(|why| Refused::Unwanted {
                    status: StatusCode::UNPROCESSABLE_ENTITY,
                    cause: Some(Cause::of(why)),
                })
            }
        }
    )+ };
}

read_from_what_was_verified!(
    live_session::payload::LiveSessionBody,
    x_webhook::payload::XWebhookBody,
    live_chat::payload::LiveChatBody
);
