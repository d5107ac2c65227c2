//! Sends two events to a Discord channel: one that is far too long, and one whose author
//! tries to ping everybody.
//!
//! `cargo run --example discord` starts a simulated Discord on this machine. With
//! `DISCORD_WEBHOOK_URL` set to the URL of a webhook, it posts to that channel instead.

mod shown;
mod stage;

use std::error::Error;
use std::time::Duration;

use hookpost::testing::{Answer, Receiver};
use hookpost::{NewEndpoint, NewEvent, Profile};
use serde_json::{Value, json};

use shown::{Expected, title};

const LONG: &str = include_str!("../tests/fixtures/systems/bl_09_long_content.json");
const HOSTILE: &str = include_str!("../tests/fixtures/systems/bl_04_hostile_text.json");

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let outside = std::env::var("DISCORD_WEBHOOK_URL").ok();
    let discord = play_discord().await?;
    let url = outside.clone().unwrap_or_else(|| discord.url("/api/webhooks/1/secret"));
    let webhooks = stage::sender(Profile::discord(), &url)?;
    webhooks.register(NewEndpoint::new("acme", url, "discord")?).await?;

    title("two events");
    for payload in [LONG, HOSTILE] {
        let event = NewEvent::json("acme", "message.received", payload)?;
        webhooks.publish(event.ordering_key("channel")?).await?;
    }
    let stats = stage::work_off(&webhooks).await?;
    stage::print_history(&webhooks, "acme").await?;

    let mut expected = Expected::default();
    expected.that("everything arrives, and Discord has saved it", stats.delivered == 2);
    if outside.is_none() {
        let requests = discord.requests();
        let posted = requests.iter().map(|request| serde_json::from_slice(&request.body));
        let posted = posted.collect::<Result<Vec<Value>, _>>()?;
        let content = |n: usize| posted.get(n).and_then(|post| post["content"].as_str()).unwrap_or_default();
        title("what Discord got");
        println!("{:.60} …\n\n{}", content(1), content(2));

        let waits = requests.iter().all(|request| request.target == "/api/v10/webhooks/1/secret?wait=true");
        let gap = requests.get(1).zip(requests.first()).map(|(later, first)| later.at - first.at);
        let length = content(1).chars().count();
        let quiet = posted.iter().all(|post| post["allowed_mentions"]["parse"] == json!([]));
        expected.that("requests go to version 10 and wait until the message is saved", waits);
        expected.that("a limit is waited for, to the millisecond", gap >= Some(Duration::from_millis(1200)));
        expected.that("a long text is cut to 2000 characters", (1000..=2000).contains(&length));
        expected.that("nobody is pinged", quiet);
        expected.that("and what was written can be read", content(2).contains(r"\<!channel\>"));
    }
    expected.check()
}

/// Discord, as far as a sender sees it: busy at first, then content.
async fn play_discord() -> std::io::Result<Receiver> {
    let discord = Receiver::start().await?;
    let busy = r#"{"message":"You are being rate limited.","retry_after":1.2,"global":false}"#;
    discord.always(Answer::ok().body(r#"{"id":"1"}"#));
    discord.next([Answer::status(429).header("retry-after", "2").body(busy)]);
    Ok(discord)
}
