//! The webhook settings of Botble Live Chat, as library calls: a form with mistakes, the
//! permissions, the test, enabling an endpoint, and the requests that the receiver gets.
//!
//! `cargo run --example x_webhook_admin`
//!
//! With `HOOKPOST_URL` set (https, or http://127.0.0.1:PORT), the test and the events go to
//! that receiver, signed with the secret below.
#![allow(unreachable_pub, reason = "an example is no library")]

mod receive;
#[path = "../shown/mod.rs"]
mod shown;
#[path = "../stage/mod.rs"]
mod stage;

use std::error::Error;
use std::time::SystemTime;

use hookpost::id::EventType;
use hookpost::systems::body::Extra;
use hookpost::systems::settings::AdminError;
use hookpost::systems::x_webhook::admin::{Form, Permission, SiteUser, XWebhookAdmin};
use hookpost::systems::x_webhook::payload::{ChatMessage, Conversation, Data, Status};
use hookpost::testing::{Answer, Received, Receiver};
use hookpost::{NewEvent, Profile, Scheme, Secret, Timestamp, Verifier, Webhooks};

use shown::{Expected, title};

const SITE: &str = "cafe";
const SECRET: &str = "bl-secret-é✓";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let outside = std::env::var("HOOKPOST_URL").ok();
    let receiver = open_receiver().await?;
    let url = outside.clone().unwrap_or_else(|| receiver.url("/hook"));
    let webhooks = stage::sender(Profile::x_webhook(), &url)?;
    let admin = XWebhookAdmin::new(webhooks.clone());
    let manager = SiteUser::new(SITE.parse()?, Permission::ALL);
    let reader = SiteUser::new(SITE.parse()?, [Permission::Index]);
    let mut expected = Expected::default();

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
    expected.that("all four mistakes are told at once", problems.len() == 4);

    title("one without, switched off");
    let form = Form {
        name: "Archive".to_owned(),
        url,
        secret: Some(SECRET.to_owned()),
        events: vec!["message.received".to_owned(), "conversation.started".to_owned()],
        enabled: false,
        admin_messages: false,
    };
    let forbidden = admin.create(&reader, form.clone()).await;
    expected.that("who may only list cannot create", matches!(forbidden, Err(AdminError::Forbidden { .. })));
    let made = admin.create(&manager, form.clone()).await?;
    list(&admin, &reader).await?;
    let delivered = deliver(&webhooks, &conversation()?).await?;
    expected.that("an endpoint that is off gets nothing", delivered == 0);

    title("its test");
    let test = admin.test(&manager, &made.id).await?;
    let result = test.result.as_ref().map_or_else(|| "nothing was sent".to_owned(), ToString::to_string);
    println!("{:10} {result} in {:?}", if test.success { "success" } else { "failure" }, test.took);
    expected.that("but its test", test.success);

    title("switched on");
    admin.edit(&manager, &made.id, Form { enabled: true, secret: None, ..form }).await?;
    list(&admin, &reader).await?;
    let visitors = deliver(&webhooks, &conversation()?).await? + deliver(&webhooks, &message(false)?).await?;
    let own = deliver(&webhooks, &message(true)?).await?;
    expected.that("an endpoint that is on gets what visitors do", visitors == 2);
    expected.that("and not what the site itself wrote", own == 0);

    if outside.is_none() {
        title("the request bin");
        print!("{receiver}");
        let requests = receiver.requests();
        let tests = requests.iter().filter(|it| it.header("x-webhook-test") == Some("true")).count();
        expected.that("one request of three was a test", (tests, requests.len()) == (1, 3));
        expected.that("every signature was right", requests.iter().all(Received::is_verified));
    }
    expected.check()
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

async fn list(admin: &XWebhookAdmin, actor: &SiteUser) -> Result<(), AdminError> {
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
    Ok(Data::MessageReceived(ChatMessage {
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
