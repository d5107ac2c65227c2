//! A connection with its statements. Each statement is prepared once and found by its number.
//! Finding statements by text made publish, claim and settle over 1,000 lanes a fifth slower
//! (18,000 against 22,000 rows per second of the writer's time).

use std::cell::{RefCell, RefMut};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use rusqlite::{CachedStatement, Connection, PrepFlags, Statement};

use crate::delivery::UnreadableRow;

use super::damage::Damage;
use super::sql::{self, Sql};

/// A connection that runs this store's statements.
pub(super) struct Db<'c> {
    connection: &'c Connection,
    /// One slot per statement of the store; empty for a connection of the host.
    slots: Vec<RefCell<Option<Statement<'c>>>>,
    damage: Arc<Damage>,
}

impl<'c> Db<'c> {
    /// Wraps a connection of the store, for as long as its thread runs. Rows that cannot be read
    /// are noted in `damage`.
    pub(super) fn own(connection: &'c Connection, damage: Arc<Damage>) -> Self {
        Self { connection, slots: (0..sql::COUNT).map(|_| RefCell::new(None)).collect(), damage }
    }

    /// Wraps a connection of the host, for one call. The connection's own cache keeps statements.
    pub(super) fn host(connection: &'c Connection) -> Self {
        Self { connection, slots: Vec::new(), damage: Arc::default() }
    }

    /// Notes a row that cannot be read.
    pub(super) fn note(&self, row: UnreadableRow) {
        self.damage.note(row);
    }

    /// The statement, ready to run.
    pub(super) fn statement(&self, sql: Sql) -> rusqlite::Result<Prepared<'_, 'c>> {
        // A statement that is running already, or has no slot here, is prepared separately.
        let Some(mut slot) = self.slots.get(sql.slot).and_then(|slot| slot.try_borrow_mut().ok()) else {
            return self.connection.prepare_cached(sql.text).map(Prepared::Cached);
        };
        let statement = match slot.take() {
            Some(statement) => statement,
            // Statements that stay must not use up the small memory that is meant for short-lived ones.
            None => self.connection.prepare_with_flags(sql.text, PrepFlags::SQLITE_PREPARE_PERSISTENT)?,
        };
        Ok(Prepared::Slot(RefMut::map(slot, |slot| slot.insert(statement))))
    }
}

impl Deref for Db<'_> {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        self.connection
    }
}

/// A statement in its slot, or from the connection's cache.
pub(super) enum Prepared<'a, 'c> {
    Slot(RefMut<'a, Statement<'c>>),
    Cached(CachedStatement<'c>),
}

impl<'c> Deref for Prepared<'_, 'c> {
    type Target = Statement<'c>;
    fn deref(&self) -> &Statement<'c> {
        match self {
            Self::Slot(statement) => statement,
            Self::Cached(statement) => statement,
        }
    }
}

impl DerefMut for Prepared<'_, '_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Self::Slot(statement) => statement,
            Self::Cached(statement) => statement,
        }
    }
}
