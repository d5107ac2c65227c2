//! LiveSession's webhooks, both ends on one machine: an owner makes an endpoint for a
//! website and two alerts, visitors have their troubles, and a receiver verifies, reads and
//! counts what the alerts let through. It fails once, so that a message comes twice.
//!
//! `cargo run --example live_session`
//!
//! With `HOOKPOST_URL` the same goes to a receiver of yours, signed with the secret below.
#![allow(unreachable_pub, reason = "an example is no library")]

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use hookpost::admin::live_session::{Actor, AlertEvent, AlertForm, EndpointForm, Role};
use hookpost::admin::{AdminError, LiveSessionAdmin};
use hookpost::delivery::State;
use hookpost::payload::Extra;
use hookpost::payload::live_session::{
    Body, Custom, ErrorName, JsError, Kind, NetError, Payload, Properties, Property, RageClick, SessionEvent,
    Visitor,
};
use hookpost::policy::egress::AddressPolicy;
use hookpost::policy::retry::{RetryPolicy, Schedule};
use hookpost::seam::{PageAfter, Selection};
use hookpost::stores::memory::MemoryStore;
use hookpost::system::SystemClock;
use hookpost::testing::{Received, Receiver};
use hookpost::transports::ReqwestTransport;
use hookpost::{NewEvent, Profile, Scheme, Secret, Verifier, Webhooks};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

const ACCOUNT: &str = "3ca3b1b";
const WEBSITE: &str = "8d53ea3";
const SECRET: &str = "ls_sec_7Qm2v9";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let outside = std::env::var("HOOKPOST_URL").ok();
    let receiver = Receiver::start().await?;
    receiver.verify_with(Verifier::new(&Scheme::live_session(), [Secret::new(SECRET)?])?);
    receiver.refuse_unverified();
    receiver.next([503]);

    let webhooks = build(outside.is_some())?;
    let (stop, stopped) = oneshot::channel::<()>();
    let engine = webhooks.clone();
    let running = tokio::spawn(async move { engine.run(async { stopped.await.unwrap_or(()) }).await });

    title("settings");
    let admin = LiveSessionAdmin::new(webhooks.clone());
    let owner = Actor::new(ACCOUNT.parse()?, Role::Owner);
    let member = Actor::new(ACCOUNT.parse()?, Role::from("Member".to_owned()));
    let url = outside.clone().unwrap_or_else(|| receiver.url("/webhooks"));
    let form = EndpointForm::new(url, WEBSITE).secret(SECRET);
    let forbidden = admin.create(&member, form.clone()).await;
    let endpoint = admin.create(&owner, form).await?;
    publish(&webhooks, Kind::RageClick(RageClick { clicks: Some(9) })).await?;
    for (name, event) in
        [("coupons", AlertEvent::saying(26, "Coupon applied")), ("crashes", AlertEvent::all_of(25))]
    {
        let alert = admin.create_alert(&owner, AlertForm::new(name, &endpoint.id, [event])).await?;
        println!("{:10} kind {:3} {:?}", alert.name, alert.events[0].kind, alert.events[0].value);
    }

    title("events");
    publish(&webhooks, coupon("Coupon applied")?).await?;
    publish(&webhooks, coupon("Cart emptied")?).await?;
    let crash = "TypeError: cart.total is not a function";
    let crash = JsError { name: ErrorName::Error, value: Some(crash.to_owned()), count: Some(3) };
    publish(&webhooks, Kind::JsError(crash)).await?;
    publish(&webhooks, Kind::NetError(NetError { status: Some(503), ..NetError::default() })).await?;
    until_nothing_is_pending(&webhooks).await?;

    let history = webhooks.deliveries(&owner.account, Selection::default(), PageAfter::first(100)).await?;
    let delivered = history.deliveries.iter().filter(|it| it.state == State::Delivered { confirmed: true });
    let mut expectations = vec![
        ("a member changes nothing", matches!(forbidden, Err(AdminError::Forbidden { .. }))),
        ("two of five events were wanted, and delivered", delivered.count() == 2),
        ("nothing else was sent", history.deliveries.len() == 2),
    ];
    if outside.is_none() {
        title("what arrived");
        let names = handle_once_each(&receiver)?;
        title("the request bin");
        print!("{receiver}");
        expectations.extend([
            ("the receiver failed once, and got that message again", receiver.requests().len() == 3),
            ("each message was handled once", names == ["Custom", "Error"]),
            ("every signature was right", receiver.requests().iter().all(Received::is_verified)),
        ]);
    }
    stop.send(()).unwrap_or(());
    running.await??;
    check(&expectations)
}

/// The sender. On this machine, retries wait for a second where LiveSession waits for
/// minutes, and loopback is let through; outside, all is as the profile has it.
fn build(outside: bool) -> Result<Webhooks, Box<dyn Error>> {
    let store = Arc::new(MemoryStore::new(Arc::new(SystemClock::new())));
    if outside {
        let transport = Arc::new(ReqwestTransport::builder().build()?);
        return Ok(Webhooks::builder(store, transport).build()?);
    }
    let addresses = AddressPolicy::public_only().danger_allow_loopback();
    let transport = ReqwestTransport::builder().addresses(addresses.clone()).plain_http_only().build()?;
    let retry = RetryPolicy::new(Schedule::list([Duration::from_secs(1)])?);
    Ok(Webhooks::builder(store, Arc::new(transport))
        .addresses(addresses)
        .profile(Profile { retry, ..Profile::live_session() })
        .build()?)
}

/// What a visitor of the website did.
async fn publish(webhooks: &Webhooks, kind: Kind) -> Result<(), Box<dyn Error>> {
    let visitor = Visitor {
        id: Some("e4d5932d-4439-4546-a8da-a8d40bc053c6".to_owned()),
        name: Some("John Doe".to_owned()),
        ..Visitor::default()
    };
    let event =
        SessionEvent { kind, time: Some(1_691_161_881), visitor: Some(visitor), extra: Extra::default() };
    let new = NewEvent::serialize(ACCOUNT, "session.event", &event)?.scope(WEBSITE)?;
    let id = webhooks.publish(new).await?;
    println!("{:10} {id}", event.event_name());
    Ok(())
}

fn coupon(name: &str) -> Result<Kind, Box<dyn Error>> {
    let properties = Properties::default().with("code_str", &"SPRING-10")?.with("uses_int", &2)?;
    Ok(Kind::Custom(Custom { name: Some(name.to_owned()), properties }))
}

/// The receiver's own work, after its answer: each message id once, since a sender that
/// retries sends some messages twice.
fn handle_once_each(receiver: &Receiver) -> Result<Vec<String>, Box<dyn Error>> {
    let (mut seen, mut names) = (BTreeSet::new(), Vec::new());
    for request in receiver.requests() {
        let body = Body::read(&request.body)?;
        let again = !seen.insert(body.message_id.clone());
        let Payload::SessionEvent(event) = &body.payload else { continue };
        let said = match &event.kind {
            Kind::JsError(error) => error.value.clone().unwrap_or_default(),
            Kind::Custom(custom) => {
                let code = custom.properties.get("code_str").and_then(Property::as_text);
                format!("{} ({})", custom.name.as_deref().unwrap_or("?"), code.unwrap_or_default())
            }
            other => format!("{other:?}"),
        };
        let note = if again { "seen before" } else { "" };
        println!("{}", format!("{:10} {said:40} {note}", event.event_name()).trim_end());
        if !again {
            names.push(event.event_name().to_owned());
        }
    }
    names.sort();
    Ok(names)
}

async fn until_nothing_is_pending(webhooks: &Webhooks) -> Result<(), Box<dyn Error>> {
    let account = ACCOUNT.parse()?;
    let settled = async {
        loop {
            let stats = webhooks.stats(Some(&account)).await?;
            if stats.unrouted + stats.pending == 0 {
                return Ok(());
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(30), settled).await?
}

fn title(text: &str) {
    println!("\n{text}");
}

fn check(expectations: &[(&str, bool)]) -> Result<(), Box<dyn Error>> {
    title("what was expected");
    for (expectation, held) in expectations {
        println!("{} {expectation}", if *held { "  held " } else { "  FAILED" });
    }
    match expectations.iter().filter(|(_, held)| !held).count() {
        0 => Ok(()),
        failed => Err(format!("{failed} of {} expectations failed", expectations.len()).into()),
    }
}
