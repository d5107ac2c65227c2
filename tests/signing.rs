//! What goes on the wire: envelopes, signatures and the profiles that join them.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod vectors;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hookpost::id::{EndpointId, EventId, EventType};
use hookpost::policy::egress::{EndpointUrl, SchemePolicy};
use hookpost::policy::outcome::{Response, Verdict};
use hookpost::policy::rate::{Limit, LimitScope};
use hookpost::policy::retry::{RetryPolicy, Schedule};
use hookpost::profile::{Envelope, Occasion, OnEnable, Rendered, Signing, Standard, Verbatim};
use hookpost::sequence::Sequence;
use hookpost::sign::{Algorithm, Grammar, Recipe, Schemes, Signer};
use hookpost::{
    Endpoint, Event, Headers, NewEvent, Overrides, Profile, Scheme, Secret, SecretError, SecretSet,
    Subscription, Timestamp,
};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use sha2::{Digest, Sha256};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_772_352_000);

fn id() -> EventId {
    EventId::new("018bcfe5-6800-7fff-bfff-ffffffffffff").unwrap()
}

fn secret(text: &str) -> Secret {
    Secret::new(text).unwrap()
}

/// The signature header's value, by one secret.
fn signature(scheme: &Scheme, key: &Secret, body: &[u8]) -> String {
    let signer = Signer::new(scheme, &SecretSet::of(key.clone())).unwrap();
    signer.signature(&id(), NOW, body).unwrap().unwrap().to_str().unwrap().to_owned()
}

fn signed(scheme: &Scheme, secrets: &SecretSet, now: Timestamp) -> HeaderMap {
    let mut headers = HeaderMap::new();
    Signer::new(scheme, secrets).unwrap().sign(&id(), now, b"{}", &mut headers).unwrap();
    headers
}

#[test]
fn the_44_fixture_bodies_have_their_recorded_length_and_hash() {
    let vectors = vectors::all();
    assert_eq!(vectors.len(), 44);
    for vector in vectors {
        assert_eq!(vector.body.len(), vector.bytes, "{}", vector.file);
        assert_eq!(hex::encode(Sha256::digest(&vector.body)), vector.sha256, "{}", vector.file);
    }
}

#[test]
fn fa1_every_live_session_fixture_signs_to_its_vector() {
    let vectors = vectors::live_session();
    assert_eq!(vectors.len(), 14);
    for vector in vectors {
        let found = signature(&Scheme::live_session(), &vector.secret(), &vector.body);
        assert_eq!(found, vector.base64, "{}", vector.file);
    }
}

#[test]
fn fb6_every_x_webhook_fixture_signs_to_its_vector_in_64_lower_case_digits() {
    let vectors = vectors::x_webhook();
    assert_eq!(vectors.len(), 9);
    for vector in vectors {
        let found = signature(&Scheme::x_webhook(), &vector.secret(), &vector.body);
        assert_eq!(found, vector.hex, "{}", vector.file);
        assert!(found.len() == 64 && found.bytes().all(|byte| b"0123456789abcdef".contains(&byte)));
    }
}

#[test]
fn known_answers_hold_for_empty_bodies_long_keys_and_byte_order_marks() {
    let long = "a".repeat(65);
    for (key, body, base64) in [
        ("k", "", "i7mQxAp9YcuXWXqUISUCW+UKyL63RDbjc1uYiTp/ZiA="),
        (&long, "{}", "kqG2UfNgO/slRZAN27u0X95mBz9A93hVm4eiJed3vpU="),
        ("secret", "{}", "dzJZAsrKgS3CWXM6rNBGtzgXNyx3e42VtAJkdHRRbhM="),
        ("secret", "{}\n", "2whSYuJtcIlb+8cQRMfXdO/syOOJvFAiOguaA060Q7M="),
        ("secret", "\u{feff}{}", "dHKxiOF3CUX1adgtO3VDh7T0/rqmCiReVu6ZivYXaU4="),
        ("secret", "{\"n\":45}", "/qdBEm3fq6ZAkZBtEXphIB+KnOIFJv/s8zj4shYx/ss="),
    ] {
        assert_eq!(signature(&Scheme::live_session(), &secret(key), body.as_bytes()), base64, "{body:?}");
    }
}

/// The first row is the example of the Standard Webhooks libraries; the others were
/// computed with Python's `hmac`.
#[test]
fn standard_signs_id_timestamp_and_body_to_known_answers() {
    for (key, id, seconds, body, expected) in [
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            b"{\"test\": 2432232314}".as_slice(),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
        (
            "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "evt-1",
            0,
            b"",
            "v1,Hh0ozaNXFhfFXIRWpwbFPO+4+GJSLsVsutHkeZ2dOzw=",
        ),
        (
            "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==",
            "018bcfe5-6800-7fff-bfff-ffffffffffff",
            1_772_352_000,
            b"\xff\x00\r\n",
            "v1,wm+87dBI28IjMgcCxe9McwJaPWj1XTDiBHOIZiB3h7k=",
        ),
    ] {
        let signer = Signer::new(Scheme::standard(), &SecretSet::of(secret(key))).unwrap();
        let mut headers = HeaderMap::new();
        let now = Timestamp::from_unix_seconds(seconds) + Duration::from_millis(999);
        signer.sign(&EventId::new(id).unwrap(), now, body, &mut headers).unwrap();
        assert_eq!(headers["webhook-signature"], expected);
        assert_eq!(headers["webhook-id"], id);
        assert_eq!(headers["webhook-timestamp"], seconds.to_string().as_str());
        assert_eq!(headers.len(), 3);
    }
}

const OLD: &str = "whsec_AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
const NEW: &str = "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

#[test]
fn a_list_is_signed_by_every_secret_in_force_the_newest_first() {
    let end = NOW + Duration::from_secs(60);
    let rotating = SecretSet::of(secret(OLD)).rotated(secret(NEW), end);
    let alone = |key: &str, now| {
        signed(&Scheme::standard(), &SecretSet::of(secret(key)), now)["webhook-signature"].clone()
    };
    let both = |now| signed(&Scheme::standard(), &rotating, now)["webhook-signature"].clone();
    let joined = [alone(NEW, NOW).to_str().unwrap(), alone(OLD, NOW).to_str().unwrap()].join(" ");
    assert_eq!(both(NOW), joined.as_str());
    assert_eq!(both(end), alone(NEW, end), "a retired secret does not sign from its moment on");
}

fn rotated_40_times() -> SecretSet {
    (1..=40).fold(SecretSet::of(secret(OLD)), |secrets, nth| {
        let next = format!("whsec_{}", STANDARD.encode([nth; 32]));
        secrets.rotated(secret(&next), Timestamp::MAX)
    })
}

#[test]
fn a_list_holds_at_most_32_signatures() {
    let secrets = rotated_40_times();
    let headers = signed(&Scheme::standard(), &secrets, NOW);
    assert_eq!(headers["webhook-signature"].to_str().unwrap().split(' ').count(), 32);
}

#[test]
fn a_list_that_two_schemes_share_holds_no_more_and_something_of_each() {
    let of = |version| Recipe {
        grammar: Grammar::List { version },
        algorithm: Algorithm::HmacSha512,
        ..Scheme::standard().recipe().clone()
    };
    let other = Scheme::new(of("v2")).unwrap();
    let secrets = rotated_40_times();
    let schemes = Schemes::new([Scheme::standard(), other]).unwrap();
    let mut headers = HeaderMap::new();
    Signer::new(&schemes, &secrets).unwrap().sign(&id(), NOW, b"{}", &mut headers).unwrap();
    let list = headers["webhook-signature"].to_str().unwrap();
    let of_version = |version: &str| list.split(' ').filter(|item| item.starts_with(version)).count();
    assert_eq!((of_version("v1,"), of_version("v2,")), (16, 16));
}

#[test]
fn a_bare_header_is_signed_by_the_current_secret_alone() {
    let rotating = SecretSet::of(secret("old")).rotated(secret("new"), Timestamp::MAX);
    for scheme in [Scheme::live_session(), Scheme::x_webhook()] {
        assert_eq!(signed(&scheme, &rotating, NOW), signed(&scheme, &SecretSet::of(secret("new")), NOW));
    }
}

#[test]
fn without_a_current_secret_no_header_of_the_scheme_is_set() {
    let retiring_alone =
        SecretSet { current: Vec::new(), ..SecretSet::of(secret(OLD)).rotated(secret(NEW), Timestamp::MAX) };
    for secrets in [SecretSet::none(), retiring_alone] {
        for scheme in [Scheme::live_session(), Scheme::x_webhook(), Scheme::standard()] {
            assert_eq!(signed(&scheme, &secrets, NOW), HeaderMap::new());
        }
    }
}

#[test]
fn signing_replaces_what_stands_under_the_schemes_names() {
    let mut headers = HeaderMap::new();
    for name in ["webhook-id", "webhook-signature", "webhook-signature"] {
        headers.append(name, "forged".parse().unwrap());
    }
    let signer = Signer::new(Scheme::standard(), &SecretSet::of(secret(NEW))).unwrap();
    signer.sign(&id(), NOW, b"{}", &mut headers).unwrap();
    assert_eq!(headers, signed(&Scheme::standard(), &SecretSet::of(secret(NEW)), NOW));
}

#[test]
fn every_secret_is_held_against_the_schemes_rule_the_retiring_ones_too() {
    let plain = secret("no prefix and no base64");
    let refused = |secrets: &SecretSet| Signer::new(Scheme::standard(), secrets).unwrap_err();
    assert_eq!(refused(&SecretSet::of(plain.clone())), SecretError::Prefix);
    let short = secret("whsec_AAAA");
    let length = SecretError::Length { bytes: 3, min: 24, max: 64 };
    assert_eq!(refused(&SecretSet::of(short.clone())), length);
    assert_eq!(refused(&SecretSet::of(short).rotated(secret(NEW), Timestamp::MAX)), length);
    assert!(Signer::new(Scheme::live_session(), &SecretSet::of(plain)).is_ok());
}

// Envelopes.

fn endpoint(profile: &Profile, subscription: Subscription) -> Endpoint {
    Endpoint {
        id: EndpointId::new("9a81c04").unwrap(),
        tenant: "ac10001".parse().unwrap(),
        name: "receiver".to_owned(),
        url: EndpointUrl::parse("https://receiver.example/hook", &profile.urls).unwrap(),
        profile: profile.name.clone(),
        secrets: SecretSet::of(secret("secret")).into(),
        subscription,
        headers: Headers::none(),
        overrides: Overrides::none(),
        enabled: true,
        since: Timestamp::EPOCH,
        began: Sequence::START,
        version: 1,
        generation: hookpost::endpoint::Generation::UNKNOWN,
    }
}

fn event(kind: &str, created_at: &str, payload: &[u8]) -> Event {
    let event = NewEvent::json("ac10001", kind, payload.to_vec()).unwrap().scope("ws20002").unwrap();
    event.into_event(id(), created_at.parse().unwrap(), usize::MAX).unwrap()
}

fn live_session() -> Arc<dyn Envelope> {
    Profile::live_session().envelope
}

fn x_webhook() -> Arc<dyn Envelope> {
    Profile::x_webhook().envelope
}

fn render(envelope: &dyn Envelope, event: &Event, occasion: Occasion) -> Rendered {
    envelope.render(event, &endpoint(&Profile::standard(), Subscription::to_all()), occasion).unwrap()
}

/// The top level's keys in the order in which they stand.
fn keys(body: &[u8]) -> Vec<String> {
    let object: serde_json::Map<String, Value> = serde_json::from_slice(body).unwrap();
    let text = std::str::from_utf8(body).unwrap();
    let mut keys: Vec<_> = object.keys().cloned().collect();
    keys.sort_by_key(|key| text.find(&format!("\"{key}\":")));
    keys
}

/// All headers of a request as a profile, its envelope and its scheme make them.
fn request(
    profile: &Profile,
    event: &Event,
    secrets: &SecretSet,
    occasion: Occasion,
) -> (HeaderMap, Vec<u8>) {
    let rendered = render(&*profile.envelope, event, occasion);
    let mut headers = profile.headers.clone();
    headers.insert("content-type", rendered.content_type);
    headers.extend(rendered.headers);
    let signer = Signer::new(&profile.schemes, secrets).unwrap();
    signer.sign(&event.id, NOW, &rendered.body, &mut headers).unwrap();
    (headers, rendered.body.to_vec())
}

fn names(headers: &HeaderMap) -> Vec<&str> {
    let mut names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names
}

#[test]
fn fa5_a_live_session_request_has_the_documented_headers_and_exactly_eight_keys() {
    let event = event("session.event", "2026-01-01T00:00:00.9Z", br#"{"event_name":"Custom"}"#);
    let secrets = SecretSet::of(secret("ls_sec_7Qm2v9"));
    let (headers, body) = request(&Profile::live_session(), &event, &secrets, Occasion::Event);
    assert_eq!(names(&headers), ["content-type", "livesession-signature", "user-agent"]);
    assert_eq!(headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(headers["user-agent"], "LiveSessionWebhooks/1.0");
    assert_eq!(
        String::from_utf8(body).unwrap(),
        concat!(
            r#"{"message_id":"018bcfe5-6800-7fff-bfff-ffffffffffff","webhook_id":"9a81c04","#,
            r#""webhook_type":"session.event","api_version":"v1.0","account_id":"ac10001","#,
            r#""website_id":"ws20002","created_at":1767225600,"payload":{"event_name":"Custom"}}"#,
        )
    );
}

#[test]
fn fa5_an_event_without_a_scope_has_a_null_website() {
    let event = Event { scope: None, ..event("session.event", "2026-01-01T00:00:00Z", b"{}") };
    let rendered = render(&*live_session(), &event, Occasion::Event);
    let body: Value = serde_json::from_slice(&rendered.body).unwrap();
    assert_eq!(body["website_id"], Value::Null);
    assert_eq!(body.as_object().unwrap().len(), 8);
}

#[test]
fn fa5_live_session_fixtures_are_rendered_byte_for_byte_from_their_parts() {
    // The others have another spacing, key order or key, which only receivers meet.
    for number in [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13] {
        let vector = vectors::named(&format!("ls_{number:02}"));
        let text = std::str::from_utf8(&vector.body).unwrap();
        let (head, payload) = text.split_once(",\"payload\":").unwrap();
        let head: Value = serde_json::from_str(&format!("{head}}}")).unwrap();
        let payload = payload.strip_suffix('}').unwrap();
        let own = |key: &str| head[key].as_str().unwrap();
        let event = NewEvent::json(own("account_id"), own("webhook_type"), payload.to_owned()).unwrap();
        let created_at = Timestamp::from_unix_seconds(head["created_at"].as_i64().unwrap());
        let id = EventId::new(own("message_id")).unwrap();
        let event = event.scope(own("website_id")).unwrap().into_event(id, created_at, usize::MAX).unwrap();
        let endpoint = Endpoint {
            id: EndpointId::new(own("webhook_id")).unwrap(),
            ..endpoint(&Profile::live_session(), Subscription::to_all())
        };
        let body = live_session().render(&event, &endpoint, Occasion::Event).unwrap().body;
        assert_eq!(body, text, "{}", vector.file);
    }
}

#[test]
fn fb3_fb4_the_x_webhook_fixtures_are_rendered_byte_for_byte_from_their_parts() {
    let mut rendered = Vec::new();
    for vector in vectors::x_webhook() {
        let text = std::str::from_utf8(&vector.body).unwrap();
        let body: Value = serde_json::from_str(text).unwrap();
        let timestamp = body["timestamp"].as_str().unwrap();
        // `Z` and +07:00 are forms that only other senders write.
        if !timestamp.ends_with("+00:00") {
            continue;
        }
        let (_, data) = text.split_once("\"data\":").unwrap();
        let data = data.strip_suffix('}').unwrap();
        let event = event(body["event"].as_str().unwrap(), timestamp, data.as_bytes());
        assert_eq!(render(&*x_webhook(), &event, Occasion::Event).body, text, "{}", vector.file);
        rendered.push(vector.file[..5].to_owned());
    }
    for file in ["bl_01", "bl_02", "bl_03", "bl_04", "bl_05", "bl_08", "bl_09"] {
        assert!(rendered.iter().any(|done| done == file), "{file}");
    }
}

#[test]
fn fb3_the_x_webhook_body_has_three_keys_and_a_timestamp_with_an_offset() {
    let event = event("conversation.started", "2026-03-01T15:00:00.5+07:00", br#"{"conversation_id":8841}"#);
    let body = render(&*x_webhook(), &event, Occasion::Event).body;
    assert_eq!(keys(&body), ["event", "timestamp", "data"]);
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["timestamp"], "2026-03-01T08:00:00+00:00");
    assert_eq!(body["data"]["conversation_id"], 8841);
}

#[test]
fn fb4_null_members_stay_as_keys() {
    let payload = br#"{"admin_name":null,"visitor_email":null}"#;
    let body =
        render(&*x_webhook(), &event("message.received", "2026-03-01T08:00:00Z", payload), Occasion::Event)
            .body;
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["data"].as_object().unwrap().len(), 2);
    assert_eq!(body["data"]["admin_name"], Value::Null);
}

#[test]
fn fb5_x_webhook_headers_follow_the_secret_and_the_occasion() {
    let event = event("message.received", "2026-03-01T08:01:07Z", b"{}");
    let (with, without) = (SecretSet::of(secret("s")), SecretSet::none());
    let of = |secrets, occasion| request(&Profile::x_webhook(), &event, secrets, occasion);
    let (headers, body) = of(&with, Occasion::Event);
    assert_eq!(
        names(&headers),
        ["content-type", "user-agent", "x-webhook-event", "x-webhook-signature", "x-webhook-timestamp"]
    );
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["x-webhook-event"], "message.received");
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(headers["x-webhook-timestamp"], body["timestamp"].as_str().unwrap());
    assert_eq!(headers["user-agent"], concat!("hookpost/", env!("CARGO_PKG_VERSION")));

    let (unsigned, _) = of(&without, Occasion::Event);
    assert_eq!(names(&unsigned), ["content-type", "user-agent", "x-webhook-event", "x-webhook-timestamp"]);
    let (test, _) = of(&with, Occasion::Test);
    assert_eq!(test["x-webhook-test"], "true");
    assert_eq!(test["x-webhook-signature"], headers["x-webhook-signature"], "a test is signed as usual");
}

#[test]
fn verbatim_sends_the_bytes_and_the_content_type_as_published() {
    let payload = b"\xff\x00 not JSON \r\n".as_slice();
    let event = NewEvent::bytes("t", "k", "application/octet-stream; v=1", payload).unwrap();
    let event = event.into_event(id(), NOW, 100).unwrap();
    let rendered = render(&Verbatim, &event, Occasion::Event);
    assert_eq!(rendered.body, payload);
    assert_eq!(rendered.content_type, "application/octet-stream; v=1");
    assert!(rendered.headers.is_empty());
}

#[test]
fn wrapping_envelopes_embed_any_json_as_it_stands() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let payloads = [
        r#"{"b":1,  "a":1.10,"a":-0.0}"#,
        r#"{"big":12345678901234567890123,"huge":1e400}"#,
        r#""\u0000\/ \ud83e\udd8a 🦊""#,
        "null",
        "[\r\n]",
        &deep,
    ];
    for payload in payloads {
        let event = event("session.event", "2026-01-01T00:00:00Z", payload.as_bytes());
        for envelope in [live_session(), x_webhook(), Arc::new(Standard)] {
            let body = render(&*envelope, &event, Occasion::Event).body;
            let text = std::str::from_utf8(&body).unwrap();
            assert!(text.ends_with(&format!(":{payload}}}")), "{envelope:?}");
            assert_eq!(body, render(&*envelope, &event, Occasion::Event).body, "the same bytes each time");
        }
    }
}

#[test]
fn wrapping_envelopes_refuse_what_is_no_single_json_value() {
    let json = event("session.event", "2026-01-01T00:00:00Z", b"{}");
    let with = |content_type: &str, payload: &'static [u8]| Event {
        content_type: content_type.to_owned(),
        payload: payload.into(),
        ..json.clone()
    };
    let endpoint = endpoint(&Profile::live_session(), Subscription::to_all());
    for (why, event) in [
        ("not JSON by its type", with("text/plain", b"{}")),
        ("closes the envelope's object", with("application/json", br#"1},"account_id":"other","x":{"y":1"#)),
        ("two members", with("application/json", br#"1,"created_at":0"#)),
        ("cut", with("application/json", b"{")),
        ("empty", with("application/json", b"")),
        ("invalid UTF-8, which JSON excludes", with("application/json", b"\"\xff\"")),
    ] {
        assert!(live_session().render(&event, &endpoint, Occasion::Event).is_err(), "{why}");
        assert!(x_webhook().render(&event, &endpoint, Occasion::Event).is_err(), "{why}");
        assert!(Standard.render(&event, &endpoint, Occasion::Event).is_err(), "{why}");
        let as_it_says = Verbatim.render(&event, &endpoint, Occasion::Event).is_ok();
        assert_eq!(as_it_says, !event.is_json(), "{why}");
    }
}

#[test]
fn publishing_refuses_json_that_is_not_utf_8_so_that_no_delivery_finds_out() {
    assert!(NewEvent::json("t", "k", b"\"\xff\"".as_slice()).is_err());
    assert!(NewEvent::bytes("t", "k", "application/json", b"\"\xff\"".as_slice()).is_err());
    assert!(NewEvent::bytes("t", "k", "text/plain", b"\"\xff\"".as_slice()).is_ok());
}

#[test]
fn names_with_quotes_are_escaped_inside_the_body() {
    let event = event("a\"b\\c", "2026-01-01T00:00:00Z", b"{}");
    for envelope in [live_session(), x_webhook(), Arc::new(Standard)] {
        let body: Value = serde_json::from_slice(&render(&*envelope, &event, Occasion::Event).body).unwrap();
        let kind = body.get("webhook_type").or(body.get("event")).or(body.get("type"));
        assert_eq!(kind.unwrap(), "a\"b\\c");
    }
}

#[test]
fn fg14_no_id_or_type_with_a_line_end_reaches_a_header() {
    for byte in (0..=b' ').chain(0x7f..=0xff) {
        let text = format!("a{}b", char::from(byte));
        assert!(EventId::new(&text).is_err() && EventType::new(&text).is_err(), "{byte:#x}");
    }
    let forged = Event {
        content_type: "application/json\r\nx-forged: 1".to_owned(),
        ..event("session.event", "2026-01-01T00:00:00Z", b"{}")
    };
    let endpoint = endpoint(&Profile::standard(), Subscription::to_all());
    assert!(Verbatim.render(&forged, &endpoint, Occasion::Event).is_err());
}

#[test]
fn a_sample_of_a_system_is_of_the_first_type_that_the_endpoint_names() {
    for (profile, otherwise) in
        [(Profile::live_session(), "session.event"), (Profile::x_webhook(), "message.received")]
    {
        let sample = |subscription| profile.envelope.sample(&endpoint(&profile, subscription));
        assert_eq!(sample(Subscription::to_all()).kind, otherwise);
        let exact = sample(Subscription::to(["order.*", "order.paid", "order.sent"]).unwrap());
        assert_eq!(exact.kind, "order.paid");
        let event =
            NewEvent::json("t", &exact.kind, exact.payload).unwrap().into_event(id(), NOW, 4096).unwrap();
        render(&*profile.envelope, &event, Occasion::Test);
    }
}

#[test]
fn an_x_webhook_sample_has_the_keys_of_its_type() {
    let keys = |kind| {
        let endpoint = endpoint(&Profile::x_webhook(), Subscription::to([kind]).unwrap());
        let payload: Value = serde_json::from_slice(&x_webhook().sample(&endpoint).payload).unwrap();
        payload.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    let data = |file| {
        let body: Value = serde_json::from_slice(&vectors::named(file).body).unwrap();
        body["data"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(keys("conversation.started"), data("bl_01"));
    assert_eq!(keys("message.received"), data("bl_02"));
}

// Profiles.

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

#[test]
fn live_session_has_the_documented_numbers() {
    let profile = Profile::live_session();
    let retry = RetryPolicy::new(Schedule::exponential(minutes(1), 2, minutes(10)).unwrap());
    let retry =
        retry.jitter_percent(10).unwrap().window(minutes(480)).unwrap().age_max(minutes(1440)).unwrap();
    assert_eq!(profile.name.as_str(), "live_session");
    assert_eq!(profile.retry, retry);
    assert_eq!(
        profile.limits,
        [LimitScope::Tenant, LimitScope::Endpoint]
            .map(|scope| Limit::per_minute(scope, 1000.try_into().unwrap()))
    );
    assert_eq!(profile.urls.schemes, SchemePolicy::HttpAndHttps);
    assert!(profile.unique_urls && !profile.urls.danger_local_names);
    assert_eq!((profile.timeout, profile.disable_after), (Duration::from_secs(10), None));
    assert_eq!((profile.signing, profile.on_enable), (Signing::Required, OnEnable::Send));
}

#[test]
fn x_webhook_has_the_documented_numbers() {
    let profile = Profile::x_webhook();
    assert_eq!(profile.name.as_str(), "x_webhook");
    assert_eq!(profile.retry, RetryPolicy::new(Schedule::list([minutes(1), minutes(1)]).unwrap()));
    assert_eq!(profile.limits, []);
    assert_eq!(profile.urls.schemes, SchemePolicy::HttpsOnly);
    assert_eq!(profile.timeout, Duration::from_secs(10));
    assert_eq!((profile.signing, profile.on_enable), (Signing::Optional, OnEnable::Cancel));
}

#[test]
fn standard_has_the_documented_numbers() {
    let profile = Profile::standard();
    let gaps = [
        Duration::from_secs(5),
        minutes(5),
        minutes(30),
        minutes(120),
        minutes(300),
        minutes(600),
        minutes(600),
    ];
    let retry = RetryPolicy::new(Schedule::list(gaps).unwrap()).jitter_percent(20).unwrap();
    assert_eq!(profile.name.as_str(), "standard");
    assert_eq!(profile.retry, retry);
    assert_eq!(profile.urls.schemes, SchemePolicy::HttpsOnly);
    assert_eq!(profile.timeout, Duration::from_secs(15));
    assert_eq!(profile.disable_after, Some(minutes(5 * 24 * 60)));
    assert_eq!((profile.signing, profile.on_enable), (Signing::Required, OnEnable::Send));
}

#[test]
fn fg4_every_profile_takes_any_2xx_and_disables_at_410() {
    for profile in [Profile::live_session(), Profile::x_webhook(), Profile::standard()] {
        let verdict = |status: u16| {
            let status = StatusCode::from_u16(status).unwrap();
            let response = Response { status, headers: HeaderMap::new(), body: Bytes::new(), cut: false };
            profile.classifier.classify(&response, NOW)
        };
        assert_eq!(verdict(204), Verdict::Delivered { confirmed: true });
        assert_eq!(verdict(410), Verdict::Gone { disable: true });
        assert_eq!(verdict(404), Verdict::Retry { after: None });
        assert!(profile.keep_body <= 1024);
    }
}
