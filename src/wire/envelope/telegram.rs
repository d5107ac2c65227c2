//! Telegram's body: a text for `sendMessage`.

use http::HeaderName;
use serde::Serialize;

use crate::endpoint::Endpoint;
use crate::event::Event;
use crate::wire::message::{Script, Template, Unit, Wording};

use super::lines::lines;
use super::query::parameter;
use super::{Envelope, Occasion, RenderError, Rendered, Sample, rendered_json, told_sample};

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

/// Tells a Telegram chat of an event.
///
/// An endpoint's URL names the chat in its query, which is sent in the body instead:
/// `https://api.telegram.org/bot<token>/sendMessage?chat_id=-100123`, and for a topic
/// also `&message_thread_id=7`. A chat by its name may be written `@news` or `%40news`.
#[derive(Debug, Clone, Default)]
pub struct Telegram {
    wording: Wording,
}

impl Telegram {
    /// Words messages by the host's own template.
    pub fn worded_by(template: impl Template + 'static) -> Self {
        Self { wording: Wording::by(template) }
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
        rendered_json(&Body {
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
        told_sample(endpoint)
    }

    fn target(&self, _: &Event, endpoint: &Endpoint) -> Option<String> {
        endpoint.url.expose_target().split_once('?').map(|(path, _)| path.to_owned())
    }
}
