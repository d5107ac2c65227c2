//! What may be written can be read: an endpoint that a store has taken is one that it
//! gives back, and a row that cannot be read is one endpoint that gets nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod sqlite_file;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use hookpost::delivery::{CancelReason, State};
use hookpost::error::StoreError;
use hookpost::id::{EndpointId, TenantId};
use hookpost::policy::egress::{PortPolicy, UrlPolicy};
use hookpost::seam::{Clock, Notice, Observer, PageAfter, Selection};
use hookpost::secret::{Secret, Secrets};
use hookpost::stores::memory::MemoryStore;
use hookpost::stores::sqlite::SqliteStore;
use hookpost::testing::store::{Call, Effect, Interpose, Interposed};
use hookpost::testing::{ScriptedTransport, VirtualClock};
use hookpost::{Endpoint, NewEndpoint, NewEvent, Profile, RegisterError, Timestamp, Webhooks};
use sqlite_file::TempFile;

const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const VICTIM: &str = "https://victim.example/hook";

/// A sender over a SQLite file, in real time: `bob` has one endpoint that answers, and
/// what `mallory` writes must not reach it.
struct Scene {
    transport: Arc<ScriptedTransport>,
    webhooks: Webhooks,
    /// Another process, which has read other moments of the endpoints.
    publisher: Webhooks,
    heard: Arc<Heard>,
    file: TempFile,
}

/// What an operator would have heard, as text.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Observer for Heard {
    fn notice(&self, notice: &Notice<'_>) {
        self.0.lock().unwrap().push(format!("{notice:?}"));
    }
}

impl Heard {
    fn of(&self, word: &str) -> Vec<String> {
        self.0.lock().unwrap().iter().filter(|text| text.starts_with(word)).cloned().collect()
    }
}

impl Scene {
    async fn new() -> Self {
        let file = TempFile::new();
        let clock = Arc::new(VirtualClock::starting_at(Timestamp::from_unix_seconds(1_800_000_000)));
        let store = Arc::new(SqliteStore::open(file.path(), clock.clone()).unwrap());
        let transport = Arc::new(ScriptedTransport::new(clock.clone()));
        let heard = Arc::new(Heard::default());
        let any_port = UrlPolicy { ports: PortPolicy::DangerAny, ..UrlPolicy::https_only() };
        let facade = || {
            Webhooks::builder(store.clone(), transport.clone())
                .clock(clock.clone())
                .observer(heard.clone())
                .poll(Duration::from_millis(50))
                .profile(Profile { name: "any_port".parse().unwrap(), urls: any_port, ..Profile::standard() })
                .build()
                .unwrap()
        };
        let (webhooks, publisher) = (facade(), facade());
        let scene = Self { transport, webhooks, publisher, heard, file };
        scene.webhooks.register(new("bob", "good", VICTIM, "standard")).await.unwrap();
        scene
    }

    /// Writes to the file as another program would.
    fn sql(&self, statement: &str) {
        rusqlite::Connection::open(self.file.path()).unwrap().execute_batch(statement).unwrap();
    }

    async fn states_of(&self, tenant: &str) -> Vec<State> {
        let page = PageAfter::first(1000);
        let all =
            self.webhooks.deliveries(&tenant.parse().unwrap(), Selection::default(), page).await.unwrap();
        all.deliveries.iter().map(|delivery| delivery.state).collect()
    }

    async fn publish(&self, tenant: &str) {
        self.publisher.publish(NewEvent::json(tenant, "order.paid", "{}").unwrap()).await.unwrap();
    }

    /// Runs the engine until that many requests were sent to a URL, or for five seconds.
    async fn run_until_sent(&self, url: &str, count: usize) {
        let sent = async {
            while self.transport.exchanges_with(url).len() < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let stop = async { drop(tokio::time::timeout(Duration::from_secs(5), sent).await) };
        self.webhooks.run(stop).await.unwrap();
    }

    /// Twenty events of bob's all reach him, and the engine finds nothing wrong with itself.
    async fn victim_is_served(&self, what: &str) {
        let before = self.transport.exchanges_with(VICTIM).len();
        for _ in 0..20 {
            self.publish("bob").await;
        }
        self.run_until_sent(VICTIM, before + 20).await;
        let sent = self.transport.exchanges_with(VICTIM).len() - before;
        assert_eq!(sent, 20, "{what}: {:?}", self.heard.of("StoreFailed"));
        assert_eq!(self.heard.of("OwnFault"), Vec::<String>::new(), "{what}");
    }
}

fn new(tenant: &str, id: &str, url: &str, profile: &str) -> NewEndpoint {
    let new = NewEndpoint::new(tenant, url, profile).and_then(|new| new.id(id));
    new.and_then(|new| new.secret(SECRET)).unwrap()
}

fn mallory() -> TenantId {
    "mallory".parse().unwrap()
}

fn bad() -> EndpointId {
    "bad".parse().unwrap()
}

#[tokio::test]
async fn a_url_on_any_port_that_a_profile_allows_is_read_back_and_sent_to() {
    let scene = Scene::new().await;
    for port in [1, 81, 444, 1023, 65535] {
        let (id, url) = (format!("port-{port}"), format!("https://a.example:{port}/"));
        scene.webhooks.register(new("mallory", &id, &url, "any_port")).await.unwrap();
    }
    scene.publish("mallory").await;
    scene.victim_is_served("ports").await;
    let pages = scene.webhooks.endpoints(&mallory(), None, 10).await.unwrap();
    assert_eq!(pages.endpoints.len(), 5);
    assert_eq!(scene.transport.exchanges_with("https://a.example:81/").len(), 1);
}

#[tokio::test]
async fn a_url_that_grows_in_its_normal_form_is_refused_before_it_is_stored() {
    let scene = Scene::new().await;
    let of_length = |length: usize| format!("https://evil.example?{:a<1$}", "", length - 21);
    let refused = scene.webhooks.register(new("mallory", "bad", &of_length(8000), "standard")).await;
    assert!(refused.unwrap_err().to_string().starts_with("url: "));
    scene.webhooks.register(new("mallory", "bad", &of_length(7999), "standard")).await.unwrap();
    let update = new("mallory", "bad", &of_length(8000), "standard");
    assert!(matches!(scene.webhooks.update(&bad(), 1, update).await, Err(RegisterError::Endpoint(_))));
    assert_eq!(scene.webhooks.endpoint(&mallory(), &bad()).await.unwrap().unwrap().version, 1);
    scene.victim_is_served("the longest URL").await;
}

/// Rotates the secret of `bad` once, through a façade of its own, right after an endpoint
/// was read.
struct RotatesAfterARead(Mutex<Option<Webhooks>>);

#[async_trait]
impl Interpose for RotatesAfterARead {
    async fn before(&self, _: Call<'_>) -> Result<(), StoreError> {
        Ok(())
    }

    async fn after(&self, call: Call<'_>, _: Effect<'_>) -> Result<(), StoreError> {
        let rotating = if matches!(call, Call::Read) { self.0.lock().unwrap().take() } else { None };
        if let Some(webhooks) = rotating {
            let secret = Secret::new(ROTATED).unwrap();
            webhooks.rotate_secret(&mallory(), &bad(), secret, Duration::ZERO).await.unwrap();
        }
        Ok(())
    }
}

const ROTATED: &str = "whsec_AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

fn signs_with(endpoint: &Endpoint) -> &[u8] {
    let Secrets::Open(secrets) = &endpoint.secrets else { panic!("sealed") };
    secrets.current[0].expose()
}

#[tokio::test]
async fn an_update_that_names_a_version_it_did_not_read_writes_nothing_back() {
    let clock = Arc::new(VirtualClock::starting_at(Timestamp::EPOCH));
    let store = Arc::new(MemoryStore::new(clock.clone()));
    let transport = Arc::new(ScriptedTransport::new(clock.clone()));
    let facade = |clock: Arc<dyn Clock>| Webhooks::builder(store.clone(), transport.clone()).clock(clock);
    let other = facade(clock.clone()).build().unwrap();
    other.register(new("mallory", "bad", VICTIM, "standard")).await.unwrap();
    let between = RotatesAfterARead(Mutex::new(Some(other.clone())));
    let interposed = Arc::new(Interposed::new(store.clone(), between));
    let webhooks = Webhooks::builder(interposed, transport.clone()).clock(clock).build().unwrap();

    let without_secret = NewEndpoint::new("mallory", VICTIM, "standard").unwrap();
    let guessed = webhooks.update(&bad(), 2, without_secret.clone()).await;
    assert!(matches!(guessed, Err(RegisterError::Conflict { current: Some(1) })), "{guessed:?}");
    let there = other.endpoint(&mallory(), &bad()).await.unwrap().unwrap();
    assert_eq!((there.version, signs_with(&there)), (2, ROTATED.as_bytes()), "the rotation stands");
    let updated = webhooks.update(&bad(), 2, without_secret).await.unwrap();
    assert_eq!((updated.version, signs_with(&updated)), (3, ROTATED.as_bytes()));
}

/// Every way in which one endpoint's row can be unreadable, as SQL: the field that is told,
/// and what is written to it.
const BROKEN: [(&str, &str); 20] = [
    ("url", "url = 'http://127.0.0.1:8080#x'"),
    ("url", "url = ''"),
    ("url", "url = 7"),
    ("url", "url = CAST(x'ff00' AS TEXT)"),
    ("url", "url = 'https://a.example/' || hex(zeroblob(4000))"),
    ("sealed", "sealed = 'text'"),
    ("key_id", "key_id = x'00ff'"),
    ("subscription", "subscription = '{\"events\":[\"*\"],\"sco'"),
    ("subscription", "subscription = '{\"events\":[\"a b\"],\"scope\":null,\"filters\":[]}'"),
    ("subscription", "subscription = x'7b7d'"),
    ("overrides", "overrides = '{'"),
    ("overrides", "overrides = '{\"width\":0}'"),
    ("name", "name = CAST(x'ff' AS TEXT)"),
    ("name", "name = x'ff'"),
    ("profile", "profile = 'No Such!'"),
    ("profile", "profile = x'ff'"),
    ("enabled", "enabled = 'perhaps'"),
    ("since", "since = 'long ago'"),
    ("version", "version = -1"),
    ("version", "version = 'x'"),
];

#[tokio::test]
async fn a_row_that_cannot_be_read_holds_its_own_endpoint_and_no_other() {
    for (field, change) in BROKEN {
        let scene = Scene::new().await;
        let url = "https://bad.example/";
        scene.webhooks.register(new("mallory", "bad", url, "standard")).await.unwrap();
        scene.webhooks.register(new("mallory", "own", "https://own.example/", "standard")).await.unwrap();
        scene.publish("mallory").await;
        scene.sql(&format!(
            "CREATE TABLE kept AS SELECT * FROM hookpost_endpoint; UPDATE hookpost_endpoint SET {change} WHERE id = 'bad'"
        ));
        for _ in 0..3 {
            scene.publish("mallory").await;
        }
        scene.victim_is_served(change).await;
        assert_eq!(
            scene.transport.exchanges_with("https://own.example/").len(),
            4,
            "{change}: a neighbour's"
        );
        assert!(scene.transport.exchanges_with(url).is_empty(), "{change}");
        assert_eq!(scene.states_of("mallory").await.iter().filter(|state| !state.is_terminal()).count(), 4);

        let held = scene.heard.of("Held");
        assert_eq!(held.len(), 1, "{change}: once per hold: {held:?}");
        assert!(
            held[0].contains("\"bad\"") && held[0].contains(&format!("its {field} ")),
            "{change}: {held:?}"
        );

        // An operator sees it and can act on it by its id.
        let page = scene.webhooks.endpoints(&mallory(), None, 10).await.unwrap();
        assert_eq!((page.endpoints.len(), page.unreadable.len()), (1, 1), "{change}");
        assert_eq!((page.unreadable[0].id.as_str(), page.unreadable[0].field), ("bad", field), "{change}");
        let error = scene.webhooks.endpoint(&mallory(), &bad()).await.unwrap_err().to_string();
        assert!(error.contains("endpoint bad: its ") && !error.contains("example"), "{change}: {error}");
        scene.webhooks.pause(&mallory(), &bad()).await.unwrap();
        assert!(scene.webhooks.queue(&mallory(), &bad()).await.unwrap().unwrap().paused, "{change}");
        scene.webhooks.resume(&mallory(), &bad()).await.unwrap();

        // Repaired, it gets everything that was published meanwhile.
        scene.sql("DELETE FROM hookpost_endpoint; INSERT INTO hookpost_endpoint SELECT * FROM kept");
        scene.webhooks.expedite(&mallory(), &Selection::default(), PageAfter::first(100)).await.unwrap();
        scene.run_until_sent(url, 4).await;
        assert_eq!(scene.transport.exchanges_with(url).len(), 4, "{change}");
    }
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_read_is_disabled_and_removed_by_its_id() {
    let scene = Scene::new().await;
    scene.webhooks.register(new("mallory", "bad", "https://bad.example/", "standard")).await.unwrap();
    scene.sql("UPDATE hookpost_endpoint SET url = '', subscription = 7, version = 'x' WHERE id = 'bad'");
    let stranger = "stranger".parse().unwrap();
    assert!(matches!(scene.webhooks.disable(&stranger, &bad()).await, Err(RegisterError::NotFound)));
    assert!(matches!(scene.webhooks.pause(&stranger, &bad()).await, Err(RegisterError::NotFound)));
    assert!(scene.webhooks.endpoint(&stranger, &bad()).await.unwrap().is_none());

    scene.publish("mallory").await;
    scene.webhooks.disable(&mallory(), &bad()).await.unwrap();
    scene.publish("mallory").await;
    assert_eq!(scene.states_of("mallory").await.len(), 1, "nothing is routed to a disabled one");
    assert!(scene.webhooks.remove(&mallory(), &bad()).await.unwrap());
    assert!(scene.webhooks.endpoints(&mallory(), None, 10).await.unwrap().unreadable.is_empty());
    scene.webhooks.register(new("mallory", "bad", "https://bad.example/", "standard")).await.unwrap();
    scene.publish("mallory").await;
    scene.run_until_sent("https://bad.example/", 1).await;
    assert_eq!(scene.transport.exchanges_with("https://bad.example/").len(), 1);
}

#[tokio::test]
async fn an_event_that_an_unreadable_endpoint_does_not_want_is_not_sent_to_it_after_its_repair() {
    let scene = Scene::new().await;
    let url = "https://bad.example/";
    let wants_refunds = new("mallory", "bad", url, "standard").events(["refund.*"]).unwrap();
    scene.webhooks.register(wants_refunds).await.unwrap();
    scene.sql(
        "CREATE TABLE kept AS SELECT subscription FROM hookpost_endpoint WHERE id = 'bad';
        UPDATE hookpost_endpoint SET subscription = '{' WHERE id = 'bad'",
    );
    scene.publish("mallory").await;
    scene.webhooks.publish(NewEvent::json("mallory", "refund.made", "{}").unwrap()).await.unwrap();
    scene.sql("UPDATE hookpost_endpoint SET subscription = (SELECT subscription FROM kept) WHERE id = 'bad'");
    scene.run_until_sent(url, 2).await;
    let sent = scene.transport.exchanges_with(url);
    assert_eq!(sent.len(), 1);
    let states = scene.states_of("mallory").await;
    assert!(states.contains(&State::Cancelled(CancelReason::Unwanted)), "{states:?}");
    assert!(states.contains(&State::Delivered { confirmed: true }), "{states:?}");
}
