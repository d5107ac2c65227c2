//! Remembers ids in the receiver's own SQLite file, within the receiver's own transaction.

use std::time::Duration;

use rusqlite::{Connection, Error, Transaction, params};

use crate::id::EventId;
use crate::time::Timestamp;

use super::{Deduplicator, Sighting, WINDOW};

/// Remembers ids in the transaction that writes the event's effect: both are kept or neither
/// is. An event is thereby handled **exactly once**, despite crashes and with any number of
/// processes on the file.
///
/// Begin the transaction as `IMMEDIATE`: if several receivers handle one event, the others
/// then wait for the first to end; a deferred transaction may fail as busy instead. In both
/// cases only one handles it.
///
/// ```
/// use hookpost::Timestamp;
/// use hookpost::receive::{Deduplicator, Sighting, SqliteDeduplicator};
/// use rusqlite::{Connection, TransactionBehavior};
///
/// let mut database = Connection::open_in_memory()?;
/// database.execute_batch("CREATE TABLE paid (number INTEGER)")?;
/// SqliteDeduplicator::create_table(&database)?;
///
/// for attempt in 1..=2 {
///     let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
///     let seen = SqliteDeduplicator::within(&transaction, "shop");
///     if let Sighting::New(()) = seen.see(&"msg-1".parse()?, Timestamp::EPOCH)? {
///         transaction.execute("INSERT INTO paid VALUES (7)", [])?;
///     }
///     transaction.commit()?;
/// }
/// let paid: i64 = database.query_row("SELECT count(*) FROM paid", [], |row| row.get(0))?;
/// assert_eq!(paid, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SqliteDeduplicator<'t> {
    transaction: &'t Transaction<'t>,
    sender: &'t str,
    window: Duration,
}

/// How many ids that are past their window go with each new one: more than come, so that
/// the table shrinks to the window, and few, so that no receiver waits.
const FORGOTTEN_AT_ONCE: i64 = 16;

impl<'t> SqliteDeduplicator<'t> {
    /// Creates the table of the ids, `hookpost_received`, unless it exists.
    ///
    /// # Errors
    /// If SQLite returns an error.
    pub fn create_table(database: &Connection) -> Result<(), Error> {
        database.execute_batch(
            "CREATE TABLE IF NOT EXISTS hookpost_received (
               sender  TEXT    NOT NULL,
               id      TEXT    NOT NULL,
               seen_at INTEGER NOT NULL,
               PRIMARY KEY (sender, id)
             ) WITHOUT ROWID;
             CREATE INDEX IF NOT EXISTS hookpost_received_seen_at ON hookpost_received (sender, seen_at);",
        )
    }

    /// Remembers this sender's ids for [`WINDOW`], in this transaction.
    #[must_use]
    pub const fn within(transaction: &'t Transaction<'t>, sender: &'t str) -> Self {
        Self { transaction, sender, window: WINDOW }
    }

    /// Remembers each id for this long.
    #[must_use]
    pub const fn window(self, window: Duration) -> Self {
        Self { window, ..self }
    }

    /// Only this sender's: another's window may be longer.
    fn forget_before(&self, end: Timestamp) -> Result<(), Error> {
        let forget = "DELETE FROM hookpost_received WHERE sender = ?1 AND id IN (
                        SELECT id FROM hookpost_received
                         WHERE sender = ?1 AND seen_at < ?2 ORDER BY seen_at LIMIT ?3)";
        let mut forget = self.transaction.prepare_cached(forget)?;
        forget.execute(params![self.sender, end.as_micros(), FORGOTTEN_AT_ONCE]).map(drop)
    }
}

impl Deduplicator for SqliteDeduplicator<'_> {
    type Handling = ();
    type Error = Error;

    fn see(&self, id: &EventId, now: Timestamp) -> Result<Sighting<()>, Error> {
        let end = now - self.window;
        self.forget_before(end)?;
        let see = "INSERT INTO hookpost_received (sender, id, seen_at) VALUES (?1, ?2, ?3)
                   ON CONFLICT (sender, id) DO UPDATE SET seen_at = excluded.seen_at WHERE seen_at < ?4";
        let mut see = self.transaction.prepare_cached(see)?;
        let written = see.execute(params![self.sender, id.as_str(), now.as_micros(), end.as_micros()])?;
        Ok(if written == 0 { Sighting::Seen } else { Sighting::New(()) })
    }
}
