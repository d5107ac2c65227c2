//! A row of a store that cannot be read.

use std::fmt;

use serde::Serialize;

use crate::id::DeliveryId;

/// A row of a store that cannot be read. Its delivery or event waits until the row can be read
/// again, and no other row is affected.
///
/// It names the field and never shows the field's value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct UnreadableRow {
    /// The name of the table.
    pub table: &'static str,
    /// What identifies the row in its table, such as its number.
    pub key: String,
    /// The first field of the row that cannot be read.
    pub field: String,
    /// The id of the delivery, if the row is a delivery and its id can be read. The delivery
    /// can be cancelled by this id.
    pub delivery: Option<DeliveryId>,
}

/// `hookpost_delivery 17: its round cannot be read`
impl fmt::Display for UnreadableRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: its {} cannot be read", self.table, self.key, self.field)
    }
}
