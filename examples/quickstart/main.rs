//! A first minute with hookpost, on one machine and over real HTTP: five endpoints with three
//! profiles. Two endpoints accept everything, one fails twice and recovers, one is down, and
//! one was given another secret.
//!
//! `cargo run --example quickstart`
#![allow(unreachable_pub, reason = "an example is no library")]

mod expected;
mod fixtures;
mod ledger;
mod narrator;
mod profiles;
mod receivers;
#[path = "../shown/mod.rs"]
mod shown;
#[path = "../stage/mod.rs"]
mod stage;

use std::error::Error;
use std::fs;
use std::io;
use std::path::PathBuf;

use hookpost::history::{PageAfter, Selection, StateFilter};
use hookpost::id::TenantId;
use hookpost::policy::egress::AddressPolicy;
use hookpost::stores::sqlite::SqliteStore;
use hookpost::transports::ReqwestTransport;
use hookpost::{EndpointError, Filter, NewEndpoint, NewEvent, RegisterError, Subscription, Webhooks};
use tokio::sync::oneshot;

use ledger::Ledger;
use narrator::Narrator;
use receivers::Receivers;
use shown::title;

/// Whose webhooks these are.
const TENANT: &str = "acme";

const ERRORS_SECRET: &str = "ls_sec_7Qm2v9";
const CHAT_SECRET: &str = "bl-secret-é✓";
const ARCHIVE_SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let receivers = Receivers::open().await?;
    let scratch = Scratch::create()?;
    let webhooks = build(scratch.path.join("hooks.db"))?;

    // The engine works beside whatever else the process does, until it is told to stop.
    let (stop, stopped) = oneshot::channel::<()>();
    let engine = webhooks.clone();
    let running = tokio::spawn(async move { engine.run(async { stopped.await.unwrap_or(()) }).await });

    let tenant = TenantId::new(TENANT)?;
    title("five endpoints");
    register(&webhooks, &receivers).await?;

    title("a test ping, before anything has happened");
    let ping = webhooks.test(&tenant, &"chat".parse()?).await?;

    title("four events");
    publish(&webhooks).await?;
    stage::until_nothing_is_pending(&webhooks).await?;
    let before = Ledger::read(&webhooks, &tenant).await?;

    title("partner corrects its secret and gets what it missed");
    receivers.partner.trust(CHAT_SECRET)?;
    replay_what_partner_missed(&webhooks, &tenant).await?;
    stage::until_nothing_is_pending(&webhooks).await?;
    let after = Ledger::read(&webhooks, &tenant).await?;

    stop.send(()).unwrap_or(());
    running.await??;

    title("what the history says");
    print!("{after}");
    expected::check(&receivers, &ping, &before, &after)
}

/// The sender: a store, a transport, and the profiles in use.
///
/// Addresses are judged twice, when an endpoint is registered and when a request is sent.
/// This machine's own are let through in both places, which no real service should do.
fn build(file: PathBuf) -> Result<Webhooks, Box<dyn Error>> {
    let addresses = AddressPolicy::public_only().danger_allow_loopback();
    let store = SqliteStore::open(file)?;
    let transport = ReqwestTransport::builder().addresses(addresses.clone()).plain_http_only().build()?;
    let webhooks = Webhooks::builder(store, transport)
        .profiles(hookpost::Profile::systems())
        .addresses(addresses)
        .profile(profiles::live_session()?)
        .profile(profiles::x_webhook()?)
        .profile(profiles::standard()?)
        .observer(Narrator::new())
        .build()?;
    Ok(webhooks)
}

/// Five endpoints of one tenant, each with its dialect, its secret and its wishes.
async fn register(webhooks: &Webhooks, receivers: &Receivers) -> Result<(), RegisterError> {
    let endpoint = |id: &str, url: String, profile: &str| NewEndpoint::new(TENANT, url, profile)?.id(id);
    let js_errors = || {
        let filter = Filter::equals("/event_name", ["JSError".into()])?;
        Ok::<_, EndpointError>(Subscription::to(["session.event"])?.filtered(filter))
    };
    for endpoint in [
        endpoint("errors", receivers.errors.url(), "live_session")?
            .secret(ERRORS_SECRET)?
            .subscription(js_errors()?),
        endpoint("chat", receivers.chat.url(), "x_webhook")?
            .secret(CHAT_SECRET)?
            .events(["conversation.started", "message.received"])?,
        endpoint("archive", receivers.archive.url(), "standard")?.secret(ARCHIVE_SECRET)?.events(["*"])?,
        endpoint("down", receivers.down.url(), "standard")?.secret(ARCHIVE_SECRET)?.events(["message.*"])?,
        endpoint("partner", receivers.partner.url(), "x_webhook")?
            .secret(CHAT_SECRET)?
            .events(["conversation.started"])?,
    ] {
        let registered = webhooks.register(endpoint).await?;
        println!("{:9} speaks {}", registered.id.as_str(), registered.profile);
    }
    Ok(())
}

/// Each event has an id of the example's own, so that its lines can be told apart. An event
/// without one draws it when it is published.
async fn publish(webhooks: &Webhooks) -> Result<(), Box<dyn Error>> {
    for fixture in fixtures::ALL {
        let event = NewEvent::json(TENANT, fixture.kind, fixture.payload()?)?.id(fixture.id)?;
        webhooks.publish(event).await?;
    }
    Ok(())
}

/// Asks twice under one name, which sends once.
async fn replay_what_partner_missed(webhooks: &Webhooks, tenant: &TenantId) -> Result<(), Box<dyn Error>> {
    let missed = Selection {
        endpoint: Some("partner".parse()?),
        state: Some(StateFilter::Failed(None)),
        ..Selection::default()
    };
    for _ in 0..2 {
        let name = "secret-corrected".parse()?;
        webhooks.replay(tenant, name, missed.clone(), PageAfter::first(100)).await?;
    }
    Ok(())
}

/// A folder that is gone when the example is.
struct Scratch {
    path: PathBuf,
}

impl Scratch {
    fn create() -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("hookpost-quickstart-{}", std::process::id()));
        fs::create_dir(&path)?;
        Ok(Self { path })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            eprintln!("{} was not removed: {error}", self.path.display());
        }
    }
}
