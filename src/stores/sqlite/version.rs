//! The version of SQLite that is linked, and the journal mode that is safe with it.

use std::fmt;

use crate::error::{StoreError, StoreErrorKind};

/// How a commit reaches the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Journal {
    WriteAhead,
    Rollback,
}

/// A version of SQLite, as SQLite numbers it: 3.46.0 is 3,046,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SqliteVersion(i32);

impl SqliteVersion {
    pub(super) fn linked() -> Self {
        Self(rusqlite::version_number())
    }

    #[cfg(test)]
    pub(super) const fn of(number: i32) -> Self {
        Self(number)
    }

    /// The journal mode to open a file with.
    ///
    /// # Errors
    /// If the file is in WAL mode already and this SQLite may damage it.
    pub(super) fn journal(self, wanted: Journal, is_in_wal_mode: bool) -> Result<Journal, StoreError> {
        match wanted {
            Journal::WriteAhead if !self.has_wal_reset_bug() => Ok(Journal::WriteAhead),
            Journal::WriteAhead if is_in_wal_mode => Err(StoreError::new(
                StoreErrorKind::UnsafeVersion,
                format!(
                    "SQLite {self} may damage this file, which is in WAL mode \
                     (https://sqlite.org/wal.html#walresetbug). Link SQLite 3.51.3 or later: \
                     `cargo update -p rusqlite -p libsqlite3-sys`, where `cargo tree -i libsqlite3-sys` \
                     shows what keeps the old one. Or turn the file back by rollback_journal(), or accept \
                     the danger by danger_accept_wal_reset_bug()"
                ),
            )),
            Journal::WriteAhead | Journal::Rollback => Ok(Journal::Rollback),
        }
    }

    /// Whether this SQLite may damage a file in WAL mode: all versions before 3.51.3 may, except the
    /// later patches of 3.50 and 3.44.
    const fn has_wal_reset_bug(self) -> bool {
        let version = self.0;
        let fixed = version >= 3_051_003
            || (version >= 3_050_007 && version < 3_051_000)
            || (version >= 3_044_006 && version < 3_045_000);
        !fixed
    }
}

impl fmt::Display for SqliteVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0 / 1_000_000, self.0 / 1_000 % 1_000, self.0 % 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: SqliteVersion = SqliteVersion(3_046_000);
    const SOUND: SqliteVersion = SqliteVersion(3_051_003);

    #[test]
    fn versions_with_the_wal_reset_bug_are_known_with_their_backports() {
        for (version, has_bug) in [
            (3_040_001, true),
            (3_044_005, true),
            (3_044_006, false),
            (3_044_999, false),
            (3_045_000, true),
            (3_046_000, true),
            (3_050_006, true),
            (3_050_007, false),
            (3_051_000, true),
            (3_051_002, true),
            (3_051_003, false),
            (3_053_002, false),
            (4_000_000, false),
        ] {
            assert_eq!(SqliteVersion(version).has_wal_reset_bug(), has_bug, "{version}");
        }
    }

    #[test]
    fn a_file_that_is_not_in_wal_mode_is_opened_with_whatever_is_safe() {
        for in_wal in [false, true] {
            assert_eq!(SOUND.journal(Journal::WriteAhead, in_wal).unwrap(), Journal::WriteAhead);
            assert_eq!(SOUND.journal(Journal::Rollback, in_wal).unwrap(), Journal::Rollback);
            assert_eq!(OLD.journal(Journal::Rollback, in_wal).unwrap(), Journal::Rollback);
        }
        assert_eq!(OLD.journal(Journal::WriteAhead, false).unwrap(), Journal::Rollback);
    }

    #[test]
    fn an_unsafe_version_is_refused_in_wal_mode_and_the_error_names_the_cures() {
        let error = OLD.journal(Journal::WriteAhead, true).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::UnsafeVersion);
        for word in [
            "3.46.0",
            "3.51.3",
            "cargo update -p rusqlite -p libsqlite3-sys",
            "cargo tree -i libsqlite3-sys",
            "rollback_journal",
            "danger_accept_wal_reset_bug",
        ] {
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}
