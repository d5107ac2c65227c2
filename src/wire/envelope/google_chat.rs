//! Google Chat's body: a text, and a request id that makes retries safe.

use http::HeaderName;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::endpoint::Endpoint;
use crate::event::Event;
use crate::wire::message::{Script, Template, Unit, Wording};

use super::lines::lines;
use super::{Envelope, Occasion, RenderError, Rendered, Sample, rendered_json, told_sample};

/// A whole message may have 32,000 bytes; what is shown of a text is less.
const TEXT_MAX: usize = 4096;

/// Google Chat has no escape. A mention and a link behind other words begin with `<`
/// and a letter, so nothing may follow at once.
const SCRIPT: Script = Script::new(Unit::Utf16, |character, out| match character {
    '<' => out.push_str("<\u{200b}"),
    other => out.push(other),
});

/// Tells a space of Google Chat of an event. Each event has one request id for each
/// endpoint, so that a retry, and a replay too, posts nothing that was posted before.
#[derive(Debug, Clone, Default)]
pub struct GoogleChat {
    wording: Wording,
}

impl GoogleChat {
    /// Words messages by the host's own template.
    pub fn worded_by(template: impl Template + 'static) -> Self {
        Self { wording: Wording::by(template) }
    }
}

#[derive(Serialize)]
struct Body {
    text: String,
}

impl Envelope for GoogleChat {
    fn render(&self, event: &Event, _: &Endpoint, occasion: Occasion) -> Result<Rendered, RenderError> {
        rendered_json(&Body { text: lines(&self.wording.of(event, occasion), &SCRIPT, "*", TEXT_MAX) })
    }

    fn header_names(&self) -> &[HeaderName] {
        &[]
    }

    fn sample(&self, endpoint: &Endpoint) -> Sample {
        told_sample(endpoint)
    }

    fn target(&self, event: &Event, endpoint: &Endpoint) -> Option<String> {
        let target = endpoint.url.expose_target();
        let separator = if target.contains('?') { '&' } else { '?' };
        Some(format!("{target}{separator}requestId={}", request_id(event, endpoint)))
    }
}

/// Visible in logs of others, and telling them nothing.
fn request_id(event: &Event, endpoint: &Endpoint) -> String {
    let names = [event.tenant.as_str(), event.id.as_str(), endpoint.id.as_str()];
    let digest = Sha256::digest(names.join("\n"));
    format!("hookpost-{}", hex::encode(&digest[..16]))
}
