//! Under tokio's paused time the SQLite store works as the memory store does: hours of
//! retries pass in no time, and none of them before the store has answered.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod sqlite_file;
mod world;

use std::sync::Arc;
use std::time::Duration;

use hookpost::backend::Clock as _;
use hookpost::delivery::State;
use hookpost::history::{PageAfter, Selection};
use hookpost::stores::sqlite::SqliteStore;
use hookpost::testing::{Behaviour, Reply, ScriptedTransport, SeededEntropy, VirtualClock};
use hookpost::{NewEvent, Profile, Webhooks};
use rusqlite::Connection;
use sqlite_file::TempFile;
use world::{Heard, START, acme, endpoint, hours, seconds, url, without_jitter};

const DELIVERED: State = State::Delivered { confirmed: true };

struct OnFile {
    file: TempFile,
    clock: Arc<VirtualClock>,
    transport: Arc<ScriptedTransport>,
    heard: Arc<Heard>,
    webhooks: Webhooks,
}

fn on_file() -> OnFile {
    let (file, clock) = (TempFile::new(), Arc::new(VirtualClock::starting_at(START)));
    let store = Arc::new(SqliteStore::builder(file.path()).clock(clock.clone()).open().unwrap());
    let transport = Arc::new(ScriptedTransport::new(clock.clone()));
    let heard = Arc::new(Heard::default());
    let webhooks = Webhooks::builder(store, transport.clone())
        .clock(clock.clone())
        .entropy(Arc::new(SeededEntropy::new(7)))
        .observer(heard.clone())
        .poll(Duration::from_secs(30))
        .profile(without_jitter(Profile::standard()))
        .build()
        .unwrap();
    OnFile { file, clock, transport, heard, webhooks }
}

impl OnFile {
    async fn states(&self) -> Vec<State> {
        let page = PageAfter::first(100);
        let answer = self.webhooks.deliveries(&acme(), Selection::default(), page).await.unwrap();
        answer.deliveries.into_iter().map(|delivery| delivery.state).collect()
    }

    async fn run_for(&self, time: Duration) {
        self.webhooks.run(tokio::time::sleep(time)).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_night_of_retries_keeps_its_schedule() {
    let on_file = on_file();
    on_file.webhooks.register(endpoint("e", "standard")).await.unwrap();
    let reply = Behaviour::by(|_, n| if n < 4 { Reply::status(500) } else { Reply::ok() });
    on_file.transport.at(url("e"), reply);
    on_file.webhooks.publish(NewEvent::json("acme", "order.paid", "{}").unwrap()).await.unwrap();
    on_file.run_for(hours(12)).await;

    // The gaps of `standard`: 5 s, 5 min, 30 min, 2 h. A store that answers takes no time.
    let began = seconds(&on_file.transport.exchanges());
    assert_eq!(began, [0, 5, 305, 2105, 9305]);
    assert_eq!(on_file.states().await, [DELIVERED]);
    assert_eq!(on_file.heard.count("OwnFault") + on_file.heard.count("StoreFailed"), 0);
    assert_eq!(on_file.clock.elapsed(), hours(12));
}

#[tokio::test(start_paused = true)]
async fn what_the_hosts_transaction_published_is_found_and_sent() {
    let on_file = on_file();
    on_file.webhooks.register(endpoint("e", "standard")).await.unwrap();
    let host = Connection::open(on_file.file.path()).unwrap();
    for number in 0..20 {
        let event = format!(
            r#"{{"id":"{number}","tenant":"acme","type":"t","payload":"{{}}","created_at":"2026-01-01T00:00:00Z"}}"#
        );
        host.execute("INSERT INTO hookpost_publish(event) VALUES (?1)", [event]).unwrap();
    }
    on_file.run_for(hours(6)).await;
    assert_eq!(on_file.states().await, [DELIVERED; 20]);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_of_the_hosts_own_passes_after_the_stores_answer() {
    let on_file = on_file();
    let registering = on_file.webhooks.register(endpoint("e", "standard"));
    let registered = tokio::time::timeout(Duration::from_nanos(1), registering).await;
    assert!(registered.expect("no time passes while the store writes").is_ok());
}
