//! The order in which a store accepted things.

use std::fmt;

/// A place in the order in which a store accepted events, replays and endpoints, and removed
/// endpoints.
///
/// The store assigns the numbers itself. Each is higher than all before, and none is used
/// twice, even after the row with the highest was removed. These numbers, and not times,
/// decide which events an endpoint gets, since a wall clock can be set back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(u64);

impl Sequence {
    /// The place before everything that a store numbers.
    pub const START: Self = Self(0);

    /// The place with this number.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// The number of the place.
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
