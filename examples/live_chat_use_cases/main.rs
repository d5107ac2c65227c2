//! The three applications of LiveChat's tutorial, over real HTTP: a list of visitors, a
//! detector of customers in the queue, a tagger of ended chats. Then everything again in every
//! order and twice over, which has to end in the same state. The exit code says whether it did.
//!
//! `cargo run --example live_chat_use_cases`
#![allow(unreachable_pub, reason = "an example is no library")]

mod apps;

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hookpost::admin::live_chat::{
    Caller, LiveChat, MemoryRows, NewWebhook, Refusal, Rules, Token, TokenScope,
};
use hookpost::payload::live_chat::{Answers, ApiVersion, License, Occurrence, Reception, Webhook};
use hookpost::policy::egress::AddressPolicy;
use hookpost::stores::memory::MemoryStore;
use hookpost::system::SystemClock;
use hookpost::testing::{Answer, Received, Receiver};
use hookpost::transports::ReqwestTransport;
use hookpost::wire::verify::BodyKeys;
use hookpost::{Secret, Timestamp, Verifier, Webhooks};
use tokio::time::timeout;

use apps::Apps;

const KEY: &str = "lc_key_R4t";
const CLIENT: &str = "cl_abc";
const THREAD: &str = "QX1THR01";

/// A chat begins in the queue, its customer writes, it ends: the payloads of the project's
/// own fixtures.
const STORY: [&str; 3] = [
    include_str!("../../tests/fixtures/systems/lc_02_incoming_chat_queued_v36.json"),
    include_str!("../../tests/fixtures/systems/lc_03_incoming_event_message.json"),
    include_str!("../../tests/fixtures/systems/lc_07_chat_deactivated_router.json"),
];

type Heard = Arc<Mutex<Vec<Webhook>>>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let heard = Heard::default();
    let receiver = listen(Arc::clone(&heard)).await?;
    let webhooks = loopback()?;
    let license = License { id: 100_200_300, organization: "4b1c7e7a-6f0c-4f6e-9c2b-2b9b2f1d9a10".parse()? };
    let caller = Caller {
        token: Token::Bearer { client_id: CLIENT.into() },
        license: license.clone(),
        owns: [CLIENT.into()].into(),
        scopes: TokenScope::ALL.into(),
    };
    let live_chat = LiveChat::new(webhooks.clone(), Arc::new(MemoryRows::new()), Rules::tutorial());
    let calls = live_chat.calls(&caller, ApiVersion::STABLE);
    for body in STORY {
        calls.register_webhook(request(&read(body)?.action, &receiver.url("/apps"))?).await?;
    }
    calls.enable_license_webhooks(None).await?;

    title("a chat begins, its customer writes, it ends");
    for body in STORY {
        let webhook = read(body)?;
        let payload = webhook.payload_json().unwrap_or("null");
        webhooks.publish(Occurrence::new(&webhook.action, payload)?.on(&license)?).await?;
    }
    let arrived = async { drop(receiver.wait_for(STORY.len()).await) };
    timeout(Duration::from_secs(10), webhooks.run(arrived)).await??;
    let story = heard.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for webhook in &story {
        println!("{}", webhook.action);
    }

    let apps = Apps::after(&story);
    title("what the applications know");
    for (id, email) in apps.visitors.visitors() {
        println!("visitors  {id} {}", email.unwrap_or("(no e-mail)"));
    }
    let place = apps.queue.landed_at(THREAD).map_or_else(|| "none".to_owned(), |place| place.to_string());
    println!("queue     {THREAD} landed at place {place}, waits: {}", apps.queue.waits(THREAD));
    println!("tags      {THREAD} {}", apps.tagger.tags(THREAD).join(", "));

    title("the same in every order, and each twice over");
    let orders = orders(&story);
    let same = orders.iter().filter(|order| Apps::after(order.iter().chain(order.iter())) == apps).count();
    println!("{same} of {} orders end in the same state", orders.len());

    title("what was expected");
    check(&[
        ("every webhook was authentic", story.len() == STORY.len()),
        ("the visitor is on the list", apps.visitors.visitors().eq([("c-77", Some("iva@ex.test"))])),
        ("its customer landed at place 4", apps.queue.landed_at(THREAD) == Some(4)),
        ("and waits no more", !apps.queue.waits(THREAD)),
        ("the chat is tagged", apps.tagger.tags(THREAD) == ["refund", "greeting"]),
        ("no order and no repetition matters", same == orders.len() && orders.len() == 6),
    ])
}

/// One URL for all three: it verifies, reads, keeps, and answers as LiveChat wants it.
async fn listen(heard: Heard) -> Result<Receiver, Box<dyn Error>> {
    let receiver = Receiver::start().await?;
    let verifier = Verifier::live_chat(BodyKeys::of([Secret::new(KEY)?]))?;
    receiver.answer_by(move |request| {
        let reception = receive(&verifier, request, &heard);
        Answer::status(Answers::new().status(reception).as_u16())
    });
    Ok(receiver)
}

fn receive(verifier: &Verifier, request: &Received, heard: &Heard) -> Reception {
    let now = Timestamp::from(SystemTime::now());
    if verifier.verify(&request.header_map(), &request.body, now).is_err() {
        return Reception::WrongKey;
    }
    let Ok(webhook) = Webhook::read(&request.body) else { return Reception::Unreadable };
    heard.lock().unwrap_or_else(PoisonError::into_inner).push(webhook);
    Reception::Handled
}

/// A sender whose receivers may be on this machine, which no real service should allow.
fn loopback() -> Result<Webhooks, Box<dyn Error>> {
    let addresses = AddressPolicy::public_only().danger_allow_loopback();
    let transport = ReqwestTransport::builder().addresses(addresses.clone()).plain_http_only().build()?;
    let store = MemoryStore::new(Arc::new(SystemClock::new()));
    Ok(Webhooks::builder(Arc::new(store), Arc::new(transport)).addresses(addresses).build()?)
}

fn request(action: &str, url: &str) -> Result<NewWebhook, Refusal> {
    let body = serde_json::json!({
        "action": action, "url": url, "secret_key": KEY, "owner_client_id": CLIENT, "type": "license",
    });
    NewWebhook::from_json(body.to_string().as_bytes())
}

fn read(body: &'static str) -> Result<Webhook, hookpost::payload::live_chat::ReadError> {
    Webhook::read(&Bytes::from_static(body.as_bytes()))
}

/// Every order of these.
fn orders(webhooks: &[Webhook]) -> Vec<Vec<Webhook>> {
    if webhooks.is_empty() {
        return vec![Vec::new()];
    }
    let begin_with = |first: usize| {
        let mut rest = webhooks.to_vec();
        let head = rest.remove(first);
        orders(&rest).into_iter().map(move |tail| [vec![head.clone()], tail].concat())
    };
    (0..webhooks.len()).flat_map(begin_with).collect()
}

fn check(expectations: &[(&str, bool)]) -> Result<(), Box<dyn Error>> {
    for (expectation, held) in expectations {
        println!("{} {expectation}", if *held { "  held " } else { "  FAILED" });
    }
    match expectations.iter().filter(|(_, held)| !held).count() {
        0 => Ok(()),
        failed => Err(format!("{failed} of {} expectations failed", expectations.len()).into()),
    }
}

fn title(text: &str) {
    println!("\n{text}");
}
