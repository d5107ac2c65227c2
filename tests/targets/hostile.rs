//! Hostile, huge, deep and malformed payloads: none panics, none pings, none is over
//! a target's limit.

use std::sync::Arc;

use hookpost::profile::{Envelope, Occasion};
use hookpost::targets::message::Message;
use hookpost::targets::{Discord, GoogleChat, Mattermost, PagerDuty, Severity, Slack, Teams, Telegram};
use hookpost::{Event, Profile};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::scene::{at, body_for, bytes_for, event_named, message_of, strings, text_event, told};

/// The envelope of each target that tells people, worded by this message.
fn worded(message: &Message) -> Vec<(Profile, &'static str)> {
    told()
        .into_iter()
        .map(|(profile, url)| {
            let (name, message) = (profile.name.clone(), message.clone());
            let by = move |_: &Event| message.clone();
            let envelope: Arc<dyn Envelope> = match name.as_str() {
                "slack" => Arc::new(Slack::worded_by(by)),
                "discord" => Arc::new(Discord::worded_by(by)),
                "teams" => Arc::new(Teams::worded_by(by)),
                "google_chat" => Arc::new(GoogleChat::worded_by(by)),
                "telegram" => Arc::new(Telegram::worded_by(by)),
                "mattermost" => Arc::new(Mattermost::worded_by(by)),
                "pagerduty" => Arc::new(PagerDuty::new(Severity::Info).worded_by(by)),
                other => panic!("{other} is not told here"),
            };
            (Profile { envelope, ..profile }, url)
        })
        .collect()
}

/// What pings, in any of the targets' languages.
fn is_live(text: &str) -> bool {
    let lower = text.to_lowercase();
    // The name of a host may begin like a room.
    let names_a_room = |room: &str| {
        lower.match_indices(room).any(|(at, _)| {
            let of_a_host = |next: char| next.is_alphanumeric() || matches!(next, '.' | '-');
            let host = lower[at + 1..].split(|next| !of_a_host(next)).next().unwrap_or_default();
            !(lower[..at].ends_with(char::is_alphanumeric) && host.trim_end_matches('.').contains('.'))
        })
    };
    let rooms = ["@everyone", "@here", "@channel", "@all"];
    let names_somebody =
        |(at, _)| lower[at + 2..].chars().next().is_some_and(|next| !['\u{200b}', '…'].contains(&next));
    rooms.into_iter().any(names_a_room) || lower.match_indices("<@").any(names_somebody)
}

fn assert_quiet(profile: &Profile, body: &Value) {
    let name = profile.name.as_str();
    for text in strings(body) {
        assert!(!is_live(&text), "{name}: {text}");
        // Discord escapes the bracket, and a plain text of Teams and PagerDuty reads none.
        if ["slack", "google_chat", "mattermost"].contains(&name) {
            assert!(!text.contains("<!") && !text.contains("<users"), "{name}: {text}");
        }
    }
    if name == "discord" {
        assert_eq!(body["allowed_mentions"], json!({ "parse": [] }));
    }
}

fn assert_within_limits(profile: &Profile, bytes: &[u8], body: &Value) {
    let count = |value: &Value| value.as_str().map_or(0, |text| text.chars().count());
    let name = profile.name.as_str();
    match name {
        "slack" => {
            assert!(count(&body["text"]) <= 4000);
            let blocks = body["blocks"].as_array().unwrap();
            assert!(blocks.len() <= 50);
            for block in blocks {
                let limit = if block["type"] == "header" { 150 } else { 3000 };
                let text = &block["text"]["text"];
                assert!(text.is_null() || (1..=limit).contains(&count(text)), "{block}");
                for field in block["fields"].as_array().into_iter().flatten() {
                    assert!((1..=2000).contains(&count(&field["text"])), "{field}");
                }
            }
        }
        "discord" => {
            assert!((1..=2000).contains(&count(&body["content"])));
            let sum: usize = strings(&body["embeds"]).iter().map(|text| text.chars().count()).sum();
            assert!(sum <= 6000 + "name".len() * 200, "{sum}");
            for field in body["embeds"][0]["fields"].as_array().into_iter().flatten() {
                assert!(
                    (1..=256).contains(&count(&field["name"]))
                        && (1..=1024).contains(&count(&field["value"]))
                );
            }
        }
        "teams" => assert!(bytes.len() <= 28 * 1024),
        "google_chat" => assert!(bytes.len() <= 32_000),
        "telegram" => assert!((1..=4096).contains(&body["text"].as_str().unwrap().encode_utf16().count())),
        "mattermost" => assert!((1..=16_383).contains(&count(&body["text"]))),
        "pagerduty" => {
            assert!((1..=1024).contains(&count(&body["payload"]["summary"])));
            assert!(bytes.len() <= 512 * 1024);
        }
        other => panic!("{other} has no limits here"),
    }
}

fn check(message: &Message) {
    for (profile, url) in worded(message) {
        let bytes = bytes_for(&profile, url, &text_event(""));
        let body: Value = serde_json::from_slice(&bytes).unwrap();
        assert_quiet(&profile, &body);
        assert_within_limits(&profile, &bytes, &body);
    }
}

/// Pieces that are mentions, halves of mentions, markup, and characters of every kind.
fn texts() -> impl Strategy<Value = String> {
    let pieces = [
        "<!channel>",
        "<!",
        "<",
        "!",
        "@everyone",
        "@EVERYONE",
        "@",
        "everyone",
        "here",
        "@here",
        "<@U1>",
        "<@&2>",
        "<users/all>",
        "&lt;!here&gt;",
        "&",
        "|",
        "*",
        "_",
        "`",
        "\\",
        "[a](https://evil.test)",
        "\r\n",
        "\u{202e}",
        "\u{200b}",
        "\u{200d}",
        "\u{0}",
        "é",
        "漢",
        "🦊",
        "👩‍👩‍👧‍👦",
        "e\u{301}",
        " ",
        "a@b.example",
        "#",
        ">",
        "\u{feff}",
        "\u{ad}",
        "\u{2060}",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_text_pings_anybody_or_is_over_a_limit(text in texts()) {
        check(&message_of(&text));
    }

    #[test]
    fn nor_any_text_at_all(text in any::<String>()) {
        check(&message_of(&text));
    }

    #[test]
    fn any_payload_is_told_somehow(payload in prop::collection::vec(any::<u8>(), 0..200), kind in 0_usize..4) {
        // A host's own SQL may bring a payload that is no JSON, whatever it says.
        let kind = ["session.event", "message.received", "incoming_event", "x"][kind];
        let event = Event { payload: payload.into(), ..event_named(kind, b"{}") };
        for (profile, url) in told() {
            let body = body_for(&profile, url, &event);
            assert_quiet(&profile, &body);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn nor_does_one_that_is_long(text in texts(), times in 20_usize..60) {
        check(&message_of(&text.repeat(times)));
    }
}

#[test]
fn deep_huge_and_crooked_payloads_are_told_too() {
    let deep = |n: usize| {
        format!(r#"{{"event_name":"Custom","properties":{}1{},"name":"deep"}}"#, "[".repeat(n), "]".repeat(n))
    };
    let huge = format!(r#"{{"visitor_name":"{}","conversation_id":1}}"#, "<@everyone>".repeat(60_000));
    let many =
        format!("{{{}}}", (0..20_000).map(|n| format!(r#""k{n}":"@here""#)).collect::<Vec<_>>().join(","));
    for payload in [
        deep(100_000),
        huge,
        many,
        r#"{"webhook_type":"session.event","payload":[]}"#.to_owned(),
        r#"{"event":{},"data":{}}"#.to_owned(),
        r#"{"action":"incoming_chat","payload":{"chat":{"users":{},"thread":[1,{}]}}}"#.to_owned(),
        r#"{"action":"incoming_event","payload":{"chat_id":[],"event":"x"}}"#.to_owned(),
        r#"{"a\ud800":1}"#.to_owned(),
        r#"{"note":"\ud800<!channel>"}"#.to_owned(),
    ] {
        for kind in ["session.event", "message.received", "incoming_event", "auto_accesses_updated"] {
            let event = event_named(kind, payload.as_bytes());
            for (profile, url) in told() {
                let bytes = profile.envelope.render(&event, &at(url), Occasion::Event).unwrap().body;
                let body = serde_json::from_slice(&bytes).unwrap();
                assert_quiet(&profile, &body);
                assert_within_limits(&profile, &bytes, &body);
            }
        }
    }
}

#[test]
fn what_is_no_json_is_told_by_its_size_or_its_text() {
    let event = |content_type: &str, payload: &[u8]| Event {
        content_type: content_type.to_owned(),
        payload: payload.to_vec().into(),
        ..text_event("")
    };
    let said = |event| body_for(&Profile::discord(), super::scene::DISCORD, &event).to_string();
    assert!(said(event("text/plain", "Good <morning>".as_bytes())).contains(r"Good \\<morning\\>"));
    assert!(
        said(event("application/octet-stream", b"\xff\xfe")).contains("2 bytes of application/octet-stream")
    );
}
