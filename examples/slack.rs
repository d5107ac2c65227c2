//! Tells a Slack channel of three events: one that hookpost words, one whose author tries
//! to ping everybody, and one that this program words itself.
//!
//! `cargo run --example slack` plays Slack on this machine. With `SLACK_WEBHOOK_URL` set to
//! the URL of an incoming webhook it posts to that channel.
#![allow(unreachable_pub, reason = "an example is no library")]

mod stage;

use std::sync::Arc;

use hookpost::testing::{Answer, Receiver};
use hookpost::wire::envelope::Slack;
use hookpost::wire::message::{BuiltIn, Message, Template};
use hookpost::{Event, Profile};
use serde_json::Value;

use stage::{Failure, Sender, check, is_delivered};

const MESSAGE: &str = include_str!("../tests/fixtures/systems/bl_02_message_received.json");
const HOSTILE: &str = include_str!("../tests/fixtures/systems/bl_04_hostile_text.json");
const ORDER: &str = r#"{"order":7,"customer":"Ada","url":"https://shop.example/orders/7"}"#;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let (url, slack) = if let Ok(url) = std::env::var("SLACK_WEBHOOK_URL") {
        (url, None)
    } else {
        let slack = play_slack().await?;
        (slack.url("/services/T0/B0/secret"), Some(slack))
    };
    let envelope = Arc::new(Slack::worded_by(in_our_words));
    let sender = Sender::start(Profile { envelope, ..Profile::slack() }, &url).await?;

    sender.tell("message.received", MESSAGE).await?;
    sender.tell("message.received", HOSTILE).await?;
    sender.tell("order.paid", ORDER).await?;
    let deliveries = sender.stop().await?;

    let everything_arrived = deliveries.len() == 3 && deliveries.iter().all(is_delivered);
    let mut expectations = vec![("everything arrives, and Slack says ok", everything_arrived)];
    if let Some(slack) = slack {
        let posted: Vec<Value> = slack
            .requests()
            .iter()
            .map(|request| serde_json::from_slice(&request.body))
            .collect::<Result<_, _>>()?;
        println!(
            "\n{}\n",
            posted.iter().filter_map(|post| post["text"].as_str()).collect::<Vec<_>>().join("\n\n")
        );
        let text = |n: usize| posted.get(n).map(Value::to_string).unwrap_or_default();
        expectations.extend([
            (
                "a message that was limited is sent again, to the byte",
                posted.len() == 4 && text(0) == text(1),
            ),
            ("nobody is pinged", !text(2).contains("<!") && !text(2).contains("@everyone")),
            ("and what was written can be read", text(2).contains("&lt;!channel&gt;")),
            ("an event is worded as this program likes", text(3).contains("Ada paid order 7")),
        ]);
    }
    check(&expectations)
}

/// Words one type of event, and leaves the others to hookpost.
fn in_our_words(event: &Event) -> Message {
    let order: Value = serde_json::from_slice(&event.payload).unwrap_or_default();
    match (event.kind.as_str(), order["customer"].as_str(), order["url"].as_str()) {
        ("order.paid", Some(customer), Some(url)) => {
            Message::titled(format!("{customer} paid order {}", order["order"])).link("Order", url)
        }
        _ => BuiltIn.message(event),
    }
}

/// Slack, as far as a sender sees it: busy at first, then content.
async fn play_slack() -> std::io::Result<Receiver> {
    let slack = Receiver::start().await?;
    let busy = r#"{"retry_after":1,"ok":false,"error":"rate_limited"}"#;
    slack.always(Answer::ok().body("ok"));
    slack.next([Answer::status(429).header("retry-after", "1").body(busy)]);
    Ok(slack)
}
