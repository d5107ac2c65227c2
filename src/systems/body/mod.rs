//! Reads the bodies of the built-in integrations.
//!
//! Read a body only after verifying it, from the same bytes. The three integrations accept
//! everything that may occur: an unknown kind of event is a separate variant, and an unknown
//! key is kept as its [`Json`] text, in the order received. A documented key that is absent is
//! read like one that is `null`, and is written as `null`. LiveChat's bodies are read and
//! never written: the whole body is kept beside the types instead.
//!
//! If a body is not JSON, is nested deeper than [`DEPTH_MAX`], or differs from a documented
//! shape, reading returns a [`PayloadError`] that names the place. The bytes are only
//! borrowed, so a receiver still has the body that it could not read.

pub(crate) mod json;
mod moment;

pub use json::{DEPTH_MAX, Extra, Json};
pub use moment::Moment;

/// Why a body does not have the documented shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// The body is not JSON in UTF-8.
    #[error("body: must be valid JSON; reading stopped at byte {at}: expected {expected}")]
    NotJson {
        /// The byte at which reading stopped.
        at: usize,
        /// What was expected at that byte.
        expected: &'static str,
    },
    /// The body is nested deeper than [`DEPTH_MAX`].
    #[error("body: must be nested at most 128 levels deep")]
    TooDeep,
    /// A field breaks its rule.
    #[error("{field}: {rule}")]
    Field {
        /// The path to the field, such as `payload.visitor.email`.
        field: String,
        /// The rule that the field breaks.
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
