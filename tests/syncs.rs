//! An acknowledged event is on disk, not only handed to the operating system: the
//! system calls of a child are traced, because no kill of a process can show it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod sqlite_file;

use std::env;
use std::fs;
use std::future;
use std::io::{self, Write};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hookpost::error::StoreError;
use hookpost::os::SystemClock;
use hookpost::stores::sqlite::SqliteStore;
use hookpost::testing::ScriptedTransport;
use hookpost::testing::store::{Call, Effect, Interpose, Interposed};
use hookpost::{NewEvent, Webhooks, async_trait};
use rusqlite::Connection;
use sqlite_file::TempFile;

/// What a child writes when the store has opened, and after each of its publishes, or
/// after all that were at once.
const MARK: &str = "@mark";
const ONE_BY_ONE: usize = 20;
const AT_ONCE: usize = 64;

/// How often a child has written its mark after the first one, and how many syncs it
/// finished before each of those marks.
const CASES: [(&str, usize, RangeInclusive<usize>); 6] = [
    ("one by one", ONE_BY_ONE, 1..=usize::MAX),
    ("one by one, rollback journal", ONE_BY_ONE, 1..=usize::MAX),
    ("one by one, beside an engine", ONE_BY_ONE, 1..=usize::MAX),
    ("at once", 1, 1..=10),
    ("at once, beside an engine", 1, 1..=10),
    // The positive control: a store without its syncs is seen to be one.
    ("one by one, without sync", ONE_BY_ONE, 0..=0),
];

#[test]
fn every_publish_is_synced_before_it_returns_and_many_at_once_share_their_syncs() {
    if !can_trace() {
        // Past the harness, which shows what a test prints only when it fails.
        writeln!(io::stderr(), "SKIPPED: strace cannot trace here, so syncs are not counted").unwrap();
        return;
    }
    for (case, marks, expected) in CASES {
        let syncs = syncs_of(case);
        println!("{case}: {} syncs, before each mark {syncs:?}", syncs.iter().sum::<usize>());
        assert_eq!(syncs.len(), marks, "{case}");
        assert!(syncs.iter().all(|syncs| expected.contains(syncs)), "{case}: {syncs:?}");
    }
}

fn can_trace() -> bool {
    let traced =
        Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    traced.is_ok_and(|status| status.success())
}

/// How many syncs a child of that case finished before each mark but the first.
fn syncs_of(case: &str) -> Vec<usize> {
    let directory = TempFile::new();
    let trace = directory.directory().join("trace");
    let done = Command::new("strace")
        .args(["-f", "-e", "trace=fsync,fdatasync,write", "-e", "signal=none", "-o"])
        .arg(&trace)
        .arg(env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"])
        .env(CASE, case)
        .env(FILE, directory.path())
        .output()
        .unwrap();
    assert!(done.status.success(), "{case}: {}", String::from_utf8_lossy(&done.stderr));
    let trace = fs::read_to_string(trace).unwrap();
    let mut syncs = Vec::new();
    for line in trace.lines() {
        if line.contains(MARK) {
            syncs.push(0);
        } else if line.contains("sync") && line.ends_with("= 0") {
            // `fdatasync(7) = 0`, or `<... fdatasync resumed>) = 0` where another
            // thread's call came between.
            syncs.iter_mut().last().into_iter().for_each(|syncs| *syncs += 1);
        }
    }
    // What comes after the last mark belongs to no publish.
    syncs.pop();
    syncs
}

const CASE: &str = "HOOKPOST_SYNCS_CASE";
const FILE: &str = "HOOKPOST_SYNCS_FILE";

#[tokio::test]
#[ignore = "a process of its own, which the other test traces"]
async fn child() {
    let (Ok(case), Ok(file)) = (env::var(CASE), env::var(FILE)) else { return };
    let file = PathBuf::from(file);
    let calls = Arc::new(Calls::default());
    let webhooks = sender(&file, &case, Arc::clone(&calls));
    if case.ends_with("beside an engine") {
        let engine = webhooks.clone();
        tokio::spawn(async move { engine.run(future::pending::<()>()).await });
        // It is at its desk once it has made its first claim.
        while calls.claims.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    }
    mark();
    match case.as_str() {
        "at once" => publish_at_once_behind_a_lock(&webhooks, &file, &calls).await,
        "at once, beside an engine" => publish_at_once(&webhooks).await,
        _ => return publish_one_by_one(&webhooks).await,
    }
    mark();
}

fn sender(file: &Path, case: &str, calls: Arc<Calls>) -> Webhooks {
    let clock = Arc::new(SystemClock::new());
    let builder = SqliteStore::builder(file).clock(clock.clone());
    let builder = match case {
        "one by one, rollback journal" => builder.rollback_journal(),
        "one by one, without sync" => builder.danger_commit_without_sync(),
        _ => builder,
    };
    let store = Interposed::new(Arc::new(builder.open().unwrap()), calls);
    // Without an endpoint nothing is sent: only publishing writes.
    let transport = ScriptedTransport::new(clock);
    Webhooks::builder(Arc::new(store), Arc::new(transport)).build().unwrap()
}

async fn publish_one_by_one(webhooks: &Webhooks) {
    for _ in 0..ONE_BY_ONE {
        webhooks.publish(event()).await.unwrap();
        mark();
    }
}

async fn publish_at_once(webhooks: &Webhooks) {
    let publish = |webhooks: Webhooks| tokio::spawn(async move { webhooks.publish(event()).await.map(drop) });
    let publishes: Vec<_> = (0..AT_ONCE).map(|_| publish(webhooks.clone())).collect();
    for publish in publishes {
        publish.await.unwrap().unwrap();
    }
}

/// A lock of the host's keeps the store from writing until all calls wait for it, so
/// that they are at once however fast the disk is.
async fn publish_at_once_behind_a_lock(webhooks: &Webhooks, file: &Path, calls: &Calls) {
    let host = Connection::open(file).unwrap();
    host.execute_batch("BEGIN IMMEDIATE").unwrap();
    let release = async {
        while calls.publishes.load(Ordering::SeqCst) < AT_ONCE {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        host.execute_batch("ROLLBACK").unwrap();
    };
    tokio::join!(publish_at_once(webhooks), release);
}

fn event() -> NewEvent {
    NewEvent::json("acme", "order.paid", r#"{"order":7}"#).unwrap()
}

/// One write, which the trace shows among the syncs.
fn mark() {
    let mut out = io::stdout().lock();
    out.write_all(format!("{MARK}\n").as_bytes()).and_then(|()| out.flush()).unwrap();
}

/// Counts publishes that have reached the store and claims that have come back.
#[derive(Default)]
struct Calls {
    publishes: AtomicUsize,
    claims: AtomicUsize,
}

#[async_trait]
impl Interpose for Calls {
    async fn before(&self, call: Call<'_>) -> Result<(), StoreError> {
        if let Call::Publish(..) = call {
            self.publishes.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }

    async fn after(&self, call: Call<'_>, _: Effect<'_>) -> Result<(), StoreError> {
        if let Call::Claim(_) = call {
            self.claims.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }
}
