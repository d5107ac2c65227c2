//! One sender on virtual time: a memory store, a scripted transport, and profiles
//! without jitter.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hookpost::backend::{Clock as _, Observer};
use hookpost::delivery::{Delivery, State};
use hookpost::history::{PageAfter, Selection};
use hookpost::id::{EndpointId, EventId, TenantId};
use hookpost::notice::Notice;
use hookpost::stores::memory::MemoryStore;
use hookpost::testing::{Exchange, ScriptedTransport, SeededEntropy, VirtualClock};
use hookpost::webhooks::Builder;
use hookpost::{Endpoint, NewEndpoint, NewEvent, Profile, Timestamp, Webhooks};

pub const START: Timestamp = Timestamp::from_unix_seconds(1_767_225_600);

pub struct World {
    pub clock: Arc<VirtualClock>,
    pub transport: Arc<ScriptedTransport>,
    pub store: Arc<MemoryStore>,
    pub webhooks: Webhooks,
    pub heard: Arc<Heard>,
}

/// What an operator would have heard, as text.
#[derive(Default)]
pub struct Heard(Mutex<Vec<String>>);

impl Observer for Heard {
    fn notice(&self, notice: &Notice<'_>) {
        self.0.lock().unwrap().push(format!("{notice:?}"));
    }
}

impl Heard {
    pub fn all(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }

    pub fn count(&self, word: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|text| text.starts_with(word)).count()
    }
}

impl World {
    pub fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub fn with(build: impl FnOnce(Builder) -> Builder) -> Self {
        let clock = Arc::new(VirtualClock::starting_at(START));
        let transport = Arc::new(ScriptedTransport::new(clock.clone()));
        let store = Arc::new(MemoryStore::with_clock(clock.clone()));
        let heard = Arc::new(Heard::default());
        let builder = Webhooks::builder(store.clone(), transport.clone())
            .profiles(hookpost::Profile::systems())
            .clock(clock.clone())
            .entropy(Arc::new(SeededEntropy::new(7)))
            .observer(heard.clone())
            .poll(Duration::from_secs(20))
            .profile(without_jitter(Profile::live_session()))
            .profile(without_jitter(Profile::standard()));
        Self { webhooks: build(builder).build().unwrap(), clock, transport, store, heard }
    }

    /// A sender whose endpoints are not its store's, and what the host changes them by.
    pub fn on_a_directory_of_the_hosts_own() -> (Self, Webhooks) {
        let clock = Arc::new(VirtualClock::starting_at(START));
        let own = Arc::new(MemoryStore::with_clock(clock.clone()));
        let transport = Arc::new(ScriptedTransport::new(clock.clone()));
        let hosts = Webhooks::builder(own.clone(), transport)
            .profiles(hookpost::Profile::systems())
            .clock(clock)
            .build()
            .unwrap();
        (Self::with(|builder| builder.directory(own)), hosts)
    }

    /// An endpoint of tenant `acme` that wants everything.
    pub async fn endpoint(&self, id: &str, profile: &str) -> Arc<Endpoint> {
        self.webhooks.register(endpoint(id, profile)).await.unwrap()
    }

    /// The endpoint of that number of a tenant, at `e<number>.<tenant>.example`.
    pub async fn endpoint_of(&self, tenant: &str, number: usize) {
        let new = NewEndpoint::new(tenant, format!("https://e{number}.{tenant}.example/"), "standard")
            .and_then(|new| new.id(format!("{tenant}-{number}")))
            .and_then(|new| new.secret("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="))
            .unwrap();
        self.webhooks.register(new).await.unwrap();
    }

    /// An event of a tenant.
    pub async fn publish_of(&self, tenant: &str) -> EventId {
        let event = NewEvent::json(tenant, "order.paid", r#"{"n":1}"#).unwrap();
        self.webhooks.publish(event).await.unwrap()
    }

    pub async fn publish(&self, kind: &str) -> EventId {
        self.webhooks.publish(NewEvent::json("acme", kind, r#"{"n":1}"#).unwrap()).await.unwrap()
    }

    /// Runs the engine for that long, in no time.
    pub async fn run_for(&self, time: Duration) {
        self.webhooks.run(tokio::time::sleep(time)).await.unwrap();
    }

    pub async fn deliveries(&self) -> Vec<Delivery> {
        let (mut all, mut page) = (Vec::new(), PageAfter::first(1_000));
        loop {
            let answer = self.webhooks.deliveries(&acme(), Selection::default(), page).await.unwrap();
            all.extend(answer.deliveries);
            page.after = answer.more_after;
            if page.after.is_none() {
                return all;
            }
        }
    }

    pub async fn states(&self) -> Vec<State> {
        self.deliveries().await.iter().map(|delivery| delivery.state).collect()
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn sent(&self) -> Vec<Exchange> {
        self.transport.exchanges()
    }

    pub fn sent_to(&self, id: &str) -> Vec<Exchange> {
        self.transport.exchanges_with(&url(id))
    }
}

/// Minutes after the start at which requests began.
pub fn minutes(exchanges: &[Exchange]) -> Vec<i64> {
    exchanges.iter().map(|exchange| (exchange.began_at.unix_seconds() - START.unix_seconds()) / 60).collect()
}

/// Seconds after the start at which requests began.
pub fn seconds(exchanges: &[Exchange]) -> Vec<i64> {
    exchanges.iter().map(|exchange| exchange.began_at.unix_seconds() - START.unix_seconds()).collect()
}

pub fn acme() -> TenantId {
    TenantId::new("acme").unwrap()
}

pub fn id(text: &str) -> EndpointId {
    EndpointId::new(text).unwrap()
}

pub fn url(id: &str) -> String {
    format!("https://{id}.example/hook?k=v")
}

pub fn endpoint(id: &str, profile: &str) -> NewEndpoint {
    NewEndpoint::new("acme", url(id), profile)
        .and_then(|new| new.id(id))
        .and_then(|new| new.secret("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="))
        .unwrap()
}

pub fn without_jitter(profile: Profile) -> Profile {
    Profile { retry: profile.retry.clone().jitter_percent(0).unwrap(), ..profile }
}

pub const fn hours(n: u64) -> Duration {
    Duration::from_secs(3600 * n)
}
