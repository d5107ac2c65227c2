//! The tables and their version. The version is in a table of its own: `user_version` and
//! `application_id` belong to the host's file.

use rusqlite::{Connection, OptionalExtension};

use crate::error::{StoreError, StoreErrorKind};

use super::failure::Failure;

/// The SQL that leads from each version to the next.
const MIGRATIONS: [&str; 1] =
    [concat!(include_str!("sql/schema_1.sql"), "\n", include_str!("sql/schema_1_publish.sql"))];

/// Whether the file is at this crate's version.
///
/// # Errors
/// `NewerSchema` if the file has a later version. Nothing is written in any case.
pub(super) fn check(db: &Connection) -> Result<bool, Failure> {
    let version = version(db)?;
    let known = known();
    if version > known {
        return Err(StoreError::new(
            StoreErrorKind::NewerSchema,
            format!("the file's tables are of version {version}, this crate knows {known}"),
        )
        .into());
    }
    Ok(version == known)
}

/// Refuses a file whose text is UTF-16. A payload published by a statement would be stored as UTF-16
/// bytes: no SQL function converts them to UTF-8.
pub(super) fn refuse_utf16(db: &Connection) -> Result<(), Failure> {
    let encoding: String = db.query_row("PRAGMA encoding", [], |row| row.get(0))?;
    if encoding == "UTF-8" {
        return Ok(());
    }
    let what =
        format!("the file's text encoding must be UTF-8 (it is {encoding}); give hookpost a file of its own");
    Err(StoreError::new(StoreErrorKind::Invalid, what).into())
}

/// Refuses a file that cannot be written. SQLite opens such a file for reading only, and even begins
/// an IMMEDIATE transaction on it; only a write fails, so this writes to no row.
pub(super) fn refuse_read_only(db: &Connection) -> Result<(), Failure> {
    db.execute("UPDATE hookpost_schema SET version = version WHERE 0", [])?;
    Ok(())
}

/// Brings the file to this crate's version in one transaction. A second opener waits for it and then
/// finds nothing left to do.
pub(super) fn migrate(db: &Connection) -> Result<(), Failure> {
    db.execute_batch("BEGIN IMMEDIATE")?;
    let migrated = steps(db);
    if let Err(failure) = migrated {
        if !db.is_autocommit() {
            db.execute_batch("ROLLBACK")?;
        }
        return Err(failure);
    }
    Ok(db.execute_batch("COMMIT")?)
}

fn steps(db: &Connection) -> Result<(), Failure> {
    if check(db)? {
        return Ok(());
    }
    let done = usize::try_from(version(db)?).unwrap_or(0);
    for migration in MIGRATIONS.iter().skip(done) {
        db.execute_batch(migration)?;
    }
    db.execute("UPDATE hookpost_schema SET version = ?1", [known()])?;
    Ok(())
}

/// The largest payload that may be published, in bytes.
pub(super) fn payload_max(db: &Connection) -> Result<usize, Failure> {
    let bytes: i64 = db.query_row("SELECT payload_max FROM hookpost_schema", [], |row| row.get(0))?;
    usize::try_from(bytes).map_err(|_| Failure::stored("limit of payloads"))
}

/// Sets the largest payload that may be published, in bytes.
pub(super) fn set_payload_max(db: &Connection, bytes: usize) -> Result<(), Failure> {
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    db.execute("UPDATE hookpost_schema SET payload_max = ?1 WHERE payload_max <> ?1", [bytes])?;
    Ok(())
}

fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// The file's version; 0 if it contains none of hookpost's tables.
fn version(db: &Connection) -> Result<i64, Failure> {
    let ours = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'hookpost_schema'";
    if db.query_row(ours, [], |_| Ok(())).optional()?.is_none() {
        return Ok(0);
    }
    let version = db.query_row("SELECT version FROM hookpost_schema", [], |row| row.get(0)).optional()?;
    version.ok_or(Failure::stored("schema version"))
}
