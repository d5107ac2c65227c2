//! Discord's webhooks.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, StatusCode};
use serde::Deserialize;

use crate::id::{HostName, ProfileName};
use crate::policy::outcome::{BodyNeed, Classify, Hold, Reach, Response, Verdict, retry_after};
use crate::policy::rate::{Limit, LimitScope};
use crate::time::Timestamp;
use crate::wire::envelope::Discord;

use super::answer::{self, header_seconds, seconds};
use super::{Profile, at_least_one, chat, user_agent};

/// The hosts that are Discord. A limit on all of it holds them all.
pub(super) const HOSTS: [&str; 6] = [
    "discord.com",
    "discordapp.com",
    "ptb.discord.com",
    "ptb.discordapp.com",
    "canary.discord.com",
    "canary.discordapp.com",
];

/// Discord asks for an address and a version in brackets; a host puts its own there.
const BOT: HeaderValue = HeaderValue::from_static(concat!(
    "DiscordBot (https://hookpost.example, ",
    env!("CARGO_PKG_VERSION"),
    ")"
));

impl Profile {
    /// Discord's webhooks: the URL is the credential, one request at a time, 30 in any
    /// minute per endpoint and 50 in any second over all. Faster limits are learned
    /// from the answers' headers, before they are hit.
    #[must_use]
    pub fn discord() -> Self {
        Self {
            classifier: Arc::new(DiscordAnswers),
            headers: user_agent(BOT),
            limits: vec![
                Limit::per_minute(LimitScope::Endpoint, at_least_one(30)),
                Limit::per_seconds(LimitScope::Host, at_least_one(50), 1),
            ],
            service: HOSTS.map(HostName::preset).to_vec(),
            ..chat(ProfileName::preset("discord"), Arc::new(Discord::default()))
        }
    }
}

/// Reads Discord's answers: a webhook that is unknown or whose token is wrong is never
/// asked again, since Discord locks out those who go on; limits are kept from the
/// headers, and a global one holds every endpoint at Discord. Where Discord refuses the
/// sender's network or the channel, and where somebody else answers, the message waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DiscordAnswers;

const UNKNOWN_WEBHOOK: u32 = 10015;
const INVALID_WEBHOOK_TOKEN: u32 = 50027;
/// A status that Discord has no more to say about.
const GENERAL: u32 = 0;
/// What the message itself is refused for: its size, its form, its words. Every other
/// code is about where it was to go, or about who sends.
/// <https://discord.com/developers/docs/topics/opcodes-and-status-codes#json>
const OF_THE_MESSAGE: [u32; 11] =
    [GENERAL, 40005, 50006, 50035, 50045, 50046, 50068, 50109, 200_000, 200_001, 240_000];

/// What an error says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    code: Option<u32>,
    retry_after: Option<f64>,
    global: bool,
}

impl Classify for DiscordAnswers {
    fn classify(&self, response: &Response, now: Timestamp) -> Verdict {
        let problem = problem(response);
        let code = problem.as_ref().and_then(|problem| problem.code);
        let gone = Verdict::Gone { disable: true };
        match response.status {
            StatusCode::OK => Verdict::Delivered { confirmed: true },
            // Not saved yet: nobody will say so if it never is.
            status if status.is_success() => Verdict::Delivered { confirmed: false },
            StatusCode::TOO_MANY_REQUESTS => Verdict::Retry { after: wait(response, now) },
            _ if matches!(code, Some(UNKNOWN_WEBHOOK | INVALID_WEBHOOK_TOKEN)) => gone,
            StatusCode::GONE => gone,
            // There is nothing under this URL at all.
            StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND if code == Some(GENERAL) => gone,
            StatusCode::PAYLOAD_TOO_LARGE => Verdict::Reject,
            StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN
                if status_is_of_the_message(response.status, code) =>
            {
                Verdict::Reject
            }
            _ => Verdict::Retry { after: retry_after(response, now) },
        }
    }

    fn body_need(&self) -> BodyNeed {
        BodyNeed::Prefix(answer::ENOUGH)
    }

    fn hold(&self, response: &Response, now: Timestamp) -> Option<Hold> {
        if response.status == StatusCode::TOO_MANY_REQUESTS {
            let span = wait(response, now).filter(|_| is_for_all(response))?;
            return Some(Hold { reach: Reach::Service, span });
        }
        let spent = response.headers.get("x-ratelimit-remaining")?.to_str().ok()?.trim() == "0";
        let span = header_seconds(&response.headers, "x-ratelimit-reset-after").filter(|_| spent)?;
        Some(Hold { reach: Reach::Endpoint, span })
    }
}

/// A general 400 is about the message, a general 403 about the sender.
fn status_is_of_the_message(status: StatusCode, code: Option<u32>) -> bool {
    code.is_some_and(|code| {
        OF_THE_MESSAGE.contains(&code) && (code != GENERAL || status == StatusCode::BAD_REQUEST)
    })
}

fn problem(response: &Response) -> Option<Problem> {
    serde_json::from_slice(&response.body).ok().filter(|_| !response.status.is_success())
}

/// Whether a 429 is meant for all that we send: Discord says so, or it is not
/// Discord's own but its gatekeeper's, which knows us by our address alone.
fn is_for_all(response: &Response) -> bool {
    let said = response.headers.get("x-ratelimit-global").is_some_and(|value| value == "true");
    said || problem(response).is_none_or(|problem| problem.global)
}

/// The longer of the waits in the body and in the headers, which may be rounded; the
/// header that is HTTP's own counts only without them, since older versions of the
/// interface write milliseconds there.
fn wait(response: &Response, now: Timestamp) -> Option<Duration> {
    let body = problem(response).and_then(|problem| problem.retry_after).and_then(seconds);
    let header = header_seconds(&response.headers, "x-ratelimit-reset-after");
    match (body, header) {
        (Some(body), Some(header)) if is_thousandfold(body, header) => Some(header),
        (None, None) => retry_after(response, now),
        (body, header) => body.max(header),
    }
}

/// Whether the body counts milliseconds, as the oldest versions do.
fn is_thousandfold(body: Duration, header: Duration) -> bool {
    let thousand = header.saturating_mul(1000);
    !header.is_zero() && body.abs_diff(thousand) <= header.saturating_mul(100)
}
