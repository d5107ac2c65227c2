//! What LiveChat's API answers when it refuses.

use std::fmt;

use crate::endpoint::EndpointError;
use crate::error::{BoxError, StoreError};
use crate::webhooks::RegisterError;

/// The documented error types of the Configuration API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorType {
    /// The access token is invalid or has expired.
    Authentication,
    /// The caller may not do that.
    Authorization,
    /// It is there already.
    AlreadyExists,
    /// There is no such group.
    GroupNotFound,
    /// Our own fault.
    Internal,
    /// The license has expired.
    LicenseExpired,
    /// It would be more than there may be.
    LimitReached,
    /// Another region answers for this license.
    MisdirectedRequest,
    /// There is no such thing.
    NotFound,
    /// Ownership cannot go there.
    OwnershipTransfer,
    /// The caller asks too often.
    TooManyRequests,
    /// There is no such version.
    UnsupportedVersion,
    /// The request breaks a rule.
    Validation,
}

impl ErrorType {
    /// The type as it stands in an answer.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.words().0
    }

    /// The documented message where nothing more can be said.
    #[must_use]
    pub const fn message(self) -> &'static str {
        self.words().1
    }

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Authentication => ("authentication", "Authentication error"),
            Self::Authorization => ("authorization", "Authorization error"),
            Self::AlreadyExists => ("already_exists", "Already exists"),
            Self::GroupNotFound => ("group_not_found", "Group not found"),
            Self::Internal => ("internal", "Internal server error"),
            Self::LicenseExpired => ("license_expired", "License expired"),
            Self::LimitReached => ("limit_reached", "Limit reached"),
            Self::MisdirectedRequest => ("misdirected_request", "Wrong region"),
            Self::NotFound => ("not_found", "Not found"),
            Self::OwnershipTransfer => ("ownership_transfer", "Invalid transfer ownership request"),
            Self::TooManyRequests => ("too_many_requests", "Too many requests"),
            Self::UnsupportedVersion => ("unsupported_version", "Cannot call unsupported API versions."),
            Self::Validation => ("validation", "Wrong format of request"),
        }
    }
}

impl fmt::Display for ErrorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A call was refused. Nothing has changed then, unless it is `internal`: a store that
/// fails half way may leave a part done. Switching or unregistering again completes it; a
/// webhook whose registration could not be taken back is listed, and can be unregistered.
#[derive(Debug, thiserror::Error)]
#[error("{kind}: {message}")]
pub struct Refusal {
    /// Its type.
    pub kind: ErrorType,
    /// What is wrong, without any secret or URL.
    pub message: String,
    /// The region that answers, of [`ErrorType::MisdirectedRequest`].
    pub region: Option<String>,
    /// What failed, of [`ErrorType::Internal`].
    #[source]
    pub source: Option<BoxError>,
}

impl Refusal {
    /// A refusal with the documented message of its type.
    #[must_use]
    pub fn new(kind: ErrorType) -> Self {
        Self { kind, message: kind.message().to_owned(), region: None, source: None }
    }

    /// Another region answers for this license.
    #[must_use]
    pub fn misdirected(region: impl Into<String>) -> Self {
        Self { region: Some(region.into()), ..Self::new(ErrorType::MisdirectedRequest) }
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::new(ErrorType::Validation) }
    }

    fn internal(source: impl Into<BoxError>) -> Self {
        Self { source: Some(source.into()), ..Self::new(ErrorType::Internal) }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::internal(error)
    }
}

impl From<EndpointError> for Refusal {
    fn from(error: EndpointError) -> Self {
        Self::validation(error.to_string())
    }
}

/// A rule of the endpoint's was broken by who asked; anything else is our own fault.
impl From<RegisterError> for Refusal {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Endpoint(error) => error.into(),
            other => Self::internal(other),
        }
    }
}

impl From<crate::backend::EntropyError> for Refusal {
    fn from(error: crate::backend::EntropyError) -> Self {
        Self::internal(error)
    }
}
