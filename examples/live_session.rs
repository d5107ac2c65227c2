//! LiveSession's webhooks, with sender and receiver on one machine. An owner creates an
//! endpoint for a website and two alerts, and events of visitors are published. The receiver
//! verifies, reads and counts the events that match the alerts. It fails once, so that one
//! message arrives twice.
//!
//! `cargo run --example live_session`
//!
//! With `HOOKPOST_URL` set, the events go to that receiver, signed with the secret below.

mod shown;
mod stage;

use std::collections::BTreeSet;
use std::error::Error;

use hookpost::systems::body::Extra;
use hookpost::systems::live_session::admin::{
    Actor, AlertEvent, AlertForm, EndpointForm, LiveSessionAdmin, Role,
};
use hookpost::systems::live_session::payload::{
    ErrorName, LiveSessionBody, LiveSessionPayload, Properties, Property, SessionEvent, SessionEventKind,
    Visitor,
};
use hookpost::systems::settings::AdminError;
use hookpost::testing::{Received, Receiver};
use hookpost::{NewEvent, Profile, Scheme, Secret, Verifier, Webhooks};

use shown::{Expected, title};

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
    let url = outside.clone().unwrap_or_else(|| receiver.url("/webhooks"));
    let webhooks = stage::sender(Profile::live_session(), &url)?;
    let mut expected = Expected::default();

    title("an endpoint");
    let admin = LiveSessionAdmin::new(webhooks.clone());
    let owner = Actor::new(ACCOUNT.parse()?, Role::Owner);
    let member = Actor::new(ACCOUNT.parse()?, Role::from("Member".to_owned()));
    let form = EndpointForm::new(url, WEBSITE).secret(SECRET);
    let forbidden = admin.create(&member, form.clone()).await;
    expected.that("a member changes nothing", matches!(forbidden, Err(AdminError::Forbidden { .. })));
    let endpoint = admin.create(&owner, form).await?;
    publish(&webhooks, SessionEventKind::RageClick { clicks: Some(9) }).await?;
    let stats = stage::work_off(&webhooks).await?;
    expected.that("without an alert it gets nothing", stats.delivered == 0);

    title("two alerts");
    for (name, event) in
        [("coupons", AlertEvent::saying(26, "Coupon applied")), ("crashes", AlertEvent::all_of(25))]
    {
        let alert = admin.create_alert(&owner, AlertForm::new(name, &endpoint.id, [event])).await?;
        println!("{:10} kind {:3} {:?}", alert.name, alert.events[0].kind, alert.events[0].value);
    }
    publish(&webhooks, coupon("Coupon applied")?).await?;
    publish(&webhooks, coupon("Cart emptied")?).await?;
    let crash = "TypeError: cart.total is not a function";
    let crash =
        SessionEventKind::JsError { name: ErrorName::Error, value: Some(crash.to_owned()), count: Some(3) };
    publish(&webhooks, crash).await?;
    publish(&webhooks, SessionEventKind::NetError { method: None, url: None, status: Some(503) }).await?;
    let stats = stage::work_off(&webhooks).await?;
    expected.that("two of four events were wanted, and delivered", stats.delivered == 2);
    expected.that("nothing else was sent", stats.failed + stats.cancelled == 0);

    if outside.is_none() {
        title("what arrived");
        let names = handle_once_each(&receiver)?;
        title("the request bin");
        print!("{receiver}");
        let requests = receiver.requests();
        expected.that("the receiver failed once, and got that message again", requests.len() == 3);
        expected.that("each message was handled once", names == ["Custom", "Error"]);
        expected.that("every signature was right", requests.iter().all(Received::is_verified));
    }
    expected.check()
}

/// What a visitor of the website did.
async fn publish(webhooks: &Webhooks, kind: SessionEventKind) -> Result<(), Box<dyn Error>> {
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

fn coupon(name: &str) -> Result<SessionEventKind, Box<dyn Error>> {
    let properties = Properties::default().with("code_str", &"SPRING-10")?.with("uses_int", &2)?;
    Ok(SessionEventKind::Custom { name: Some(name.to_owned()), properties })
}

/// The receiver's own work, after its answer: each message id once, since a sender that
/// retries sends some messages twice.
fn handle_once_each(receiver: &Receiver) -> Result<Vec<String>, Box<dyn Error>> {
    let (mut seen, mut names) = (BTreeSet::new(), Vec::new());
    for request in receiver.requests() {
        let body = LiveSessionBody::read(&request.body)?;
        let again = !seen.insert(body.message_id.clone());
        let LiveSessionPayload::SessionEvent(event) = &body.payload else { continue };
        let said = match &event.kind {
            SessionEventKind::JsError { value, .. } => value.clone().unwrap_or_default(),
            SessionEventKind::Custom { name, properties } => {
                let code = properties.get("code_str").and_then(Property::as_text);
                format!("{} ({})", name.as_deref().unwrap_or("?"), code.unwrap_or_default())
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
