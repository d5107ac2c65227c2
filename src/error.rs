//! What a store can refuse. The other areas keep their errors beside their code.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// A foreign error whose type stays out of this crate's interface.
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// What a store's failure means for the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// It cannot be reached now. The engine stops claiming and tries again.
    Unavailable,
    /// Somebody else holds what it needs. The engine tries again.
    Contended,
    /// No room: the disk, or a stated capacity. Nothing was written.
    Full,
    /// It may be read but not written. Nothing was written.
    ReadOnly,
    /// What it holds cannot be trusted. It is never repaired or recreated.
    Corrupt,
    /// Its schema is newer than this crate. Nothing was touched.
    NewerSchema,
    /// The linked database has a fault that loses data.
    UnsafeVersion,
    /// The answer was lost: the call may have been applied. `publish`, `settle`
    /// and `replay` are safe to repeat.
    InDoubt,
    /// What was asked for breaks a rule of the store.
    Invalid,
    /// Anything else.
    Other,
}

/// A store could not do what it was asked. It clones, because one failed batch
/// answers many callers.
#[derive(Debug, Clone)]
pub struct StoreError {
    kind: StoreErrorKind,
    what: String,
    source: Option<Arc<dyn Error + Send + Sync>>,
    /// Its text says already what the source says.
    tells_source: bool,
}

impl StoreError {
    /// A failure of that kind; `what` says what was refused, without secrets.
    pub fn new(kind: StoreErrorKind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), source: None, tells_source: false }
    }

    /// Keeps the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self.tells_source = false;
        self
    }

    /// Keeps the error that caused this one, where the text of this one says what that one
    /// says: a report of the whole chain of causes goes on behind it. [`get_ref`](Self::get_ref)
    /// has it as a value.
    #[must_use]
    pub fn with_told_source(self, source: impl Into<BoxError>) -> Self {
        Self { tells_source: true, ..self.with_source(source) }
    }

    /// The error that caused this one, also where the text of this one says it already.
    #[must_use]
    pub fn get_ref(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.source.as_deref()
    }

    /// The same error, whose text begins with where it happened.
    #[cfg(feature = "sqlite")]
    pub(crate) fn within(self, place: &str) -> Self {
        Self { what: format!("{place}: {}", self.what), ..self }
    }

    /// What the failure means.
    #[must_use]
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// Whether the same call may succeed later without anybody's help.
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
