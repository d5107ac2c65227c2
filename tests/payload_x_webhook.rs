//! X-Webhook's bodies as types: what is read, what is kept, what is written again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

#[path = "../examples/x_webhook_admin/receive.rs"]
mod receive;
mod vectors;

use hookpost::sign::Signer;
use hookpost::systems::body::{Extra, Moment};
use hookpost::systems::x_webhook::payload::{ChatMessage, Conversation, Data, Status, XWebhookBody};
use hookpost::{NewEvent, Scheme, SecretSet, Timestamp, Verifier};
use http::{HeaderMap, HeaderValue, StatusCode};
use receive::receive;

fn body(start: &str) -> XWebhookBody {
    XWebhookBody::read(&vectors::named(start).body).unwrap()
}

fn message(start: &str) -> ChatMessage {
    match body(start).data {
        Data::MessageReceived(message) => message,
        other => panic!("{other:?}"),
    }
}

fn text(start: &str) -> String {
    String::from_utf8(vectors::named(start).body).unwrap()
}

#[test]
fn fb3_a_started_conversation_is_read_and_written_to_the_byte() {
    let Data::ConversationStarted(conversation) = body("bl_01").data else { panic!() };
    assert_eq!(conversation.conversation_id, 8841);
    assert_eq!(conversation.visitor_phone.as_deref(), Some("+351911222333"));
    assert_eq!(conversation.status, Status::Open);
    assert_eq!(conversation.created_at.at(), body("bl_01").timestamp.at());
    assert_eq!(serde_json::to_string(&body("bl_01")).unwrap(), text("bl_01"));
}

#[test]
fn fb3_a_sender_makes_the_documented_data_of_a_conversation() {
    let said = |text: &str| Some(text.to_owned());
    let created_at = Moment::from("2026-03-01T08:00:00.9Z".parse::<Timestamp>().unwrap());
    assert_eq!(created_at.as_str(), "2026-03-01T08:00:00+00:00");
    let data = Data::ConversationStarted(Conversation {
        conversation_id: 8841,
        visitor_name: said("Rui Sá"),
        visitor_email: said("rui@cafe.test"),
        visitor_phone: said("+351911222333"),
        visitor_ip: said("203.0.113.24"),
        current_url: said("https://cafe.test/menu?x=1&y=2"),
        status: Status::Open,
        created_at,
        extra: Extra::default(),
    });
    assert_eq!(data, body("bl_01").data);
    let (_, as_written) =
        text("bl_01").split_once("\"data\":").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let as_written = as_written.strip_suffix('}').unwrap().to_owned();
    let event = NewEvent::serialize("site", data.event(), &data).unwrap();
    assert_eq!(event, NewEvent::json("site", "conversation.started", as_written).unwrap());
}

#[test]
fn fb4_a_message_is_read_and_written_to_the_byte_with_its_nulls() {
    let message = self::message("bl_03");
    assert_eq!((message.message_id, message.content.as_str()), (55_121, ""));
    assert_eq!((message.is_from_admin, message.admin_name.as_deref()), (false, None));
    let of = &message.conversation;
    assert_eq!(
        (of.visitor_name.as_deref(), of.visitor_ip.as_deref()),
        (Some("Rui Sá"), Some("203.0.113.24"))
    );
    assert_eq!((&of.visitor_email, &of.visitor_phone, &of.current_url), (&None, &None, &None));
    for fixture in ["bl_02", "bl_03", "bl_04", "bl_06", "bl_08", "bl_09"] {
        assert_eq!(serde_json::to_string(&body(fixture)).unwrap(), text(fixture), "{fixture}");
    }
    assert!(text("bl_03").contains(r#""admin_name":null"#), "the fixture has what the row is about");
}

#[test]
fn fb9_another_writers_escapes_are_read() {
    let Data::ConversationStarted(conversation) = body("bl_05").data else { panic!() };
    assert_eq!(conversation.current_url.as_deref(), Some("https://cafe.test/menu"));
    assert_eq!(conversation.visitor_name.as_deref(), Some("Rui Sá 🦊"));
    let read: serde_json::Value = serde_json::from_str(&text("bl_05")).unwrap();
    assert_eq!(serde_json::to_value(body("bl_05")).unwrap(), read);
}

#[test]
fn an_offset_and_a_z_are_moments_that_keep_their_text() {
    let admin = body("bl_06");
    assert_eq!(admin.timestamp.as_str(), "2026-03-01T08:02:00+07:00");
    assert_eq!(admin.timestamp.at(), "2026-03-01T01:02:00Z".parse().unwrap());
    assert_eq!(message("bl_06").admin_name.as_deref(), Some("Support – Ana"));
    let closed = body("bl_07");
    assert_eq!(closed.timestamp.to_string(), "2026-03-01T09:00:00Z");
    assert_eq!(serde_json::to_string(&closed.timestamp).unwrap(), r#""2026-03-01T09:00:00Z""#);
}

#[test]
fn an_unknown_event_keeps_its_data_to_the_byte() {
    let closed = body("bl_07");
    let Data::Unknown { event, data } = &closed.data else { panic!() };
    assert_eq!((event.as_str(), closed.event()), ("conversation.closed", "conversation.closed"));
    assert!(data.as_str().ends_with(r#""agent":{"id":3,"name":null}}"#));
    assert_eq!(serde_json::to_string(&closed).unwrap(), text("bl_07"));
    let more = text("bl_01").replace("\"status\":\"open\"", "\"status\":\"parked\",\"queue\": [1.10]");
    let Data::ConversationStarted(conversation) = XWebhookBody::read(more.as_bytes()).unwrap().data else {
        panic!()
    };
    assert_eq!(conversation.status, Status::Unknown("parked".to_owned()));
    assert_eq!(conversation.extra.get("queue").unwrap().as_str(), "[1.10]");
}

#[test]
fn each_wrong_shape_is_named_by_its_place() {
    for (from, to, expected) in [
        (r#""event":"message.received""#, r#""event":7"#, "event: must be text"),
        (r#""timestamp":"2026-03-01T08:01:07+00:00","#, "", "timestamp: must be a moment in RFC 3339"),
        (
            "2026-03-01T08:01:07+00:00\",\"data",
            "yesterday\",\"data",
            "timestamp: must be a moment in RFC 3339",
        ),
        (r#""data":{"#, r#""data":null,"x":{"#, "data: must be an object"),
        (
            r#""message_id":55120"#,
            r#""message_id":"55120""#,
            "data.message_id: must be an integer of 64 bits",
        ),
        (r#""message_id":55120"#, r#""message_id":1e400"#, "data.message_id: must be an integer of 64 bits"),
        (r#""is_from_admin":false"#, r#""is_from_admin":0"#, "data.is_from_admin: must be true or false"),
        (r#""visitor_name":"Rui Sá""#, r#""visitor_name":{}"#, "data.visitor_name: must be text"),
        (
            r#""conversation_id":8841"#,
            r#""conversation_id":null"#,
            "data.conversation_id: must be an integer of 64 bits",
        ),
    ] {
        let odd = text("bl_02").replacen(from, to, 1);
        assert_ne!(odd, text("bl_02"), "{from}");
        assert_eq!(XWebhookBody::read(odd.as_bytes()).unwrap_err().to_string(), expected, "{odd}");
    }
}

fn headers_of(body: &XWebhookBody) -> HeaderMap {
    let value = |text: &str| HeaderValue::from_str(text).unwrap();
    HeaderMap::from_iter([
        (http::HeaderName::from_static("x-webhook-event"), value(body.event())),
        (http::HeaderName::from_static("x-webhook-timestamp"), value(body.timestamp.as_str())),
    ])
}

#[test]
fn fb17_headers_that_say_something_else_than_the_signed_body_are_refused() {
    let body = body("bl_02");
    let good = headers_of(&body);
    assert_eq!(body.check_headers(&good), Ok(()));
    let with = |name: &'static str, text: &'static str| {
        let mut headers = good.clone();
        headers.insert(name, HeaderValue::from_static(text));
        body.check_headers(&headers).map_err(|error| error.to_string())
    };
    for same in ["2026-03-01T08:01:07Z", "2026-03-01T10:01:07+02:00"] {
        assert_eq!(with("x-webhook-timestamp", same), Ok(()), "{same}: the same moment");
    }
    for other in ["2026-03-01T08:01:08+00:00", "2026-03-01T08:01:07-00:01", "now", ""] {
        let refused = Err("header x-webhook-timestamp: must be the body's timestamp".to_owned());
        assert_eq!(with("x-webhook-timestamp", other), refused, "{other}");
    }
    assert!(with("x-webhook-event", "conversation.started").is_err());
    for name in ["x-webhook-timestamp", "x-webhook-event"] {
        let (mut without, mut twice) = (good.clone(), good.clone());
        without.remove(name);
        twice.append(name, good[name].clone());
        assert!(body.check_headers(&without).is_err(), "{name} is missing");
        assert!(body.check_headers(&twice).is_err(), "{name} came twice");
    }
}

#[test]
fn fb18_a_receiver_answers_401_to_strangers_400_to_nonsense_and_200_to_the_unknown() {
    let vector = vectors::named("bl_07");
    let secrets = SecretSet::of(vector.secret());
    let sender = Signer::new(Scheme::x_webhook(), &secrets).unwrap();
    let verifier = Verifier::new(&Scheme::x_webhook(), [vector.secret()]).unwrap();
    let signed = |raw: &[u8], mut headers: HeaderMap| {
        sender.sign(&"e".parse().unwrap(), Timestamp::EPOCH, raw, &mut headers).unwrap();
        headers
    };
    let received = |headers: &HeaderMap, raw: &[u8]| receive(&verifier, headers, raw, Timestamp::EPOCH);
    for fixture in ["bl_02", "bl_07"] {
        let (body, raw) = (body(fixture), vectors::named(fixture).body);
        let headers = signed(&raw, headers_of(&body));
        assert_eq!(received(&headers, &raw), Ok(body), "{fixture}");
    }
    let (headers, raw) = (headers_of(&body("bl_02")), vectors::named("bl_02").body);
    assert_eq!(received(&headers, &raw), Err(StatusCode::UNAUTHORIZED), "without a signature");
    let mut forged = raw.clone();
    forged[200] ^= 1;
    let of_raw = signed(&raw, headers.clone());
    assert_eq!(received(&of_raw, &forged), Err(StatusCode::UNAUTHORIZED), "another body");
    for nonsense in [&b"{"[..], b"[]", b"\xff", b"", b"{}"] {
        let headers = signed(nonsense, headers.clone());
        assert_eq!(received(&headers, nonsense), Err(StatusCode::BAD_REQUEST), "{nonsense:?}");
    }
    let mut late = signed(&raw, headers);
    late.insert("x-webhook-timestamp", HeaderValue::from_static("2030-01-01T00:00:00+00:00"));
    assert_eq!(received(&late, &raw), Err(StatusCode::BAD_REQUEST), "a header that nobody signed");
}
