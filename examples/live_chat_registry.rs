//! LiveChat's Configuration API on one machine. An application registers webhooks, and
//! receives nothing before its license is enabled. It enables the license, and then recognises
//! the sender by the key in each body.
//!
//! `cargo run --example live_chat_registry`

mod shown;
mod stage;

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use hookpost::sign::BodyKeys;
use hookpost::systems::live_chat::admin::{
    AccessToken, ApiError, Caller, ClientId, ErrorType, LiveChatAdmin, MemoryRows, NewWebhook, Rules,
    TokenScope,
};
use hookpost::systems::live_chat::http_api::ConfigurationApi;
use hookpost::systems::live_chat::payload::{ApiVersion, License, LiveChatBody, Occurrence};
use hookpost::testing::{Received, Receiver};
use hookpost::{EventError, Profile, Secret, Verifier};
use http::Request;

use shown::{Expected, title};

const KEY: &str = "laudla991lamda0pnoaa0";
const CLIENT: &str = "asXdesldiAJSq9padj";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let license = License { id: 100_200_300, organization: "4b1c7e7a-6f0c-4f6e-9c2b-2b9b2f1d9a10".parse()? };
    let bin = Receiver::start().await?;
    bin.verify_with(Verifier::live_chat(BodyKeys::of([Secret::new(KEY)?]))?);
    bin.refuse_unverified();
    let url = bin.url("/hooks");
    let webhooks = stage::sender(Profile::live_chat(), &url)?;
    let mut expected = Expected::default();

    // The tutorial's rules: a license hears nothing before it is enabled.
    let rows = Arc::new(MemoryRows::new());
    let live_chat = Arc::new(LiveChatAdmin::new(webhooks.clone(), rows, Rules::tutorial()));
    let application = application(license.clone());
    let calls = live_chat.calls(&application, ApiVersion::STABLE);

    title("register, as the tutorial does it");
    for action in ["incoming_chat", "incoming_event", "chat_deactivated"] {
        let id = calls.register_webhook(request(action, &url)?).await?;
        println!("{action:17} {id}");
    }
    let listed = calls.list_webhooks(&ClientId::from(CLIENT)).await?;
    expected.that("three webhooks are listed", listed.len() == 3);
    expected.that("no list shows the key", !serde_json::to_string(&listed)?.contains(KEY));

    title("a chat ends before the license is enabled");
    webhooks.publish(ended("C1")?.on(&license)?).await?;
    stage::work_off(&webhooks).await?;
    expected.that("nothing was sent", bin.requests().is_empty());
    expected.that("the state says off", !calls.license_webhooks_enabled(None).await?);

    title("enable, by a request as LiveChat's clients send it");
    let owner = application.clone();
    let api =
        ConfigurationApi::new(Arc::clone(&live_chat), Arc::new(move |token: &str| known(token, &owner)));
    println!("{}", post(&api, "enable_license_webhooks", "Bearer wrong").await?);
    println!("{}", post(&api, "enable_license_webhooks", "Bearer t0ken").await?);
    let state = post(&api, "get_license_webhooks_state", "Bearer t0ken").await?;
    println!("{state}");
    expected.that("the state says on", state == r#"200 {"license_webhooks_enabled":true}"#);

    title("a chat ends now");
    webhooks.publish(ended("C2")?.on(&license)?).await?;
    stage::work_off(&webhooks).await?;
    print!("{bin}");
    let requests = bin.requests();
    expected.that("the second chat came, the first did not", chats(&requests) == ["C2"]);
    expected.that("its key was right", requests.iter().all(Received::is_verified));
    expected.that("what is printed shows no key", !bin.to_string().contains(KEY));

    title("disable, and a third chat ends");
    calls.disable_license_webhooks(None).await?;
    webhooks.publish(ended("C3")?.on(&license)?).await?;
    stage::work_off(&webhooks).await?;
    expected.that("nothing more was sent", bin.requests().len() == 1);
    expected.check()
}

/// The application itself, by its bearer token.
fn application(license: License) -> Caller {
    Caller {
        token: AccessToken::Bearer { client_id: CLIENT.into() },
        license,
        owns: [CLIENT.into()].into(),
        scopes: TokenScope::ALL.into(),
    }
}

/// A host looks its tokens up where it keeps them.
fn known(token: &str, application: &Caller) -> Result<Caller, ApiError> {
    match token {
        "Bearer t0ken" => Ok(application.clone()),
        _ => Err(ApiError::new(ErrorType::Authentication)),
    }
}

/// The request of the tutorial.
fn request(action: &str, url: &str) -> Result<NewWebhook, ApiError> {
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
fn chats(requests: &[Received]) -> Vec<String> {
    let payloads = requests.iter().filter_map(|request| {
        let webhook = LiveChatBody::read(&request.body).ok()?;
        let payload: serde_json::Value = serde_json::from_str(webhook.payload_json()?).ok()?;
        Some(payload["chat_id"].as_str()?.to_owned())
    });
    payloads.collect()
}
