//! Mattermost's body: a text in Markdown.

use http::HeaderName;
use serde::Serialize;

use crate::endpoint::Endpoint;
use crate::event::Event;
use crate::wire::message::{Script, Template, Unit, Wording};

use super::lines::lines;
use super::{Envelope, Occasion, RenderError, Rendered, Sample, rendered_json, told_sample};

/// A longer text is cut in several posts by the server.
const TEXT_MAX: usize = 16_383;

/// What begins markup is escaped. `<!channel>` is read as Slack's, and has no escape.
const SCRIPT: Script = Script::new(Unit::CodePoints, |character, out| match character {
    '<' => out.push_str("\\<\u{200b}"),
    '\\' | '*' | '_' | '~' | '`' | '#' | '[' | ']' | '>' | '|' => out.extend(['\\', character]),
    other => out.push(other),
})
.with_urls_whole();

/// Tells a Mattermost channel of an event, and pings nobody.
#[derive(Debug, Clone, Default)]
pub struct Mattermost {
    wording: Wording,
}

impl Mattermost {
    /// Words messages by the host's own template.
    pub fn worded_by(template: impl Template + 'static) -> Self {
        Self { wording: Wording::by(template) }
    }
}

#[derive(Serialize)]
struct Body {
    text: String,
}

impl Envelope for Mattermost {
    fn render(&self, event: &Event, _: &Endpoint, occasion: Occasion) -> Result<Rendered, RenderError> {
        rendered_json(&Body { text: lines(&self.wording.of(event, occasion), &SCRIPT, "**", TEXT_MAX) })
    }

    fn header_names(&self) -> &[HeaderName] {
        &[]
    }

    fn sample(&self, endpoint: &Endpoint) -> Sample {
        told_sample(endpoint)
    }
}
