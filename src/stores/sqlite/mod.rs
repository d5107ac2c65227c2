//! The embedded durable store, in its own SQLite file or in the host's.
//!
//! One thread writes, with one sync for all calls that wait. Other threads read meanwhile:
//! some only for the engine, others for histories, lists and counts, where tenants take turns
//! and each call looks at a bounded number of rows. Whatever
//! [`Store::publish`](crate::backend::Store::publish) reports as stored is on disk.
//!
//! A file may be shared with the host and with other processes of this machine. The store's
//! tables begin with `hookpost_`; `user_version`, `application_id` and `auto_vacuum` of the
//! file do not change. **Opening switches the file to WAL mode, which is permanent**, unless
//! [`SqliteBuilder::rollback_journal`] was chosen or the linked SQLite may damage a file in
//! that mode.
//!
//! To publish an event inside the host's own transaction, call [`publish_in`], or from any
//! other client of the file run `INSERT INTO hookpost_publish(event) VALUES (?1)` with one
//! JSON text:
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
#[cfg(test)]
mod endpoint_reads;
mod failure;
mod gate;
mod groups;
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
mod subscriptions;
mod timeline;
mod version;
mod waiters;
mod writer;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::backend::Clock;
use crate::error::StoreError;

pub use host::{PublishInError, publish_in, publish_in_at};
pub use open::SqliteBuilder;

use claim::LastTurns;
use damage::Damage;
use endpoint::EndpointReader;
use hints::Hints;
use lane::LaneKey;
use readers::Readers;
use writer::Writer;

/// A store in a SQLite file. See the [module](self).
pub struct SqliteStore {
    /// The readers for the engine: endpoints and subscribers.
    readers: Readers,
    /// The readers for people: history, lists and counts; tenants take turns.
    history: Readers,
    clock: Arc<dyn Clock>,
    time: timeline::OwnTime,
    journal: version::Journal,
    payload_max: usize,
    /// The reader of endpoints.
    endpoints: Arc<EndpointReader>,
    /// Whether the host has set a cipher, which binds what it seals.
    seals: bool,
    /// The turns that carry over from one claim to the next.
    last_turns: Arc<Mutex<LastTurns>>,
    /// The rows that could not be read.
    damage: Arc<Damage>,
    /// The hints for the engines of this process.
    hints: Arc<Hints>,
    /// The last lane that was checked.
    checked: Arc<Mutex<Option<LaneKey>>>,
    /// The last field, so that its thread ends after the readers: SQLite takes the log into
    /// the file only for a connection that closes alone.
    writer: Writer,
}

impl SqliteStore {
    /// Opens or creates the file with the defaults of [`SqliteBuilder`].
    ///
    /// # Errors
    /// Those of [`SqliteBuilder::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::builder(path).open()
    }

    /// Whether the file is in WAL mode, which is the default. With a SQLite that may damage
    /// such a file, the default is the rollback journal, which is slower.
    #[must_use]
    pub fn uses_write_ahead_log(&self) -> bool {
        self.journal == version::Journal::WriteAhead
    }

    /// Opens a file with other settings than the defaults.
    pub fn builder(path: impl AsRef<Path>) -> SqliteBuilder {
        SqliteBuilder::new(path.as_ref())
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
