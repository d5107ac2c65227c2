//! The sender as children and their parent build it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hookpost::backend::{Backend, Clock, Observer, Silence, Transport};
use hookpost::os::SystemClock;
use hookpost::policy::egress::{AddressPolicy, UrlPolicy};
use hookpost::policy::retry::{RetryPolicy, Schedule};
use hookpost::stores::sqlite::SqliteStore;
use hookpost::systems::live_chat::payload::ApiVersion;
use hookpost::transports::ReqwestTransport;
use hookpost::{NewEndpoint, NewEvent, Profile, Timestamp, Webhooks};

pub(crate) const TENANT: &str = "acme";
/// Both get every event, each at the path of its name.
pub(crate) const ENDPOINTS: [&str; 2] = ["left", "right"];
/// As short as the builder allows with a timeout of a second.
pub(crate) const LEASE: Duration = Duration::from_secs(12);

/// This machine's clock, ahead by so much: a lease has lapsed without anybody's waiting.
#[derive(Debug)]
pub(crate) struct Ahead {
    pub(crate) by: Duration,
    pub(crate) machine: SystemClock,
}

impl Ahead {
    pub(crate) fn by(by: Duration) -> Arc<dyn Clock> {
        Arc::new(Self { by, machine: SystemClock::new() })
    }
}

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        self.machine.now() + self.by
    }

    fn elapsed(&self) -> Duration {
        self.machine.elapsed()
    }
}

pub(crate) fn store(file: &Path, clock: &Arc<dyn Clock>) -> Arc<SqliteStore> {
    Arc::new(SqliteStore::builder(file).clock(Arc::clone(clock)).open().unwrap())
}

pub(crate) fn transport() -> ReqwestTransport {
    ReqwestTransport::builder().addresses(addresses()).plain_http_only().build().unwrap()
}

/// A sender with nobody looking on.
pub(crate) fn plain(file: &Path, ahead: Duration) -> Webhooks {
    let clock = Ahead::by(ahead);
    build(store(file, &clock), Arc::new(transport()), clock, Arc::new(Silence))
}

pub(crate) fn build(
    backend: Arc<dyn Backend>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
) -> Webhooks {
    let live_chat = ApiVersion::ALL.map(Profile::live_chat_at);
    let presets = [Profile::live_session(), Profile::x_webhook(), Profile::standard(), Profile::live_chat()];
    let builder = Webhooks::builder(backend, transport)
        .profiles(hookpost::Profile::systems())
        .clock(clock)
        .observer(observer)
        .addresses(addresses())
        .profile(profile())
        .lease(LEASE);
    let presets = presets.into_iter().chain(live_chat).map(shortened);
    presets.fold(builder, hookpost::webhooks::Builder::profile).build().unwrap()
}

pub(crate) fn endpoint(id: &str, url: String) -> NewEndpoint {
    NewEndpoint::new(TENANT, url, "crash")
        .and_then(|new| new.id(id))
        .and_then(|new| new.secret("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="))
        .unwrap()
}

pub(crate) fn event(id: &str) -> NewEvent {
    NewEvent::json(TENANT, "order.paid", format!(r#"{{"order":"{id}"}}"#)).and_then(|new| new.id(id)).unwrap()
}

/// As `standard`, over http to loopback, and with retries that a child lives to see.
fn profile() -> Profile {
    let schedule = Schedule::exponential(Duration::from_millis(30), 1, Duration::from_millis(30)).unwrap();
    shortened(Profile {
        name: "crash".parse().unwrap(),
        urls: UrlPolicy::http_and_https().danger_allow_local(),
        retry: RetryPolicy::new(schedule),
        ..Profile::standard()
    })
}

fn shortened(profile: Profile) -> Profile {
    Profile { timeout: Duration::from_secs(1), ..profile }
}

fn addresses() -> AddressPolicy {
    AddressPolicy::public_only().danger_allow_loopback()
}
