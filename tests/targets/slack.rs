//! Slack.

use std::time::Duration;

use hookpost::Profile;
use hookpost::delivery::{FailReason, State};
use hookpost::policy::outcome::Verdict;
use hookpost::targets::Slack;
use hookpost::testing::Behaviour;
use serde_json::Value;

use super::scene::{
    DELIVERED, Head, SLACK, answer, body_for, bytes_for, delivery_to, event, is_enabled, judged, message_of,
    register, reply, strings, text_event, world,
};
use super::world::seconds;

fn body(fixture: &str) -> Value {
    body_for(&Profile::slack(), SLACK, &event(fixture))
}

/// The longest text in blocks of this type.
fn longest(body: &Value, block: &str) -> usize {
    let blocks = body["blocks"].as_array().unwrap().iter().filter(|own| own["type"] == block);
    blocks
        .flat_map(|block| strings(&block["text"]["text"]))
        .map(|text| text.chars().count())
        .max()
        .unwrap_or(0)
}

#[test]
fn ft2_hostile_text_is_escaped_once_and_pings_nobody() {
    let body = body("bl_04_hostile_text");
    let raw = body.to_string();
    assert!(raw.contains("&lt;!channel&gt;"), "{raw}");
    assert!(raw.contains("&amp; &lt; &gt;"), "{raw}");
    for forbidden in ["<!", "<@", "&amp;lt;", "&amp;amp;", "@everyone", "\u{202e}"] {
        assert!(!strings(&body).iter().any(|text| text.contains(forbidden)), "{forbidden}: {raw}");
    }
    assert!(!raw.contains("<https://evil.test|"), "no link hides behind other words");
    assert!(raw.contains("<https://cafe.test/menu?x=1&amp;y=2>"), "the page is linked as it is: {raw}");
}

#[test]
fn ft2_ten_thousand_characters_are_cut_to_every_limit_between_two_of_them() {
    let body = body("bl_09_long_content");
    assert!(body["text"].as_str().unwrap().chars().count() <= 4000);
    let section = longest(&body, "section");
    assert!((2990..=3000).contains(&section), "{section}");
    let cut = body["blocks"][1]["text"]["text"].as_str().unwrap();
    assert!(cut.ends_with('…') && cut.starts_with("漢字🦊 漢字🦊"), "{cut}");
}

#[test]
fn ft2_a_cut_counts_what_is_escaped_as_long_as_it_is() {
    let own = Profile {
        envelope: std::sync::Arc::new(Slack::worded_by(|_: &hookpost::Event| {
            message_of(&"<&>".repeat(3000))
        })),
        ..Profile::slack()
    };
    let body = body_for(&own, SLACK, &text_event(""));
    assert!(body["text"].as_str().unwrap().chars().count() <= 40_000);
    assert!(longest(&body, "header") <= 150);
    assert!(longest(&body, "section") <= 3000);
    assert!(body["blocks"].as_array().unwrap().len() <= 50);
    for block in body["blocks"].as_array().unwrap() {
        let fields = block["fields"].as_array().map_or(&[][..], Vec::as_slice);
        assert!(fields.len() <= 10);
        assert!(fields.iter().all(|field| field["text"].as_str().unwrap().chars().count() <= 2000));
    }
    for text in strings(&body).iter().filter(|text| text.contains('&')) {
        let whole =
            ["&lt;", "&gt;", "&amp;"].iter().fold(text.clone(), |text, entity| text.replace(entity, ""));
        assert!(!whole.contains('&'), "an entity was cut: {text}");
    }
}

#[test]
fn ft2_what_people_wrote_stands_in_plain_text_alone() {
    let body = body("bl_04_hostile_text");
    assert_eq!(body["mrkdwn"], false);
    let marked_up =
        body["blocks"].as_array().unwrap().iter().filter(|block| block.to_string().contains("mrkdwn"));
    assert_eq!(marked_up.map(|block| block["type"].as_str().unwrap()).collect::<Vec<_>>(), ["context"]);
}

#[test]
fn ft2_the_same_event_gives_the_same_bytes() {
    let event = event("bl_02_message_received");
    assert_eq!(bytes_for(&Profile::slack(), SLACK, &event), bytes_for(&Profile::slack(), SLACK, &event));
}

#[test]
fn ft3_the_body_s_word_is_read_before_the_status() {
    let after = |seconds| Verdict::Retry { after: Some(Duration::from_secs(seconds)) };
    let (retry, gone) = (Verdict::Retry { after: None }, Verdict::Gone { disable: true });
    let rows: [(u16, Head<'_>, &str, Verdict); 34] = [
        (200, &[], "ok", Verdict::Delivered { confirmed: true }),
        (200, &[], "", retry),
        (200, &[], "OK, really", retry),
        (200, &[], "<html>ok</html>", retry),
        (200, &[], "no_text", Verdict::Reject),
        (200, &[], "invalid_token", gone),
        (201, &[], "ok", retry),
        (204, &[], "", retry),
        (302, &[], "", retry),
        (400, &[], "invalid_payload", Verdict::Reject),
        (400, &[], "no_text", Verdict::Reject),
        (400, &[], "user_not_found", retry),
        (400, &[], "invalid_blocks", Verdict::Reject),
        (400, &[], "too_many_attachments", Verdict::Reject),
        (400, &[], "missing_text_or_fallback_or_attachments", Verdict::Reject),
        (400, &[], "something_new", Verdict::Reject),
        (403, &[], "action_prohibited", gone),
        (403, &[], "posting_to_general_channel_denied", gone),
        (403, &[], "invalid_token", gone),
        (403, &[], "team_disabled", gone),
        (403, &[], "something_new", gone),
        (403, &[], "<html>blocked by your proxy</html>", retry),
        (404, &[], "channel_not_found", gone),
        (404, &[], "no_service", gone),
        (404, &[], "no_active_hooks", gone),
        (404, &[], "no_team", gone),
        (410, &[], "channel_is_archived", gone),
        (410, &[], "", gone),
        (413, &[], "", Verdict::Reject),
        (429, &[("retry-after", "7")], r#"{"retry_after":1,"ok":false,"error":"rate_limited"}"#, after(7)),
        (429, &[], r#"{"retry_after":1,"ok":false,"error":"rate_limited"}"#, after(1)),
        (500, &[], "action_prohibited", gone),
        (500, &[], "rollup_error", retry),
        (503, &[("retry-after", "9")], "", after(9)),
    ];
    for (status, headers, body, verdict) in rows {
        let answer = answer(status, headers, body);
        assert_eq!(judged(&Profile::slack(), &answer), verdict, "{status} {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn ft3_a_limited_message_waits_as_long_as_slack_asked_and_arrives() {
    let world = world();
    register(&world, "slack", "slack", SLACK).await;
    let limited = r#"{"retry_after":30,"ok":false,"error":"rate_limited"}"#;
    let behaviour =
        Behaviour::sequence([reply(429, &[("retry-after", "30")], limited), reply(200, &[], "ok")]);
    world.transport.at(SLACK, behaviour);
    world.publish("order.paid").await;
    world.run_for(Duration::from_secs(60)).await;
    assert_eq!(seconds(&world.sent()), [0, 30]);
    assert_eq!(world.sent()[0].body, world.sent()[1].body);
    assert_eq!(delivery_to(&world, "slack").await.state, DELIVERED);
}

#[tokio::test(start_paused = true)]
async fn ft3_a_refused_message_is_given_up_and_the_next_one_is_sent() {
    let world = world();
    register(&world, "slack", "slack", SLACK).await;
    let behaviour = Behaviour::sequence([reply(400, &[], "invalid_blocks"), reply(200, &[], "ok")]);
    world.transport.at(SLACK, behaviour);
    world.publish("order.paid").await;
    world.publish("order.sent").await;
    world.run_for(Duration::from_secs(3)).await;
    let mut states = world.states().await;
    states.sort_by_key(ToString::to_string);
    assert_eq!(states, [DELIVERED, State::Failed(FailReason::Rejected)]);
    assert!(is_enabled(&world, "slack").await);
}

#[tokio::test(start_paused = true)]
async fn ft3_a_bad_url_that_answers_500_is_disabled_after_one_attempt() {
    let world = world();
    register(&world, "slack", "slack", SLACK).await;
    world.transport.at(SLACK, reply(500, &[], "action_prohibited"));
    world.publish("order.paid").await;
    world.run_for(Duration::from_secs(3600)).await;
    assert_eq!(world.sent().len(), 1);
    assert!(!is_enabled(&world, "slack").await);
    assert_eq!(delivery_to(&world, "slack").await.state, State::Failed(FailReason::Gone));
}
