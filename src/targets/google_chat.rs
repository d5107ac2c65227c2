//! Google Chat's incoming webhooks.

use std::num::NonZeroU32;
use std::sync::Arc;

use http::{HeaderName, StatusCode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::endpoint::Endpoint;
use crate::error::BoxError;
use crate::event::Event;
use crate::policy::outcome::{BodyNeed, Classify, Response, Verdict, retry_after};
use crate::policy::rate::{Limit, LimitScope};
use crate::profile::{Envelope, Occasion, Profile, RenderError, Rendered, Sample};
use crate::time::Timestamp;

use super::lines::lines;
use super::message::{Script, Template, Unit};
use super::wording::Wording;
use super::{answer, chat, json_body, sample_message};

/// What [`Profile::google_chat`] returns.
pub(crate) fn profile() -> Result<Profile, BoxError> {
    Ok(Profile {
        classifier: Arc::new(GoogleChatAnswers),
        limits: vec![Limit::per_minute(LimitScope::Endpoint, NonZeroU32::try_from(60)?)],
        ..chat("google_chat", Arc::new(GoogleChat::default()))?
    })
}

/// Judges Google's responses by the error's code word. A 400 about the key in the URL or the
/// state of the space, and a response that is not from Google, do not concern the message: it
/// waits.
#[derive(Debug)]
struct GoogleChatAnswers;

/// Google's errors. <https://cloud.google.com/apis/design/errors>
#[derive(Deserialize)]
struct Answer {
    error: Problem,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    status: String,
    #[serde(default)]
    message: String,
}

impl Classify for GoogleChatAnswers {
    fn classify(&self, response: &Response, now: Timestamp) -> Verdict {
        let problem = serde_json::from_slice::<Answer>(&response.body).ok().map(|answer| answer.error);
        match (response.status, problem) {
            _ if answer::says_taken(response) => Verdict::Delivered { confirmed: true },
            (StatusCode::PAYLOAD_TOO_LARGE, _) => Verdict::Reject,
            _ if answer::says_gone(response) => Verdict::Gone { disable: true },
            (StatusCode::BAD_REQUEST, Some(problem)) if is_of_the_message(&problem) => Verdict::Reject,
            (_, Some(problem)) if says_gone(response.status, &problem) => Verdict::Gone { disable: true },
            _ => Verdict::Retry { after: retry_after(response, now) },
        }
    }

    fn body_need(&self) -> BodyNeed {
        BodyNeed::Prefix(answer::ALL)
    }
}

/// Google also names the status by its own word, which JSON from another server does not have.
/// <https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto>
fn says_gone(status: StatusCode, problem: &Problem) -> bool {
    let word = match status {
        StatusCode::UNAUTHORIZED => "UNAUTHENTICATED",
        StatusCode::FORBIDDEN => "PERMISSION_DENIED",
        StatusCode::NOT_FOUND => "NOT_FOUND",
        _ => return false,
    };
    problem.status == word
}

/// An argument is invalid: the body, or the message in it, and none of those in the URL.
fn is_of_the_message(problem: &Problem) -> bool {
    let message = problem.message.to_ascii_lowercase();
    let of_the_body = ["invalid json payload", "message"].iter().any(|part| message.starts_with(part));
    let of_the_url = ["api key", "token", "space", "thread"].iter().any(|part| message.contains(part));
    problem.status == "INVALID_ARGUMENT" && (of_the_body || !of_the_url)
}

/// A whole message may have 32,000 bytes; less of a text is shown.
const TEXT_MAX: usize = 4096;

/// Google Chat has no escape. A mention and a link behind other words begin with `<`
/// and a letter, so nothing may follow at once.
const SCRIPT: Script = Script::new(Unit::Utf16, |character, out| match character {
    '<' => out.push_str("<\u{200b}"),
    other => out.push(other),
});

/// Writes a message about an event for a space of Google Chat. Each event has one request id
/// per endpoint, so a retry, or a replay, does not post again what was posted before.
#[derive(Debug, Clone, Default)]
pub struct GoogleChat {
    wording: Wording,
}

impl GoogleChat {
    /// Uses the host's own template for the messages.
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
        json_body(&Body { text: lines(&self.wording.of(event, occasion), &SCRIPT, "*", TEXT_MAX) })
    }

    fn header_names(&self) -> &[HeaderName] {
        &[]
    }

    fn sample(&self, endpoint: &Endpoint) -> Sample {
        sample_message(endpoint)
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
