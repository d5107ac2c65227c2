//! Discord's webhooks.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::endpoint::Endpoint;
use crate::error::BoxError;
use crate::event::Event;
use crate::id::HostName;
use crate::policy::outcome::{BodyNeed, Classify, Hold, Reach, Response, Verdict, retry_after};
use crate::policy::rate::{Limit, LimitScope};
use crate::profile::{Envelope, Occasion, Profile, RenderError, Rendered, Sample};
use crate::time::Timestamp;

use super::answer::{self, header_seconds, seconds};
use super::message::{Message, Script, Template, Unit};
use super::wording::Wording;
use super::{chat, json_body, sample_message};

/// The hosts of Discord. A limit of the whole service holds them all.
pub(super) const HOSTS: [&str; 6] = [
    "discord.com",
    "discordapp.com",
    "ptb.discord.com",
    "ptb.discordapp.com",
    "canary.discord.com",
    "canary.discordapp.com",
];

/// The user agent: Discord requires an address and a version in brackets. A host can set its
/// own.
const BOT: HeaderValue = HeaderValue::from_static(concat!(
    "DiscordBot (https://hookpost.example, ",
    env!("CARGO_PKG_VERSION"),
    ")"
));

/// What [`Profile::discord`] returns.
pub(crate) fn profile() -> Result<Profile, BoxError> {
    Ok(Profile {
        classifier: Arc::new(DiscordAnswers),
        headers: HeaderMap::from_iter([(header::USER_AGENT, BOT)]),
        limits: vec![
            Limit::per_minute(LimitScope::Endpoint, NonZeroU32::try_from(30)?),
            Limit::per_seconds(LimitScope::Host, NonZeroU32::try_from(50)?, 1),
        ],
        service: HOSTS.into_iter().map(HostName::new).collect::<Result<_, _>>()?,
        ..chat("discord", Arc::new(Discord::default()))?
    })
}

/// Judges Discord's responses. A webhook that is unknown or whose token is wrong is never used
/// again, since Discord locks out clients that continue. Limits are read from the headers, and
/// a global limit holds every endpoint at Discord. If Discord refuses the sender's network or
/// the channel, or if the response is not from Discord, the message waits.
#[derive(Debug)]
struct DiscordAnswers;

const UNKNOWN_WEBHOOK: u32 = 10015;
const INVALID_WEBHOOK_TOKEN: u32 = 50027;
/// An error without further details: its message is only the status, such as `404: Not Found`.
const GENERAL: u32 = 0;
/// A form with invalid fields, which may be the URL's.
const INVALID_FORM: u32 = 50035;
/// The codes for a message that is refused for itself: its size, form, words, files or poll.
/// Every other code is about the target or the sender.
/// <https://discord.com/developers/docs/topics/opcodes-and-status-codes#json>
const OF_THE_MESSAGE: [u32; 25] = [
    20009, 30015, 40005, 50006, 50045, 50046, 50068, 50081, 50109, 50110, 50123, 50124, 50138, 50146, 50151,
    50159, 50160, 50161, 50192, 50600, 160_014, 200_000, 200_001, 240_000, 520_004,
];
/// The fields of a form that are part of the URL.
const OF_THE_URL: [&str; 3] = ["webhook_id", "webhook_token", "thread_id"];

/// What an error says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    code: Option<u32>,
    message: String,
    retry_after: Option<f64>,
    global: bool,
    errors: Value,
}

impl Problem {
    /// Whether Discord says no more than this status.
    fn is_general(&self, status: StatusCode) -> bool {
        self.code == Some(GENERAL) && self.message.starts_with(status.as_str())
    }

    fn is_of_the_message(&self, status: StatusCode) -> bool {
        let of_the_url = self.errors.as_object().is_some_and(|fields| {
            !fields.is_empty() && fields.keys().all(|field| OF_THE_URL.contains(&field.as_str()))
        });
        match self.code {
            Some(INVALID_FORM) => !of_the_url,
            Some(code) if OF_THE_MESSAGE.contains(&code) => true,
            // A general 400 is about the message, a general 403 about the sender.
            _ => status == StatusCode::BAD_REQUEST && self.is_general(status),
        }
    }
}

impl Classify for DiscordAnswers {
    fn classify(&self, response: &Response, now: Timestamp) -> Verdict {
        let status = response.status;
        let problem = problem(response).unwrap_or_default();
        let gone = Verdict::Gone { disable: true };
        match status {
            // Without 200 it is not saved yet, and nobody will say so if it never is.
            _ if answer::says_taken(response) => Verdict::Delivered { confirmed: status == StatusCode::OK },
            StatusCode::TOO_MANY_REQUESTS => Verdict::Retry { after: wait(response, now) },
            _ if matches!(problem.code, Some(UNKNOWN_WEBHOOK | INVALID_WEBHOOK_TOKEN)) => gone,
            _ if answer::says_gone(response) => gone,
            // There is nothing under this URL at all.
            StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND if problem.is_general(status) => gone,
            StatusCode::PAYLOAD_TOO_LARGE => Verdict::Reject,
            StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN if problem.is_of_the_message(status) => {
                Verdict::Reject
            }
            _ => Verdict::Retry { after: retry_after(response, now) },
        }
    }

    fn body_need(&self) -> BodyNeed {
        BodyNeed::Prefix(answer::ALL)
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

fn problem(response: &Response) -> Option<Problem> {
    serde_json::from_slice(&response.body).ok().filter(|_| !response.status.is_success())
}

/// Whether a 429 applies to everything that this sender sends: Discord says so, or the answer
/// is not from Discord but from its proxy, which knows only the sender's address.
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

const CONTENT_MAX: usize = 2000;
const TITLE_MAX: usize = 256;
const FIELDS_MAX: usize = 25;
const NAME_MAX: usize = 256;
const VALUE_MAX: usize = 1024;
/// Over all embeds of a message.
const EMBEDS_MAX: usize = 6000;

/// Discord counts code points. Characters beyond the first 65,536 were observed to count for
/// more, so they count for two here. Characters that begin markup or a mention are escaped.
const SCRIPT: Script = Script::new(Unit::Utf16, |character, out| {
    if matches!(character, '\\' | '*' | '_' | '~' | '`' | '|' | '<' | '>' | '[' | ']' | '#') {
        out.push('\\');
    }
    out.push(character);
})
.with_urls_whole();

/// Writes a message about an event for a Discord channel. It mentions (pings) nobody.
///
/// Requests use version 10 of the API, whatever version the endpoint's URL contains, if any:
/// an unversioned URL means the oldest version, which counts delays in milliseconds. Requests
/// wait until the message is saved, because Discord does not report errors otherwise. A URL
/// for Slack's format is used as the plain webhook.
#[derive(Debug, Clone, Default)]
pub struct Discord {
    wording: Wording,
}

impl Discord {
    /// Uses the host's own template for the messages.
    pub fn worded_by(template: impl Template + 'static) -> Self {
        Self { wording: Wording::by(template) }
    }
}

#[derive(Serialize)]
struct Body {
    content: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    embeds: Vec<Embed>,
    allowed_mentions: AllowedMentions,
}

#[derive(Serialize)]
struct Embed {
    fields: Vec<Field>,
}

#[derive(Serialize)]
struct Field {
    name: String,
    value: String,
    inline: bool,
}

/// Mentions nobody. If it were left out, every named user would be mentioned.
#[derive(Serialize)]
struct AllowedMentions {
    parse: [&'static str; 0],
}

impl Body {
    fn of(message: &Message) -> Self {
        let mut content = format!("**{}**", SCRIPT.fit(&message.title, TITLE_MAX));
        let room = CONTENT_MAX.saturating_sub(SCRIPT.count(&content) + 1);
        let text = SCRIPT.fit(&message.text, room);
        if !text.is_empty() {
            content.push('\n');
            content.push_str(&text);
        }
        let fields = fields_of(message);
        let embeds = if fields.is_empty() { Vec::new() } else { vec![Embed { fields }] };
        Self { content, embeds, allowed_mentions: AllowedMentions { parse: [] } }
    }
}

/// As many fields as an embed has room for; a link is one of them, and comes first.
fn fields_of(message: &Message) -> Vec<Field> {
    let link = message.link.iter().map(|link| Field {
        name: SCRIPT.fit(&link.label, NAME_MAX),
        value: format!("<{}>", link.url),
        inline: false,
    });
    let others = message.fields.iter().map(|field| Field {
        name: SCRIPT.fit(&field.name, NAME_MAX),
        value: SCRIPT.fit(&field.value, VALUE_MAX),
        inline: true,
    });
    let mut room = EMBEDS_MAX;
    let mut fits = |field: &Field| {
        let left = room.checked_sub(SCRIPT.count(&field.name) + SCRIPT.count(&field.value));
        room = left.unwrap_or(0);
        left.is_some()
    };
    link.chain(others).take(FIELDS_MAX).take_while(|field| fits(field)).collect()
}

/// The path of a webhook, `/api[/v6]/webhooks/{id}/{token}[/slack]`, in version 10,
/// with its query but for `wait`; `None` for another path.
fn waiting(target: &str) -> Option<String> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let rest = path.strip_prefix("/api/")?;
    let unversioned = match rest.split_once('/') {
        Some((version, rest)) if is_version(version) => rest,
        _ => rest,
    };
    let mut parts = unversioned.strip_prefix("webhooks/")?.split('/').filter(|part| !part.is_empty());
    let (id, token) = (parts.next()?, parts.next()?);
    if !matches!((parts.next(), parts.next()), (None | Some("slack"), None)) {
        return None;
    }
    let kept = query.split('&').filter(|pair| !pair.is_empty() && pair.split('=').next() != Some("wait"));
    let query: Vec<_> = kept.chain(["wait=true"]).collect();
    Some(format!("/api/v10/webhooks/{id}/{token}?{}", query.join("&")))
}

fn is_version(text: &str) -> bool {
    text.strip_prefix('v').is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

impl Envelope for Discord {
    fn render(&self, event: &Event, _: &Endpoint, occasion: Occasion) -> Result<Rendered, RenderError> {
        json_body(&Body::of(&self.wording.of(event, occasion)))
    }

    fn header_names(&self) -> &[HeaderName] {
        &[]
    }

    fn sample(&self, endpoint: &Endpoint) -> Sample {
        sample_message(endpoint)
    }

    fn target(&self, _: &Event, endpoint: &Endpoint) -> Option<String> {
        waiting(endpoint.url.expose_target())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhooks_url_names_version_ten_and_waits() {
        for (target, expected) in [
            ("/api/webhooks/1/t-_0", "/api/v10/webhooks/1/t-_0?wait=true"),
            ("/api/v6/webhooks/1/t", "/api/v10/webhooks/1/t?wait=true"),
            ("/api/v10/webhooks/1/t?wait=false", "/api/v10/webhooks/1/t?wait=true"),
            ("/api/webhooks/1/t/slack", "/api/v10/webhooks/1/t?wait=true"),
            (
                "/api/webhooks/1/t?thread_id=9&wait=true&x=%2F",
                "/api/v10/webhooks/1/t?thread_id=9&x=%2F&wait=true",
            ),
        ] {
            assert_eq!(waiting(target).as_deref(), Some(expected));
        }
        for other in
            ["/", "/api/webhooks/1", "/api/webhooks/1/t/github", "/webhooks/1/t", "/api/v10/users/1/t"]
        {
            assert_eq!(waiting(other), None, "{other}");
        }
    }
}
