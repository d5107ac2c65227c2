//! A row of a store that cannot be read.

use std::fmt;

use crate::id::DeliveryId;

/// A row of a store that cannot be read. Nothing is done about what it stands for until it
/// can be read again, and no other row is affected.
///
/// It names the field and never quotes its value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnreadableRow {
    /// The table.
    pub table: &'static str,
    /// What finds the row in its table, such as its number.
    pub key: String,
    /// The first field of it that cannot be read.
    pub field: String,
    /// The delivery, where the row is one and its id can be read: it can be cancelled by
    /// that id.
    pub delivery: Option<DeliveryId>,
}

/// `hookpost_delivery 17: its round cannot be read`
impl fmt::Display for UnreadableRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: its {} cannot be read", self.table, self.key, self.field)
    }
}
