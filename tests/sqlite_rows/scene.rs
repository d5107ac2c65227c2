//! A file with work of two tenants, made once, and what an engine makes of it after one row
//! of `mallory`'s was changed.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hookpost::backend::{Clock as _, Observer, Store as _};
use hookpost::delivery::{
    ClaimRequest, Claimed, Gate, GateChange, Next, Settlement, Shares, State, UnreadableRow,
};
use hookpost::history::{Class, PageAfter, Selection};
use hookpost::id::{DeliveryId, EventId, HostName, TenantId, Token};
use hookpost::notice::Notice;
use hookpost::policy::rate::{Limit, LimitScope};
use hookpost::stores::sqlite::SqliteStore;
use hookpost::testing::{Behaviour, Reply, ScriptedTransport, SeededEntropy, VirtualClock};
use hookpost::{NewEndpoint, NewEvent, Overrides, Profile, PublishError, Timestamp, Webhooks};
use rusqlite::Connection;
use tokio::sync::OnceCell;
use tokio::time::advance;

use crate::sqlite_file::TempFile;

const START: Timestamp = Timestamp::from_unix_seconds(4_000_000_000);
const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// The victim's endpoint; mallory's that a bad row is about; another one of mallory's.
pub(crate) const VICTIM: &str = "https://victim.example/";
pub(crate) const SICK: &str = "https://sick.example/";
pub(crate) const NEIGHBOUR: &str = "https://neighbour.example/";

pub(crate) struct Scene {
    clock: Arc<VirtualClock>,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) transport: Arc<ScriptedTransport>,
    pub(crate) webhooks: Webhooks,
    heard: Arc<Heard>,
    file: TempFile,
}

/// What an operator would have heard: of rows that cannot be read, and of failures.
#[derive(Default)]
struct Heard {
    rows: Mutex<Vec<UnreadableRow>>,
    failures: Mutex<Vec<String>>,
}

impl Observer for Heard {
    fn notice(&self, notice: &Notice<'_>) {
        match notice {
            Notice::Unreadable { row } => self.rows.lock().unwrap().push((*row).clone()),
            Notice::StoreFailed { .. } | Notice::OwnFault { .. } | Notice::RoutingFailed { .. } => {
                self.failures.lock().unwrap().push(format!("{notice:?}"));
            }
            _ => {}
        }
    }
}

impl Scene {
    /// Over a file whose row was changed, an hour after that was made.
    pub(crate) fn over(file: TempFile) -> Self {
        Self::at(file, START + Duration::from_secs(3600))
    }

    fn at(file: TempFile, now: Timestamp) -> Self {
        let clock = Arc::new(VirtualClock::starting_at(now));
        let store = SqliteStore::builder(file.path()).clock(clock.clone()).danger_commit_without_sync();
        let store = Arc::new(store.open().unwrap());
        let transport = Arc::new(ScriptedTransport::new(clock.clone()));
        let heard = Arc::new(Heard::default());
        let retry = Profile::standard().retry.jitter_percent(0).unwrap();
        let webhooks = Webhooks::builder(store.clone(), transport.clone())
            .clock(clock.clone())
            .entropy(Arc::new(SeededEntropy::new(7)))
            .observer(heard.clone())
            .profile(Profile { retry, limits: vec![shared_limit()], ..Profile::standard() })
            .build()
            .unwrap();
        Self { clock, store, transport, webhooks, heard, file }
    }

    /// Writes to the file as another program would.
    pub(crate) fn sql(&self, statement: &str) {
        Connection::open(self.file.path()).unwrap().execute_batch(statement).unwrap();
    }

    pub(crate) async fn publish(&self, tenant: &str, id: &str) {
        self.try_publish(tenant, id).await.unwrap();
    }

    pub(crate) async fn try_publish(&self, tenant: &str, id: &str) -> Result<EventId, PublishError> {
        let event = NewEvent::json(tenant, "order.paid", "{}").and_then(|event| event.id(id)).unwrap();
        self.webhooks.publish(event).await
    }

    /// Rounds of the engine until there is nothing to do, in no time.
    pub(crate) async fn settle_down(&self) {
        for _ in 0..100 {
            let tick = self.webhooks.tick().await.unwrap();
            let now = self.store.now().await.unwrap();
            let is_due = tick.next_due.is_some_and(|due| due <= now);
            if tick.claimed == 0 && !is_due {
                return;
            }
        }
        panic!("looks again and again at what it cannot claim");
    }

    /// The engine works for that many half hours.
    pub(crate) async fn work_for(&self, half_hours: u64) {
        for _ in 0..half_hours {
            self.settle_down().await;
            advance(Duration::from_secs(1800)).await;
        }
        self.settle_down().await;
    }

    /// Whether the store takes a wall clock's new time that nobody contradicts.
    pub(crate) async fn time_moves(&self) -> bool {
        self.settle_down().await;
        self.clock.jump_ahead(Duration::from_secs(48 * 3600));
        for _ in 0..4 {
            self.settle_down().await;
            advance(Duration::from_secs(300)).await;
        }
        let now = self.store.now().await.unwrap();
        now.distance(self.clock.now()) < Duration::from_secs(60)
    }

    /// The ids of the events that were sent to a URL and accepted.
    pub(crate) fn sent_to(&self, url: &str) -> Vec<String> {
        let id = |exchange: &hookpost::testing::Exchange| {
            exchange.headers["webhook-id"].to_str().unwrap().to_owned()
        };
        let mut ids: Vec<_> = self.transport.exchanges_with(url).iter().map(id).collect();
        ids.sort();
        ids.dedup();
        ids
    }

    pub(crate) fn unreadable(&self) -> Vec<UnreadableRow> {
        self.heard.rows.lock().unwrap().clone()
    }

    pub(crate) fn failures(&self) -> Vec<String> {
        self.heard.failures.lock().unwrap().clone()
    }

    /// All that concerns other tenants, or all of them, is read and done as ever.
    pub(crate) async fn others_read_and_write(&self, what: &str) {
        let (webhooks, now) = (&self.webhooks, self.clock.now());
        let page = webhooks.deliveries(&bob(), Selection::default(), PageAfter::first(100)).await.unwrap();
        assert!(page.unreadable.is_empty(), "{what}: {:?}", page.unreadable);
        for delivery in &page.deliveries {
            assert_eq!(delivery.state, State::Delivered { confirmed: true }, "{what}");
            assert!(webhooks.attempts(&bob(), &delivery.id).await.unwrap().is_some(), "{what}");
        }
        webhooks.stats(Some(&bob())).await.unwrap();
        webhooks.stats(None).await.unwrap();
        webhooks.gates(None, 100).await.unwrap();
        let all = [Class::Delivered, Class::Failed, Class::Cancelled, Class::Unmatched];
        while self.store.prune(&all.map(|class| (class, now)), 1).await.unwrap() {}
        let left = webhooks.deliveries(&bob(), Selection::default(), PageAfter::first(100)).await.unwrap();
        assert!(left.deliveries.is_empty(), "{what}: retention goes on");
    }

    /// What of mallory's an operator sees that cannot be read.
    pub(crate) async fn shown(&self) -> Vec<UnreadableRow> {
        let page = self.webhooks.deliveries(&mallory(), Selection::default(), PageAfter::first(100)).await;
        page.unwrap().unreadable
    }

    /// Cancels a delivery of mallory's; says how many were.
    pub(crate) async fn cancel(&self, delivery: DeliveryId) -> usize {
        let one = Selection { ids: Some(vec![delivery]), ..Selection::default() };
        let cancelled = self.webhooks.cancel(&mallory(), &one, PageAfter::first(100)).await;
        cancelled.unwrap().deliveries.len()
    }

    pub(crate) async fn read_history_of_mallory(&self) {
        let page = self.webhooks.deliveries(&mallory(), Selection::default(), PageAfter::first(100)).await;
        for delivery in page.unwrap().deliveries {
            self.webhooks.attempts(&mallory(), &delivery.id).await.unwrap();
        }
        self.webhooks.stats(Some(&mallory())).await.unwrap();
    }
}

pub(crate) fn bob() -> TenantId {
    "bob".parse().unwrap()
}

pub(crate) fn mallory() -> TenantId {
    "mallory".parse().unwrap()
}

fn endpoint(tenant: &str, id: &str, url: &str) -> NewEndpoint {
    NewEndpoint::new(tenant, url, "standard")
        .and_then(|new| new.id(id)?.secret(SECRET)?.events(["order.*"]))
        .unwrap()
}

/// A limit of all endpoints that set none of their own.
fn shared_limit() -> Limit {
    Limit::per_minute(LimitScope::Global, NonZeroU32::new(1_000).unwrap())
}

/// A copy of the healthy file.
pub(crate) async fn healthy() -> TempFile {
    static HEALTHY: OnceCell<Vec<u8>> = OnceCell::const_new();
    let file = TempFile::new();
    std::fs::write(file.path(), HEALTHY.get_or_init(make_healthy).await).unwrap();
    file
}

/// Makes the healthy file, once for all tests. Every table has a row of mallory's that is about the endpoint `sick`:
/// its delivery of `m-1` has failed once and been claimed in silence once.
async fn make_healthy() -> Vec<u8> {
    let scene = Scene::at(TempFile::new(), START);
    let (webhooks, store) = (&scene.webhooks, &scene.store);
    scene.transport.at(SICK, Behaviour::from(Reply::status(500)));
    let limit = Limit::new(LimitScope::Endpoint, NonZeroU32::new(100).unwrap(), Duration::from_secs(86_400));
    let limited = Overrides::none().limits([limit.unwrap()]).unwrap();
    webhooks.register(endpoint("bob", "victim", VICTIM)).await.unwrap();
    webhooks.register(endpoint("mallory", "neighbour", NEIGHBOUR)).await.unwrap();
    webhooks.register(endpoint("mallory", "sick", SICK).overrides(limited)).await.unwrap();

    let keyed = |tenant, id| NewEvent::json(tenant, "order.paid", "{}").unwrap().id(id).unwrap();
    for id in ["m-1", "m-2"] {
        webhooks.publish(keyed("mallory", id).ordering_key("k").unwrap()).await.unwrap();
    }
    webhooks.publish(NewEvent::json("mallory", "nobody.wants", "{}").unwrap()).await.unwrap();
    webhooks.publish(keyed("bob", "b-1")).await.unwrap();
    scene.settle_down().await;

    // A lease of `sick` that ends in silence, which the next claim notes and gives back.
    advance(Duration::from_secs(600)).await;
    for token in [1, 2] {
        let now = scene.clock.now();
        let request = ClaimRequest {
            token: Token::from_bytes([token; 16]),
            now,
            lease_until: now + Duration::from_secs(30),
            deliveries: 10,
            doubtful: 10,
            events: 0,
            shares: Shares::unlimited(),
            alone: false,
        };
        let work = store.claim(&request).await.unwrap().work;
        assert_eq!(work.len(), 1);
        if token == 2 {
            let of = Claimed::Delivery(work[0].delivery);
            let release =
                Settlement { token: request.token, of, at: now, next: Next::Release, attempt: None };
            store.settle(&[release], &[], now).await.unwrap();
        }
        advance(Duration::from_secs(60)).await;
    }
    let until = GateChange::Hold(scene.clock.now() + Duration::from_secs(60));
    let host = Gate::Host(HostName::new("sick.example").unwrap());
    store.gate(&[(host, until), (Gate::Tenant(mallory()), until)], scene.clock.now()).await.unwrap();
    // One that will ask while the file is looked at.
    let (since, comes_at) = (scene.clock.now().as_micros(), (START + Duration::from_secs(7200)).as_micros());
    let waiter =
        format!("'global', '', 60000000, 'sick', 'mallory', 1, {since}, {since}, {comes_at}, 2000000");
    scene.sql(&format!("INSERT INTO hookpost_waiter VALUES ({waiter})"));
    for (tenant, id) in [("mallory", "m-3"), ("bob", "b-2")] {
        scene.sql(&format!(
            r#"INSERT INTO hookpost_publish VALUES ('{{"tenant":"{tenant}","type":"order.paid","id":"{id}","ordering_key":"k","payload_base64":"e30="}}')"#
        ));
    }
    // Whatever still has the file open, all of it is in the file itself after this.
    let db = Connection::open(scene.file.path()).unwrap();
    let busy: bool = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
    assert!(!busy, "the log could not be written to the file");
    std::fs::read(scene.file.path()).unwrap()
}
