//! Sends three events to a Slack channel: one with hookpost's built-in wording, one whose
//! author tries to ping everybody, and one with this program's own wording.
//!
//! `cargo run --example slack` starts a simulated Slack on this machine. With
//! `SLACK_WEBHOOK_URL` set to the URL of an incoming webhook, it posts to that channel instead.

mod shown;
mod stage;

use std::error::Error;
use std::sync::Arc;

use hookpost::targets::message::{Message, Template};
use hookpost::targets::{BuiltIn, Slack};
use hookpost::testing::{Answer, Receiver};
use hookpost::{Event, NewEndpoint, NewEvent, Profile};
use serde_json::Value;

use shown::{Expected, title};

const MESSAGE: &str = include_str!("../tests/fixtures/systems/bl_02_message_received.json");
const HOSTILE: &str = include_str!("../tests/fixtures/systems/bl_04_hostile_text.json");
const ORDER: &str = r#"{"order":7,"customer":"Ada","url":"https://shop.example/orders/7"}"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let outside = std::env::var("SLACK_WEBHOOK_URL").ok();
    let slack = play_slack().await?;
    let url = outside.clone().unwrap_or_else(|| slack.url("/services/T0/B0/secret"));
    let envelope = Arc::new(Slack::worded_by(in_our_words));
    let webhooks = stage::sender(Profile { envelope, ..Profile::slack() }, &url)?;
    webhooks.register(NewEndpoint::new("acme", url, "slack")?).await?;

    title("three events");
    for (kind, payload) in
        [("message.received", MESSAGE), ("message.received", HOSTILE), ("order.paid", ORDER)]
    {
        webhooks.publish(NewEvent::json("acme", kind, payload)?.ordering_key("channel")?).await?;
    }
    let stats = stage::work_off(&webhooks).await?;
    stage::print_history(&webhooks, "acme").await?;

    let mut expected = Expected::default();
    expected.that("everything arrives, and Slack says ok", stats.delivered == 3);
    if outside.is_none() {
        let requests = slack.requests();
        let posted = requests.iter().map(|request| serde_json::from_slice(&request.body));
        let posted = posted.collect::<Result<Vec<Value>, _>>()?;
        title("what Slack got");
        for text in posted.iter().filter_map(|post| post["text"].as_str()) {
            println!("{text}\n");
        }
        let same = requests.len() == 4 && requests[0].body == requests[1].body;
        let post = |n: usize| posted.get(n).map(Value::to_string).unwrap_or_default();
        expected.that("a message that was limited is sent again, to the byte", same);
        expected.that("nobody is pinged", !post(2).contains("<!") && !post(2).contains("@everyone"));
        expected.that("and what was written can be read", post(2).contains("&lt;!channel&gt;"));
        expected.that("an event is worded as this program likes", post(3).contains("Ada paid order 7"));
    }
    expected.check()
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
