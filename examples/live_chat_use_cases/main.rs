//! The three applications of LiveChat's tutorial, over real HTTP: a list of visitors, a
//! detector of customers in the queue, and a tagger of ended chats. Then all events are sent
//! again in every order and twice over, which must lead to the same state.
//!
//! `cargo run --example live_chat_use_cases`
#![allow(unreachable_pub, reason = "an example is no library")]

mod apps;
#[path = "../shown/mod.rs"]
mod shown;
#[path = "../stage/mod.rs"]
mod stage;

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use hookpost::sign::BodyKeys;
use hookpost::systems::live_chat::admin::{
    AccessToken, ApiError, Caller, LiveChatAdmin, MemoryRows, NewWebhook, Rules, TokenScope,
};
use hookpost::systems::live_chat::payload::{
    Answers, ApiVersion, License, LiveChatBody, Occurrence, Reception,
};
use hookpost::testing::{Answer, Receiver};
use hookpost::{Invalid, Profile, Secret, Verifier};

use apps::Apps;
use shown::{Expected, title};

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

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let receiver = listen().await?;
    let url = receiver.url("/apps");
    let webhooks = stage::sender(Profile::live_chat(), &url)?;
    let license = License { id: 100_200_300, organization: "4b1c7e7a-6f0c-4f6e-9c2b-2b9b2f1d9a10".parse()? };
    let caller = Caller {
        token: AccessToken::Bearer { client_id: CLIENT.into() },
        license: license.clone(),
        owns: [CLIENT.into()].into(),
        scopes: TokenScope::ALL.into(),
    };
    let live_chat = LiveChatAdmin::new(webhooks.clone(), Arc::new(MemoryRows::new()), Rules::tutorial());
    let calls = live_chat.calls(&caller, ApiVersion::STABLE);
    for body in STORY {
        calls.register_webhook(request(&read(body)?.action, &url)?).await?;
    }
    calls.enable_license_webhooks(None).await?;

    title("a chat begins, its customer writes, it ends");
    for body in STORY {
        let webhook = read(body)?;
        let payload = webhook.payload_json().unwrap_or("null");
        webhooks.publish(Occurrence::new(&webhook.action, payload)?.on(&license)?).await?;
    }
    stage::work_off(&webhooks).await?;
    let requests = receiver.requests();
    let authentic = requests.iter().filter(|request| request.is_verified());
    let story = authentic.map(|request| LiveChatBody::read(&request.body)).collect::<Result<Vec<_>, _>>()?;
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

    let mut expected = Expected::default();
    expected.that("every webhook was authentic", story.len() == STORY.len());
    expected.that("the visitor is on the list", apps.visitors.visitors().eq([("c-77", Some("iva@ex.test"))]));
    expected.that("its customer landed at place 4", apps.queue.landed_at(THREAD) == Some(4));
    expected.that("and waits no more", !apps.queue.waits(THREAD));
    expected.that("the chat is tagged", apps.tagger.tags(THREAD) == ["refund", "greeting"]);
    expected.that("no order and no repetition matters", same == orders.len() && orders.len() == 6);
    expected.check()
}

/// One URL for all three: it verifies, reads, and answers as LiveChat wants it.
async fn listen() -> Result<Receiver, Box<dyn Error>> {
    let receiver = Receiver::start().await?;
    receiver.verify_with(Verifier::live_chat(BodyKeys::of([Secret::new(KEY)?]))?);
    receiver.answer_by(|request| {
        let reception = match LiveChatBody::read(&request.body) {
            _ if !request.is_verified() => Reception::WrongKey,
            Ok(_) => Reception::Handled,
            Err(_) => Reception::Unreadable,
        };
        Answer::status(Answers::new().status(reception).as_u16())
    });
    Ok(receiver)
}

fn request(action: &str, url: &str) -> Result<NewWebhook, ApiError> {
    let body = serde_json::json!({
        "action": action, "url": url, "secret_key": KEY, "owner_client_id": CLIENT, "type": "license",
    });
    NewWebhook::from_json(body.to_string().as_bytes())
}

fn read(body: &'static str) -> Result<LiveChatBody, Invalid> {
    LiveChatBody::read(&Bytes::from_static(body.as_bytes()))
}

/// Every order of these.
fn orders(webhooks: &[LiveChatBody]) -> Vec<Vec<LiveChatBody>> {
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
