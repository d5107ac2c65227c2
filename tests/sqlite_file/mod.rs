//! A database file of a test's own, gone when the test ends.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hookpost::Timestamp;
use hookpost::backend::Clock;

/// A directory of its own, so that the files beside a database go with it.
pub(crate) struct TempFile {
    directory: PathBuf,
}

impl TempFile {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("hookpost-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&directory).unwrap();
        Self { directory }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.join("hookpost.db")
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.directory).ok();
    }
}

/// A clock that stands.
pub(crate) struct Fixed {
    now: Timestamp,
    _file: Option<TempFile>,
}

impl Fixed {
    pub(crate) fn at(now: Timestamp) -> Arc<dyn Clock> {
        Arc::new(Self { now, _file: None })
    }

    /// A clock that takes a store's file along when the store drops it, which it does
    /// after its threads have ended.
    pub(crate) fn keeping(file: TempFile) -> Arc<dyn Clock> {
        Arc::new(Self { now: Timestamp::EPOCH, _file: Some(file) })
    }
}

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}
