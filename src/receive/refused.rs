//! Why a request was not let through, and the little that its sender is told.

use std::error::Error;
use std::sync::Arc;

use http::header::ALLOW;
use http::{HeaderValue, Method, Response, StatusCode};

use crate::sign::VerifyError;

/// Why a request did not reach the receiver: for its own log. The sender is told the
/// [`status`](Self::status) alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// Webhooks come by POST.
    #[error("method: must be POST")]
    Method,
    /// The content type is missing, came twice, or is none of those that were asked for.
    #[error("header content-type: must occur once, and be one of those that the receiver takes")]
    MediaType,
    /// The body is longer than the receiver takes. No more of it was read.
    #[error("body: must not be longer than the receiver takes")]
    TooLarge,
    /// The body broke off, or its framing was wrong.
    #[error("body: must arrive whole (it broke off, or its framing was wrong)")]
    Unreadable,
    /// It is not proven to come from who holds the secret.
    #[error(transparent)]
    Unproven(#[from] VerifyError),
    /// It is authentic, and the extractor that should read it rejected it.
    #[error("body: was verified, and rejected with {status} by what reads it{}", said(cause.as_ref()))]
    Unwanted {
        /// The status of the rejection.
        status: StatusCode,
        /// What the rejection said, such as `missing field "order"`, which is also in the
        /// text of this error. It may quote the body.
        cause: Option<Cause>,
    },
    /// Nothing verified the request: neither a
    /// [`VerifyLayer`](super::tower::VerifyLayer) nor an extractor stands in front.
    #[error(
        "request: was verified by nothing: put a VerifyLayer in front of the handler, or let it take a Webhook"
    )]
    NotVerified,
}

/// What rejected an authentic body, in its own words. Two are equal if their words are.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{words}")]
pub struct Cause {
    words: String,
    error: Option<Arc<dyn Error + Send + Sync>>,
}

impl Cause {
    /// The words of a rejection, also for a reader of your own; `None` where it has none.
    #[must_use]
    pub fn new(words: &str) -> Option<Self> {
        let words = words.trim();
        (!words.is_empty()).then(|| Self { words: words.to_owned(), error: None })
    }

    /// The words of an error, and the error itself, for an extractor of your own.
    pub fn of(error: impl Error + Send + Sync + 'static) -> Self {
        Self { words: error.to_string(), error: Some(Arc::new(error)) }
    }

    /// The error that rejected the body, such as a `PayloadError` of the
    /// built-in systems;
    /// `None` where there were words alone.
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
    /// What the sender is told: 405, 415, 413, 400 or 401, and the reader's own where the
    /// request was authentic. A missing layer is the receiver's own fault: 500. All that is
    /// [`Unproven`](Self::Unproven) is one 401: a status for each reason would tell a forger
    /// how far he got.
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

    /// The answer, with an empty body. RFC 9110 asks a 405 to name what is allowed.
    pub(super) fn answer<B: Default>(&self) -> Response<B> {
        let mut answer = Response::new(B::default());
        *answer.status_mut() = self.status();
        if *self == Self::Method {
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static(Method::POST.as_str()));
        }
        answer
    }
}
