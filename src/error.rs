//! The error of a value that breaks a rule, and the errors of a store. Other errors are defined
//! beside their code.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Any error whose type is not part of this crate's interface.
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// A value that breaks a rule of its type: of a retry policy, a limit, a scheme, a verifier, a
/// profile or a text that is parsed. It never holds the value. A host's own types may use it.
///
/// ```
/// use hookpost::policy::retry::Schedule;
/// use std::time::Duration;
///
/// let error = Schedule::list([Duration::ZERO]).map_err(|error| error.to_string());
/// assert_eq!(error, Err("schedule: must be between 1 microsecond and 366 days".to_owned()));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule}")]
pub struct Invalid {
    /// The name of the setting or part.
    pub field: &'static str,
    /// The rule that it breaks, such as `must be at most 100`.
    pub rule: &'static str,
}

/// The kind of a store's failure, which determines what the engine does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store cannot be reached now. The engine stops claiming and tries again.
    Unavailable,
    /// Another process or thread holds what the store needs. The engine tries again.
    Contended,
    /// The disk or a configured capacity is full. Nothing was written.
    Full,
    /// The store can be read but not written. Nothing was written.
    ReadOnly,
    /// The stored data cannot be trusted. The store is never repaired or recreated.
    Corrupt,
    /// The store's schema is newer than this crate. Nothing was changed.
    NewerSchema,
    /// The linked database library has a fault that loses data.
    UnsafeVersion,
    /// The answer was lost: the call may or may not have been applied. `publish`, `settle` and
    /// `replay` are safe to repeat.
    InDoubt,
    /// The request breaks a rule of the store.
    Invalid,
    /// Any other failure.
    Other,
}

/// An error of a store. It can be cloned, because one failed batch answers many callers.
#[derive(Debug, Clone)]
pub struct StoreError {
    kind: StoreErrorKind,
    what: String,
    source: Option<Arc<dyn Error + Send + Sync>>,
    /// Its text says already what the source says.
    tells_source: bool,
}

impl StoreError {
    /// An error of that kind. `what` describes the failure, without secrets.
    pub fn new(kind: StoreErrorKind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), source: None, tells_source: false }
    }

    /// Sets the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self.tells_source = false;
        self
    }

    /// Sets the error that caused this one, if this error's text already contains the text of
    /// the cause. [`source`](Error::source) then skips the cause and returns the cause's own
    /// source; [`get_ref`](Self::get_ref) returns the cause.
    #[must_use]
    pub fn with_told_source(self, source: impl Into<BoxError>) -> Self {
        Self { tells_source: true, ..self.with_source(source) }
    }

    /// The error that caused this one, even if this error's text already contains its text.
    #[must_use]
    pub fn get_ref(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.source.as_deref()
    }

    /// The same error, with the place where it happened at the beginning of its text.
    #[cfg(feature = "sqlite")]
    pub(crate) fn within(self, place: &str) -> Self {
        Self { what: format!("{place}: {}", self.what), ..self }
    }

    /// The kind of the failure.
    #[must_use]
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// Whether the same call may succeed later without any action.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self.kind, StoreErrorKind::Unavailable | StoreErrorKind::Contended | StoreErrorKind::InDoubt)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref()?;
        if self.tells_source { source.source() } else { Some(source) }
    }
}
