//! The webhook settings of Botble Live Chat, as a library: a form with mistakes, who may do
//! what, the test, the switch, and what a receiver sees of it all.
//!
//! `cargo run --example x_webhook_admin`
//!
//! With `HOOKPOST_URL` (https, public) the test and the events go to a receiver of yours,
//! signed with the secret below.
#![allow(unreachable_pub, reason = "an example is no library")]

mod receive;

use std::error::Error;
use std::sync::Arc;
use std::time::SystemTime;

use hookpost::admin::x_webhook::{Actor, Form, Permission};
use hookpost::admin::{AdminError, XWebhookAdmin};
use hookpost::id::EventType;
use hookpost::payload::Extra;
use hookpost::payload::x_webhook::{Conversation, Data, Message, Status};
use hookpost::policy::egress::{AddressPolicy, UrlPolicy};
use hookpost::stores::memory::MemoryStore;
use hookpost::system::SystemClock;
use hookpost::testing::{Answer, Received, Receiver};
use hookpost::transports::ReqwestTransport;
use hookpost::{NewEvent, Profile, Scheme, Secret, Timestamp, Verifier, Webhooks};

const SITE: &str = "cafe";
const SECRET: &str = "bl-secret-é✓";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let outside = std::env::var("HOOKPOST_URL").ok();
    let receiver = open_receiver().await?;
    let webhooks = build(outside.is_some())?;
    let admin = XWebhookAdmin::new(webhooks.clone());
    let manager = Actor::new(SITE.parse()?, Permission::ALL);
    let reader = Actor::new(SITE.parse()?, [Permission::Index]);

    title("a form with mistakes");
    let mistaken = Form {
        name: " ".to_owned(),
        url: "ftp://cafe.test/".to_owned(),
        secret: Some(" ".to_owned()),
        events: vec!["message.sent".to_owned()],
        ..Form::default()
    };
    let refused = admin.create(&manager, mistaken).await.err();
    let problems = refused.as_ref().map(AdminError::problems).unwrap_or_default();
    for problem in problems {
        println!("{:10} {}", problem.field, problem.rule);
    }

    title("one without, switched off");
    let form = Form {
        name: "Archive".to_owned(),
        url: outside.clone().unwrap_or_else(|| receiver.url("/hook")),
        secret: Some(SECRET.to_owned()),
        events: vec!["message.received".to_owned(), "conversation.started".to_owned()],
        enabled: false,
        admin_messages: false,
    };
    let forbidden = admin.create(&reader, form.clone()).await;
    let made = admin.create(&manager, form.clone()).await?;
    show(&admin, &reader).await?;
    let unheard = deliver(&webhooks, &conversation()?).await?;

    title("its test");
    let test = admin.test(&manager, &made.id).await?;
    let result = test.result.as_ref().map_or_else(|| "nothing was sent".to_owned(), ToString::to_string);
    println!("{:10} {result} in {:?}", if test.success { "success" } else { "failure" }, test.took);

    title("switched on");
    admin.edit(&manager, &made.id, Form { enabled: true, secret: None, ..form }).await?;
    show(&admin, &reader).await?;
    let mut sent = deliver(&webhooks, &conversation()?).await?;
    sent += deliver(&webhooks, &message(false)?).await?;
    let own = deliver(&webhooks, &message(true)?).await?;
    println!("{sent} of 3 events were delivered, the site's own message was not");

    let mut expectations = vec![
        ("all four mistakes are told at once", problems.len() == 4),
        ("who may only list cannot create", matches!(forbidden, Err(AdminError::Forbidden { .. }))),
        ("an endpoint that is off gets nothing", unheard == 0),
        ("but its test", test.success),
        ("an endpoint that is on gets what visitors do", sent == 2),
        ("and not what the site itself wrote", own == 0),
    ];
    if outside.is_none() {
        title("the request bin");
        print!("{receiver}");
        let requests = receiver.requests();
        let tests = requests.iter().filter(|it| it.header("x-webhook-test") == Some("true")).count();
        expectations.extend([
            ("one request of three was a test", (tests, requests.len()) == (1, 3)),
            ("every signature was right", requests.iter().all(Received::is_verified)),
        ]);
    }
    check(&expectations)
}

/// A receiver that verifies, reads, and answers as it should.
async fn open_receiver() -> Result<Receiver, Box<dyn Error>> {
    let receiver = Receiver::start().await?;
    let verifier = Verifier::new(&Scheme::x_webhook(), [Secret::new(SECRET)?])?;
    receiver.verify_with(verifier.clone());
    receiver.answer_by(move |request| {
        let now = Timestamp::from(SystemTime::now());
        match receive::receive(&verifier, &request.header_map(), &request.body, now) {
            Ok(_) => Answer::ok(),
            Err(status) => Answer::status(status.as_u16()),
        }
    });
    Ok(receiver)
}

/// The sender. On this machine http and loopback are let through; outside, all is as the
/// profile has it.
fn build(outside: bool) -> Result<Webhooks, Box<dyn Error>> {
    let store = Arc::new(MemoryStore::new(Arc::new(SystemClock::new())));
    if outside {
        let transport = Arc::new(ReqwestTransport::builder().build()?);
        return Ok(Webhooks::builder(store, transport).build()?);
    }
    let addresses = AddressPolicy::public_only().danger_allow_loopback();
    let transport = ReqwestTransport::builder().addresses(addresses.clone()).plain_http_only().build()?;
    Ok(Webhooks::builder(store, Arc::new(transport))
        .addresses(addresses)
        .profile(Profile { urls: UrlPolicy::http_and_https(), ..Profile::x_webhook() })
        .build()?)
}

/// Publishes what happened, works it off, and says how many deliveries came of it.
async fn deliver(webhooks: &Webhooks, data: &Data) -> Result<usize, Box<dyn Error>> {
    webhooks.publish(NewEvent::serialize(SITE, data.event(), data)?).await?;
    let mut delivered = 0;
    loop {
        let tick = webhooks.tick().await?;
        delivered += tick.succeeded;
        if tick.claimed == 0 {
            return Ok(delivered);
        }
    }
}

async fn show(admin: &XWebhookAdmin, actor: &Actor) -> Result<(), AdminError> {
    for endpoint in admin.list(actor).await? {
        let events: Vec<_> = endpoint.subscription.exact_types().map(EventType::as_str).collect();
        let state = if endpoint.enabled { "on" } else { "off" };
        println!("{:10} {state:4} {}", endpoint.name, events.join(", "));
    }
    Ok(())
}

fn conversation() -> Result<Data, Box<dyn Error>> {
    Ok(Data::ConversationStarted(details("2026-03-01T08:00:00+00:00")?))
}

fn message(is_from_admin: bool) -> Result<Data, Box<dyn Error>> {
    Ok(Data::MessageReceived(Message {
        message_id: 55_120,
        content: "Is the terrace open on Sunday?".to_owned(),
        is_from_admin,
        admin_name: is_from_admin.then(|| "Ana".to_owned()),
        conversation: details("2026-03-01T08:01:07+00:00")?,
    }))
}

fn details(created_at: &str) -> Result<Conversation, Box<dyn Error>> {
    Ok(Conversation {
        conversation_id: 8841,
        visitor_name: Some("Rui Sá".to_owned()),
        visitor_email: Some("rui@cafe.test".to_owned()),
        visitor_phone: None,
        visitor_ip: Some("203.0.113.24".to_owned()),
        current_url: Some("https://cafe.test/menu".to_owned()),
        status: Status::Open,
        created_at: created_at.parse()?,
        extra: Extra::default(),
    })
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
