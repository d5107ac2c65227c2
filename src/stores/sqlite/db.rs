//! A connection with its statements, each prepared once and found by its number.
//! Looking them up by their texts made 1,000 lanes' publish, claim and settle a fifth
//! slower (18,000 against 22,000 rows per second of the writer's time).

use std::cell::{RefCell, RefMut};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use rusqlite::{CachedStatement, Connection, PrepFlags, Statement};

use crate::delivery::UnreadableRow;

use super::damage::Damage;
use super::sql::{self, Sql};

/// A connection that this store's statements run on.
pub(super) struct Db<'c> {
    connection: &'c Connection,
    /// One per statement of the store; none on a connection of the host's.
    slots: Vec<RefCell<Option<Statement<'c>>>>,
    damage: Arc<Damage>,
}

impl<'c> Db<'c> {
    /// A connection of the store's own, for as long as its thread lives. Rows that cannot be
    /// read are noted in `damage`.
    pub(super) fn own(connection: &'c Connection, damage: Arc<Damage>) -> Self {
        Self { connection, slots: (0..sql::COUNT).map(|_| RefCell::new(None)).collect(), damage }
    }

    /// A connection of the host's, for one call; its own cache keeps the statements.
    pub(super) fn host(connection: &'c Connection) -> Self {
        Self { connection, slots: Vec::new(), damage: Arc::default() }
    }

    /// Notes a row that cannot be read.
    pub(super) fn note(&self, row: UnreadableRow) {
        self.damage.note(row);
    }

    /// The statement, ready to run.
    pub(super) fn statement(&self, sql: Sql) -> rusqlite::Result<Prepared<'_, 'c>> {
        // A statement that is running already, or has no slot here, is prepared apart.
        let Some(mut slot) = self.slots.get(sql.slot).and_then(|slot| slot.try_borrow_mut().ok()) else {
            return self.connection.prepare_cached(sql.text).map(Prepared::Cached);
        };
        let statement = match slot.take() {
            Some(statement) => statement,
            // Statements that stay must not fill the small memory for those that run.
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
