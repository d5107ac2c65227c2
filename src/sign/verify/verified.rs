//! The result of a verification.

use std::fmt;

use crate::id::EventId;
use crate::time::Timestamp;

/// A request that was verified. Only a verifier creates one, and it contains only what a
/// signature covers, if there is one: other headers, path and query can be forged.
///
/// `Debug` does not show the body, which may contain a key.
#[derive(Clone, PartialEq, Eq)]
pub struct Verified<T> {
    pub(super) body: T,
    pub(super) id: Option<EventId>,
    pub(super) timestamp: Option<Timestamp>,
    pub(super) proof: Proof,
}

/// What proves that a [`Verified`] request is authentic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Proof {
    /// A signature made with a secret of the verifier.
    Signed {
        /// The position of the secret among those given to the verifier, from 0. A sender that
        /// still uses an older one has not changed over yet.
        secret: usize,
    },
    /// A secret in the body. It protects nothing else: anyone who has seen one body of the
    /// sender can write any other.
    Key {
        /// The position of the secret among those of the body's action, from 0.
        secret: usize,
    },
    /// Nothing: the verifier was told to trust every request.
    Unsigned,
}

impl<T> fmt::Debug for Verified<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("id", &self.id)
            .field("timestamp", &self.timestamp)
            .field("proof", &self.proof)
            .finish_non_exhaustive()
    }
}

impl<T> Verified<T> {
    /// The body as it was received.
    pub const fn body(&self) -> &T {
        &self.body
    }

    /// The body as it was received.
    pub fn into_body(self) -> T {
        self.body
    }

    /// The event's id; `None` if the scheme does not sign it.
    pub const fn id(&self) -> Option<&EventId> {
        self.id.as_ref()
    }

    /// When it was signed, limited to what can be represented; `None` if the scheme does not
    /// sign that.
    pub const fn timestamp(&self) -> Option<Timestamp> {
        self.timestamp
    }

    /// The proof that it is authentic.
    pub const fn proof(&self) -> Proof {
        self.proof
    }
}
