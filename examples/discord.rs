//! Tells a Discord channel of two events: one that is far too long, and one whose author
//! tries to ping everybody.
//!
//! `cargo run --example discord` plays Discord on this machine. With `DISCORD_WEBHOOK_URL`
//! set to the URL of a webhook it posts to that channel.
#![allow(unreachable_pub, reason = "an example is no library")]

mod stage;

use hookpost::Profile;
use hookpost::testing::{Answer, Receiver};
use serde_json::Value;

use stage::{Failure, Sender, check, is_delivered};

const LONG: &str = include_str!("../tests/fixtures/systems/bl_09_long_content.json");
const HOSTILE: &str = include_str!("../tests/fixtures/systems/bl_04_hostile_text.json");

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let (url, discord) = if let Ok(url) = std::env::var("DISCORD_WEBHOOK_URL") {
        (url, None)
    } else {
        let discord = play_discord().await?;
        (discord.url("/api/webhooks/1/secret"), Some(discord))
    };
    let sender = Sender::start(Profile::discord(), &url).await?;
    sender.tell("message.received", LONG).await?;
    sender.tell("message.received", HOSTILE).await?;
    let deliveries = sender.stop().await?;

    let everything_arrived = deliveries.len() == 2 && deliveries.iter().all(is_delivered);
    let mut expectations = vec![("everything arrives, and Discord has saved it", everything_arrived)];
    if let Some(discord) = discord {
        let requests = discord.requests();
        let posted: Vec<Value> =
            requests.iter().map(|request| serde_json::from_slice(&request.body)).collect::<Result<_, _>>()?;
        let content = |n: usize| posted.get(n).and_then(|post| post["content"].as_str()).unwrap_or_default();
        let waits = requests.iter().all(|request| request.target == "/api/v10/webhooks/1/secret?wait=true");
        let gap = requests.get(1).zip(requests.first()).map(|(later, first)| later.at - first.at);
        println!("\n{:.60} …\n\n{}\n", content(0), content(2));
        expectations.extend([
            ("requests go to version 10 and wait until the message is saved", waits),
            ("a limit is waited for, to the millisecond", gap.is_some_and(|gap| gap.as_millis() >= 1200)),
            ("a long text is cut to 2000 characters", (1000..=2000).contains(&content(0).chars().count())),
            (
                "nobody is pinged",
                posted.iter().all(|post| post["allowed_mentions"]["parse"] == Value::Array(vec![])),
            ),
            ("and what was written can be read", content(2).contains(r"\<!channel\>")),
        ]);
    }
    check(&expectations)
}

/// Discord, as far as a sender sees it: busy at first, then content.
async fn play_discord() -> std::io::Result<Receiver> {
    let discord = Receiver::start().await?;
    let busy = r#"{"message":"You are being rate limited.","retry_after":1.2,"global":false}"#;
    discord.always(Answer::ok().body(r#"{"id":"1"}"#));
    discord.next([Answer::status(429).header("retry-after", "2").body(busy)]);
    Ok(discord)
}
