//! Publishes events inside the host's own transaction.

use rusqlite::Connection;

use crate::backend::{Clock as _, Entropy as _, EntropyError};
use crate::delivery::{PublishAnswer, Published};
use crate::error::StoreError;
use crate::event::{EventError, NewEvent};
use crate::id::EventId;
use crate::os::{OsEntropy, SystemClock};
use crate::time::Timestamp;

use super::db::Db;
use super::failure::Failure;
use super::publish::{existing, insert_event, insert_unrouted};
use super::{row, sql};

/// Why an event could not be published in the host's transaction.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishInError {
    /// The event breaks a rule.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The file could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operating system gave no random numbers for the event's id.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// Publishes an event together with the host's own writes: it is stored when the transaction
/// on `db` is committed, and not stored if it is rolled back. The file must have been opened
/// as a [`SqliteStore`](super::SqliteStore) before.
///
/// An event without an id of its own gets a new one; the answer has it. A running engine finds
/// the event at its next poll, or immediately if you call `nudge` after the commit.
///
/// ```
/// # fn pay(db: &mut rusqlite::Connection) -> Result<(), Box<dyn std::error::Error>> {
/// use hookpost::NewEvent;
/// use hookpost::stores::sqlite::publish_in;
///
/// let host = db.transaction()?;
/// host.execute("UPDATE orders SET paid = 1 WHERE id = 7", [])?;
/// publish_in(&host, NewEvent::json("acme", "order.paid", r#"{"order":7}"#)?)?;
/// host.commit()?;
/// # Ok(())
/// # }
/// ```
///
/// An id or idempotency key that was used before adds nothing: the answer says whether the
/// existing event has the same content. If it has not, roll back or continue, as your program
/// requires.
///
/// # Errors
/// If the event breaks a rule, if its payload exceeds
/// [`payload_max`](super::SqliteBuilder::payload_max), or if the file cannot be written.
/// Nothing of the event is then written, and the transaction can continue.
pub fn publish_in(db: &Connection, event: NewEvent) -> Result<PublishAnswer, PublishInError> {
    let now = SystemClock::new().now();
    let mut random = [0; 10];
    OsEntropy.fill(&mut random)?;
    publish_in_at(db, event, EventId::from_parts(now, random), now)
}

/// [`publish_in`] with a time and an id of your own, such as those of a test. `id` is used if
/// the event has no id of its own; `now` is its creation time.
///
/// # Errors
/// Those of [`publish_in`].
pub fn publish_in_at(
    db: &Connection,
    event: NewEvent,
    id: EventId,
    now: Timestamp,
) -> Result<PublishAnswer, PublishInError> {
    let failed = |failure: Failure| failure.into_store_error("publishing in the host's transaction");
    let db = Db::host(db);
    let event = event.into_event(id, now, payload_max(&db).map_err(failed)?)?;
    let answer = in_savepoint(&db, |db| match insert_event(db, &event)? {
        Some(sequence) => {
            insert_unrouted(db, &event, sequence, true, now)?;
            Ok(PublishAnswer { id: event.id.clone(), published: Published::Stored })
        }
        None => existing(db, &event),
    });
    Ok(answer.map_err(failed)?)
}

fn payload_max(db: &Db<'_>) -> Result<usize, Failure> {
    let bytes = db.statement(sql::PUBLISH_PAYLOAD_MAX)?.query_row([], |row| Ok(row::natural(row, 0)))??;
    Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
}

/// Writes both rows or none, even if the host continues after an error.
fn in_savepoint<T>(db: &Db<'_>, work: impl FnOnce(&Db<'_>) -> Result<T, Failure>) -> Result<T, Failure> {
    let statement = |sql| db.prepare_cached(sql)?.execute([]);
    statement("SAVEPOINT hookpost_publish")?;
    let result = work(db);
    // After some errors SQLite has rolled back the host's whole transaction.
    if !db.is_autocommit() {
        if result.is_err() {
            statement("ROLLBACK TO hookpost_publish")?;
        }
        statement("RELEASE hookpost_publish")?;
    }
    result
}
