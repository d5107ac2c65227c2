//! Microsoft Teams.

use std::time::Duration;

use hookpost::delivery::{FailReason, State};
use hookpost::policy::outcome::Verdict;
use hookpost::targets::Teams;
use hookpost::testing::Behaviour;
use hookpost::{Event, Profile};
use serde_json::json;

use super::scene::{
    DELIVERED, TEAMS, UNCONFIRMED, answer, body_for, bytes_for, delivery_to, event, is_enabled, judged,
    message_of, register, reply, text_event, world,
};
use super::world::seconds;

#[test]
fn ft7_the_body_has_the_shape_that_a_workflow_expects() {
    let body = body_for(&Profile::teams(), TEAMS, &event("bl_02_message_received"));
    let text = |text: &str| json!({ "type": "TextBlock", "text": text, "wrap": true });
    let mut title = text("New message from Rui Sá");
    title["weight"] = json!("Bolder");
    let expected = json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": [
                    title,
                    text("Is the terrace open on Sunday?"),
                    { "type": "FactSet", "facts": [
                        { "title": "Visitor", "value": r"Rui Sá \(rui@cafe.test\)" },
                        { "title": "Conversation", "value": "8841" },
                        { "title": "Status", "value": "open" },
                    ]},
                    text("Page: [https://cafe.test/menu?x=1&y=2](https://cafe.test/menu?x=1&y=2)"),
                ],
                "msteams": { "width": "Full" },
            },
        }],
    });
    assert_eq!(body, expected);
    let raw = bytes_for(&Profile::teams(), TEAMS, &event("bl_02_message_received"));
    assert!(std::str::from_utf8(&raw).unwrap().contains(r#""contentUrl":null"#));
}

#[test]
fn ft7_no_body_is_over_28_kilobytes() {
    for text in ["漢🦊*".repeat(9000), "\"\\".repeat(30_000), "[".repeat(100_000), "a\n\n".repeat(50_000)]
    {
        let envelope = std::sync::Arc::new(Teams::worded_by(move |_: &Event| message_of(&text)));
        let own = Profile { envelope, ..Profile::teams() };
        let bytes = bytes_for(&own, TEAMS, &text_event(""));
        assert!((4000..=28 * 1024).contains(&bytes.len()), "{}", bytes.len());
    }
}

#[test]
fn ft7_a_202_is_no_proof_and_a_200_may_hide_a_failure() {
    let hidden = |status: &str| {
        format!(
            "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error {status} \
             with ContextId tcid=0,server=x"
        )
    };
    let (retry, gone) = (Verdict::Retry { after: None }, Verdict::Gone { disable: true });
    let after = |seconds| Verdict::Retry { after: Some(Duration::from_secs(seconds)) };
    for (status, headers, body, verdict) in [
        (202, &[][..], String::new(), Verdict::Delivered { confirmed: false }),
        (200, &[], "1".to_owned(), Verdict::Delivered { confirmed: true }),
        (200, &[], String::new(), Verdict::Delivered { confirmed: true }),
        (204, &[], String::new(), Verdict::Delivered { confirmed: false }),
        (200, &[], hidden("429"), after(5)),
        (200, &[], hidden("413"), Verdict::Reject),
        (200, &[], hidden("400"), Verdict::Reject),
        (200, &[], hidden("404"), gone),
        (200, &[], hidden("503"), retry),
        (200, &[], hidden("x"), retry),
        (200, &[], "Webhook message delivery failed".to_owned(), retry),
        (302, &[], String::new(), retry),
        (410, &[], String::new(), gone),
        (413, &[], String::new(), Verdict::Reject),
        (429, &[("retry-after", "11")], String::new(), after(11)),
        (502, &[], String::new(), retry),
    ] {
        assert_eq!(judged(&Profile::teams(), &answer(status, headers, &body)), verdict, "{status} {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn ft7_the_signature_in_the_url_is_sent_to_the_byte() {
    let world = world();
    register(&world, "teams", "teams", TEAMS).await;
    world.transport.otherwise(reply(202, &[], ""));
    world.publish("order.paid").await;
    world.run_for(Duration::from_secs(1)).await;
    assert_eq!(world.sent()[0].url, TEAMS);
    assert!(TEAMS.contains("%2F"));
    assert_eq!(delivery_to(&world, "teams").await.state, UNCONFIRMED);
}

#[tokio::test(start_paused = true)]
async fn ft7_a_failure_that_hides_in_a_200_is_treated_as_what_it_is() {
    let hidden = |status: u16| {
        reply(
            200,
            &[],
            &format!(
                "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error {status} with ContextId tcid=0"
            ),
        )
    };
    let world = world();
    register(&world, "teams", "teams", TEAMS).await;
    world.transport.at(TEAMS, Behaviour::sequence([hidden(429), reply(200, &[], "1")]));
    world.publish("order.paid").await;
    world.run_for(Duration::from_secs(30)).await;
    assert_eq!(seconds(&world.sent()), [0, 5]);
    assert_eq!(delivery_to(&world, "teams").await.state, DELIVERED);

    let world = super::scene::world();
    register(&world, "teams", "teams", TEAMS).await;
    world.transport.at(TEAMS, hidden(413));
    world.publish("order.paid").await;
    world.run_for(Duration::from_secs(30)).await;
    assert_eq!(delivery_to(&world, "teams").await.state, State::Failed(FailReason::Rejected));
    assert!(is_enabled(&world, "teams").await);
}
