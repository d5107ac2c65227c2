//! Events of the carried systems, endpoints of the targets, and answers of theirs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use hookpost::delivery::{Delivery, State};
use hookpost::id::{EndpointId, EventId};
use hookpost::policy::egress::{EndpointUrl, UrlPolicy};
use hookpost::policy::outcome::{Response, Verdict};
use hookpost::profile::Occasion;
use hookpost::sequence::Sequence;
use hookpost::targets::message::Message;
use hookpost::testing::Reply;
use hookpost::webhooks::Builder;
use hookpost::{
    Endpoint, Event, Headers, NewEndpoint, NewEvent, Overrides, Profile, Secret, SecretSet, Subscription,
    Timestamp,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

use crate::world::{START, World, acme, without_jitter};

pub(crate) const SLACK: &str = "https://hooks.slack.com/services/T0CANARY/B0CANARY/canary4711";
pub(crate) const DISCORD: &str = "https://discord.com/api/webhooks/4711/canary-4711";
pub(crate) const DISCORD_SENT: &str = "https://discord.com/api/v10/webhooks/4711/canary-4711?wait=true";
pub(crate) const TEAMS: &str = "https://prod-11.westus.logic.azure.com/workflows/canary4711/triggers/manual/paths/\
                                invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=canary-4711%2Fx";
pub(crate) const ZAPIER: &str = "https://hooks.zapier.com/hooks/catch/4711/canary4711/";
pub(crate) const MAKE: &str = "https://hook.eu1.make.com/canary4711";
pub(crate) const GOOGLE_CHAT: &str =
    "https://chat.googleapis.com/v1/spaces/canary4711/messages?key=canary&token=canary%3D4711";
pub(crate) const TELEGRAM: &str = "https://api.telegram.org/bot4711:canary/sendMessage?chat_id=-100123";
pub(crate) const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";
pub(crate) const MATTERMOST: &str = "https://chat.acme.example/hooks/canary4711";
pub(crate) const N8N: &str = "https://n8n.acme.example/webhook/canary4711";

pub(crate) const ROUTING_KEY: &str = "canary4711canary4711canary4711ab";

/// Each built-in target with an endpoint's URL.
pub(crate) fn targets() -> Vec<(Profile, &'static str)> {
    vec![
        (Profile::slack(), SLACK),
        (Profile::discord(), DISCORD),
        (Profile::teams(), TEAMS),
        (Profile::zapier(), ZAPIER),
        (Profile::make(), MAKE),
        (Profile::n8n(), N8N),
        (Profile::google_chat(), GOOGLE_CHAT),
        (Profile::telegram(), TELEGRAM),
        (Profile::mattermost(), MATTERMOST),
        (Profile::pagerduty(), PAGERDUTY),
    ]
}

/// The targets that tell people.
pub(crate) fn told() -> Vec<(Profile, &'static str)> {
    targets().into_iter().filter(|(profile, _)| profile.schemes.is_empty()).collect()
}

pub(crate) fn at(url: &str) -> Endpoint {
    Endpoint {
        id: EndpointId::new("e-1").unwrap(),
        tenant: acme(),
        name: String::new(),
        url: EndpointUrl::parse(url, &UrlPolicy::https_only()).unwrap(),
        profile: "any".parse().unwrap(),
        secrets: SecretSet::of(Secret::new(ROUTING_KEY).unwrap()).into(),
        subscription: Subscription::to_all(),
        headers: Headers::none(),
        overrides: Overrides::none(),
        enabled: true,
        since: Timestamp::EPOCH,
        began: Sequence::START,
        version: 1,
        generation: hookpost::endpoint::Generation::UNKNOWN,
    }
}

/// Every fixture of the carried systems by its name.
pub(crate) fn fixtures() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/systems");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    paths.sort();
    let name = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    paths.iter().map(|path| (name(path), std::fs::read(path).unwrap())).collect()
}

/// An event whose payload is this fixture, under the type that stands in it.
pub(crate) fn event(fixture: &str) -> Event {
    let (_, body) = fixtures().into_iter().find(|(name, _)| name == fixture).unwrap();
    event_of(&body)
}

pub(crate) fn event_of(body: &[u8]) -> Event {
    let text = String::from_utf8_lossy(body);
    let kind = ["webhook_type", "event", "action"].iter().find_map(|name| {
        let (_, rest) = text.split_once(&format!("\"{name}\""))?;
        rest.split('"').nth(1)
    });
    event_named(kind.unwrap_or("something.happened"), body)
}

pub(crate) fn event_named(kind: &str, body: &[u8]) -> Event {
    let new = NewEvent::json("acme", kind, body.to_vec()).unwrap();
    new.into_event(EventId::new("018bcfe5-6800-7fff-bfff-ffffffffffff").unwrap(), START, usize::MAX).unwrap()
}

pub(crate) fn bytes_for(profile: &Profile, url: &str, event: &Event) -> Bytes {
    profile.envelope.render(event, &at(url), Occasion::Event).unwrap().body
}

pub(crate) fn body_for(profile: &Profile, url: &str, event: &Event) -> Value {
    serde_json::from_slice(&bytes_for(profile, url, event)).unwrap()
}

pub(crate) fn text_event(text: &str) -> Event {
    event_named("order.paid", serde_json::json!({ "note": text }).to_string().as_bytes())
}

/// A message whose every part is this text, and which has more fields than fit.
pub(crate) fn message_of(text: &str) -> Message {
    let message = Message::titled(text).text(text).link(text, "https://acme.example/a?x=1&y=2");
    (0..60).fold(message, |message, _| message.field(text, text))
}

/// All strings of a JSON value, keys and values alike.
pub(crate) fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| strings(value).into_iter().chain([name.clone()]))
            .collect(),
        _ => Vec::new(),
    }
}

/// Headers of an answer by name and value.
pub(crate) type Head<'a> = &'a [(&'a str, &'a str)];

/// An answer with these headers and this body.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let headers = headers.iter().map(|(name, value)| {
        (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
    });
    Response {
        status: StatusCode::from_u16(status).unwrap(),
        headers: headers.collect::<HeaderMap>(),
        body: Bytes::copy_from_slice(body.as_bytes()),
        cut: false,
    }
}

pub(crate) fn judged(profile: &Profile, answer: &Response) -> Verdict {
    profile.classifier.classify(answer, START)
}

pub(crate) fn reply(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
    let reply = Reply::status(status).body(body.to_owned());
    headers.iter().fold(reply, |reply, (name, value)| reply.header(name, value))
}

/// A sender that knows all targets, without jitter, and looks for work every second.
pub(crate) fn world() -> World {
    world_with(|builder| builder)
}

/// The same sender, built further.
pub(crate) fn world_with(build: impl FnOnce(Builder) -> Builder) -> World {
    World::with(|builder| {
        let builder = builder.poll(Duration::from_secs(1));
        let known = |builder: Builder, (profile, _)| builder.profile(without_jitter(profile));
        build(targets().into_iter().fold(builder, known))
    })
}

pub(crate) async fn register(world: &World, id: &str, profile: &str, url: &str) {
    let new = NewEndpoint::new("acme", url, profile).unwrap().id(id).unwrap();
    let new = if profile == "pagerduty" { new.secret(ROUTING_KEY).unwrap() } else { new };
    world.webhooks.register(new).await.unwrap();
}

pub(crate) async fn delivery_to(world: &World, id: &str) -> Delivery {
    let found: Vec<_> =
        world.deliveries().await.into_iter().filter(|delivery| delivery.endpoint.as_str() == id).collect();
    assert_eq!(found.len(), 1, "{id}");
    found.into_iter().next().unwrap()
}

pub(crate) async fn is_enabled(world: &World, id: &str) -> bool {
    world.webhooks.endpoint(&acme(), &id.parse().unwrap()).await.unwrap().unwrap().enabled
}

pub(crate) const DELIVERED: State = State::Delivered { confirmed: true };
pub(crate) const UNCONFIRMED: State = State::Delivered { confirmed: false };
