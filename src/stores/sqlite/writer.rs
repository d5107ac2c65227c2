//! The only thread that writes. It takes the calls that wait, runs them in one transaction, and
//! answers when the commit is on disk. So many callers share one sync.
//!
//! Publishers' calls, and calls over a tenant's history, wait for their tenant's turn: see
//! [`groups`](super::groups).

use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::error::{StoreError, StoreErrorKind};
use crate::id::TenantId;

use super::answer::answer_of;
use super::damage::Damage;
use super::db::Db;
use super::failure::{Failure, explain};
use super::groups::{Group, Waiting, Way};
use super::hints::Hints;
use super::line::Party;
use super::panics::{caught, panicked};

/// A handle to the writing thread, which ends with the handle.
pub(super) struct Writer {
    calls: Option<mpsc::Sender<Sent>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread, which owns `db` from now on. The thread hints after each call of a host that
    /// may have made something claimable, since the host may no longer wait for the call.
    pub(super) fn start(db: Connection, damage: Arc<Damage>, hints: Arc<Hints>) -> std::io::Result<Self> {
        let (calls, waiting) = mpsc::channel();
        let thread =
            std::thread::Builder::new().name("hookpost-sqlite-writer".to_owned()).spawn(move || {
                run(&Db::own(&db, damage), &waiting, &hints);
                empty_log(&db);
            })?;
        Ok(Self { calls: Some(calls), thread: Some(thread) })
    }

    /// Runs `work` in a transaction, together with other calls that wait, and answers after the
    /// commit. It may run twice, the first time without effect. If the future is dropped, the call
    /// may or may not be made.
    pub(super) async fn call<T, W>(&self, during: &'static str, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnMut(&Db<'_>) -> Result<T, Failure> + Send + 'static,
    {
        self.send(Way::AtOnce, during, work).await
    }

    /// Like [`call`](Self::call), for a call of the host that may make something claimable. The store
    /// hints after it, since nobody else can if the future was dropped meanwhile.
    pub(super) async fn call_and_hint<T, W>(&self, during: &'static str, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnMut(&Db<'_>) -> Result<T, Failure> + Send + 'static,
    {
        self.send(Way::AtOnceWithHint, during, work).await
    }

    /// Like [`call`](Self::call), for events of that many bytes, which wait for their tenant's turn
    /// among publishers.
    pub(super) async fn call_publishing<T, W>(
        &self,
        party: Party,
        bytes: usize,
        during: &'static str,
        work: W,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnMut(&Db<'_>) -> Result<T, Failure> + Send + 'static,
    {
        self.send(Way::Publishing(party, bytes), during, work).await
    }

    /// Like [`call`](Self::call), without waiting for it. For writes that may be lost, because the
    /// next reader writes them again.
    pub(super) fn note<W>(&self, during: &'static str, work: W)
    where
        W: FnMut(&Db<'_>) -> Result<(), Failure> + Send + 'static,
    {
        drop(self.hand_over(Way::AtOnce, during, work));
    }

    /// Like [`call`](Self::call), for a call over a tenant's history, which waits for its tenant's
    /// turn. The store hints after it.
    pub(super) async fn call_over_history<T, W>(
        &self,
        tenant: TenantId,
        during: &'static str,
        work: W,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnMut(&Db<'_>) -> Result<T, Failure> + Send + 'static,
    {
        self.send(Way::OverHistory(Some(tenant)), during, work).await
    }

    async fn send<T, W>(&self, way: Way, during: &'static str, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnMut(&Db<'_>) -> Result<T, Failure> + Send + 'static,
    {
        let Some(answer) = self.hand_over(way, during, work) else { return Err(gone(during)) };
        answer_of(answer).await.unwrap_or_else(|| Err(gone(during)))
    }

    /// Passes `work` to the thread, and returns the receiver of its answer. `None` if the thread has
    /// ended.
    fn hand_over<T, W>(&self, way: Way, during: &'static str, work: W) -> Option<Answer<T>>
    where
        T: Send + 'static,
        W: FnMut(&Db<'_>) -> Result<T, Failure> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let call = Call { during, work, result: None, reply };
        self.calls.as_ref()?.send((way, Box::new(call))).ok()?;
        Some(answer)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.calls.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// The error of a call if the store's thread has ended.
pub(super) fn gone(during: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::InDoubt, format!("SQLite, {during}: the store's thread has ended"))
}

/// The receiver of a call's result.
type Answer<T> = oneshot::Receiver<Result<T, StoreError>>;

type Sent = (Way, Box<dyn Write>);

/// A call as the thread sees it.
trait Write: Send {
    /// Runs the call; `false` if it failed.
    fn run(&mut self, db: &Db<'_>) -> bool;
    /// Answers with the result of the last run.
    fn answer(self: Box<Self>);
    /// Answers that the transaction around it failed.
    fn fail(self: Box<Self>, error: Spoiled<'_>);
}

/// Why a transaction failed around its calls.
#[derive(Clone, Copy)]
struct Spoiled<'a> {
    error: &'a rusqlite::Error,
    in_doubt: bool,
}

struct Call<T, W> {
    during: &'static str,
    work: W,
    result: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, W> Write for Call<T, W>
where
    T: Send,
    W: FnMut(&Db<'_>) -> Result<T, Failure> + Send,
{
    fn run(&mut self, db: &Db<'_>) -> bool {
        let result = caught(|| (self.work)(db))
            .unwrap_or_else(|| Err(panicked(self.during).into()))
            .map_err(|failure| failure.into_store_error(self.during));
        let succeeded = result.is_ok();
        self.result = Some(result);
        succeeded
    }

    fn answer(self: Box<Self>) {
        let result = self.result.unwrap_or_else(|| Err(gone(self.during)));
        // If the future was dropped, nobody waits for the answer.
        self.reply.send(result).ok();
    }

    fn fail(self: Box<Self>, spoiled: Spoiled<'_>) {
        let error = if spoiled.in_doubt {
            let what = format!("SQLite, {}: the commit may or may not be on disk", self.during);
            StoreError::new(StoreErrorKind::InDoubt, what)
        } else {
            explain(spoiled.error, self.during)
        };
        self.reply.send(Err(error.with_source(spoiled.error.to_string()))).ok();
    }
}

fn run(db: &Db<'_>, sent: &mpsc::Receiver<Sent>, hints: &Hints) {
    let mut waiting = Waiting::new();
    loop {
        if waiting.is_empty() {
            match sent.recv() {
                Ok((way, call)) => waiting.add(way, call),
                Err(_) => return,
            }
        }
        for (way, call) in sent.try_iter() {
            waiting.add(way, call);
        }
        let Group { calls, served, hints: is_hinted } = waiting.group();
        // A call catches its own panics. This catches those of its drop.
        caught(|| commit_group(db, calls));
        waiting.done(&served);
        if is_hinted {
            hints.give();
        }
    }
}

/// Copies the log into the file and empties it. SQLite does so when the last connection closes, but
/// not if another store on the file closes at the same moment: then neither connection is the last.
fn empty_log(db: &Connection) {
    // If the file is locked, a later commit copies the log; nothing is lost.
    db.busy_timeout(Duration::ZERO).ok();
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).ok();
}

/// How a transaction ended.
enum End {
    Committed,
    /// A call failed and the whole transaction with it, because there was no savepoint, or because
    /// SQLite rolled back everything when the disk was full. Nothing was written, and the call has
    /// its error.
    Undone,
    /// The commit was refused; nothing was written.
    Lost(rusqlite::Error),
    /// Nothing was written, and trying again now would fail the same way.
    Refused(rusqlite::Error),
    /// The commit failed while it was being written to the disk.
    InDoubt(rusqlite::Error),
}

fn commit_group(db: &Db<'_>, mut group: Vec<Box<dyn Write>>) {
    // A savepoint copies every page that its call changes, and calls rarely fail. So only a group
    // with a failed call is run again with savepoints.
    let mut end = transact(db, &mut group, unguarded);
    if matches!(end, End::Undone) && group.len() > 1 {
        end = transact(db, &mut group, in_savepoint);
    }
    match end {
        // One call that fills the disk must not fail the others, so each runs alone.
        End::Undone | End::Lost(_) if group.len() > 1 => {
            for call in group {
                commit_group(db, vec![call]);
            }
        }
        End::Committed | End::Undone => group.into_iter().for_each(Write::answer),
        End::Lost(error) | End::Refused(error) => {
            fail_all(group, Spoiled { error: &error, in_doubt: false });
        }
        End::InDoubt(error) => fail_all(group, Spoiled { error: &error, in_doubt: true }),
    }
}

fn fail_all(group: Vec<Box<dyn Write>>, spoiled: Spoiled<'_>) {
    for call in group {
        call.fail(spoiled);
    }
}

/// Runs one call in the open transaction; `false` if its failure undid the whole transaction.
type Run = fn(&Db<'_>, &mut dyn Write) -> rusqlite::Result<bool>;

fn transact(db: &Db<'_>, group: &mut [Box<dyn Write>], run: Run) -> End {
    // If the drop of a call panicked, its transaction may still be open.
    if !db.is_autocommit()
        && let Err(error) = statement(db, "ROLLBACK")
    {
        return End::Refused(error);
    }
    // IMMEDIATE: a lock that is upgraded later fails with BUSY, and the busy timeout does not apply.
    if let Err(error) = statement(db, "BEGIN IMMEDIATE") {
        return End::Refused(error);
    }
    for call in group.iter_mut() {
        match run(db, call.as_mut()) {
            Ok(true) => {}
            Ok(false) => return End::Undone,
            Err(error) => return abandon(db, error),
        }
    }
    match statement(db, "COMMIT") {
        Ok(()) => End::Committed,
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::SystemIoFailure) => {
            match abandon(db, error) {
                End::Lost(error) => End::InDoubt(error),
                other => other,
            }
        }
        Err(error) => abandon(db, error),
    }
}

/// Runs one call without a savepoint: its failure undoes the whole transaction.
fn unguarded(db: &Db<'_>, call: &mut dyn Write) -> rusqlite::Result<bool> {
    let succeeded = call.run(db);
    if !succeeded && !db.is_autocommit() {
        statement(db, "ROLLBACK")?;
    }
    Ok(succeeded)
}

/// Runs one call in a savepoint: its failure undoes only this call. `false` if SQLite undid the whole
/// transaction instead.
fn in_savepoint(db: &Db<'_>, call: &mut dyn Write) -> rusqlite::Result<bool> {
    statement(db, "SAVEPOINT hookpost_call")?;
    if !call.run(db) {
        if db.is_autocommit() {
            return Ok(false);
        }
        statement(db, "ROLLBACK TO hookpost_call")?;
    }
    statement(db, "RELEASE hookpost_call")?;
    Ok(true)
}

fn abandon(db: &Db<'_>, error: rusqlite::Error) -> End {
    if db.is_autocommit() {
        return End::Lost(error);
    }
    match statement(db, "ROLLBACK") {
        Ok(()) => End::Lost(error),
        Err(error) => End::Refused(error),
    }
}

fn statement(db: &Db<'_>, sql: &str) -> rusqlite::Result<()> {
    db.prepare_cached(sql)?.execute([]).map(|_| ())
}
