//! Discord's body: a content with title and text, and an embed with the fields.

use http::HeaderName;
use serde::Serialize;

use crate::endpoint::Endpoint;
use crate::event::Event;
use crate::wire::message::{Message, Script, Template, Unit, Wording};

use super::{Envelope, Occasion, RenderError, Rendered, Sample, rendered_json, told_sample};

const CONTENT_MAX: usize = 2000;
const TITLE_MAX: usize = 256;
const FIELDS_MAX: usize = 25;
const NAME_MAX: usize = 256;
const VALUE_MAX: usize = 1024;
/// Over all embeds of a message.
const EMBEDS_MAX: usize = 6000;

/// Discord counts code points; characters beyond the first 65,536 were seen to count
/// for more, so they count for two here. What begins markup or a mention is escaped.
const SCRIPT: Script = Script::new(Unit::Utf16, |character, out| {
    if matches!(character, '\\' | '*' | '_' | '~' | '`' | '|' | '<' | '>' | '[' | ']' | '#') {
        out.push('\\');
    }
    out.push(character);
})
.with_urls_whole();

/// Tells a Discord channel of an event, and pings nobody.
///
/// Requests go to version 10 of the interface, whatever version the endpoint's URL
/// names or leaves out: the oldest one, which an unversioned URL means, counts waits
/// in milliseconds. They wait for the message to be saved, since Discord reports no
/// error to those who do not. A URL for Slack's format is used as the webhook it is.
#[derive(Debug, Clone, Default)]
pub struct Discord {
    wording: Wording,
}

impl Discord {
    /// Words messages by the host's own template.
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

/// Nobody at all; left out, it would mean every user that is named.
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
        rendered_json(&Body::of(&self.wording.of(event, occasion)))
    }

    fn header_names(&self) -> &[HeaderName] {
        &[]
    }

    fn sample(&self, endpoint: &Endpoint) -> Sample {
        told_sample(endpoint)
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
