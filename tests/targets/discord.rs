//! Discord.

use std::time::Duration;

use hookpost::delivery::{FailReason, State};
use hookpost::policy::outcome::Verdict;
use hookpost::profile::Occasion;
use hookpost::targets::Discord;
use hookpost::targets::message::Message;
use hookpost::testing::Behaviour;
use hookpost::{Event, Profile};
use serde_json::{Value, json};

use super::scene::{
    DELIVERED, DISCORD, DISCORD_SENT, Head, answer, at, body_for, delivery_to, event, event_named, fixtures,
    is_enabled, judged, message_of, register, reply, strings, text_event, world,
};
use super::world::seconds;

fn body(fixture: &str) -> Value {
    body_for(&Profile::discord(), DISCORD, &event(fixture))
}

fn worded_by(template: impl Fn(&Event) -> Message + Send + Sync + 'static) -> Profile {
    Profile { envelope: std::sync::Arc::new(Discord::worded_by(template)), ..Profile::discord() }
}

fn length(value: &Value) -> usize {
    value.as_str().map_or(0, |text| text.chars().count())
}

/// The sum that Discord bounds.
fn embeds_sum(body: &Value) -> usize {
    strings(&body["embeds"]).iter().map(|text| text.chars().count()).sum()
}

#[test]
fn ft4_ten_thousand_characters_are_cut_to_two_thousand_code_points() {
    let body = body("bl_09_long_content");
    let content = body["content"].as_str().unwrap();
    assert!(content.chars().count() <= 2000, "{}", content.chars().count());
    assert!(content.chars().count() > 1400, "fourfold bytes count for two, no more");
    assert!(content.ends_with('…'));
}

#[test]
fn ft4_nobody_is_pinged() {
    for (name, payload) in fixtures() {
        let body = body_for(&Profile::discord(), DISCORD, &super::scene::event_of(&payload));
        assert_eq!(body["allowed_mentions"], json!({ "parse": [] }), "{name}");
    }
    let body = body("bl_04_hostile_text");
    let content = body["content"].as_str().unwrap();
    assert!(content.contains("@\u{200b}everyone") && content.contains("\\<@\u{200b}U123\\>"), "{content}");
}

#[test]
fn ft4_embeds_hold_six_thousand_characters_and_every_part_its_own_limit() {
    let body = body_for(&worded_by(|_| message_of(&"漢🦊".repeat(3000))), DISCORD, &text_event(""));
    assert!(embeds_sum(&body) <= 6000, "{}", embeds_sum(&body));
    let embeds = body["embeds"].as_array().unwrap();
    assert!(embeds.len() <= 10);
    for embed in embeds {
        let fields = embed["fields"].as_array().unwrap();
        assert!((1..=25).contains(&fields.len()));
        assert!(fields.iter().all(|field| (1..=256).contains(&length(&field["name"]))));
        assert!(fields.iter().all(|field| (1..=1024).contains(&length(&field["value"]))));
    }
}

#[test]
fn ft4_a_message_is_never_empty() {
    for blank in ["", " \n ", "\u{200b}", "\u{0}", "\u{202e}", "\u{3164}"] {
        let body = body_for(&worded_by(move |_| message_of(blank)), DISCORD, &text_event(""));
        assert_eq!(body["content"], "**order.paid**", "{blank:?}");
    }
    for payload in ["null", "[]", "{}", "\"\"", "0"] {
        let body = body_for(&Profile::discord(), DISCORD, &event_named("order.paid", payload.as_bytes()));
        assert_eq!(body["content"], "**Order paid**");
    }
}

#[test]
fn ft4_markup_is_escaped() {
    let body = body_for(
        &worded_by(|_| Message::titled("*a* _b_ ~c~ `d` ||e|| [f](g) # h")),
        DISCORD,
        &text_event(""),
    );
    assert_eq!(body["content"], r"**\*a\* \_b\_ \~c\~ \`d\` \|\|e\|\| \[f\](g) \# h**");
}

#[test]
fn ft4_a_user_agent_says_that_it_is_a_bot_with_an_address_and_a_version() {
    let agent = Profile::discord().headers["user-agent"].to_str().unwrap().to_owned();
    assert!(
        agent.starts_with("DiscordBot (https://") && agent.ends_with(')') && agent.contains(", 0."),
        "{agent}"
    );
}

#[tokio::test(start_paused = true)]
async fn ft4_requests_go_to_version_ten_and_wait_for_the_message_to_be_saved() {
    for url in [
        DISCORD.to_owned(),
        DISCORD.replace("/api/", "/api/v6/"),
        format!("{DISCORD}/slack"),
        format!("{DISCORD}?wait=false"),
    ] {
        let world = world();
        register(&world, "discord", "discord", &url).await;
        world.publish("order.paid").await;
        world.run_for(Duration::from_secs(1)).await;
        assert_eq!(world.sent()[0].url, DISCORD_SENT);
        assert!(world.sent()[0].headers["user-agent"].to_str().unwrap().starts_with("DiscordBot ("));
    }
}

#[test]
fn ft4_a_test_ping_says_that_it_is_one() {
    let profile = Profile::discord();
    let sample = profile.envelope.sample(&at(DISCORD));
    let event = event_named(&sample.kind, &sample.payload);
    let body = profile.envelope.render(&event, &at(DISCORD), Occasion::Test).unwrap().body;
    assert!(std::str::from_utf8(&body).unwrap().contains("**Test: Webhook test**"));
}

const LIMITED: &str = r#"{"message":"You are being rate limited.","retry_after":64.57,"global":false}"#;
const HEADERS: [(&str, &str); 3] =
    [("retry-after", "65"), ("x-ratelimit-reset-after", "64.57"), ("x-ratelimit-scope", "user")];

#[test]
fn ft5_every_form_of_429_names_its_wait() {
    let rows: [(Head<'_>, &str, Option<u64>); 10] = [
        (&[], r#"{"retry_after":0.35,"global":false}"#, Some(350)),
        (&HEADERS, LIMITED, Some(64_570)),
        (&[("retry-after", "65")], "<html>You are being rate limited</html>", Some(65_000)),
        (&[("retry-after", "65")], "", Some(65_000)),
        // Where both are seconds, the longer one counts: a hidden limit has no header.
        (&[("x-ratelimit-reset-after", "0.3")], r#"{"retry_after":40}"#, Some(40_000)),
        // The oldest versions count milliseconds, in the body and in HTTP's own header.
        (
            &[("retry-after", "64570"), ("x-ratelimit-reset-after", "64.57")],
            r#"{"retry_after":64570}"#,
            Some(64_570),
        ),
        (&[("retry-after", "64570"), ("x-ratelimit-reset-after", "64.57")], "", Some(64_570)),
        (&[], r#"{"retry_after":-1}"#, None),
        (&[], r#"{"retry_after":"soon"}"#, None),
        (&[], "", None),
    ];
    for (headers, body, millis) in rows {
        let verdict = Verdict::Retry { after: millis.map(Duration::from_millis) };
        assert_eq!(judged(&Profile::discord(), &answer(429, headers, body)), verdict, "{headers:?} {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn ft5_a_limited_message_is_sent_again_no_sooner_than_discord_asked() {
    let world = world();
    register(&world, "discord", "discord", DISCORD).await;
    let behaviour = Behaviour::sequence([reply(429, &HEADERS, LIMITED), reply(200, &[], "{}")]);
    world.transport.at(DISCORD_SENT, behaviour);
    world.publish("order.paid").await;
    world.publish("order.sent").await;
    world.run_for(Duration::from_secs(120)).await;
    assert_eq!(seconds(&world.sent())[..2], [0, 64], "64.57 s, and nothing of the lane before");
    assert!(world.sent()[1].began_at.since(world.sent()[0].began_at) >= Duration::from_millis(64_570));
    assert_eq!(world.states().await, [DELIVERED, DELIVERED]);
}

#[tokio::test(start_paused = true)]
async fn ft5_a_global_limit_holds_every_endpoint_at_discord() {
    let global = r#"{"message":"You are being rate limited.","retry_after":30.0,"global":true}"#;
    for (headers, body) in [
        (&[("x-ratelimit-global", "true"), ("retry-after", "30")][..], global),
        (&[("retry-after", "30")][..], "<html>error 1015</html>"),
    ] {
        let world = world();
        let other = "https://discord.com/api/webhooks/2/b";
        let elsewhere = "https://discordapp.com/api/webhooks/3/c";
        register(&world, "first", "discord", DISCORD).await;
        world
            .transport
            .at(DISCORD_SENT, Behaviour::sequence([reply(429, headers, body), reply(200, &[], "{}")]));
        world.publish("order.paid").await;
        world.run_for(Duration::from_secs(1)).await;
        for (id, profile, url) in [
            ("other", "discord", other),
            ("elsewhere", "discord", elsewhere),
            ("slack", "slack", super::scene::SLACK),
        ] {
            register(&world, id, profile, url).await;
        }
        world.transport.at(super::scene::SLACK, reply(200, &[], "ok"));
        world.publish("order.sent").await;
        world.run_for(Duration::from_secs(60)).await;
        let sent = |part: &str| {
            let sent: Vec<_> =
                world.sent().into_iter().filter(|exchange| exchange.url.contains(part)).collect();
            seconds(&sent)
        };
        assert_eq!(sent("/webhooks/2/"), [30], "{body}");
        assert_eq!(sent("/webhooks/3/"), [30], "{body}");
        assert_eq!(sent("slack.com"), [1], "others go on: {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn ft5_a_limit_of_one_webhook_holds_no_other() {
    let world = world();
    register(&world, "first", "discord", DISCORD).await;
    register(&world, "other", "discord", "https://discord.com/api/webhooks/2/b").await;
    world.transport.at(DISCORD_SENT, reply(429, &HEADERS, LIMITED));
    world.publish("order.paid").await;
    world.run_for(Duration::from_secs(1)).await;
    world.publish("order.sent").await;
    world.run_for(Duration::from_secs(1)).await;
    let other: Vec<_> = world.sent().into_iter().filter(|sent| sent.url.contains("/webhooks/2/")).collect();
    assert_eq!(seconds(&other), [0, 1]);
}

#[tokio::test(start_paused = true)]
async fn ft5_a_bucket_without_rest_is_waited_for_before_it_answers_429() {
    let world = world();
    register(&world, "discord", "discord", DISCORD).await;
    let no_rest = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset-after", "1.5")];
    let left = [("x-ratelimit-remaining", "4"), ("x-ratelimit-reset-after", "1.5")];
    let replies = [reply(200, &left, "{}"), reply(200, &no_rest, "{}"), reply(200, &left, "{}")];
    world.transport.at(DISCORD_SENT, Behaviour::sequence(replies));
    for _ in 0..3 {
        world.publish("order.paid").await;
    }
    world.run_for(Duration::from_secs(10)).await;
    let sent = world.sent();
    let gap = |n: usize| sent[n].began_at.since(sent[n - 1].began_at);
    assert_eq!(sent.len(), 3);
    assert!(gap(1) < Duration::from_millis(1500), "{:?}", gap(1));
    assert!(gap(2) >= Duration::from_millis(1500), "{:?}", gap(2));
    assert_eq!(world.states().await, [DELIVERED; 3]);
}

#[test]
fn ft6_an_answer_is_read_by_its_code_and_its_status() {
    let (retry, gone) = (Verdict::Retry { after: None }, Verdict::Gone { disable: true });
    for (status, body, verdict) in [
        (200, r#"{"id":"1"}"#, Verdict::Delivered { confirmed: true }),
        (200, "ok", Verdict::Delivered { confirmed: true }),
        (204, "", Verdict::Delivered { confirmed: false }),
        (302, "", retry),
        (400, r#"{"message":"Cannot send an empty message","code":50006}"#, Verdict::Reject),
        (400, r#"{"message":"Invalid Form Body","code":50035}"#, Verdict::Reject),
        (401, r#"{"message":"Invalid Webhook Token","code":50027}"#, gone),
        (403, r#"{"message":"Missing Access","code":50001}"#, retry),
        (403, "<html>Cloudflare</html>", retry),
        (404, r#"{"message":"Unknown Webhook","code":10015}"#, gone),
        (404, "<html>not found</html>", retry),
        (410, "", gone),
        (413, r#"{"code":40005}"#, Verdict::Reject),
        (408, "", retry),
        (425, "", retry),
        (500, "", retry),
        (502, "<html>", retry),
    ] {
        assert_eq!(judged(&Profile::discord(), &answer(status, &[], body)), verdict, "{status} {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn ft6_an_unknown_webhook_or_a_wrong_token_is_disabled_after_one_attempt() {
    for (status, body) in [
        (404, r#"{"message":"Unknown Webhook","code":10015}"#),
        (401, r#"{"message":"Invalid Webhook Token","code":50027}"#),
    ] {
        let world = world();
        register(&world, "discord", "discord", DISCORD).await;
        world.transport.at(DISCORD_SENT, reply(status, &[], body));
        world.publish("order.paid").await;
        world.run_for(Duration::from_secs(1)).await;
        world.publish("order.sent").await;
        world.run_for(Duration::from_secs(3600)).await;
        assert_eq!(world.sent().len(), 1, "{body}");
        assert!(!is_enabled(&world, "discord").await);
        assert_eq!(delivery_to(&world, "discord").await.state, State::Failed(FailReason::Gone));
    }
}
