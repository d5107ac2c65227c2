//! Telegram's bots.

use std::num::NonZeroU32;
use std::sync::Arc;

use http::{HeaderName, StatusCode};
use serde::{Deserialize, Serialize};

use crate::endpoint::Endpoint;
use crate::error::BoxError;
use crate::event::Event;
use crate::policy::outcome::{BodyNeed, Classify, Response, Verdict, retry_after};
use crate::policy::rate::{Limit, LimitScope};
use crate::profile::{Envelope, Occasion, Profile, RenderError, Rendered, Sample};
use crate::time::Timestamp;

use super::lines::lines;
use super::message::{Script, Template, Unit};
use super::query::parameter;
use super::wording::Wording;
use super::{answer, chat, json_body, sample_message};

/// What [`Profile::telegram`] returns.
pub(crate) fn profile() -> Result<Profile, BoxError> {
    Ok(Profile {
        classifier: Arc::new(TelegramAnswers),
        limits: vec![Limit::per_minute(LimitScope::Endpoint, NonZeroU32::try_from(20)?)],
        ..chat("telegram", Arc::new(Telegram::default()))?
    })
}

/// Judges Telegram's responses by the body, whatever the status.
///
/// A group that became a supergroup has a new number. Its messages are kept and tried again,
/// so that they arrive once the endpoint's URL contains the new number.
/// [`Telegram::moved_to`] reads it from the history.
#[derive(Debug)]
struct TelegramAnswers;

#[derive(Deserialize)]
struct Answer {
    ok: bool,
    #[serde(default)]
    error_code: Option<u16>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parameters {
    retry_after: Option<f64>,
    migrate_to_chat_id: Option<i64>,
}

impl Classify for TelegramAnswers {
    fn classify(&self, response: &Response, now: Timestamp) -> Verdict {
        let Ok(answer) = serde_json::from_slice::<Answer>(&response.body) else {
            return without_word(response, now);
        };
        if answer.ok {
            return Verdict::Delivered { confirmed: true };
        }
        let asked = answer.parameters.retry_after.and_then(answer::seconds);
        if answer.parameters.migrate_to_chat_id.is_some() {
            return Verdict::Retry { after: asked };
        }
        // Telegram always names a code. Without one, it is somebody else's JSON.
        let Some(code) = answer.error_code else { return without_word(response, now) };
        match code {
            400 if is_of_the_chat(&answer.description) => Verdict::Retry { after: asked },
            400 | 413 => Verdict::Reject,
            401 | 403 | 404 | 410 => Verdict::Gone { disable: true },
            _ => Verdict::Retry { after: asked.or_else(|| retry_after(response, now)) },
        }
    }

    fn body_need(&self) -> BodyNeed {
        BodyNeed::Prefix(answer::ALL)
    }
}

/// Words of a 400 that is about the chat or its topic, or about what the bot may do there.
/// Telegram documents none of them; they are those of its server and of the library that the
/// server is made of.
/// <https://github.com/tdlib/telegram-bot-api/blob/master/telegram-bot-api/Client.cpp>,
/// <https://github.com/tdlib/td/blob/master/td/telegram/DialogManager.cpp>
const OF_THE_CHAT: [&str; 18] = [
    "chat not found",
    "chat was",
    "chat_",
    "access the chat",
    "access to the chat",
    "is deactivated",
    "channel_",
    "_in_channel",
    "not enough rights",
    "have no rights",
    "need administrator rights",
    "peer_",
    "thread not found",
    "topic",
    // The bot itself may do nothing now.
    "frozen_",
    "logged out",
    "invalid message thread",
    "not a forum",
];

/// How Telegram says that a text is malformed. It repeats a part of the text, which may
/// contain any of the words above.
const MALFORMED: &str = "can't parse";

fn is_of_the_chat(description: &str) -> bool {
    let description = description.to_ascii_lowercase();
    !description.contains(MALFORMED) && OF_THE_CHAT.iter().any(|words| description.contains(words))
}

/// An answer that is not Telegram's, or was cut: of those, only a success that begins
/// as Telegram's does is one.
fn without_word(response: &Response, now: Timestamp) -> Verdict {
    let begins_well = response.body.starts_with(br#"{"ok":true"#);
    match response.status {
        StatusCode::OK if begins_well => Verdict::Delivered { confirmed: true },
        StatusCode::PAYLOAD_TOO_LARGE => Verdict::Reject,
        _ if answer::says_gone(response) => Verdict::Gone { disable: true },
        _ => Verdict::Retry { after: retry_after(response, now) },
    }
}

/// Counted after the markup is read; counting the markup too stays below.
const TEXT_MAX: usize = 4096;

/// The topic that is there from the start. A message for it names no topic: Telegram
/// answers that it finds none of this number.
const GENERAL_TOPIC: i64 = 1;

/// Everything that `MarkdownV2` could read as markup.
const SCRIPT: Script = Script::new(Unit::Utf16, |character, out| {
    let marks =
        ['\\', '_', '*', '[', ']', '(', ')', '~', '`', '>', '#', '+', '-', '=', '|', '{', '}', '.', '!'];
    if marks.contains(&character) {
        out.push('\\');
    }
    out.push(character);
});

/// Writes a message about an event for a Telegram chat.
///
/// The query of the endpoint's URL names the chat, and is sent in the body instead:
/// `https://api.telegram.org/bot<token>/sendMessage?chat_id=-100123`, and for a topic also
/// `&message_thread_id=7`. The name of a chat may be written `@news` or `%40news`.
#[derive(Debug, Clone, Default)]
pub struct Telegram {
    wording: Wording,
}

impl Telegram {
    /// Uses the host's own template for the messages.
    pub fn worded_by(template: impl Template + 'static) -> Self {
        Self { wording: Wording::by(template) }
    }

    /// The new number of an endpoint's chat, if the body of a response contains one. The
    /// endpoint's URL must then be changed to it.
    #[must_use]
    pub fn moved_to(body: &[u8]) -> Option<i64> {
        serde_json::from_slice::<Answer>(body).ok()?.parameters.migrate_to_chat_id
    }
}

#[derive(Serialize)]
struct Body<'a> {
    chat_id: ChatId<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_thread_id: Option<i64>,
    text: String,
    parse_mode: &'static str,
    link_preview_options: LinkPreview,
}

#[derive(Serialize)]
struct LinkPreview {
    is_disabled: bool,
}

/// A chat by its number, or a public one by its name.
#[derive(Serialize)]
#[serde(untagged)]
enum ChatId<'a> {
    Number(i64),
    Name(&'a str),
}

impl<'a> ChatId<'a> {
    fn of(text: &'a str) -> Option<Self> {
        if let Ok(number) = text.parse() {
            return Some(Self::Number(number));
        }
        let name = text.strip_prefix('@')?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        (!name.is_empty() && name.bytes().all(plain)).then_some(Self::Name(text))
    }
}

impl Envelope for Telegram {
    fn render(
        &self,
        event: &Event,
        endpoint: &Endpoint,
        occasion: Occasion,
    ) -> Result<Rendered, RenderError> {
        let target = endpoint.url.expose_target();
        let chat = parameter(target, "chat_id");
        let chat_id = chat.as_deref().and_then(ChatId::of);
        let chat_id = chat_id.ok_or(RenderError {
            rule: "url: must name the chat, as ?chat_id= and a number or @ and a name",
        })?;
        json_body(&Body {
            chat_id,
            message_thread_id: parameter(target, "message_thread_id")
                .and_then(|id| id.parse().ok())
                .filter(|id| *id > GENERAL_TOPIC),
            text: lines(&self.wording.of(event, occasion), &SCRIPT, "*", TEXT_MAX),
            parse_mode: "MarkdownV2",
            link_preview_options: LinkPreview { is_disabled: true },
        })
    }

    fn header_names(&self) -> &[HeaderName] {
        &[]
    }

    fn sample(&self, endpoint: &Endpoint) -> Sample {
        sample_message(endpoint)
    }

    fn target(&self, _: &Event, endpoint: &Endpoint) -> Option<String> {
        endpoint.url.expose_target().split_once('?').map(|(path, _)| path.to_owned())
    }
}
