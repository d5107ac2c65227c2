//! What arrives: every documented shape, and everything that is none.

use bytes::Bytes;
use hookpost::sign::BodyKeys;
use hookpost::systems::live_chat::payload::{AppWebhook, EventContent, LiveChatBody, Payload, WorkScheduler};
use hookpost::{Secret, Timestamp, Verifier};

use super::scene::{fixture, fixtures};

fn read(start: &str) -> LiveChatBody {
    LiveChatBody::read(&fixture(start)).unwrap()
}

#[test]
fn fc15_every_documented_body_decodes_into_its_own_payload() {
    let mut decoded = 0;
    for (name, body) in fixtures().into_iter().filter(|(name, _)| name.as_str() < "lc_19") {
        let webhook = LiveChatBody::read(&body).unwrap();
        let fits = match (&name[..5], &webhook.payload) {
            ("lc_01" | "lc_02", Payload::IncomingChat { .. })
            | ("lc_03" | "lc_04" | "lc_05" | "lc_06", Payload::Event { .. })
            | ("lc_07", Payload::ChatDeactivated { .. })
            | ("lc_08", Payload::ChatTransferred { .. })
            | ("lc_09", Payload::Tag(_))
            | ("lc_10", Payload::AutoAccesses(_))
            | ("lc_11" | "lc_12", Payload::Customer(_))
            | ("lc_13" | "lc_14", Payload::Agent(_))
            | ("lc_15", Payload::ThreadSummary { .. })
            | ("lc_16", Payload::Unknown)
            | ("lc_17", Payload::PropertiesDeleted { .. })
            | ("lc_18", Payload::Postback { .. }) => true,
            other => panic!("{name}: {other:?}"),
        };
        assert!(fits && webhook.body() == &body, "{name}");
        decoded += 1;
    }
    assert_eq!(decoded, 18);
}

#[test]
fn fc15_a_chat_tells_its_users_its_events_and_its_queue() {
    let Payload::IncomingChat { chat } = read("lc_02").payload else { panic!() };
    let thread = chat.thread.as_ref().unwrap();
    assert_eq!((chat.id.as_str(), thread.id.as_str(), thread.active), ("QX1CHAT01", "QX1THR01", true));
    let customers: Vec<_> = chat.users.iter().filter(|user| user.is_customer()).collect();
    assert_eq!((customers.len(), customers[0].email.as_deref()), (1, Some("iva@ex.test")));
    assert_eq!(thread.events[0].text(), Some("hello 👋"));
    let queue = thread.queue.as_ref().unwrap();
    assert_eq!((queue.position, queue.wait_time), (4, 120));
    assert_eq!(chat.properties["source"]["client_id"].as_str(), r#""cl_abc""#);

    let additional = read("lc_01").additional_data.unwrap();
    assert_eq!(additional.chat_presence_user_ids.unwrap(), ["c-77", "ana@ex.test"]);
    assert!(additional.chat_properties.unwrap().contains_key("source"));
}

#[test]
fn fc15_events_decode_by_their_type() {
    let event = |start| match read(start).payload {
        Payload::Event { event, .. } => event,
        other => panic!("{other:?}"),
    };
    assert_eq!(event("lc_03").text(), Some("refund please 💸"));
    let EventContent::File(file) = event("lc_04").content else { panic!() };
    assert_eq!(
        (file.name.as_deref(), file.size, file.width),
        (Some("receipt.png"), Some(120_334), Some(640))
    );
    let EventContent::FilledForm { form_type, fields, .. } = event("lc_05").content else { panic!() };
    assert_eq!(form_type.as_deref(), Some("prechat"));
    let label = |field: usize| fields[field].answers[0].label.as_deref();
    assert_eq!((label(0), label(1), label(2)), (Some(""), Some("billing"), Some("Sales")));
    assert_eq!(fields[2].answers[0].group_id, Some(1));
    let EventContent::Custom { content } = event("lc_06").content else { panic!() };
    assert_eq!(content.unwrap().as_str(), r#"{"a":{"b":[{"c":null}]}}"#);
}

#[test]
fn fc15_what_versions_write_differently_reads_the_same() {
    let customer = |start| match read(start).payload {
        Payload::Customer(customer) => customer.id,
        other => panic!("{other:?}"),
    };
    assert_eq!((customer("lc_11"), customer("lc_12")), ("c-77".into(), "c-77".into()));

    let schedule = |start| match read(start).payload {
        Payload::Agent(agent) => agent.work_scheduler.unwrap(),
        other => panic!("{other:?}"),
    };
    let WorkScheduler::ByDay(days) = schedule("lc_13") else { panic!() };
    let hours: Vec<_> = days.iter().map(|(day, it)| (&day[..], &it.start[..], &it.end[..])).collect();
    assert_eq!(hours, [("monday", "08:30", "12:30")]);
    let WorkScheduler::Zoned { timezone, schedule } = schedule("lc_14") else { panic!() };
    assert_eq!((timezone.as_deref(), schedule.len()), (Some("Europe/Lisbon"), 1));
    let (day, times) = (&schedule[0], (schedule[0].start.as_deref(), schedule[0].end.as_deref()));
    assert_eq!((&day.day[..], day.enabled, times), ("monday", true, (Some("08:30"), Some("12:30"))));

    let who = read("lc_09").requester.unwrap();
    assert_eq!((who.user_id.as_deref(), who.account_id.as_deref()), (Some("ana@ex.test"), Some("acc-1")));
    assert_eq!(who.client_id.as_deref(), Some("cl_abc"));
    for start in ["lc_08", "lc_12", "lc_15"] {
        assert!(read(start).additional_data.is_none(), "{start}");
    }
    let Payload::AutoAccesses(rules) = read("lc_10").payload else { panic!() };
    let told: Vec<_> = rules.iter().map(|rule| (rule.id.as_str(), rule.next_id.as_deref())).collect();
    assert_eq!(told, [("r1", Some("r2")), ("r2", None)]);
    let Payload::ChatDeactivated { user_id, .. } = read("lc_07").payload else { panic!() };
    assert_eq!(user_id, None, "the router did it");
}

#[test]
fn fc15_an_unknown_action_keeps_every_byte() {
    let webhook = read("lc_16");
    assert_eq!(webhook.action, "moon_phase_changed");
    assert_eq!(webhook.payload_json(), Some(r#"{"phase":0.5}"#));
    assert_eq!(webhook.body(), &fixture("lc_16"));
}

#[test]
fn a_payload_of_another_shape_says_where_it_differs_and_stays() {
    for (payload, column) in [(r#"{"chat_id":"c","thread_id":7}"#, 28), (r#"["c","t"]"#, 0), ("null", 0)] {
        let body = Bytes::from(format!(r#"{{"action":"chat_deactivated","payload":{payload}}}"#));
        let webhook = LiveChatBody::read(&body).unwrap();
        let Payload::Misshapen { column: stopped, .. } = webhook.payload else { panic!("{webhook:?}") };
        assert_eq!(stopped, column, "{payload}");
        assert_eq!(webhook.body(), &body);
    }
}

/// Bodies that a stranger may send, each with whether it can be read as a webhook.
fn hostile() -> Vec<(&'static str, Vec<u8>, bool)> {
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(50_000), close.repeat(50_000));
    let with = |payload: &str| format!(r#"{{"action":"incoming_event","payload":{payload}}}"#).into_bytes();
    vec![
        ("nothing", vec![], false),
        ("white space", b" \r\n".to_vec(), false),
        ("null", b"null".to_vec(), false),
        ("an array", br#"["incoming_chat"]"#.to_vec(), false),
        ("a text", br#""action""#.to_vec(), false),
        ("no action", b"{}".to_vec(), false),
        ("an action that is no text", br#"{"action":7}"#.to_vec(), false),
        ("two actions", br#"{"action":"a","action":"b"}"#.to_vec(), false),
        ("a cut body", br#"{"action":"incoming_chat","payload":{"ch"#.to_vec(), false),
        ("an extra brace", br#"{"action":"incoming_chat"}}"#.to_vec(), false),
        ("a byte order mark", b"\xef\xbb\xbf{\"action\":\"a\"}".to_vec(), false),
        ("no UTF-8 in a text", b"{\"action\":\"a\",\"x\":\"\xff\"}".to_vec(), false),
        ("a lone surrogate", br#"{"action":"a","x":"\ud800"}"#.to_vec(), true),
        (
            "a list of the payload's fields",
            br#"{"action":"chat_deactivated","payload":["c","t"]}"#.to_vec(),
            true,
        ),
        ("no payload", br#"{"action":"incoming_chat"}"#.to_vec(), true),
        ("a payload that is null", with("null"), true),
        ("a payload that is a number", with("1e400"), true),
        ("a payload of another shape", with(r#"{"chat_id":7,"event":[]}"#), true),
        ("an event without a type", with(r#"{"chat_id":"c","event":{"id":"e"}}"#), true),
        ("an event of an unknown type", with(r#"{"chat_id":"c","event":{"id":"e","type":"dance"}}"#), true),
        ("a size below zero", with(r#"{"chat_id":"c","event":{"id":"e","type":"file","size":-1}}"#), true),
        ("deep arrays", with(&deep("[", "]")), true),
        ("deep objects", with(&deep(r#"{"a":"#, "}").replacen('}', "1}", 1)), true),
        (
            "deep content",
            with(&format!(
                r#"{{"chat_id":"c","event":{{"id":"e","type":"custom","content":{}}}}}"#,
                deep("[", "]")
            )),
            true,
        ),
        ("a long text", with(&format!(r#"{{"chat_id":"{}"}}"#, "é".repeat(2_000_000))), true),
        ("many keys", with(&format!("{{{}\"z\":0}}", r#""a":[1e999,-0.0],"#.repeat(50_000))), true),
        (
            "members of other shapes",
            br#"{"action":"a","webhook_id":[],"license_id":1.5,"additional_data":7,"requester":"x"}"#
                .to_vec(),
            true,
        ),
        (
            "a license beyond any number",
            br#"{"action":"a","license_id":99999999999999999999999}"#.to_vec(),
            true,
        ),
        ("NUL in names", br#"{"action":"a\u0000b","\u0000":"\u0000"}"#.to_vec(), true),
    ]
}

#[test]
fn bad_input_never_panics_and_never_loses_a_byte() {
    let verifier = Verifier::live_chat(BodyKeys::of([Secret::new("k").unwrap()])).unwrap();
    let no_headers: [(&str, &str); 0] = [];
    let documented = fixtures().into_iter().map(|(name, body)| (name, body, None));
    let made_up =
        hostile().into_iter().map(|(why, body, reads)| (why.to_owned(), Bytes::from(body), Some(reads)));
    let mut read_back = 0;
    for (why, body, reads) in documented.chain(made_up) {
        let webhook = LiveChatBody::read(&body);
        assert!(reads.is_none_or(|reads| webhook.is_ok() == reads), "{why}: {:?}", webhook.is_ok());
        if let Ok(webhook) = &webhook {
            assert_eq!(webhook.body(), &body, "{why}");
            let payload = webhook.payload_json().unwrap_or_default();
            assert!(
                body.windows(payload.len().max(1)).any(|window| window == payload.as_bytes())
                    || payload.is_empty()
            );
            // Whatever was read can be shown.
            assert!(!format!("{webhook:?}").is_empty());
            read_back += 1;
        }
        // Neither what verifies nor what reads the other envelope minds it.
        assert!(verifier.verify(&no_headers[..], &body[..], Timestamp::EPOCH).is_err(), "{why}");
        assert_eq!(AppWebhook::read(&body).is_ok(), why.starts_with("lc_19"), "{why}");
    }
    assert!(read_back >= 18 + 16, "{read_back}");
}

#[test]
fn a_cut_at_any_byte_and_any_flipped_byte_is_an_answer() {
    let body = fixture("lc_05");
    for at in 0..body.len() {
        assert!(LiveChatBody::read(&body.slice(..at)).is_err(), "cut at {at}");
        for flip in [0x01, 0x20, 0x80] {
            let mut other = body.to_vec();
            other[at] ^= flip;
            let other = Bytes::from(other);
            if let Ok(webhook) = LiveChatBody::read(&other) {
                assert_eq!(webhook.body(), &other);
            }
        }
    }
}
