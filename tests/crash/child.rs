//! The process that is killed: this very test binary, started again with orders.
//!
//! It says on its standard output where it is and what it has acknowledged, one line
//! and one write each, at the moment itself: what it had said, it had done.

use std::future;
use std::io::{self, Write};
use std::path::Path;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use hookpost::backend::{Observer, Transport};
use hookpost::error::StoreError;
use hookpost::notice::Notice;
use hookpost::policy::outcome::{Outcome, Response};
use hookpost::profile::Request;
use hookpost::testing::store::{Call, Effect, Interpose, Interposed};
use hookpost::transports::ReqwestTransport;
use hookpost::{Webhooks, async_trait};
use http::{HeaderMap, StatusCode};
use nix::sys::signal::{Signal, raise};
use rusqlite::Connection;

use super::orders::{Conduct, Fate, Orders, Point, Stage};
use super::process::Line;
use super::sender;

#[test]
#[ignore = "a process of its own, which the other tests start"]
fn child() {
    let Some(orders) = Orders::of_this_process() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(live(orders));
}

async fn live(orders: Orders) {
    let stages = Arc::new(Stages::new(orders.fate));
    let clock = sender::Ahead::by(orders.ahead);
    let store = Interposed::new(sender::store(&orders.file, &clock), Arc::clone(&stages));
    let transport =
        Watched { inner: sender::transport(), stages: Arc::clone(&stages), conduct: orders.conduct };
    let webhooks = sender::build(Arc::new(store), Arc::new(transport), clock, Arc::new(Faults));
    for number in 0..orders.publishers {
        let name = format!("{}-{number}", orders.tag);
        tokio::spawn(publish(webhooks.clone(), name, Arc::clone(&stages), orders.conduct));
    }
    if orders.sql {
        let webhooks = webhooks.clone();
        thread::spawn(move || publish_by_sql(&orders.file, &orders.tag, &webhooks, &stages));
    }
    webhooks.run(future::pending::<()>()).await.unwrap();
}

async fn publish(webhooks: Webhooks, name: String, stages: Arc<Stages>, conduct: Conduct) {
    for number in 0_u32.. {
        let id = format!("{name}-{number}");
        if conduct == Conduct::AcknowledgesEarly {
            stages.acknowledge(id.clone());
        }
        let published = webhooks.publish(sender::event(&id)).await;
        if published.is_ok() && conduct != Conduct::AcknowledgesEarly {
            stages.acknowledge(id);
        }
    }
}

/// As a host does it in a transaction of its own: the event is routed by the engine.
fn publish_by_sql(file: &Path, tag: &str, webhooks: &Webhooks, stages: &Stages) {
    let host = Connection::open(file).unwrap();
    host.busy_timeout(Duration::from_secs(5)).unwrap();
    for number in 0_u32.. {
        let id = format!("{tag}-sql-{number}");
        let json = format!(r#"{{"id":"{id}","tenant":"acme","type":"order.paid","payload":"{{}}"}}"#);
        if host.execute("INSERT INTO hookpost_publish(event) VALUES (?1)", [json]).is_ok() {
            stages.acknowledge(id);
            webhooks.nudge();
        }
        // The host has other things to do, and the store's own writer its turn.
        thread::sleep(Duration::from_millis(5));
    }
}

/// Without a parent that listens there is nothing to live for.
fn say(line: &Line) {
    let mut out = io::stdout().lock();
    if out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush()).is_err() {
        process::exit(1);
    }
}

/// Stands before the store and the transport, says what passes, and is the child's fate.
struct Stages {
    fate: Fate,
    passed: AtomicU32,
    /// Calls of the store under way.
    open: AtomicUsize,
    stopped: AtomicBool,
}

impl Stages {
    const fn new(fate: Fate) -> Self {
        Self { fate, passed: AtomicU32::new(0), open: AtomicUsize::new(0), stopped: AtomicBool::new(false) }
    }

    fn pass(&self, point: Point) {
        say(&Line::Mark(point));
        if let Fate::Dies { at, passing } = self.fate
            && at == point
        {
            self.die_at(passing);
        }
    }

    fn acknowledge(&self, event: String) {
        say(&Line::Acknowledged(event));
        if let Fate::DiesAcknowledging(passing) = self.fate {
            self.die_at(passing);
        }
    }

    fn die_at(&self, passing: u32) {
        if self.passed.fetch_add(1, Ordering::SeqCst) + 1 == passing {
            raise(Signal::SIGKILL).unwrap();
        }
    }

    /// A process that stood still inside a transaction would keep everybody else from
    /// writing. All calls begin on this one thread: none does while it has found none.
    async fn stop_once(&self) {
        if self.fate != Fate::StopsBeforeSettling || self.stopped.swap(true, Ordering::SeqCst) {
            return;
        }
        while self.open.load(Ordering::SeqCst) > 0 {
            tokio::task::yield_now().await;
        }
        say(&Line::Stops);
        raise(Signal::SIGSTOP).unwrap();
    }
}

#[async_trait]
impl Interpose for Stages {
    async fn before(&self, call: Call<'_>) -> Result<(), StoreError> {
        let stage = Stage::of(&call);
        if stage == Some(Stage::Settle) {
            self.stop_once().await;
        }
        if let Some(stage) = stage {
            self.pass(Point::entering(stage));
        }
        self.open.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn after(&self, call: Call<'_>, effect: Effect<'_>) -> Result<(), StoreError> {
        self.open.fetch_sub(1, Ordering::SeqCst);
        if let Effect::Settled(answers) = effect {
            let applied =
                answers.iter().filter(|answer| **answer == hookpost::delivery::Settled::Applied).count();
            say(&Line::Settled { applied, stale: answers.len() - applied });
        }
        if let Some(stage) = Stage::of(&call) {
            self.pass(Point::leaving(stage));
        }
        Ok(())
    }
}

struct Watched {
    inner: ReqwestTransport,
    stages: Arc<Stages>,
    conduct: Conduct,
}

#[async_trait]
impl Transport for Watched {
    async fn send(&self, request: Request) -> (Outcome, Duration) {
        self.stages.pass(Point::entering(Stage::Send));
        let answer = match self.conduct {
            Conduct::InventsAnswers => (invented(), Duration::ZERO),
            Conduct::SendsTwice => {
                self.inner.send(request.clone()).await;
                self.inner.send(request).await
            }
            Conduct::Honest | Conduct::AcknowledgesEarly => self.inner.send(request).await,
        };
        self.stages.pass(Point::leaving(Stage::Send));
        answer
    }
}

fn invented() -> Outcome {
    let (status, headers) = (StatusCode::OK, HeaderMap::new());
    Outcome::Response(Response { status, headers, body: "0".into(), cut: false })
}

/// A store that fails under its engine after a crash is a finding of its own.
struct Faults;

impl Observer for Faults {
    fn notice(&self, notice: &Notice<'_>) {
        if let Notice::StoreFailed { kind, during } = notice {
            say(&Line::Fault(format!("{during}: {kind:?}")));
        }
    }
}
