//! Slack's body: blocks for the channel, and a text for where blocks are not shown.

use http::HeaderName;
use serde::Serialize;

use crate::endpoint::Endpoint;
use crate::event::Event;
use crate::wire::message::{Message, Script, Template, Unit, Wording};

use super::{Envelope, Occasion, RenderError, Rendered, Sample, rendered_json, told_sample};

/// Slack cuts a text at 40,000 characters, and asks for at most 4000.
const TEXT_MAX: usize = 4000;
const HEADER_MAX: usize = 150;
const SECTION_MAX: usize = 3000;
const FIELD_MAX: usize = 2000;
const FIELDS_PER_SECTION: usize = 10;
/// Far below Slack's 50 blocks: more than this nobody reads.
const FIELDS_MAX: usize = 40;

/// Slack escapes three characters and no others. With `<` escaped, no mention of a
/// person, a group or a channel is live, and no link hides behind other words.
const SCRIPT: Script = Script::new(Unit::CodePoints, |character, out| match character {
    '&' => out.push_str("&amp;"),
    '<' => out.push_str("&lt;"),
    '>' => out.push_str("&gt;"),
    other => out.push(other),
});

/// Tells a Slack channel of an event. What people wrote stands in plain text objects
/// alone: Slack's own markup has no escape for `*` and `_`.
#[derive(Debug, Clone, Default)]
pub struct Slack {
    wording: Wording,
}

impl Slack {
    /// Words messages by the host's own template.
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
        rendered_json(&Body::of(&self.wording.of(event, occasion)))
    }

    fn header_names(&self) -> &[HeaderName] {
        &[]
    }

    fn sample(&self, endpoint: &Endpoint) -> Sample {
        told_sample(endpoint)
    }
}
