//! What a verification proved.

use std::fmt;

use crate::id::EventId;
use crate::time::Timestamp;

/// A request that was verified. Nothing else makes one, and it holds only what a
/// signature covers, where there is one: other headers, path and query may be anybody's.
///
/// Its `Debug` leaves the body out, which may hold a key.
#[derive(Clone, PartialEq, Eq)]
pub struct Verified<T> {
    pub(super) body: T,
    pub(super) id: Option<EventId>,
    pub(super) timestamp: Option<Timestamp>,
    pub(super) proof: Proof,
}

/// What stands behind a [`Verified`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Proof {
    /// A signature by a secret of the verifier.
    Signed {
        /// The secret's position among those the verifier was given, from 0: a sender
        /// still at an older position has not changed over yet.
        secret: usize,
    },
    /// A secret that stands in the body. It covers nothing: whoever has seen one body of
    /// the sender's can write any other.
    Key {
        /// The secret's position among those of the body's action, from 0.
        secret: usize,
    },
    /// Nothing: the verifier was made to trust every request.
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
    /// The body, as it was received.
    pub const fn body(&self) -> &T {
        &self.body
    }

    /// The body, as it was received.
    pub fn into_body(self) -> T {
        self.body
    }

    /// The event's id, where the scheme signs it.
    pub const fn id(&self) -> Option<&EventId> {
        self.id.as_ref()
    }

    /// When it was signed, where the scheme signs that; cut to what can be written.
    pub const fn timestamp(&self) -> Option<Timestamp> {
        self.timestamp
    }

    /// What stands behind it.
    pub const fn proof(&self) -> Proof {
        self.proof
    }
}
