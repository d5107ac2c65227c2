//! What may be written can be read: an endpoint that a store has taken is one that it
//! gives back, and a row that cannot be read is one endpoint that gets nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod sqlite_file;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use hookpost::backend::{Backend, Clock, Observer};
use hookpost::delivery::{CancelReason, State};
use hookpost::endpoint::{Expected, Loaded, Put, Write};
use hookpost::error::{StoreError, StoreErrorKind};
use hookpost::history::{PageAfter, Selection};
use hookpost::id::{EndpointId, TenantId};
use hookpost::notice::Notice;
use hookpost::os::SystemClock;
use hookpost::policy::egress::{EndpointUrl, PortPolicy, UrlPolicy};
use hookpost::secret::{Secret, Secrets};
use hookpost::stores::memory::MemoryStore;
use hookpost::stores::sqlite::SqliteStore;
use hookpost::testing::store::{Call, Effect, Interpose, Interposed};
use hookpost::testing::{ScriptedTransport, VirtualClock};
use hookpost::{
    Endpoint, Filter, Headers, Interest, NewEndpoint, NewEvent, Overrides, Profile, RegisterError, SecretSet,
    Subscription, Timestamp, Webhooks,
};
use proptest::prelude::*;
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
        let store = Arc::new(SqliteStore::builder(file.path()).clock(clock.clone()).open().unwrap());
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
    let store = Arc::new(MemoryStore::with_clock(clock.clone()));
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

fn nested(levels: usize) -> serde_json::Value {
    (0..levels).fold(serde_json::Value::Null, |inner, _| serde_json::Value::Array(vec![inner]))
}

#[test]
fn a_filter_is_bounded_when_it_is_made_and_when_it_is_read() {
    let equals = |levels| Filter::equals("/a", [nested(levels)]);
    assert!(equals(32).is_ok());
    for levels in [33, 123, 124, 127, 128, 1000] {
        assert_eq!(equals(levels).unwrap_err().field, "filter.any_of", "{levels}");
    }
    let read =
        |json: String| serde_json::from_str::<Filter>(&json).map(drop).map_err(|error| error.to_string());
    read(format!(r#"{{"pointer":"/a","any_of":[{}]}}"#, nested(32))).unwrap();
    for (json, rule) in [
        (format!(r#"{{"pointer":"/a","any_of":[{}]}}"#, nested(33)), "32 levels"),
        (r#"{"pointer":"a","any_of":[1]}"#.to_owned(), "must begin with /"),
        (r#"{"pointer":"/a","any_of":[]}"#.to_owned(), "at least one value"),
        (format!(r#"{{"pointer":"/{}","any_of":[1]}}"#, "a".repeat(1024)), "1024 bytes"),
        (format!(r#"{{"pointer":"{}","any_of":[1]}}"#, "/a".repeat(33)), "32 steps"),
        (format!(r#"{{"pointer":"/a","any_of":[{}1]}}"#, "1,".repeat(1024)), "1024 values"),
    ] {
        let refused = read(json).unwrap_err();
        assert!(refused.contains(rule), "{refused}");
    }
    assert!(Filter::equals("/a".repeat(32), vec![1.into(); 1024]).is_ok());
}

/// The longest of everything that a subscription may have, and what passes each bound.
fn subscriptions() -> (Subscription, Vec<(&'static str, Subscription)>) {
    let filter = || Filter::equals("/a", ["b".into()]).unwrap();
    let filters = |count| (0..count).fold(Subscription::to_all(), |all, _| all.filtered(filter()));
    let patterns = |count| Subscription::to((0..count).map(|n| format!("type-{n}.*"))).unwrap();
    let interests = |count, filters| {
        let one = Interest::new(1, "n", [vec![filter(); filters]]).unwrap();
        Subscription::to_all().among(vec![one; count])
    };
    let parts = |count, length| Subscription::to_all().including(vec!["p".repeat(length); count]);
    let values = vec![serde_json::Value::from("v".repeat(300)); 1024];
    let deep = Filter::equals("/a", [nested(32)]).unwrap();
    let longest = (0..63).fold(patterns(256), |all, _| all.filtered(filter())).filtered(deep);
    let too_large = Subscription::to_all().filtered(Filter::equals("/a", values).unwrap());
    let refused = vec![
        ("filters", filters(65)),
        ("events", patterns(257)),
        ("interests", interests(101, 1)),
        ("interests", interests(100, 41)),
        ("parts", parts(65, 1)),
        ("parts", parts(1, 256)),
        ("subscription", too_large),
    ];
    (longest.including(vec!["p".repeat(255); 64]), refused)
}

#[tokio::test]
async fn a_subscription_is_bounded_by_the_facade_by_each_store_and_when_it_is_read() {
    let scene = Scene::new().await;
    let clock = Arc::new(VirtualClock::starting_at(Timestamp::EPOCH));
    let stores: [Arc<dyn Backend>; 2] = [
        Arc::new(MemoryStore::with_clock(clock.clone())),
        Arc::new(SqliteStore::builder(scene.file.directory().join("other.db")).clock(clock).open().unwrap()),
    ];
    let there = scene.webhooks.endpoint(&"bob".parse().unwrap(), &"good".parse().unwrap()).await;
    let there = Endpoint::clone(&there.unwrap().unwrap());
    let (longest, refused) = subscriptions();
    for (field, subscription) in refused {
        let new =
            new("mallory", "bad", "https://bad.example/", "standard").subscription(subscription.clone());
        let error = scene.webhooks.register(new).await.unwrap_err().to_string();
        assert!(error.starts_with(field), "{field}: {error}");
        let json = serde_json::to_string(&subscription).unwrap();
        let error = serde_json::from_str::<Subscription>(&json).unwrap_err().to_string();
        assert!(error.starts_with(field), "{field}: {error}");
        for store in &stores {
            let endpoint = Endpoint { subscription: subscription.clone(), ..there.clone() };
            let write = Write { endpoint, width: 1, expected: Expected::Absent, unique_url: false };
            let error = store.put(&write).await.unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Invalid, "{field}: {error}");
            assert!(
                matches!(store.load(std::slice::from_ref(&there.id)).await.unwrap()[0], Loaded::Missing),
                "{field}"
            );
        }
    }
    for store in &stores {
        let endpoint = Endpoint { subscription: longest.clone(), name: "n".repeat(255), ..there.clone() };
        let write = Write { endpoint, width: 1, expected: Expected::Absent, unique_url: false };
        assert!(matches!(store.put(&write).await.unwrap(), Put::Stored { version: 1, .. }));
        let loaded = store.load(std::slice::from_ref(&there.id)).await.unwrap().remove(0).found().unwrap();
        assert_eq!((&loaded.subscription, loaded.name.len()), (&longest, 255));
        let endpoint = Endpoint { name: "n".repeat(256), ..there.clone() };
        let write = Write { endpoint, width: 1, expected: Expected::Version(1), unique_url: false };
        assert_eq!(store.put(&write).await.unwrap_err().kind(), StoreErrorKind::Invalid);
        assert_eq!(
            store.load(std::slice::from_ref(&there.id)).await.unwrap().remove(0).found().unwrap().version,
            1
        );
    }
}

/// Values of every kind, with numbers that JSON writes in many digits.
fn values() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(40, 64, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Into::into),
            prop::collection::btree_map(any::<String>(), inner, 0..3)
                .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

/// URLs around the bound on their length, on every port, in several spellings.
fn urls() -> impl Strategy<Value = String> {
    let origin = prop_oneof![
        Just("https://a.example".to_owned()),
        Just("HTTP://A.example".to_owned()),
        (1_u16..).prop_map(|port| format!("https://a.example:{port}")),
        any::<u32>().prop_map(|bits| format!("https://{}", std::net::Ipv4Addr::from_bits(bits))),
    ];
    let target = prop_oneof![
        "([/?][!-~]{0,40})?",
        (7_960_usize..8_010).prop_map(|length| format!("?{}", "a".repeat(length))),
        (7_960_usize..8_010).prop_map(|length| format!("/{}", "a".repeat(length))),
    ];
    (origin, target).prop_map(|(origin, target)| origin + &target)
}

#[test]
fn a_number_of_a_filter_reads_back_as_it_was_given() {
    let mut bits = 0x3b1d_e5a7_90c4_2f61_u64;
    for _ in 0..5_000 {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let number = f64::from_bits(bits);
        if !number.is_finite() {
            continue;
        }
        let filter = Filter::equals("/n", [number.into()]).unwrap();
        let text = serde_json::to_string(&filter).unwrap();
        assert_eq!(serde_json::from_str::<Filter>(&text).unwrap(), filter, "{number:e}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_put_takes_load_gives(
        url in urls(), values in prop::collection::vec(values(), 1..4), name in any::<String>(),
        pointer in "(/[ -~]{0,12}){1,4}", part in any::<String>(), since in any::<i64>(),
    ) {
        let url = EndpointUrl::from_stored(&url);
        let filter = Filter::equals(pointer, values);
        prop_assume!(url.is_ok() && filter.is_ok());
        let (url, filter) = (url.unwrap(), filter.unwrap());
        let interest = Interest::new(1, part.clone(), [vec![filter.clone()]]);
        let subscription = Subscription::to(["*", "a.*"]).unwrap().filtered(filter).including([part]);
        let subscription = subscription.among(interest.into_iter().collect::<Vec<_>>());
        let endpoint = Endpoint {
            id: bad(),
            tenant: mallory(),
            name,
            url,
            profile: "standard".parse().unwrap(),
            secrets: SecretSet::of(Secret::new(SECRET).unwrap()).into(),
            subscription,
            headers: Headers::none().with("x-own", "a b").unwrap(),
            overrides: Overrides::none(),
            enabled: true,
            since: Timestamp::from_micros(since),
            version: 0,
            generation: hookpost::endpoint::Generation::UNKNOWN,
            began: hookpost::sequence::Sequence::default(),
        };
        let file = TempFile::new();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let stores: [Arc<dyn Backend>; 2] = [
            Arc::new(MemoryStore::with_clock(clock.clone())),
            Arc::new(SqliteStore::builder(file.path()).clock(clock).open().unwrap()),
        ];
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for store in stores {
            let write =
                Write { endpoint: endpoint.clone(), width: 8, expected: Expected::Absent, unique_url: false };
            let (put, loaded) = runtime.block_on(async {
                (store.put(&write).await, store.load(&[bad()]).await.unwrap().remove(0))
            });
            match (put, loaded) {
                (Ok(put), Loaded::Found(loaded)) => {
                    let is_first = matches!(put, Put::Stored { version: 1, .. });
                    prop_assert!(is_first);
                    prop_assert_eq!(loaded.url.expose(), endpoint.url.expose());
                    prop_assert_eq!(&loaded.subscription, &endpoint.subscription);
                    prop_assert_eq!((&loaded.name, loaded.since), (&endpoint.name, endpoint.since));
                    prop_assert_eq!(signs_with(&loaded), SECRET.as_bytes());
                    prop_assert_eq!(loaded.headers.as_map(), endpoint.headers.as_map());
                }
                (Err(error), Loaded::Missing) => prop_assert_eq!(error.kind(), StoreErrorKind::Invalid),
                (put, loaded) => prop_assert!(false, "{put:?}, then {loaded:?}"),
            }
        }
    }
}
