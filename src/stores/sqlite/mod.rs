//! The embedded durable store, in a SQLite file of its own or of the host's.
//!
//! One thread writes, with one sync for all calls that wait; others read beside it.
//! What [`Store::publish`] says is stored is on disk.
//!
//! A file may be shared with the host and with other processes of this machine. The
//! store's tables begin with `hookpost_`; `user_version`, `application_id` and
//! `auto_vacuum` of the file stay as they are. **Opening turns the file to WAL mode, a
//! lasting change**, unless [`SqliteBuilder::rollback_journal`] was chosen.
//!
//! An event is published inside the host's own transaction by [`publish_in`], or from
//! any other client of the file by
//! `INSERT INTO hookpost_publish(event) VALUES (?1)` with one JSON text.

mod arrive;
mod claim;
mod claim_events;
mod failure;
mod lane;
mod open;
mod plain;
mod publish;
mod readers;
mod row;
mod schema;
mod settle;
mod sql;
mod writer;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::delivery::{ClaimRequest, Claims, Gate, GateChange, Publish, PublishAnswer, Settled, Settlement};
use crate::error::StoreError;
use crate::id::TenantId;
use crate::policy::lane::LaneChange;
use crate::seam::{Cipher, Class, Clock, Store};
use crate::time::Timestamp;

pub use open::SqliteBuilder;

use readers::Readers;
use writer::Writer;

/// A store in a SQLite file. See the [module](self).
pub struct SqliteStore {
    writer: Writer,
    readers: Readers,
    clock: Arc<dyn Clock>,
    cipher: Arc<dyn Cipher>,
    /// Whose event was claimed last: the next claim begins after that tenant.
    last_tenant: Arc<Mutex<Option<TenantId>>>,
}

impl SqliteStore {
    /// Opens or creates the file with the defaults of [`SqliteBuilder`]. `clock` gives
    /// the time that due times and leases are written in.
    ///
    /// # Errors
    /// As [`SqliteBuilder::open`].
    pub fn open(path: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        Self::builder(path, clock).open()
    }

    /// Opens a file with other settings than the defaults.
    pub fn builder(path: impl AsRef<Path>, clock: Arc<dyn Clock>) -> SqliteBuilder {
        SqliteBuilder::new(path.as_ref(), clock)
    }

    fn new(writer: Writer, readers: Readers, clock: Arc<dyn Clock>, cipher: Arc<dyn Cipher>) -> Self {
        Self { writer, readers, clock, cipher, last_tenant: Arc::default() }
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn now(&self) -> Result<Timestamp, StoreError> {
        Ok(self.clock.now())
    }

    async fn publish(
        &self,
        publishes: &[Publish],
        claim: Option<&ClaimRequest>,
        now: Timestamp,
    ) -> Result<(Vec<PublishAnswer>, Claims), StoreError> {
        let (publishes, claim) = (publishes.to_vec(), claim.cloned());
        self.writer.call("publishing", move |db| publish::publish(db, &publishes, claim.as_ref(), now)).await
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Claims, StoreError> {
        let (request, last_tenant) = (request.clone(), Arc::clone(&self.last_tenant));
        self.writer
            .call("claiming", move |db| {
                let mut last = last_tenant.lock().unwrap_or_else(PoisonError::into_inner);
                claim::claim(db, &request, &mut last)
            })
            .await
    }

    async fn settle(
        &self,
        settlements: &[Settlement],
        lanes: &[LaneChange],
        now: Timestamp,
    ) -> Result<Vec<Settled>, StoreError> {
        let (settlements, lanes) = (settlements.to_vec(), lanes.to_vec());
        self.writer.call("settling", move |db| settle::settle(db, &settlements, &lanes, now)).await
    }

    async fn gate(&self, changes: &[(Gate, GateChange)], now: Timestamp) -> Result<(), StoreError> {
        let _unused = (changes, now);
        Ok(())
    }

    async fn prune(&self, before: &[(Class, Timestamp)], limit: usize) -> Result<bool, StoreError> {
        let _unused = (before, limit);
        Ok(false)
    }

    /// Never returns: SQLite tells nobody. An engine learns of work that another
    /// process published when it next polls.
    async fn hint(&self) {
        std::future::pending().await
    }
}
