//! Slack's incoming webhooks.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, StatusCode};
use serde::{Deserialize, Serialize};

use crate::endpoint::Endpoint;
use crate::error::BoxError;
use crate::event::Event;
use crate::policy::outcome::{BodyNeed, Classify, Response, Verdict, retry_after};
use crate::policy::rate::{Limit, LimitScope};
use crate::profile::{Envelope, Occasion, Profile, RenderError, Rendered, Sample};
use crate::time::Timestamp;

use super::message::{Message, Script, Template, Unit};
use super::wording::Wording;
use super::{answer, chat, json_body, sample_message};

/// What [`Profile::slack`] returns.
pub(crate) fn profile() -> Result<Profile, BoxError> {
    Ok(Profile {
        classifier: Arc::new(SlackAnswers),
        limits: vec![Limit::per_seconds(LimitScope::Endpoint, NonZeroU32::try_from(10)?, 10)],
        ..chat("slack", Arc::new(Slack::default()))?
    })
}

/// Judges Slack's responses. A success is 200 with exactly the body `ok`. A failure is
/// described by one word, whose meaning does not depend on the status: for a wrong URL, a 500
/// has been observed.
#[derive(Debug)]
struct SlackAnswers;

/// The webhook or its channel no longer exists, or may no longer be posted to.
const GONE: [&str; 12] = [
    "action_prohibited",
    "posting_to_general_channel_denied",
    "invalid_token",
    "token_revoked",
    "team_disabled",
    "no_team",
    "channel_not_found",
    "channel_is_archived",
    "no_service",
    "no_service_id",
    "no_active_hooks",
    "account_inactive",
];

/// Whom the webhook writes to is not there, which may pass.
const AWAY: &str = "user_not_found";

/// This very message is refused.
const REJECTED: [&str; 5] = [
    "invalid_payload",
    "no_text",
    "invalid_blocks",
    "too_many_attachments",
    "missing_text_or_fallback_or_attachments",
];

/// The body that Slack sends with a 429.
#[derive(Deserialize)]
struct Limited {
    retry_after: f64,
}

impl Classify for SlackAnswers {
    fn classify(&self, response: &Response, now: Timestamp) -> Verdict {
        let word = std::str::from_utf8(&response.body).unwrap_or_default().trim();
        let retry = Verdict::Retry { after: wait(response, now) };
        match (response.status, word) {
            (StatusCode::OK, "ok") => Verdict::Delivered { confirmed: true },
            (StatusCode::TOO_MANY_REQUESTS, _) => retry,
            (_, word) if GONE.contains(&word) => Verdict::Gone { disable: true },
            (_, word) if REJECTED.contains(&word) => Verdict::Reject,
            _ if answer::says_gone(response) => Verdict::Gone { disable: true },
            (_, AWAY) => retry,
            (StatusCode::PAYLOAD_TOO_LARGE, _) => Verdict::Reject,
            // A code that is new to us is Slack's all the same. A page is somebody else's.
            (StatusCode::BAD_REQUEST, word) if is_word(word) => Verdict::Reject,
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND, word)
                if is_word(word) =>
            {
                Verdict::Gone { disable: true }
            }
            _ => retry,
        }
    }

    fn body_need(&self) -> BodyNeed {
        BodyNeed::Prefix(answer::ENOUGH)
    }
}

/// Whether a text has the form of Slack's codes, each of which is several words joined by
/// underscores. A single word, such as `forbidden`, comes from a gateway.
fn is_word(text: &str) -> bool {
    text.contains('_') && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

fn wait(response: &Response, now: Timestamp) -> Option<Duration> {
    retry_after(response, now).or_else(|| {
        let limited = serde_json::from_slice::<Limited>(&response.body).ok()?;
        answer::seconds(limited.retry_after).filter(|_| response.status == StatusCode::TOO_MANY_REQUESTS)
    })
}

/// Slack cuts a text at 40,000 characters, and asks for at most 4000.
const TEXT_MAX: usize = 4000;
const HEADER_MAX: usize = 150;
const SECTION_MAX: usize = 3000;
const FIELD_MAX: usize = 2000;
const FIELDS_PER_SECTION: usize = 10;
/// Far below Slack's 50 blocks; more would not be read.
const FIELDS_MAX: usize = 40;

/// Slack escapes three characters and no others. With `<` escaped, no mention of a
/// person, a group or a channel is live, and no link hides behind other words.
const SCRIPT: Script = Script::new(Unit::CodePoints, |character, out| match character {
    '&' => out.push_str("&amp;"),
    '<' => out.push_str("&lt;"),
    '>' => out.push_str("&gt;"),
    other => out.push(other),
});

/// Writes a message about an event for a Slack channel. Text from the event is only in plain
/// text objects: Slack's own markup has no escape for `*` and `_`.
#[derive(Debug, Clone, Default)]
pub struct Slack {
    wording: Wording,
}

impl Slack {
    /// Uses the host's own template for the messages.
    pub fn worded_by(template: impl Template + 'static) -> Self {
        Self { wording: Wording::by(template) }
    }
}

#[derive(Serialize)]
struct Body {
    text: String,
    mrkdwn: bool,
    blocks: Vec<Block>,
    unfurl_links: bool,
    unfurl_media: bool,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Header {
        text: Text,
    },
    Section {
        text: Text,
    },
    #[serde(rename = "section")]
    Fields {
        fields: Vec<Text>,
    },
    Context {
        elements: [Text; 1],
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Text {
    PlainText { text: String, emoji: bool },
    Mrkdwn { text: String, verbatim: bool },
}

impl Text {
    fn plain(text: &str, limit: usize) -> Self {
        Self::PlainText { text: SCRIPT.fit(text, limit), emoji: false }
    }
}

impl Body {
    fn of(message: &Message) -> Self {
        let mut blocks = vec![Block::Header { text: Text::plain(&message.title, HEADER_MAX) }];
        let text = SCRIPT.fit(&message.text, SECTION_MAX);
        if !text.is_empty() {
            blocks.push(Block::Section { text: Text::PlainText { text, emoji: false } });
        }
        let fields: Vec<_> = message.fields.iter().take(FIELDS_MAX).collect();
        for fields in fields.chunks(FIELDS_PER_SECTION) {
            let texts = fields.iter().map(|field| format!("{}\n{}", field.name, field.value));
            blocks.push(Block::Fields { fields: texts.map(|text| Text::plain(&text, FIELD_MAX)).collect() });
        }
        if let Some(link) = &message.link {
            let label = SCRIPT.fit(&link.label, HEADER_MAX);
            let text = format!("{label}: <{}>", link.url.replace('&', "&amp;"));
            blocks.push(Block::Context { elements: [Text::Mrkdwn { text, verbatim: true }] });
        }
        let text = SCRIPT.fit(&message.fallback(), TEXT_MAX);
        Self { text, mrkdwn: false, blocks, unfurl_links: false, unfurl_media: false }
    }
}

impl Envelope for Slack {
    fn render(&self, event: &Event, _: &Endpoint, occasion: Occasion) -> Result<Rendered, RenderError> {
        json_body(&Body::of(&self.wording.of(event, occasion)))
    }

    fn header_names(&self) -> &[HeaderName] {
        &[]
    }

    fn sample(&self, endpoint: &Endpoint) -> Sample {
        sample_message(endpoint)
    }
}
