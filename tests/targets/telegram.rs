//! Telegram.

use std::time::Duration;

use hookpost::delivery::{FailReason, State};
use hookpost::policy::outcome::Verdict;
use hookpost::profile::Occasion;
use hookpost::targets::Telegram;
use hookpost::targets::message::Message;
use hookpost::testing::Behaviour;
use hookpost::{Event, NewEndpoint, Profile};

use super::scene::{
    DELIVERED, TELEGRAM, answer, at, body_for, delivery_to, event, is_enabled, judged, message_of, register,
    reply, text_event, world,
};
use super::world::{acme, seconds};

const LIMITED: &str = r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 7","parameters":{"retry_after":7}}"#;
const MOVED: &str = r#"{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-100999}}"#;
const BLOCKED: &str =
    r#"{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}"#;

fn worded_by(template: impl Fn(&Event) -> Message + Send + Sync + 'static) -> Profile {
    Profile { envelope: std::sync::Arc::new(Telegram::worded_by(template)), ..Profile::telegram() }
}

#[test]
fn ft9_every_mark_of_markdown_v2_is_escaped_and_nothing_else() {
    for character in ('!'..='~').chain(['é', '漢', '🦊']) {
        let text = character.to_string();
        let marks = r"\_*[]()~`>#+-=|{}.!";
        let escaped = if marks.contains(character) { format!(r"\{character}") } else { text.clone() };
        // Nothing else stands beside an at sign that could ping somebody.
        let escaped = if character == '@' { "@\u{200b}".to_owned() } else { escaped };
        let body =
            body_for(&worded_by(move |_| Message::titled("t").text(text.clone())), TELEGRAM, &text_event(""));
        assert_eq!(body["text"], format!("*t*\n{escaped}"));
        assert_eq!(body["parse_mode"], "MarkdownV2");
    }
}

#[test]
fn ft9_a_text_is_cut_to_four_thousand_and_ninety_six() {
    for text in ["漢🦊_".repeat(3000), "!".repeat(9000)] {
        let body = body_for(&worded_by(move |_| message_of(&text)), TELEGRAM, &text_event(""));
        let length = body["text"].as_str().unwrap().encode_utf16().count();
        assert!((3500..=4096).contains(&length), "{length}");
    }
}

#[test]
fn ft9_the_chat_stands_in_the_body_and_no_longer_in_the_url() {
    let base = "https://api.telegram.org/bot4711:canary/sendMessage";
    for (query, chat, thread) in [
        ("chat_id=-100123", serde_json::json!(-100_123), serde_json::Value::Null),
        ("chat_id=@acme_news", serde_json::json!("@acme_news"), serde_json::Value::Null),
        ("message_thread_id=7&chat_id=5", serde_json::json!(5), serde_json::json!(7)),
        ("chat_id=%40acme_news", serde_json::json!("@acme_news"), serde_json::Value::Null),
        ("chat%5Fid=%2D100123", serde_json::json!(-100_123), serde_json::Value::Null),
        // The general topic is never named.
        ("chat_id=5&message_thread_id=1", serde_json::json!(5), serde_json::Value::Null),
    ] {
        let url = format!("{base}?{query}");
        let body = body_for(&Profile::telegram(), &url, &event("bl_02_message_received"));
        assert_eq!((&body["chat_id"], &body["message_thread_id"]), (&chat, &thread), "{query}");
        let target = Profile::telegram().envelope.target(&event("bl_02_message_received"), &at(&url));
        assert_eq!(target.as_deref(), Some("/bot4711:canary/sendMessage"));
    }
    for query in ["", "?chat_id=", "?chat_id=me", "?chat_id=@a%20b", "?chat=1"] {
        let error = Profile::telegram().envelope.render(
            &event("bl_02_message_received"),
            &at(&format!("{base}{query}")),
            Occasion::Event,
        );
        assert!(error.unwrap_err().to_string().contains("chat_id"), "{query}");
    }
}

#[test]
fn ft9_an_answer_is_read_by_its_word_whatever_its_status() {
    let after = |seconds| Verdict::Retry { after: Some(Duration::from_secs(seconds)) };
    let (retry, gone) = (Verdict::Retry { after: None }, Verdict::Gone { disable: true });
    let error = |code: u16| format!(r#"{{"ok":false,"error_code":{code},"description":"x"}}"#);
    for (status, body, verdict) in [
        (200, r#"{"ok":true,"result":{"message_id":7}}"#.to_owned(), Verdict::Delivered { confirmed: true }),
        (
            200,
            r#"{"ok":true,"result":{"message_id":7,"te"#.to_owned(),
            Verdict::Delivered { confirmed: true },
        ),
        (200, String::new(), retry),
        (200, "<html>".to_owned(), retry),
        (200, LIMITED.to_owned(), after(7)),
        (429, LIMITED.to_owned(), after(7)),
        (200, MOVED.to_owned(), retry),
        (400, MOVED.to_owned(), retry),
        (200, BLOCKED.to_owned(), gone),
        (403, BLOCKED.to_owned(), gone),
        (400, error(400), Verdict::Reject),
        (200, error(400), Verdict::Reject),
        (401, error(401), gone),
        (404, error(404), gone),
        (413, error(413), Verdict::Reject),
        (500, error(500), retry),
        (302, String::new(), retry),
        (502, "<html>".to_owned(), retry),
        (404, "<html>".to_owned(), retry),
    ] {
        assert_eq!(judged(&Profile::telegram(), &answer(status, &[], &body)), verdict, "{status} {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn ft9_a_limit_is_waited_for_on_either_status() {
    for status in [429, 200] {
        let world = world();
        register(&world, "telegram", "telegram", TELEGRAM).await;
        let sent_to = TELEGRAM.split('?').next().unwrap();
        let replies = [reply(status, &[], LIMITED), reply(200, &[], r#"{"ok":true,"result":{}}"#)];
        world.transport.at(sent_to, Behaviour::sequence(replies));
        world.publish("order.paid").await;
        world.run_for(Duration::from_secs(30)).await;
        assert_eq!(seconds(&world.sent()), [0, 7], "HTTP {status}");
        assert_eq!(delivery_to(&world, "telegram").await.state, DELIVERED);
    }
}

#[tokio::test(start_paused = true)]
async fn ft9_a_chat_that_moved_keeps_its_messages_until_the_url_names_the_new_one() {
    let world = world();
    register(&world, "telegram", "telegram", TELEGRAM).await;
    world.transport.otherwise(Behaviour::by(|exchange, _| {
        let moved = std::str::from_utf8(&exchange.body).is_ok_and(|body| body.contains("-100123"));
        if moved { reply(400, &[], MOVED) } else { reply(200, &[], r#"{"ok":true,"result":{}}"#) }
    }));
    world.publish("order.paid").await;
    world.run_for(Duration::from_secs(1)).await;
    let delivery = delivery_to(&world, "telegram").await;
    assert_eq!(delivery.state, State::Pending);
    assert!(is_enabled(&world, "telegram").await);

    let log = world.webhooks.attempts(&acme(), &delivery.id).await.unwrap();
    let moved_to = Telegram::moved_to(&log.unwrap().attempts[0].attempt.body).unwrap();
    let url = TELEGRAM.replace("-100123", &moved_to.to_string());
    let endpoint = world.webhooks.endpoint(&acme(), &delivery.endpoint).await.unwrap().unwrap();
    let corrected = NewEndpoint::new("acme", url, "telegram").unwrap();
    world.webhooks.update(&endpoint.id, endpoint.version, corrected).await.unwrap();
    world.run_for(Duration::from_secs(60)).await;
    assert_eq!(delivery_to(&world, "telegram").await.state, DELIVERED);
}

#[tokio::test(start_paused = true)]
async fn ft9_a_bot_that_was_blocked_is_disabled_after_one_attempt() {
    let world = world();
    register(&world, "telegram", "telegram", TELEGRAM).await;
    world.transport.otherwise(reply(403, &[], BLOCKED));
    world.publish("order.paid").await;
    world.run_for(Duration::from_secs(3600)).await;
    assert_eq!(world.sent().len(), 1);
    assert!(!is_enabled(&world, "telegram").await);
    assert_eq!(delivery_to(&world, "telegram").await.state, State::Failed(FailReason::Gone));
}
