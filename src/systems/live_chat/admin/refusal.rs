//! The errors of LiveChat's API.

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
    /// The caller is not allowed to do that.
    Authorization,
    /// The thing already exists.
    AlreadyExists,
    /// The group does not exist.
    GroupNotFound,
    /// An internal fault of this service.
    Internal,
    /// The license has expired.
    LicenseExpired,
    /// A limit would be exceeded.
    LimitReached,
    /// Another region is responsible for this license.
    MisdirectedRequest,
    /// The thing does not exist.
    NotFound,
    /// The ownership cannot be transferred there.
    OwnershipTransfer,
    /// The caller sends too many requests.
    TooManyRequests,
    /// The version does not exist.
    UnsupportedVersion,
    /// The request breaks a rule.
    Validation,
}

impl ErrorType {
    /// The type as it is written in a response.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.words().0
    }

    /// The documented message, for use when there are no further details.
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

/// Why a call was refused. Nothing has changed then, unless the type is `internal`: a store
/// that fails half way may leave a part done. Repeating the call to enable, disable or
/// unregister completes it. A webhook whose registration could not be undone is listed, and
/// can be unregistered.
#[derive(Debug, thiserror::Error)]
#[error("{kind}: {message}")]
pub struct ApiError {
    /// The documented type of the error.
    pub kind: ErrorType,
    /// What is wrong, without any secret or URL.
    pub message: String,
    /// The region that is responsible, for [`ErrorType::MisdirectedRequest`].
    pub region: Option<String>,
    /// The error that caused it, for [`ErrorType::Internal`].
    #[source]
    pub source: Option<BoxError>,
}

impl ApiError {
    /// A refusal with the documented message of its type.
    #[must_use]
    pub fn new(kind: ErrorType) -> Self {
        Self { kind, message: kind.message().to_owned(), region: None, source: None }
    }

    /// A refusal because another region is responsible for this license.
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

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::internal(error)
    }
}

impl From<EndpointError> for ApiError {
    fn from(error: EndpointError) -> Self {
        Self::validation(error.to_string())
    }
}

/// If the caller broke a rule of the endpoint, the error says so; anything else is an internal
/// fault.
impl From<RegisterError> for ApiError {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Endpoint(error) => error.into(),
            other => Self::internal(other),
        }
    }
}

impl From<crate::backend::EntropyError> for ApiError {
    fn from(error: crate::backend::EntropyError) -> Self {
        Self::internal(error)
    }
}
