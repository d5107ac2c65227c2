//! What may be written can be read: an endpoint that a store has taken is one that it
//! gives back, and a row that cannot be read is one endpoint that gets nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod sqlite_file;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use hookpost::error::StoreError;
use hookpost::id::{EndpointId, TenantId};
use hookpost::policy::egress::{PortPolicy, UrlPolicy};
use hookpost::seam::{Clock, Notice, Observer};
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
    heard: Arc<Heard>,
    _file: TempFile,
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
        let webhooks = Webhooks::builder(store, transport.clone())
            .clock(clock)
            .observer(heard.clone())
            .poll(Duration::from_millis(50))
            .profile(Profile { name: "any_port".parse().unwrap(), urls: any_port, ..Profile::standard() })
            .build()
            .unwrap();
        let scene = Self { transport, webhooks, heard, _file: file };
        scene.webhooks.register(new("bob", "good", VICTIM, "standard")).await.unwrap();
        scene
    }

    async fn publish(&self, tenant: &str) {
        self.webhooks.publish(NewEvent::json(tenant, "order.paid", "{}").unwrap()).await.unwrap();
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
    assert_eq!(pages.len(), 5);
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
