//! One call of the transport, as the history records it.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde::{Serialize, Serializer};

use crate::as_text::serialize_as_text;
use crate::id::Token;
use crate::policy::outcome::{NotSent, Unknown};
use crate::time::Timestamp;

/// The record of one call of the transport. As JSON it has `took_ms`, in whole milliseconds, and
/// its body as text, and leaves out the token, which is a right to settle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// The token of the lease that it belongs to. A delivery has at most one attempt per
    /// token.
    #[serde(skip)]
    pub token: Token,
    /// When the attempt began.
    pub began_at: Timestamp,
    /// How long the attempt took.
    #[serde(rename = "took_ms", serialize_with = "as_millis")]
    pub took: Duration,
    /// The response's status, or the reason why there is none.
    pub result: AttemptResult,
    /// Whether the profile counts the result as a success.
    pub success: bool,
    /// The beginning of the response's body, if the profile keeps it.
    #[serde(serialize_with = "as_lossy_text")]
    pub body: Bytes,
}

/// A span of time, as a number of whole milliseconds.
pub(crate) fn as_millis<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}

/// A body, as the text that it is or nearly is.
pub(crate) fn as_lossy_text<S: Serializer>(body: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(body))
}

/// The result of an attempt: an HTTP status, or the reason why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptResult {
    /// The HTTP status of the response.
    Status(StatusCode),
    /// The request was not sent, for this reason.
    NotSent(NotSent),
    /// The request may have been sent, but there is no response, for this reason.
    Unknown(Unknown),
}

/// `503`, `connection_refused`, `timeout` …
impl fmt::Display for AttemptResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => f.write_str(status.as_str()),
            Self::NotSent(reason) => f.write_str(reason.as_str()),
            Self::Unknown(reason) => f.write_str(reason.as_str()),
        }
    }
}

serialize_as_text!(AttemptResult);

/// An attempt with its number, as the history returns it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordedAttempt {
    /// The number of the attempt; the first recorded one is 1.
    pub number: u32,
    /// The record of the attempt.
    #[serde(flatten)]
    pub attempt: Attempt,
}

/// A lease that expired before anything was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SilentLease {
    /// The token of the lease.
    #[serde(skip)]
    pub token: Token,
    /// When the delivery was claimed under it.
    pub claimed_at: Timestamp,
}
