//! Rows that cannot be read. Code that finds one skips it and notes it here. The next claim reports
//! it to the engine, once for each row.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Row;

use crate::delivery::UnreadableRow;
use crate::id::DeliveryId;

use super::failure::Failure;

/// The most rows that are reported. Further unreadable rows are skipped without a report.
const NAMED_MAX: usize = 10_000;

/// The rows that this store could not read since it was opened.
#[derive(Debug, Default)]
pub(super) struct Damage(Mutex<Noted>);

#[derive(Debug, Default)]
struct Noted {
    known: BTreeSet<UnreadableRow>,
    untold: Vec<UnreadableRow>,
}

impl Damage {
    /// Notes a row, unless it was noted before.
    pub(super) fn note(&self, row: UnreadableRow) {
        let mut noted = self.noted();
        if noted.known.len() < NAMED_MAX && noted.known.insert(row.clone()) {
            noted.untold.push(row);
        }
    }

    /// Takes the rows that were not reported yet.
    pub(super) fn untold(&self) -> Vec<UnreadableRow> {
        std::mem::take(&mut self.noted().untold)
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Separates an unreadable field from other failures: the field affects one row, and other failures
/// end the call.
pub(super) fn readable<T>(read: Result<T, Failure>) -> Result<Result<T, Cow<'static, str>>, Failure> {
    match read {
        Ok(value) => Ok(Ok(value)),
        Err(Failure::Stored(field)) => Ok(Err(field)),
        Err(failure) => Err(failure),
    }
}

/// A row of a table, by its number or its name.
pub(super) fn broken(table: &'static str, key: &impl ToString, field: Cow<'static, str>) -> UnreadableRow {
    UnreadableRow { table, key: key.to_string(), field: field.into_owned(), delivery: None }
}

/// A delivery's row, with its id if that can be read.
pub(super) fn broken_delivery(
    row: &Row<'_>,
    number: i64,
    id: usize,
    field: Cow<'static, str>,
) -> UnreadableRow {
    let delivery = row.get(id).map(DeliveryId::from_bytes).ok();
    UnreadableRow { delivery, ..broken("hookpost_delivery", &number, field) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_told_once_and_their_number_is_bounded() {
        let damage = Damage::default();
        let row = |number: usize| broken("hookpost_delivery", &number, "round".into());
        damage.note(row(1));
        damage.note(row(1));
        assert_eq!(damage.untold(), [row(1)]);
        damage.note(row(1));
        damage.note(row(2));
        assert_eq!(damage.untold(), [row(2)]);
        (0..2 * NAMED_MAX).for_each(|number| damage.note(row(number)));
        assert_eq!(damage.untold().len(), NAMED_MAX - 2);
    }
}
