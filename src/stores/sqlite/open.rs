//! Opens a file: what is refused, what is set, and what is not changed.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::backend::{Cipher, Clock, IntoShared};
use crate::error::{StoreError, StoreErrorKind};
use crate::os::SystemClock;

use super::SqliteStore;
use super::bounded::Bounded;
use super::damage::Damage;
use super::endpoint::EndpointReader;
use super::failure::Failure;
use super::line::Order;
use super::plain::Plain;
use super::readers::Readers;
use super::schema;
use super::timeline::OwnTime;
use super::version::{Journal, SqliteVersion};
use super::writer::Writer;

/// The options for opening a file; created by [`SqliteStore::builder`].
#[must_use]
pub struct SqliteBuilder {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    cipher: Option<Arc<dyn Cipher>>,
    cipher_timeout: Duration,
    readers: NonZeroUsize,
    journal: Journal,
    synchronous: Synchronous,
    busy_timeout: Duration,
    file_size_max: Option<u64>,
    payload_max: Option<usize>,
    danger_wal_reset_bug: bool,
    /// The version of the SQLite that is linked.
    version: SqliteVersion,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Synchronous {
    Full,
    Normal,
}

impl fmt::Debug for SqliteBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteBuilder")
            .field("readers", &self.readers)
            .field("journal", &self.journal)
            .field("synchronous", &self.synchronous)
            .field("busy_timeout", &self.busy_timeout)
            .finish_non_exhaustive()
    }
}

impl SqliteBuilder {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            clock: Arc::new(SystemClock::new()),
            cipher: None,
            cipher_timeout: Duration::from_secs(1),
            readers: NonZeroUsize::MIN.saturating_add(1),
            journal: Journal::WriteAhead,
            synchronous: Synchronous::Full,
            busy_timeout: Duration::from_secs(5),
            file_size_max: None,
            payload_max: None,
            danger_wal_reset_bug: false,
            version: SqliteVersion::linked(),
        }
    }

    /// Replaces the clocks of this machine, which advance the store's time: see
    /// [`timeline`](crate::policy::timeline).
    pub fn clock<How>(mut self, clock: impl IntoShared<dyn Clock, How>) -> Self {
        self.clock = clock.into_shared();
        self
    }

    /// Seals secrets and header values with this cipher. Without one they are stored as plain
    /// text, and anyone who can read the file can read them.
    pub fn cipher<How>(mut self, cipher: impl IntoShared<dyn Cipher, How>) -> Self {
        self.cipher = Some(cipher.into_shared());
        self
    }

    /// Sets how long to wait for a call of the cipher; the default is 1 second. After that,
    /// the cipher counts as unreachable for the endpoint and for each endpoint of its tenant
    /// until the call returns.
    pub const fn cipher_timeout(mut self, timeout: Duration) -> Self {
        self.cipher_timeout = timeout;
        self
    }

    /// Sets the number of threads that read for the engine. The same number reads histories,
    /// lists and counts. The default is two, so four threads in all.
    pub const fn readers(mut self, readers: NonZeroUsize) -> Self {
        self.readers = readers;
        self
    }

    /// Sets how long a call waits for a lock that another connection holds, before it fails as
    /// contended; the default is 5 seconds.
    pub const fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// Sets the largest size of the file, in bytes, including the host's own tables. Whatever
    /// would make it larger is refused as full. By default only the disk limits the size.
    pub const fn file_size_max(mut self, bytes: u64) -> Self {
        self.file_size_max = Some(bytes);
        self
    }

    /// Sets the largest payload, in bytes, however it is published: by `Webhooks::publish`, by
    /// [`publish_in`](super::publish_in) or by SQL. The limit is stored in the file and
    /// applies to every client; in a new file it is 1 MiB. Stores that are already open use
    /// the old limit for `Webhooks::publish` until they are opened again.
    pub const fn payload_max(mut self, bytes: usize) -> Self {
        self.payload_max = Some(bytes);
        self
    }

    /// Keeps the file on SQLite's rollback journal, or switches it back to that. This is
    /// slower, and readers and the writer wait for each other. With a SQLite that may damage a
    /// file in WAL mode, this is the default for a file that is not yet in that mode.
    pub const fn rollback_journal(mut self) -> Self {
        self.journal = Journal::Rollback;
        self
    }

    /// Commits without waiting for the disk. A crash of the machine may then lose events that
    /// were published, but never damages the file.
    pub const fn danger_commit_without_sync(mut self) -> Self {
        self.synchronous = Synchronous::Normal;
        self
    }

    /// Opens in WAL mode even with a SQLite that may damage the file
    /// (<https://sqlite.org/wal.html#walresetbug>).
    pub const fn danger_accept_wal_reset_bug(mut self) -> Self {
        self.danger_wal_reset_bug = true;
        self
    }

    /// Opens the file, and creates it or the store's tables if they are missing. On Unix, a
    /// new file and its log can be read and written only by their owner; an existing file
    /// keeps its permissions. Deleted data is overwritten, so a secret that was replaced or
    /// removed is in none of the files once all stores on the file are closed.
    ///
    /// It reads and writes the disk, and waits for other processes that are opening the file.
    ///
    /// # Errors
    /// `UnsafeVersion` for a file in WAL mode and a SQLite with the WAL-reset bug;
    /// `NewerSchema` for tables of a later version; `ReadOnly`, `Corrupt`, `Full`, `Contended`
    /// or `Unavailable`, depending on the file; `Invalid` for a path without a file, such as
    /// `:memory:`. The error names the path. A file that is refused does not change.
    pub fn open(self) -> Result<SqliteStore, StoreError> {
        let place = format!("SQLite, opening \"{}\"", self.path.display());
        self.opened().map_err(|error| error.within(&place))
    }

    fn opened(mut self) -> Result<SqliteStore, StoreError> {
        refuse_no_file(&self.path)?;
        if !self.danger_wal_reset_bug {
            self.journal = self.version.journal(self.journal, is_in_wal_mode(&self.path))?;
        }
        self.create_for_owner()?;
        let writer = self.open_writer().map_err(Failure::into_rule)?;
        let payload_max = schema::payload_max(&writer).map_err(Failure::into_rule)?;
        let (damage, hints) = (Arc::default(), Arc::default());
        let writer = Writer::start(writer, Arc::clone(&damage), Arc::clone(&hints)).map_err(no_thread)?;
        let all = self.readers.get();
        // The engine's only load for a whole batch does not wait for other reads.
        let readers = self.start_readers(all, Order::SharedFirst, &damage)?;
        // If there is more than one thread, one tenant cannot use all of them.
        let history = self.start_readers(all.saturating_sub(1).max(1), Order::InTurn, &damage)?;
        Ok(SqliteStore {
            readers,
            history,
            clock: self.clock,
            seals: self.cipher.is_some(),
            endpoints: Arc::new(EndpointReader::new(match self.cipher {
                Some(cipher) => Arc::new(Bounded::new(cipher, self.cipher_timeout)),
                None => Arc::new(Plain),
            })),
            last_turns: Arc::default(),
            damage,
            hints,
            checked: Arc::default(),
            time: OwnTime::default(),
            journal: self.journal,
            payload_max,
            writer,
        })
    }

    /// Creates an empty file, which SQLite treats as a new database. SQLite gives its permissions to
    /// the files that it creates beside it.
    fn create_for_owner(&self) -> Result<(), StoreError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                Err(read_only().with_source(error))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let rule = "its directory must exist";
                Err(StoreError::new(StoreErrorKind::Unavailable, rule).with_source(error))
            }
            // The file is new or exists already; if it cannot be created, SQLite gives a better reason.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn open_writer(&self) -> Result<Connection, Failure> {
        let db = self.connect()?;
        // Read first: a file with a newer schema, or a file that is not a database, must not change.
        schema::refuse_utf16(&db)?;
        let current = schema::check(&db)?;
        if current {
            schema::refuse_read_only(&db)?;
        }
        self.set_journal(&db)?;
        db.pragma_update(None, "synchronous", self.synchronous_word())?;
        // The size of the writer's cache in KiB: enough for the upper levels of the indexes.
        db.pragma_update(None, "cache_size", -8_000)?;
        db.pragma_update(None, "temp_store", "MEMORY")?;
        // FAST would not overwrite the pages that a long seal or a payload filled alone.
        db.pragma_update(None, "secure_delete", true)?;
        // Pages of the log, 16 MB: a page that many commits change is copied to the file
        // once per checkpoint, and the callers of one group wait for each.
        db.pragma_update(None, "wal_autocheckpoint", 4_000)?;
        if let Some(bytes) = self.file_size_max {
            limit_size(&db, bytes)?;
        }
        if !current {
            schema::migrate(&db)?;
        }
        if let Some(bytes) = self.payload_max {
            schema::set_payload_max(&db, bytes)?;
        }
        Ok(db)
    }

    fn start_readers(
        &self,
        at_once: usize,
        order: Order,
        damage: &Arc<Damage>,
    ) -> Result<Readers, StoreError> {
        let open = || self.open_reader().map_err(Failure::into_rule);
        Readers::start(self.readers, at_once, order, damage, open, no_thread)
    }

    fn open_reader(&self) -> Result<Connection, Failure> {
        let db = self.connect()?;
        db.pragma_update(None, "query_only", true)?;
        Ok(db)
    }

    fn connect(&self) -> Result<Connection, Failure> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(&self.path, flags)?;
        db.busy_timeout(self.busy_timeout)?;
        db.set_prepared_statement_cache_capacity(128);
        Ok(db)
    }

    const fn synchronous_word(&self) -> &'static str {
        match (self.synchronous, self.journal) {
            (Synchronous::Normal, _) => "NORMAL",
            (Synchronous::Full, Journal::WriteAhead) => "FULL",
            // With FULL, a power loss may bring back a deleted journal, which would undo the commit.
            (Synchronous::Full, Journal::Rollback) => "EXTRA",
        }
    }

    fn set_journal(&self, db: &Connection) -> Result<(), Failure> {
        let wanted = match self.journal {
            Journal::WriteAhead => "wal",
            Journal::Rollback => "delete",
        };
        // The change of mode takes an exclusive lock, and ignores the busy timeout.
        let give_up_at = Instant::now() + self.busy_timeout;
        let mode = loop {
            let set =
                db.query_row(&format!("PRAGMA journal_mode = {wanted}"), [], |row| row.get::<_, String>(0));
            match set {
                Err(error) if is_busy(&error) && Instant::now() < give_up_at => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                // The file itself could be opened, so the directory is what cannot be written.
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::CannotOpen) => {
                    return Err(read_only().with_source(error).into());
                }
                set => break set?,
            }
        };
        if mode == wanted {
            return Ok(());
        }
        Err(StoreError::new(
            StoreErrorKind::Invalid,
            format!("the journal mode is {mode} and cannot be {wanted}; a file on disk is needed"),
        )
        .into())
    }
}

fn limit_size(db: &Connection, bytes: u64) -> Result<(), Failure> {
    let page_size: i64 = db.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    let pages = bytes / u64::try_from(page_size).unwrap_or(u64::MAX).max(1);
    // SQLite counts pages in 32 bits, and ignores a limit below the present size.
    let pages = u32::try_from(pages).unwrap_or(u32::MAX - 1).max(1);
    Ok(db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?)
}

/// Whether the file's header says that it is in WAL mode (<https://sqlite.org/fileformat2.html>,
/// 1.3.3), read without opening it as a database.
fn is_in_wal_mode(path: &Path) -> bool {
    let mut header = [0; 20];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut header));
    read.is_ok() && header[18..].contains(&2)
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Refuses the two paths that SQLite treats as databases without a file: each connection would have
/// a database of its own, which is lost when the connection is closed.
fn refuse_no_file(path: &Path) -> Result<(), StoreError> {
    if path.as_os_str().is_empty() || path == Path::new(":memory:") {
        let rule = "must be the path of a file; a store without a file is stores::memory::MemoryStore";
        return Err(StoreError::new(StoreErrorKind::Invalid, rule));
    }
    Ok(())
}

fn read_only() -> StoreError {
    StoreError::new(StoreErrorKind::ReadOnly, "the file or its directory cannot be written")
}

fn no_thread(error: std::io::Error) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "a thread could not be started").with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Still;

    impl Clock for Still {
        fn now(&self) -> crate::time::Timestamp {
            crate::time::Timestamp::EPOCH
        }
        fn elapsed(&self) -> Duration {
            Duration::ZERO
        }
    }

    #[tokio::test]
    async fn a_sqlite_with_the_wal_reset_bug_opens_a_new_file_with_the_rollback_journal() {
        let directory = std::env::temp_dir().join(format!("hookpost-open-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("old.db");
        let builder = |version| SqliteBuilder {
            version: SqliteVersion::of(version),
            ..SqliteBuilder::new(&path).clock(Still)
        };
        let old = builder(3_046_000).open().unwrap();
        assert!(!old.uses_write_ahead_log() && !is_in_wal_mode(&path));
        assert!(crate::backend::Store::now(&old).await.is_ok());
        drop(old);
        // Opened again, since it is not in WAL mode; a SQLite without the bug switches it to that.
        assert!(!builder(3_046_000).open().unwrap().uses_write_ahead_log());
        assert!(builder(3_051_003).open().unwrap().uses_write_ahead_log());
        assert!(is_in_wal_mode(&path));

        let refused = builder(3_046_000).open().unwrap_err();
        assert_eq!(refused.kind(), StoreErrorKind::UnsafeVersion);
        assert!(is_in_wal_mode(&path), "a refused file is as it was");
        let own_risk = builder(3_046_000).danger_accept_wal_reset_bug().open().unwrap();
        assert!(own_risk.uses_write_ahead_log());
        drop(own_risk);
        assert!(!builder(3_046_000).rollback_journal().open().unwrap().uses_write_ahead_log());
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
