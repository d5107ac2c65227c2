//! One call of the transport, as the history keeps it.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

use crate::id::Token;
use crate::policy::outcome::{NotSent, Unknown};
use crate::time::Timestamp;

/// One call of the transport, as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The lease it belongs to: a delivery has at most one attempt of a token.
    pub token: Token,
    /// When it began.
    pub began_at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// What came back.
    pub result: AttemptResult,
    /// Whether the profile counts it as success.
    pub success: bool,
    /// The beginning of the answer's body, where the profile keeps it.
    pub body: Bytes,
}

/// What came back, in brief.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptResult {
    /// An HTTP status.
    Status(StatusCode),
    /// The request did not leave.
    NotSent(NotSent),
    /// The request may have left.
    Unknown(Unknown),
}

/// `503`, `refused`, `timeout` …
impl fmt::Display for AttemptResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => f.write_str(status.as_str()),
            Self::NotSent(reason) => f.write_str(reason.as_str()),
            Self::Unknown(reason) => f.write_str(reason.as_str()),
        }
    }
}

/// An attempt as the history shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedAttempt {
    /// 1 for the first that was recorded.
    pub number: u32,
    /// What was recorded.
    pub attempt: Attempt,
}

/// A lease that ended without a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SilentLease {
    /// Its token.
    pub token: Token,
    /// When it was claimed.
    pub claimed_at: Timestamp,
}
