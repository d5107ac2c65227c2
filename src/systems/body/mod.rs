//! Reading the bodies of the built-in systems.
//!
//! Reading comes after verifying, from the same bytes. The three systems' bodies are read as
//! openly as those systems write them: an unknown kind of event is a variant of its own, and
//! an unknown key stays as the [`Json`] text that it was, in the order in which it came. A
//! documented key that is absent reads like one that is `null`, and is written as `null`.
//! LiveChat's bodies are read and never written: there the whole body stays beside the types
//! instead.
//!
//! A body that is not JSON, is nested deeper than [`DEPTH_MAX`], or has another shape where a
//! shape is documented, gives a [`PayloadError`] that names the place. Bytes are only
//! borrowed, so that a receiver still has what it could not read.

pub(crate) mod json;
mod moment;

pub use json::{DEPTH_MAX, Extra, Json};
pub use moment::Moment;

/// A body that has not the documented shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// It is not JSON in UTF-8.
    #[error("body: must be valid JSON; reading stopped at byte {at}: expected {expected}")]
    NotJson {
        /// Where reading stopped.
        at: usize,
        /// What was expected there.
        expected: &'static str,
    },
    /// It is nested deeper than [`DEPTH_MAX`].
    #[error("body: must be nested at most 128 levels deep")]
    TooDeep,
    /// A field breaks its rule.
    #[error("{field}: {rule}")]
    Field {
        /// The way to it, such as `payload.visitor.email`.
        field: String,
        /// The rule.
        rule: &'static str,
    },
}

impl PayloadError {
    pub(crate) fn field(field: impl Into<String>, rule: &'static str) -> Self {
        Self::Field { field: field.into(), rule }
    }

    /// The same error, seen from the object that holds `outer`.
    pub(crate) fn inside(self, outer: &str) -> Self {
        match self {
            Self::Field { field, rule } => Self::Field { field: format!("{outer}.{field}"), rule },
            whole => whole,
        }
    }
}
