//! Why a request was rejected, and what its sender is told.

use std::error::Error;
use std::sync::Arc;

use http::header::ALLOW;
use http::{HeaderValue, Method, Response, StatusCode};

use crate::sign::VerifyError;

/// Why a request was rejected, for the receiver's own log. The sender gets only the
/// [`status`](Self::status).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The method is not POST, by which webhooks are sent.
    #[error("method: must be POST")]
    Method,
    /// The content type is missing, occurs twice, or is not one of those allowed.
    #[error("header content-type: must occur once, and be one of those that the receiver takes")]
    MediaType,
    /// The body is longer than the receiver's limit. The rest of it was not read.
    #[error("body: must not be longer than the receiver takes")]
    TooLarge,
    /// The body broke off, or its framing was wrong.
    #[error("body: must arrive whole (it broke off, or its framing was wrong)")]
    Unreadable,
    /// The request is not proven to come from the holder of the secret.
    #[error(transparent)]
    Unproven(#[from] VerifyError),
    /// The request is authentic, but the extractor that should read it rejected it.
    #[error("body: was verified, and rejected with {status} by what reads it{}", said(cause.as_ref()))]
    Unwanted {
        /// The status of the rejection.
        status: StatusCode,
        /// The text of the rejection, such as `missing field "order"`, which is also in the
        /// text of this error. It may contain parts of the body.
        cause: Option<Cause>,
    },
    /// Nothing verified the request: there is neither a
    /// [`VerifyLayer`](super::tower::VerifyLayer) nor an extractor in front of the handler.
    #[error(
        "request: was verified by nothing: put a VerifyLayer in front of the handler, or let it take a Webhook"
    )]
    NotVerified,
}

/// The reason why an authentic body was rejected, as a text. Two are equal if their texts are.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{words}")]
pub struct Cause {
    words: String,
    error: Option<Arc<dyn Error + Send + Sync>>,
}

impl Cause {
    /// Creates a cause from the text of a rejection, also for your own extractor; `None` if
    /// the text is empty.
    #[must_use]
    pub fn new(words: &str) -> Option<Self> {
        let words = words.trim();
        (!words.is_empty()).then(|| Self { words: words.to_owned(), error: None })
    }

    /// Creates a cause from an error and its text, for your own extractor.
    pub fn of(error: impl Error + Send + Sync + 'static) -> Self {
        Self { words: error.to_string(), error: Some(Arc::new(error)) }
    }

    /// The error that rejected the body, such as a `PayloadError` of the built-in
    /// integrations; `None` if there was only a text.
    #[must_use]
    pub fn get_ref(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.error.as_deref()
    }
}

impl PartialEq for Cause {
    fn eq(&self, other: &Self) -> bool {
        self.words == other.words
    }
}

impl Eq for Cause {}

fn said(cause: Option<&Cause>) -> String {
    cause.map(|cause| format!(": {cause}")).unwrap_or_default()
}

impl Refused {
    /// The status for the sender: 405, 415, 413, 400 or 401, or the extractor's own if the
    /// request was authentic. A missing layer is the receiver's own fault: 500. Every kind of
    /// [`Unproven`](Self::Unproven) is the same 401: different statuses would help a forger.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unreadable => StatusCode::BAD_REQUEST,
            Self::Unproven(_) => StatusCode::UNAUTHORIZED,
            Self::Unwanted { status, .. } => *status,
            Self::NotVerified => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The response, with an empty body. RFC 9110 requires a 405 to name the allowed methods.
    pub(super) fn answer<B: Default>(&self) -> Response<B> {
        let mut answer = Response::new(B::default());
        *answer.status_mut() = self.status();
        if *self == Self::Method {
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static(Method::POST.as_str()));
        }
        answer
    }
}
