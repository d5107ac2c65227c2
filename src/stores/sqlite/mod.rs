//! The embedded durable store, in a SQLite file of its own or of the host's.
//!
//! One thread writes, with one sync for all calls that wait; others read beside it: some
//! for the engine alone, others for histories, lists and counts, where tenants take turns
//! and each call looks at a bounded number of rows.
//! What [`Store::publish`](crate::backend::Store::publish) says is stored is on disk.
//!
//! A file may be shared with the host and with other processes of this machine. The
//! store's tables begin with `hookpost_`; `user_version`, `application_id` and
//! `auto_vacuum` of the file stay as they are. **Opening turns the file to WAL mode, a
//! lasting change**, unless [`SqliteBuilder::rollback_journal`] was chosen or the linked
//! SQLite may damage a file in that mode.
//!
//! An event is published inside the host's own transaction by [`publish_in`], or from
//! any other client of the file by
//! `INSERT INTO hookpost_publish(event) VALUES (?1)` with one JSON text:
//!
#![doc = include_str!("../../../docs/publishing.md")]
#![doc = include_str!("../../../docs/sqlite.md")]

mod answer;
mod arrive;
mod bounded;
mod calls;
mod claim;
mod claim_due;
mod claim_events;
mod claim_turns;
mod damage;
mod db;
mod endpoint;
mod failure;
mod gate;
mod hints;
mod history;
mod host;
mod lane;
mod lane_check;
mod lane_line;
mod lane_row;
mod limiter;
mod line;
mod open;
mod panics;
mod plain;
mod prune;
mod publish;
mod queue;
mod readers;
mod registry;
mod repeat;
mod row;
#[cfg(test)]
mod row_writes;
mod schema;
mod sealed;
mod settle;
mod sql;
mod stats;
mod timeline;
mod version;
mod waiters;
mod writer;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::backend::{Cipher, Clock};
use crate::error::StoreError;

pub use host::{PublishInError, publish_in};
pub use open::SqliteBuilder;

use claim::LastTurns;
use damage::Damage;
use hints::Hints;
use lane::LaneKey;
use readers::Readers;
use writer::Writer;

/// A store in a SQLite file. See the [module](self).
pub struct SqliteStore {
    /// What the engine waits for: endpoints and subscribers.
    readers: Readers,
    /// What people wait for: history, lists, counts; each tenant in its turn.
    history: Readers,
    clock: Arc<dyn Clock>,
    time: timeline::OwnTime,
    journal: version::Journal,
    payload_max: usize,
    cipher: Arc<dyn Cipher>,
    /// Whether the cipher is a host's, which binds what it seals.
    seals: bool,
    /// Whose turn it is to be served.
    last_turns: Arc<Mutex<LastTurns>>,
    /// The rows that could not be read.
    damage: Arc<Damage>,
    /// What the engines of this process wait for.
    hints: Arc<Hints>,
    /// The last lane that was looked after.
    checked: Arc<Mutex<Option<LaneKey>>>,
    /// The last field, so that its thread ends after the readers: SQLite takes the log into
    /// the file only for a connection that closes alone.
    writer: Writer,
}

impl SqliteStore {
    /// Opens or creates the file with the defaults of [`SqliteBuilder`]. Due times and leases
    /// are written in the file's own time, which `clock` carries on: see
    /// [`timeline`](crate::policy::timeline).
    ///
    /// # Errors
    /// As [`SqliteBuilder::open`].
    pub fn open(path: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        Self::builder(path, clock).open()
    }

    /// Whether the file is in WAL mode, as it is by default. With a SQLite that may damage such
    /// a file, the default is the rollback journal, which is slower.
    #[must_use]
    pub fn uses_write_ahead_log(&self) -> bool {
        self.journal == version::Journal::WriteAhead
    }

    /// Opens a file with other settings than the defaults.
    pub fn builder(path: impl AsRef<Path>, clock: Arc<dyn Clock>) -> SqliteBuilder {
        SqliteBuilder::new(path.as_ref(), clock)
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("sqlite", &format_args!("{}", version::SqliteVersion::linked()))
            .field("journal", &self.journal)
            .finish_non_exhaustive()
    }
}
