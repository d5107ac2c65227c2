//! The order in which a store took things in.

use std::fmt;

/// A place in the order in which a store took in events, replays and endpoints, and removed
/// endpoints.
///
/// The store numbers them itself, each higher than all before, and uses no number
/// twice, also after it removed what had the highest. Which event an endpoint gets is
/// decided by these numbers and not by times, since a wall clock can be set back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(u64);

impl Sequence {
    /// Before everything that a store numbers.
    pub const START: Self = Self(0);

    /// The place with this number.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
