//! The threads that read beside the writer, each on a connection of its own.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::error::StoreError;

use super::db::Db;
use super::failure::Failure;
use super::writer::gone;

type Read = Box<dyn FnOnce(&Db<'_>) + Send>;

/// A handle to the reading threads; they end with it.
pub(super) struct Readers {
    calls: Option<mpsc::Sender<Read>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    /// Starts `count` threads, each with a connection that `open` gives.
    pub(super) fn start(
        count: NonZeroUsize,
        open: impl Fn() -> Result<Connection, StoreError>,
        spawn_failed: impl Fn(std::io::Error) -> StoreError,
    ) -> Result<Self, StoreError> {
        let (calls, waiting) = mpsc::channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let mut readers = Self { calls: Some(calls), threads: Vec::new() };
        for _ in 0..count.get() {
            let (db, waiting) = (open()?, Arc::clone(&waiting));
            let thread = std::thread::Builder::new()
                .name("hookpost-sqlite-reader".to_owned())
                .spawn(move || run(&Db::own(&db), &waiting))
                .map_err(&spawn_failed)?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    /// Runs `work` on one snapshot of the file.
    pub(super) async fn call<T, W>(&self, during: &'static str, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Db<'_>) -> Result<T, Failure> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let read: Read = Box::new(move |db| {
            let result = on_snapshot(db, work).map_err(|failure| failure.into_store_error(during));
            // Whoever dropped the future does not want the answer.
            reply.send(result).ok();
        });
        let sent = self.calls.as_ref().is_some_and(|calls| calls.send(read).is_ok());
        if !sent {
            return Err(gone(during));
        }
        answer.await.unwrap_or_else(|_| Err(gone(during)))
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        drop(self.calls.take());
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
    }
}

fn on_snapshot<T>(db: &Db<'_>, work: impl FnOnce(&Db<'_>) -> Result<T, Failure>) -> Result<T, Failure> {
    db.prepare_cached("BEGIN")?.execute([])?;
    let result = work(db);
    // Nothing was written, so there is nothing to commit or to undo.
    db.prepare_cached("ROLLBACK")?.execute([])?;
    result
}

fn run(db: &Db<'_>, waiting: &Mutex<mpsc::Receiver<Read>>) {
    loop {
        // The lock is held while waiting, not while reading.
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            Ok(read) => read(db),
            Err(_) => return,
        }
    }
}
