//! The reading threads beside the writer, each with a connection of its own.

use std::num::NonZeroUsize;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::error::StoreError;

use super::answer::answer_of;
use super::damage::Damage;
use super::db::Db;
use super::failure::Failure;
use super::line::{Line, Order, Party};
use super::panics::{caught, panicked};
use super::writer::gone;

type Read = Box<dyn FnOnce(&Db<'_>) + Send>;

/// A handle to reading threads that share one queue. They end with the handle.
pub(super) struct Readers {
    desk: Arc<Desk>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    /// Starts `count` threads, each with a connection that `open` returns. At most `at_once` of them
    /// work for one party at a time.
    pub(super) fn start(
        count: NonZeroUsize,
        at_once: usize,
        order: Order,
        damage: &Arc<Damage>,
        open: impl Fn() -> Result<Connection, StoreError>,
        spawn_failed: impl Fn(std::io::Error) -> StoreError,
    ) -> Result<Self, StoreError> {
        let mut readers = Self { desk: Arc::new(Desk::new(at_once, order)), threads: Vec::new() };
        for _ in 0..count.get() {
            let (db, desk, damage) = (open()?, Arc::clone(&readers.desk), Arc::clone(damage));
            let thread = std::thread::Builder::new()
                .name("hookpost-sqlite-reader".to_owned())
                .spawn(move || run(&Db::own(&db, damage), &desk))
                .map_err(&spawn_failed)?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    /// Runs `work` on one snapshot of the file, when it is the party's turn. If it panics, this call
    /// returns an error.
    pub(super) async fn call<T, W>(
        &self,
        party: Party,
        during: &'static str,
        work: W,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Db<'_>) -> Result<T, Failure> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let read: Read = Box::new(move |db| {
            // The future was dropped, so nobody waits for the answer.
            if reply.is_closed() {
                return;
            }
            let result = on_snapshot(db, during, work);
            reply.send(result.map_err(|failure| failure.into_store_error(during))).ok();
        });
        self.desk.add(party, read);
        answer_of(answer).await.unwrap_or_else(|| Err(gone(during)))
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.desk.close();
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
    }
}

fn on_snapshot<T>(
    db: &Db<'_>,
    during: &'static str,
    work: impl FnOnce(&Db<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    // If an earlier rollback failed, later calls must still work.
    if !db.is_autocommit() {
        db.prepare_cached("ROLLBACK")?.execute([])?;
    }
    db.prepare_cached("BEGIN")?.execute([])?;
    let result = caught(|| work(db)).unwrap_or_else(|| Err(panicked(during).into()));
    // Nothing was written, so there is nothing to commit or to undo.
    db.prepare_cached("ROLLBACK")?.execute([])?;
    result
}

fn run(db: &Db<'_>, desk: &Desk) {
    while let Some((party, read)) = desk.next() {
        // A call catches its own panics. This catches those of its drop.
        caught(|| read(db));
        desk.done(&party);
    }
}

/// The queue of calls that wait for a thread.
struct Desk {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

struct Waiting {
    line: Line<Read>,
    closed: bool,
}

impl Desk {
    fn new(at_once: usize, order: Order) -> Self {
        let waiting = Waiting { line: Line::of(at_once, order), closed: false };
        Self { waiting: Mutex::new(waiting), changed: Condvar::new() }
    }

    fn add(&self, party: Party, read: Read) {
        self.waiting().line.push(party, read);
        self.changed.notify_one();
    }

    /// Takes the next call; `None` once the store is closed and no call waits.
    fn next(&self) -> Option<(Party, Read)> {
        let mut waiting = self.waiting();
        loop {
            if let Some(next) = waiting.line.take() {
                return Some(next);
            }
            if waiting.closed && waiting.line.is_empty() {
                return None;
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Notes that a call of the party has ended: another one may begin, on any thread.
    fn done(&self, party: &Party) {
        self.waiting().line.done(party);
        self.changed.notify_one();
    }

    fn close(&self) {
        self.waiting().closed = true;
        self.changed.notify_all();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
