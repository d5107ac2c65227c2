//! Mattermost's incoming webhooks.

use std::sync::Arc;

use http::{HeaderName, StatusCode};
use serde::{Deserialize, Serialize};

use crate::endpoint::Endpoint;
use crate::error::BoxError;
use crate::event::Event;
use crate::policy::outcome::{BodyNeed, Classify, Response, Verdict, retry_after};
use crate::profile::{Envelope, Occasion, Profile, RenderError, Rendered, Sample};
use crate::time::Timestamp;

use super::lines::lines;
use super::message::{Script, Template, Unit};
use super::wording::Wording;
use super::{answer, chat, json_body, sample_message};

/// What [`Profile::mattermost`] returns.
pub(crate) fn profile() -> Result<Profile, BoxError> {
    Ok(Profile {
        classifier: Arc::new(MattermostAnswers),
        ..chat("mattermost", Arc::new(Mattermost::default()))?
    })
}

/// Judges Mattermost's responses by the name of the error.
///
/// Such a server is often behind a proxy, which answers with its own page while the server
/// starts: then the message waits. It also waits if webhooks are switched off, or if the
/// channel is locked or missing. Even for a deleted webhook the message waits, because
/// Mattermost gives the same answer while it cannot read its database.
#[derive(Debug)]
struct MattermostAnswers;

/// How the names of errors begin that are about the message.
/// <https://github.com/mattermost/mattermost/blob/master/server/channels/app/webhook.go>,
/// <https://github.com/mattermost/mattermost/blob/master/server/public/model/incoming_webhook.go>
const OF_THE_MESSAGE: [&str; 8] = [
    "api.context.invalid_param",
    "api.webhook.incoming",
    "model.incoming_hook.parse_data",
    "model.post.is_valid",
    "web.incoming_webhook.decode",
    "web.incoming_webhook.parse",
    "web.incoming_webhook.split_props_length",
    "web.incoming_webhook.text",
];

#[derive(Deserialize)]
struct Problem {
    id: String,
}

impl Classify for MattermostAnswers {
    fn classify(&self, response: &Response, now: Timestamp) -> Verdict {
        let problem = serde_json::from_slice::<Problem>(&response.body).ok();
        let error = problem.map(|problem| problem.id).unwrap_or_default();
        let about = |beginnings: &[&str]| beginnings.iter().any(|beginning| error.starts_with(beginning));
        match response.status {
            _ if answer::says_taken(response) => Verdict::Delivered { confirmed: true },
            StatusCode::PAYLOAD_TOO_LARGE => Verdict::Reject,
            _ if answer::says_gone(response) => Verdict::Gone { disable: true },
            StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN if about(&OF_THE_MESSAGE) => Verdict::Reject,
            _ => Verdict::Retry { after: retry_after(response, now) },
        }
    }

    fn body_need(&self) -> BodyNeed {
        BodyNeed::Prefix(answer::ENOUGH)
    }
}

/// A longer text is cut in several posts by the server.
const TEXT_MAX: usize = 16_383;

/// Characters that begin markup are escaped. `<!channel>` is read as in Slack, and has no
/// escape.
const SCRIPT: Script = Script::new(Unit::CodePoints, |character, out| match character {
    '<' => out.push_str("\\<\u{200b}"),
    '\\' | '*' | '_' | '~' | '`' | '#' | '[' | ']' | '>' | '|' => out.extend(['\\', character]),
    other => out.push(other),
})
.with_urls_whole();

/// Writes a message about an event for a Mattermost channel. It mentions (pings) nobody.
#[derive(Debug, Clone, Default)]
pub struct Mattermost {
    wording: Wording,
}

impl Mattermost {
    /// Uses the host's own template for the messages.
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
        json_body(&Body { text: lines(&self.wording.of(event, occasion), &SCRIPT, "**", TEXT_MAX) })
    }

    fn header_names(&self) -> &[HeaderName] {
        &[]
    }

    fn sample(&self, endpoint: &Endpoint) -> Sample {
        sample_message(endpoint)
    }
}
