//! LiveChat's Configuration API on one machine: an application registers webhooks, sees that
//! nothing comes before its license is enabled, enables it, and knows by the key in each body
//! who sent it. What was expected is checked, and the exit code says whether it held.
//!
//! `cargo run --example live_chat_registry`

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hookpost::admin::live_chat::{
    Caller, ClientId, ErrorType, LiveChat, MemoryRows, NewWebhook, Refusal, Rules, Token, TokenScope,
};
use hookpost::payload::live_chat::{ApiVersion, License, Occurrence, Webhook};
use hookpost::policy::egress::AddressPolicy;
use hookpost::services::live_chat::ConfigurationApi;
use hookpost::stores::memory::MemoryStore;
use hookpost::system::SystemClock;
use hookpost::testing::{Answer, Receiver};
use hookpost::transports::ReqwestTransport;
use hookpost::wire::verify::BodyKeys;
use hookpost::{EventError, Secret, Timestamp, Verifier, Webhooks};
use http::Request;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

const KEY: &str = "laudla991lamda0pnoaa0";
const CLIENT: &str = "asXdesldiAJSq9padj";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let license = License { id: 100_200_300, organization: "4b1c7e7a-6f0c-4f6e-9c2b-2b9b2f1d9a10".parse()? };
    let bin = receiver().await?;
    let webhooks = loopback()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let engine = webhooks.clone();
    let running = tokio::spawn(async move { engine.run(async { stopped.await.unwrap_or(()) }).await });

    // The tutorial's rules: a license hears nothing before it is enabled.
    let rows = Arc::new(MemoryRows::new());
    let live_chat = Arc::new(LiveChat::new(webhooks.clone(), rows, Rules::tutorial()));
    let application = application(license.clone());
    let calls = live_chat.calls(&application, ApiVersion::STABLE);
    let mut expected = Expectations::default();

    title("register, as the tutorial does it");
    for action in ["incoming_chat", "incoming_event", "chat_deactivated"] {
        let id = calls.register_webhook(request(action, &bin.url("/hooks"))?).await?;
        println!("{action:17} {id}");
    }
    let listed = calls.list_webhooks(&ClientId::from(CLIENT)).await?;
    expected.that("three webhooks are listed", listed.len() == 3);
    expected.that("no list shows the key", !serde_json::to_string(&listed)?.contains(KEY));

    title("a chat ends before the license is enabled");
    webhooks.publish(ended("C1")?.on(&license)?).await?;
    until_nothing_is_pending(&webhooks).await?;
    expected.that("nothing was sent", bin.requests().is_empty());
    expected.that("the state says off", !calls.license_webhooks_enabled(None).await?);

    title("enable, over HTTP: the same call by a client of LiveChat's");
    let api = ConfigurationApi::new(
        Arc::clone(&live_chat),
        Arc::new(move |token: &str| known(token, &application)),
    );
    println!("{}", post(&api, "enable_license_webhooks", "Bearer wrong").await?);
    println!("{}", post(&api, "enable_license_webhooks", "Bearer t0ken").await?);
    let state = post(&api, "get_license_webhooks_state", "Bearer t0ken").await?;
    println!("{state}");
    expected.that("the state says on", state == r#"200 {"license_webhooks_enabled":true}"#);

    title("a chat ends now");
    webhooks.publish(ended("C2")?.on(&license)?).await?;
    until_nothing_is_pending(&webhooks).await?;
    print!("{bin}");
    let requests = bin.requests();
    expected.that("the second chat came, the first did not", chats(&requests) == ["C2"]);
    expected.that("its key was right", bin.to_string().contains("→ 200"));
    expected.that("what is printed shows no key", !bin.to_string().contains(KEY));

    title("disable, and a third chat ends");
    let caller = self::application(license.clone());
    live_chat.calls(&caller, ApiVersion::STABLE).disable_license_webhooks(None).await?;
    webhooks.publish(ended("C3")?.on(&license)?).await?;
    until_nothing_is_pending(&webhooks).await?;
    expected.that("nothing more was sent", bin.requests().len() == 1);

    stop.send(()).unwrap_or(());
    running.await??;
    title("what was expected");
    expected.check()
}

/// A sender whose receivers may be on this machine, which no real service should allow.
fn loopback() -> Result<Webhooks, Box<dyn Error>> {
    let addresses = AddressPolicy::public_only().danger_allow_loopback();
    let transport = ReqwestTransport::builder().addresses(addresses.clone()).plain_http_only().build()?;
    let store = MemoryStore::new(Arc::new(SystemClock::new()));
    Ok(Webhooks::builder(Arc::new(store), Arc::new(transport)).addresses(addresses).build()?)
}

/// Answers 200 to bodies with the right key, 401 to others.
async fn receiver() -> Result<Receiver, Box<dyn Error>> {
    let bin = Receiver::start().await?;
    let verifier = Verifier::live_chat(BodyKeys::of([Secret::new(KEY)?]))?;
    bin.answer_by(move |request| {
        let now = Timestamp::from(SystemTime::now());
        let verdict = verifier.verify(&request.header_map(), &request.body, now);
        Answer::status(if verdict.is_ok() { 200 } else { 401 })
    });
    Ok(bin)
}

/// The application itself, by its bearer token.
fn application(license: License) -> Caller {
    Caller {
        token: Token::Bearer { client_id: CLIENT.into() },
        license,
        owns: [CLIENT.into()].into(),
        scopes: TokenScope::ALL.into(),
    }
}

/// A host looks its tokens up where it keeps them.
fn known(token: &str, application: &Caller) -> Result<Caller, Refusal> {
    match token {
        "Bearer t0ken" => Ok(application.clone()),
        _ => Err(Refusal::new(ErrorType::Authentication)),
    }
}

/// The request of the tutorial.
fn request(action: &str, url: &str) -> Result<NewWebhook, Refusal> {
    let body = serde_json::json!({
        "url": url,
        "description": "Webhook informing about chats",
        "action": action,
        "secret_key": KEY,
        "owner_client_id": CLIENT,
        "type": "license",
    });
    NewWebhook::from_json(body.to_string().as_bytes())
}

async fn post(api: &ConfigurationApi, method: &str, token: &str) -> Result<String, Box<dyn Error>> {
    let request = Request::post(format!("/v3.6/configuration/action/{method}"))
        .header("authorization", token)
        .body(Bytes::from_static(b"{}"))?;
    let answer = api.answer(&request).await;
    Ok(format!("{} {}", answer.status().as_u16(), std::str::from_utf8(answer.body())?))
}

fn ended(chat: &str) -> Result<Occurrence, EventError> {
    let payload = serde_json::json!({"chat_id": chat, "thread_id": "T1"});
    Occurrence::new("chat_deactivated", &payload.to_string())
}

/// The chats that these requests tell of.
fn chats(requests: &[hookpost::testing::Received]) -> Vec<String> {
    let payloads = requests.iter().filter_map(|request| {
        let webhook = Webhook::read(&request.body).ok()?;
        let payload: serde_json::Value = serde_json::from_str(webhook.payload_json()?).ok()?;
        Some(payload["chat_id"].as_str()?.to_owned())
    });
    payloads.collect()
}

async fn until_nothing_is_pending(webhooks: &Webhooks) -> Result<(), Box<dyn Error>> {
    let settled = async {
        loop {
            let stats = webhooks.stats(None).await?;
            if stats.unrouted + stats.pending == 0 {
                return Ok(());
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(10), settled).await?
}

fn title(text: &str) {
    println!("\n{text}");
}

#[derive(Default)]
struct Expectations(Vec<(&'static str, bool)>);

impl Expectations {
    fn that(&mut self, expectation: &'static str, held: bool) {
        self.0.push((expectation, held));
    }

    fn check(self) -> Result<(), Box<dyn Error>> {
        for (expectation, held) in &self.0 {
            println!("{} {expectation}", if *held { "  held " } else { "  FAILED" });
        }
        match self.0.iter().filter(|(_, held)| !held).count() {
            0 => Ok(()),
            failed => Err(format!("{failed} of {} expectations failed", self.0.len()).into()),
        }
    }
}
