//! The meanings of SQLite's errors.

use std::borrow::Cow;

use rusqlite::ErrorCode;

use crate::endpoint::EndpointError;
use crate::error::{StoreError, StoreErrorKind};
use crate::id::IdError;

/// Why a statement or a row failed, before the error says what the store was doing.
#[derive(Debug)]
pub(super) enum Failure {
    /// SQLite returned an error.
    Sqlite(rusqlite::Error),
    /// A stored value breaks the rule that it was written by. Only its row is affected: the other
    /// rows of the call can be read.
    Stored(Cow<'static, str>),
    /// The store itself refused the call.
    Refused(StoreError),
}

impl Failure {
    /// A failure because the stored value `what` breaks its rule.
    pub(super) fn stored(what: impl Into<Cow<'static, str>>) -> Self {
        Self::Stored(what.into())
    }

    /// The error for the caller; `during` says what the store was doing.
    pub(super) fn into_store_error(self, during: &'static str) -> StoreError {
        match self {
            Self::Refused(error) => error,
            failure => failure.into_rule().within(&format!("SQLite, {during}")),
        }
    }

    /// The error without what the store was doing, for a caller that adds it.
    pub(super) fn into_rule(self) -> StoreError {
        match self {
            Self::Sqlite(error) => {
                let (kind, rule) = meaning(&error);
                StoreError::new(kind, rule).with_source(error)
            }
            Self::Stored(what) => {
                StoreError::new(StoreErrorKind::Corrupt, format!("a stored {what} breaks its rule"))
            }
            Self::Refused(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl From<IdError> for Failure {
    fn from(error: IdError) -> Self {
        Self::stored(error.what)
    }
}

impl From<EndpointError> for Failure {
    fn from(_: EndpointError) -> Self {
        Self::stored("endpoint")
    }
}

/// The error for the caller, without its source.
pub(super) fn explain(error: &rusqlite::Error, during: &'static str) -> StoreError {
    let (kind, rule) = meaning(error);
    StoreError::new(kind, format!("SQLite, {during}: {rule}"))
}

fn meaning(error: &rusqlite::Error) -> (StoreErrorKind, &'static str) {
    let Some(code) = error.sqlite_error_code() else {
        return match error {
            rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..) => {
                (StoreErrorKind::Corrupt, "a stored value has the wrong type")
            }
            _ => (StoreErrorKind::Other, "the statement failed"),
        };
    };
    match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            (StoreErrorKind::Contended, "somebody else holds the file's lock")
        }
        ErrorCode::DiskFull => (StoreErrorKind::Full, "no room for more"),
        ErrorCode::ReadOnly => (StoreErrorKind::ReadOnly, "the file or its directory cannot be written"),
        ErrorCode::DatabaseCorrupt => (StoreErrorKind::Corrupt, "the file is damaged"),
        ErrorCode::NotADatabase => (StoreErrorKind::Corrupt, "the file is not an SQLite database"),
        ErrorCode::SystemIoFailure => (StoreErrorKind::Unavailable, "the disk failed"),
        ErrorCode::CannotOpen => (StoreErrorKind::Unavailable, "the file cannot be opened"),
        ErrorCode::OutOfMemory => (StoreErrorKind::Unavailable, "no memory"),
        _ => (StoreErrorKind::Other, "the statement failed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_result_code_that_a_host_can_cure_has_its_own_kind() {
        // Primary and extended codes of https://sqlite.org/rescode.html.
        for (code, kind) in [
            (5, StoreErrorKind::Contended),
            (517, StoreErrorKind::Contended),
            (6, StoreErrorKind::Contended),
            (13, StoreErrorKind::Full),
            (8, StoreErrorKind::ReadOnly),
            (1544, StoreErrorKind::ReadOnly),
            (11, StoreErrorKind::Corrupt),
            (779, StoreErrorKind::Corrupt),
            (26, StoreErrorKind::Corrupt),
            (10, StoreErrorKind::Unavailable),
            (14, StoreErrorKind::Unavailable),
            (1, StoreErrorKind::Other),
        ] {
            let error = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
            assert_eq!(explain(&error, "testing").kind(), kind, "{code}");
        }
    }

    #[test]
    fn a_failure_keeps_its_source_and_says_what_was_done() {
        let error = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(13), None);
        let error = Failure::from(error).into_store_error("publishing");
        assert_eq!(error.to_string(), "SQLite, publishing: no room for more");
        assert!(std::error::Error::source(&error).is_some());
    }
}
