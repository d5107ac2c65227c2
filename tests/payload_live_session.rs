//! LiveSession's bodies as types: what is read, what is kept, what is written again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod vectors;

use std::collections::HashSet;

use hookpost::systems::body::{Extra, PayloadError};
use hookpost::systems::live_session::payload::{
    ErrorName, LiveSessionBody, LiveSessionPayload, Properties, PropertyType, SessionEvent, SessionEventKind,
};
use hookpost::{NewEvent, Scheme, Timestamp, Verifier};

fn body(start: &str) -> LiveSessionBody {
    LiveSessionBody::read(&vectors::named(start).body).unwrap()
}

fn event(start: &str) -> SessionEvent {
    match body(start).payload {
        LiveSessionPayload::SessionEvent(event) => event,
        LiveSessionPayload::Unknown { webhook_type, .. } => panic!("{webhook_type}"),
    }
}

/// The payload's text, as it stands in the fixture.
fn payload_text(start: &str) -> String {
    let body = String::from_utf8(vectors::named(start).body).unwrap();
    let (_, payload) = body.split_once(",\"payload\":").unwrap();
    payload.strip_suffix('}').unwrap().to_owned()
}

fn refusal(text: &str) -> String {
    LiveSessionBody::read(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn fa6_the_documented_example_is_an_error_under_its_other_name() {
    let body = body("ls_00");
    assert_eq!(body.webhook_type(), "session.event");
    assert_eq!(body.message_id, "d5932de4-a8da-4546-4439-3c640ba8dc05");
    assert_eq!((body.webhook_id.as_deref(), body.website_id.as_deref()), (Some("542de45"), Some("8d53ea3")));
    assert_eq!((body.account_id.as_deref(), body.api_version.as_deref()), (Some("3ca3b1b"), Some("v1.0")));
    assert_eq!(body.created_at, Some(1_691_161_881));
    let event = event("ls_00");
    let error = SessionEventKind::JsError {
        name: ErrorName::Error,
        value: Some("ProductCatalog: product is not valid".to_owned()),
        count: Some(1),
    };
    assert_eq!((event.event_name(), &event.kind), ("Error", &error));
    let visitor = event.visitor.unwrap();
    assert_eq!(visitor.email.as_deref(), Some(""));
    assert_eq!(visitor.params[0].value.as_deref(), Some("pro"));
    assert_eq!(visitor.geolocation.unwrap().city.as_deref(), Some("Wroclaw"));
}

#[test]
fn fa6_the_documented_example_says_the_same_after_a_round_trip() {
    let fixture: serde_json::Value = serde_json::from_slice(&vectors::named("ls_00").body).unwrap();
    assert_eq!(serde_json::to_value(body("ls_00")).unwrap(), fixture);
    let read: LiveSessionBody = serde_json::from_value(fixture).unwrap();
    assert_eq!(read, body("ls_00"));
}

#[test]
fn fa7_each_documented_kind_is_a_type_of_its_own() {
    let text = |text: &str| Some(text.to_owned());
    let message = || SessionEventKind::ErrorClick { message: text("button handler missing") };
    for (fixture, name, kind) in [
        (
            "ls_01",
            "JSError",
            SessionEventKind::JsError {
                name: ErrorName::JsError,
                value: text("TypeError: cart.total is not a function"),
                count: Some(3),
            },
        ),
        (
            "ls_02",
            "NetError",
            SessionEventKind::NetError {
                method: text("POST"),
                url: text("https://api.shop.test/v2/cart?id=9&x=%20"),
                status: Some(503),
            },
        ),
        ("ls_03", "ErrorClick", message()),
        ("ls_04", "ErrorClick", message()),
        ("ls_05", "RageClick", SessionEventKind::RageClick { clicks: Some(7) }),
    ] {
        let event = event(fixture);
        assert_eq!((event.event_name(), &event.kind), (name, &kind), "{fixture}");
        assert!(event.extra.is_empty(), "{fixture}");
        assert_eq!(event.visitor.unwrap().name.as_deref(), Some("Ada Kowal"));
    }
    assert_eq!(event("ls_04").time, Some(17_672_256_020), "eleven digits stay eleven");
}

#[test]
fn fa7_a_custom_events_properties_keep_their_order_types_and_endings() {
    let SessionEventKind::Custom { name, properties } = event("ls_06").kind else { panic!() };
    assert_eq!(name.as_deref(), Some("Coupon applied"));
    let stated: Vec<_> = properties.iter().map(|it| (it.name(), it.stated_type())).collect();
    assert_eq!(
        stated,
        [
            ("code_str", Some(PropertyType::Text)),
            ("uses_int", Some(PropertyType::Integer)),
            ("discount_float", Some(PropertyType::Float)),
            ("first_bool", Some(PropertyType::Flag)),
            ("legacy", None),
        ]
    );
    assert_eq!(properties.get("code_str").unwrap().as_text().as_deref(), Some("SPRING-10"));
    assert_eq!(properties.get("uses_int").unwrap().as_i64(), Some(2));
    assert_eq!(properties.get("discount_float").unwrap().as_f64(), Some(10.5));
    assert_eq!(properties.get("first_bool").unwrap().as_bool(), Some(true));
    assert_eq!(properties.get("first_bool").unwrap().as_text(), None);
    assert_eq!(properties.problems(), []);
}

#[test]
fn fa7_what_is_written_again_is_the_documented_form() {
    for fixture in ["ls_01", "ls_02", "ls_03", "ls_05", "ls_06", "ls_07", "ls_08"] {
        let text = payload_text(fixture);
        assert_eq!(serde_json::to_string(&event(fixture)).unwrap(), text, "{fixture}");
        let published = NewEvent::serialize("ac10001", "session.event", &event(fixture)).unwrap();
        let again = NewEvent::json("ac10001", "session.event", text).unwrap();
        assert_eq!(published, again, "{fixture}");
    }
    let clicked = serde_json::to_string(&event("ls_04")).unwrap();
    assert_eq!(clicked, payload_text("ls_04").replace("messsage", "message"));
}

#[test]
fn fa7_where_both_spellings_came_the_right_one_counts_and_the_other_is_kept() {
    let event =
        SessionEvent::read(br#"{"event_name":"ErrorClick","messsage":"typo","message":"right"}"#).unwrap();
    assert_eq!(event.kind, SessionEventKind::ErrorClick { message: Some("right".to_owned()) });
    assert_eq!(event.extra.get("messsage").unwrap().as_str(), r#""typo""#);
}

#[test]
fn fa8_an_unknown_webhook_type_keeps_its_payload_and_its_extra_keys_to_the_byte() {
    let read = body("ls_10");
    let LiveSessionPayload::Unknown { webhook_type, payload } = &read.payload else { panic!() };
    assert_eq!((webhook_type.as_str(), read.webhook_type()), ("session.created", "session.created"));
    assert_eq!(
        payload.as_str(),
        r##"{"event_name":"DeadClick","selector":"#buy","future":{"a":[1,{"b":null}]}}"##
    );
    assert_eq!(read.extra.get("extra_top").unwrap().parse::<String>().unwrap(), "keep me");
    let again = serde_json::to_string(&read).unwrap();
    assert_eq!(again.as_bytes(), vectors::named("ls_10").body, "nothing is lost and nothing is added");
}

#[test]
fn fa8_an_unknown_event_name_keeps_its_fields_as_they_were_written() {
    let text = concat!(
        r##"{"event_name":"DeadClick","time":7,"visitor":{"id":"v","name":null,"email":null,"##,
        r##""params":[{"name":"a","value":"b","since":1.10}],"geolocation":null,"plan":[ 1e400 ]},"##,
        r##""selector":"#buy","at":{"x":-0.0, "y":9007199254740993}}"##,
    );
    let event = SessionEvent::read(text.as_bytes()).unwrap();
    assert_eq!(event.kind, SessionEventKind::Unknown { event_name: "DeadClick".to_owned() });
    let keys: Vec<_> = event.extra.iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["selector", "at"]);
    assert_eq!(serde_json::to_string(&event).unwrap(), text);
}

#[test]
fn nulls_and_absent_keys_read_alike() {
    let visitor = event("ls_07").visitor.unwrap();
    assert_eq!((visitor.name, visitor.email, visitor.geolocation), (None, None, None));
    assert!(visitor.params.is_empty());
    let bare = LiveSessionBody::read(
        br#"{"message_id":"m","webhook_type":"session.event","payload":{"event_name":"Custom","name":null}}"#,
    )
    .unwrap();
    assert_eq!((bare.created_at, bare.website_id), (None, None));
    let LiveSessionPayload::SessionEvent(event) = bare.payload else { panic!() };
    assert_eq!(event.kind, SessionEventKind::Custom { name: None, properties: Properties::default() });
    assert_eq!((event.time, event.visitor, event.extra), (None, None, Extra::default()));
}

#[test]
fn numbers_keep_every_digit_they_came_with() {
    let SessionEventKind::Custom { properties, .. } = event("ls_11").kind else { panic!() };
    let of = |name| properties.get(name).unwrap();
    assert_eq!(of("n_int").as_i64(), Some(9_007_199_254_740_993));
    assert_eq!((of("n_float").value().as_str(), of("n_float").as_f64()), ("1e400", None));
    assert_eq!((of("m_float").value().as_str(), of("t_float").value().as_str()), ("-0.0", "1.10"));
    assert_eq!(event("ls_11").time, Some(1_767_225_600_123));
    let again = serde_json::to_string(&event("ls_11")).unwrap();
    let properties =
        r#""properties":{"n_int":9007199254740993,"n_float":1e400,"m_float":-0.0,"t_float":1.10}"#;
    assert!(again.contains(properties), "{again}");
}

#[test]
fn another_key_order_and_spacing_read_alike() {
    let event = event("ls_12");
    assert_eq!(event.kind, SessionEventKind::RageClick { clicks: Some(2) });
    assert_eq!(body("ls_12").message_id, "7d1f7c52-0000-4000-8000-000000000012");
    let SessionEventKind::JsError { value: Some(value), .. } = self::event("ls_09").kind else { panic!() };
    assert_eq!(value, "👩\u{200d}👩\u{200d}👧 \u{2028} \0 end", "escapes are read");
}

#[test]
fn a_body_of_depth_200_verifies_and_is_an_error_to_read() {
    let vector = vectors::named("ls_13");
    let verifier = Verifier::new(&Scheme::live_session(), [vector.secret()]).unwrap();
    let headers = [("livesession-signature", vector.base64.as_str())];
    let proven = verifier.verify(&headers[..], vector.body.clone(), Timestamp::EPOCH).unwrap();
    assert_eq!(LiveSessionBody::read(proven.body()), Err(PayloadError::TooDeep));
    assert_eq!(proven.into_body(), vector.body, "and still there, to the byte");
}

#[test]
fn each_wrong_shape_is_named_by_its_place() {
    let body =
        |payload: &str| format!(r#"{{"message_id":"m","webhook_type":"session.event","payload":{payload}}}"#);
    for (text, expected) in [
        ("[]".to_owned(), "body: must be an object"),
        ("\"x\"".to_owned(), "body: must be an object"),
        (
            "{\"a\":}".to_owned(),
            "body: must be valid JSON; reading stopped at byte 5: expected a value: an object, an array, a string in double quotes, a number, true, false or null",
        ),
        (
            String::new(),
            "body: must be valid JSON; reading stopped at byte 0: expected a value: an object, an array, a string in double quotes, a number, true, false or null",
        ),
        ("{}".to_owned(), "webhook_type: must be text"),
        (body("null"), "payload: must be an object"),
        (body("[]"), "payload: must be an object"),
        (body("{}"), "payload.event_name: must be text"),
        (body(r#"{"event_name":7}"#), "payload.event_name: must be text"),
        (body(r#"{"event_name":"JSError","count":1.5}"#), "payload.count: must be an integer of 64 bits"),
        (body(r#"{"event_name":"JSError","count":1e400}"#), "payload.count: must be an integer of 64 bits"),
        (
            body(r#"{"event_name":"RageClick","clicks":9223372036854775808}"#),
            "payload.clicks: must be an integer of 64 bits",
        ),
        (body(r#"{"event_name":"Custom","properties":[]}"#), "payload.properties: must be an object"),
        (body(r#"{"event_name":"x","visitor":{"email":7}}"#), "payload.visitor.email: must be text"),
        (body(r#"{"event_name":"x","visitor":{"email":"\ud800"}}"#), "payload.visitor.email: must be text"),
        (
            body(r#"{"event_name":"x","visitor":{"params":{}}}"#),
            "payload.visitor.params: must be a list of objects",
        ),
        (
            body(r#"{"event_name":"x","visitor":{"params":[{"name":[]}]}}"#),
            "payload.visitor.params.name: must be text",
        ),
        (
            body(r#"{"event_name":"x","visitor":{"geolocation":{"city":1}}}"#),
            "payload.visitor.geolocation.city: must be text",
        ),
        (body(r#"{"event_name":"x","event_name":"y"}"#), "payload.event_name: must occur once"),
    ] {
        assert_eq!(refusal(&text), expected, "{text}");
    }
    let unknown = r#"{"message_id":"m","webhook_type":"later","payload":[1]}"#;
    assert!(LiveSessionBody::read(unknown.as_bytes()).is_ok(), "a payload of an unknown type has any shape");
}

#[test]
fn fa22_a_body_that_comes_twice_is_handled_once_by_its_message_id() {
    let vector = vectors::named("ls_01");
    let verifier = Verifier::new(&Scheme::live_session(), [vector.secret()]).unwrap();
    let headers = [("livesession-signature", vector.base64.as_str())];
    let (mut seen, mut handled) = (HashSet::new(), 0);
    let mut receive = |raw: &[u8]| {
        let Ok(proven) = verifier.verify(&headers[..], raw, Timestamp::EPOCH) else { return 401 };
        let Ok(body) = LiveSessionBody::read(proven.body()) else { return 400 };
        if seen.insert(body.message_id) {
            handled += 1;
        }
        200
    };
    assert_eq!((receive(&vector.body), receive(&vector.body)), (200, 200), "both are accepted");
    assert_eq!(receive(&vectors::named("ls_02").body), 401);
    assert_eq!(handled, 1);
}
