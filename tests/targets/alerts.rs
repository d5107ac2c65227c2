//! Google Chat and PagerDuty, where a retry posts nothing twice.

use std::time::Duration;

use hookpost::delivery::{FailReason, State};
use hookpost::policy::outcome::Verdict;
use hookpost::profile::Occasion;
use hookpost::targets::message::Message;
use hookpost::targets::{Discord, GoogleChat, Mattermost, PagerDuty, Severity, Slack};
use hookpost::testing::Behaviour;
use hookpost::{Event, Profile, SecretSet};
use serde_json::Value;

use super::scene::{
    DELIVERED, GOOGLE_CHAT, PAGERDUTY, ROUTING_KEY, answer, at, body_for, bytes_for, delivery_to, event,
    is_enabled, judged, message_of, register, reply, text_event, told, world,
};

#[tokio::test(start_paused = true)]
async fn ft10_google_chat_gets_the_same_request_id_at_each_retry_and_another_for_another_event() {
    let world = world();
    register(&world, "chat", "google_chat", GOOGLE_CHAT).await;
    let replies = [reply(503, &[], ""), reply(500, &[], ""), reply(200, &[], "{}")];
    world.transport.otherwise(Behaviour::sequence(replies));
    world.publish("order.paid").await;
    world.run_for(Duration::from_secs(60)).await;
    world.publish("order.sent").await;
    world.run_for(Duration::from_secs(60)).await;
    let urls: Vec<_> = world.sent().into_iter().map(|exchange| exchange.url).collect();
    assert_eq!(urls.len(), 4);
    assert!(urls[0].starts_with(&format!("{GOOGLE_CHAT}&requestId=hookpost-")), "{}", urls[0]);
    assert!(urls[0] == urls[1] && urls[1] == urls[2] && urls[2] != urls[3], "{urls:?}");
    assert_eq!(world.states().await, [DELIVERED; 2]);
}

#[test]
fn ft10_google_chat_reads_no_mention_and_no_link_in_what_people_wrote() {
    let text =
        |event| body_for(&Profile::google_chat(), GOOGLE_CHAT, &event)["text"].as_str().unwrap().to_owned();
    let hostile = text(text_event("<users/all> <https://evil.test|click> @all"));
    assert!(!hostile.contains("<u") && !hostile.contains("<h") && !hostile.contains("@all"), "{hostile}");
    let long = bytes_for(&Profile::google_chat(), GOOGLE_CHAT, &event("bl_09_long_content"));
    assert!(long.len() <= 32_000, "{}", long.len());
}

#[tokio::test(start_paused = true)]
async fn ft10_pagerduty_gets_the_same_deduplication_key_at_each_retry() {
    let world = world();
    register(&world, "pagerduty", "pagerduty", PAGERDUTY).await;
    world.transport.otherwise(Behaviour::sequence([reply(500, &[], ""), reply(202, &[], "{}")]));
    let id = world.publish("order.paid").await;
    world.run_for(Duration::from_secs(60)).await;
    let sent = world.sent();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].body, sent[1].body);
    let body: Value = serde_json::from_slice(&sent[0].body).unwrap();
    assert_eq!(body["dedup_key"], id.as_str());
    assert_eq!(body["routing_key"], ROUTING_KEY);
    assert_eq!(delivery_to(&world, "pagerduty").await.state, DELIVERED);
}

#[test]
fn ft10_an_alert_keeps_pagerdutys_limits() {
    let text = "漢\"\\🦊".repeat(60_000);
    let envelope = PagerDuty::new(Severity::Warning).worded_by(move |_: &Event| message_of(&text));
    let own = Profile { envelope: std::sync::Arc::new(envelope), ..Profile::pagerduty() };
    let bytes = bytes_for(&own, PAGERDUTY, &text_event(""));
    assert!(bytes.len() <= 512 * 1024, "{}", bytes.len());
    let body: Value = serde_json::from_slice(&bytes).unwrap();
    let summary = body["payload"]["summary"].as_str().unwrap();
    assert!((1000..=1024).contains(&summary.chars().count()));
    assert_eq!(body["payload"]["severity"], "warning");
    assert_eq!(body["payload"]["source"], "acme");
    assert_eq!(body["event_action"], "trigger");
    assert!(body["dedup_key"].as_str().unwrap().len() <= 255);
}

#[test]
fn ft10_a_test_ping_wakes_nobody() {
    let profile = Profile::pagerduty();
    let body = profile.envelope.render(&text_event(""), &at(PAGERDUTY), Occasion::Test).unwrap().body;
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["event_action"], "resolve");
    assert_eq!(body["payload"], Value::Null);
}

#[test]
fn ft10_an_endpoint_without_a_routing_key_sends_nothing() {
    for secrets in [SecretSet::none(), SecretSet::of(hookpost::Secret::new("too-short").unwrap())] {
        let endpoint = hookpost::Endpoint { secrets: secrets.into(), ..at(PAGERDUTY) };
        let error =
            Profile::pagerduty().envelope.render(&text_event(""), &endpoint, Occasion::Event).unwrap_err();
        assert!(error.to_string().contains("routing key"), "{error}");
        assert!(!error.to_string().contains("too-short"));
    }
}

#[test]
fn ft10_each_answer_has_one_meaning() {
    let ok = Verdict::Delivered { confirmed: true };
    let (retry, reject) = (Verdict::Retry { after: None }, Verdict::Reject);
    let after = |seconds| Verdict::Retry { after: Some(Duration::from_secs(seconds)) };
    let (pagerduty, chat, mattermost) = (Profile::pagerduty(), Profile::google_chat(), Profile::mattermost());
    for (profile, status, headers, verdict) in [
        (&pagerduty, 202, &[][..], ok),
        (&pagerduty, 200, &[], ok),
        (&pagerduty, 408, &[], retry),
        (&pagerduty, 413, &[], reject),
        (&pagerduty, 429, &[], after(180)),
        (&pagerduty, 429, &[("retry-after", "600")], after(600)),
        (&pagerduty, 500, &[], retry),
        (&chat, 200, &[], ok),
        (&chat, 413, &[], reject),
        (&chat, 425, &[], retry),
        (&chat, 429, &[("retry-after", "9")], after(9)),
        (&chat, 500, &[], retry),
        (&mattermost, 200, &[], ok),
        (&mattermost, 413, &[], reject),
        (&mattermost, 429, &[], retry),
        (&mattermost, 302, &[], retry),
        (&mattermost, 500, &[], retry),
    ] {
        assert_eq!(judged(profile, &answer(status, headers, "")), verdict, "{} {status}", profile.name);
    }
}

#[tokio::test(start_paused = true)]
async fn ft10_an_alert_that_is_refused_is_given_up_and_its_endpoint_stays() {
    let world = world();
    register(&world, "pagerduty", "pagerduty", PAGERDUTY).await;
    world.transport.otherwise(reply(400, &[], r#"{"status":"invalid event"}"#));
    world.publish("order.paid").await;
    world.run_for(Duration::from_secs(600)).await;
    assert_eq!(world.sent().len(), 1);
    assert_eq!(delivery_to(&world, "pagerduty").await.state, State::Failed(FailReason::Rejected));
    assert!(is_enabled(&world, "pagerduty").await);
}

#[test]
fn a_web_address_leads_where_it_says_in_links_and_in_texts() {
    let url = "https://shop.example/~ada/orders/a_b*c#d_e";
    let words = format!("see {url}, or https://social.example/@ada/1");
    for (profile, target) in told() {
        let worded =
            |words: String| move |_: &Event| Message::titled("t").text(words.clone()).link("Order", url);
        let envelope: std::sync::Arc<dyn hookpost::profile::Envelope> = match profile.name.as_str() {
            "mattermost" => std::sync::Arc::new(Mattermost::worded_by(worded(words.clone()))),
            "discord" => std::sync::Arc::new(Discord::worded_by(worded(words.clone()))),
            "slack" => std::sync::Arc::new(Slack::worded_by(worded(words.clone()))),
            "google_chat" => std::sync::Arc::new(GoogleChat::worded_by(worded(words.clone()))),
            _ => continue,
        };
        let body = body_for(&Profile { envelope, ..profile.clone() }, target, &text_event("")).to_string();
        assert!(body.matches(url).count() >= 2, "{}: {body}", profile.name);
        assert!(body.contains("https://social.example/@ada/1"), "{}: {body}", profile.name);
    }
}
