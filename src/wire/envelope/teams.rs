//! Teams' body: a message with one adaptive card, as Power Automate's own flow for
//! webhooks expects it.

use http::HeaderName;
use serde::Serialize;

use crate::endpoint::Endpoint;
use crate::event::Event;
use crate::wire::message::{Field, Message, Script, Template, Unit, Wording};

use super::{Envelope, Occasion, RenderError, Rendered, Sample, rendered_json, told_sample};

/// The whole body; a flow takes it, and fails later, where nobody sees it.
const BODY_MAX: usize = 28 * 1024;
const TITLE_MAX: usize = 200;
const TEXT_MAX: usize = 8000;
const FACTS_MAX: usize = 20;
const NAME_MAX: usize = 100;

/// Cards read a little Markdown, in which one line end is none. A mention needs an
/// entity of its own, which no text can bring.
const SCRIPT: Script = Script::new(Unit::CodePoints, |character, out| match character {
    '\n' => out.push_str("\n\n"),
    '\\' | '*' | '_' | '~' | '`' | '[' | ']' | '(' | ')' | '#' => out.extend(['\\', character]),
    other => out.push(other),
});

/// Tells a Teams channel or chat of an event.
#[derive(Debug, Clone, Default)]
pub struct Teams {
    wording: Wording,
}

impl Teams {
    /// Words messages by the host's own template.
    pub fn worded_by(template: impl Template + 'static) -> Self {
        Self { wording: Wording::by(template) }
    }
}

#[derive(Serialize)]
struct Body {
    r#type: &'static str,
    attachments: [Attachment; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Attachment {
    content_type: &'static str,
    /// Null, and there.
    content_url: Option<&'static str>,
    content: Card,
}

#[derive(Serialize)]
struct Card {
    #[serde(rename = "$schema")]
    schema: &'static str,
    r#type: &'static str,
    version: &'static str,
    body: Vec<Element>,
    msteams: Width,
}

#[derive(Serialize)]
struct Width {
    width: &'static str,
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Element {
    TextBlock {
        text: String,
        wrap: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        weight: Option<&'static str>,
    },
    FactSet {
        facts: Vec<Fact>,
    },
}

#[derive(Serialize)]
struct Fact {
    title: String,
    value: String,
}

impl Body {
    fn of(message: &Message, text_max: usize) -> Self {
        let block = |text, weight| Element::TextBlock { text, wrap: true, weight };
        let mut body = vec![block(SCRIPT.fit(&message.title, TITLE_MAX), Some("Bolder"))];
        let text = SCRIPT.fit(&message.text, text_max);
        if !text.is_empty() {
            body.push(block(text, None));
        }
        let fact = |field: &Field| Fact {
            title: SCRIPT.fit(&field.name, NAME_MAX.min(text_max)),
            value: SCRIPT.fit(&field.value, text_max / 4),
        };
        let facts: Vec<_> = message.fields.iter().take(FACTS_MAX).map(fact).collect();
        if !facts.is_empty() {
            body.push(Element::FactSet { facts });
        }
        if let Some(link) = &message.link {
            let shown = SCRIPT.fit(&link.url, usize::MAX);
            let label = SCRIPT.fit(&link.label, NAME_MAX);
            body.push(block(format!("{label}: [{shown}]({})", link.url), None));
        }
        let content = Card {
            schema: "http://adaptivecards.io/schemas/adaptive-card.json",
            r#type: "AdaptiveCard",
            version: "1.4",
            body,
            msteams: Width { width: "Full" },
        };
        let content_type = "application/vnd.microsoft.card.adaptive";
        Self { r#type: "message", attachments: [Attachment { content_type, content_url: None, content }] }
    }
}

impl Envelope for Teams {
    fn render(&self, event: &Event, _: &Endpoint, occasion: Occasion) -> Result<Rendered, RenderError> {
        let message = self.wording.of(event, occasion);
        let mut text_max = TEXT_MAX;
        loop {
            let rendered = rendered_json(&Body::of(&message, text_max))?;
            if rendered.body.len() <= BODY_MAX {
                return Ok(rendered);
            }
            if text_max == 0 {
                return Err(RenderError {
                    rule: "message: must be at most 28 KB, which is what Teams takes",
                });
            }
            text_max /= 2;
        }
    }

    fn header_names(&self) -> &[HeaderName] {
        &[]
    }

    fn sample(&self, endpoint: &Endpoint) -> Sample {
        told_sample(endpoint)
    }
}
