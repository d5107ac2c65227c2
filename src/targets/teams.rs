//! Microsoft Teams, with Power Automate's workflows and with the older connectors.

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

use super::message::{Field, Message, Script, Template, Unit};
use super::wording::Wording;
use super::{answer, chat, json_body, sample_message};

/// What a connector's limit asks for, which names no wait: a few times its window.
const CONNECTOR_WAIT: Duration = Duration::from_secs(5);

/// What [`Profile::teams`] returns.
pub(crate) fn profile() -> Result<Profile, BoxError> {
    Ok(Profile {
        classifier: Arc::new(TeamsAnswers),
        limits: vec![Limit::per_seconds(LimitScope::Endpoint, NonZeroU32::try_from(4)?, 1)],
        ..chat("teams", Arc::new(Teams::default()))?
    })
}

/// Judges the responses of workflows and of connectors. A connector reports a failure as 200
/// with a sentence that contains the true status.
///
/// If a flow is switched off, or if the response is not from Microsoft, that does not concern
/// the message: it waits.
#[derive(Debug)]
struct TeamsAnswers;

impl Classify for TeamsAnswers {
    fn classify(&self, response: &Response, now: Timestamp) -> Verdict {
        match (response.status, hidden_status(&response.body)) {
            (StatusCode::OK, Some(StatusCode::TOO_MANY_REQUESTS)) => {
                Verdict::Retry { after: Some(CONNECTOR_WAIT) }
            }
            (StatusCode::OK, Some(hidden)) => by_status(hidden, &Word::Refusal, None),
            // A 202 says that the flow was started, not that anything was posted.
            _ if answer::says_taken(response) => {
                Verdict::Delivered { confirmed: response.status == StatusCode::OK }
            }
            _ if answer::says_gone(response) => Verdict::Gone { disable: true },
            (status, _) => by_status(status, &word(&response.body), retry_after(response, now)),
        }
    }

    fn body_need(&self) -> BodyNeed {
        BodyNeed::Prefix(answer::ALL)
    }
}

/// The source of a response's text, and what it is about.
#[derive(Debug, PartialEq, Eq)]
enum Word {
    /// An error of Power Automate or of Logic Apps.
    Flows(Problem),
    /// A connector's sentence about a message.
    Refusal,
    /// A connector's sentence about its URL.
    Address,
    /// Unknown, such as the page of a proxy.
    Strangers,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Problem {
    code: String,
    #[serde(default)]
    message: String,
}

/// The errors of a flow that are about the message. All others are about the flow: it is off,
/// deleted, not allowed, or over its quota. There is no published list: these are the codes
/// that senders report.
const OF_THE_MESSAGE: [&str; 4] =
    ["InvalidRequestContent", "TriggerInputSchemaMismatch", "RequestBodyTooLarge", "RequestEntityTooLarge"];
/// How the sentences begin that connectors refuse a message with.
const REFUSALS: [&str; 4] = [
    "Webhook message delivery failed",
    "Webhook Bad Request",
    "Bad payload received by generic incoming webhook",
    "Summary or Text is required",
];
/// How the sentences begin that connectors refuse their URL with.
const ADDRESSES: [&str; 2] = ["Invalid webhook URL", "Connector configuration not found"];

impl Problem {
    /// The trigger of a flow that was deleted is named as one that is not enabled.
    fn says_deleted(&self) -> bool {
        self.code == "WorkflowTriggerIsNotEnabled" && self.message.contains("with state 'Deleted'")
    }

    /// The flow lets only some networks in, and the sender's is none of them. Its owner can
    /// add it.
    /// <https://learn.microsoft.com/azure/logic-apps/logic-apps-securing-a-logic-app#restrict-inbound-ip-addresses>
    fn is_about_our_network(&self) -> bool {
        self.message.contains("client IP address")
    }
}

fn by_status(status: StatusCode, word: &Word, after: Option<Duration>) -> Verdict {
    let (retry, gone) = (Verdict::Retry { after }, Verdict::Gone { disable: true });
    match (status.as_u16(), word) {
        (200..=299, Word::Refusal) => Verdict::Delivered { confirmed: false },
        (413, _) | (400, Word::Refusal) => Verdict::Reject,
        (400, Word::Flows(problem)) if OF_THE_MESSAGE.contains(&problem.code.as_str()) => Verdict::Reject,
        (400, Word::Flows(problem)) if problem.says_deleted() => gone,
        (401 | 403, Word::Flows(problem)) if problem.is_about_our_network() => retry,
        (401 | 403 | 404, Word::Flows(_) | Word::Refusal | Word::Address) | (410, Word::Refusal) => gone,
        _ => retry,
    }
}

fn word(body: &[u8]) -> Word {
    #[derive(Deserialize)]
    struct Answer {
        error: Problem,
    }
    if let Ok(Answer { error }) = serde_json::from_slice(body) {
        return Word::Flows(error);
    }
    let text = String::from_utf8_lossy(body);
    let begins =
        |sentences: &[&str]| sentences.iter().any(|sentence| text.trim_start().starts_with(sentence));
    if begins(&REFUSALS) {
        Word::Refusal
    } else if begins(&ADDRESSES) {
        Word::Address
    } else {
        Word::Strangers
    }
}

/// The status of a failure that hides in a 200: the one that the sentence `Webhook message
/// delivery failed with error: … returned HTTP error 429 with …` names, or that of an answer
/// which a connector passes on as JSON. A sentence without a status is a failure of theirs.
fn hidden_status(body: &[u8]) -> Option<StatusCode> {
    /// <https://github.com/jenkinsci/office-365-connector-plugin/issues/299>
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct PassedOn {
        status_code: u16,
        is_success_status_code: bool,
    }
    if let Ok(PassedOn { status_code, is_success_status_code: false }) = serde_json::from_slice(body) {
        return StatusCode::from_u16(status_code).ok();
    }
    let text = std::str::from_utf8(body).ok()?;
    let said = text.trim_start().strip_prefix("Webhook message delivery failed")?;
    let digits = said.split_once("HTTP error ").and_then(|(_, rest)| rest.get(..3));
    let status = digits.and_then(|digits| digits.parse().ok());
    Some(status.unwrap_or(StatusCode::BAD_GATEWAY))
}

/// The largest body: a flow accepts a larger one and fails later, where nobody sees it.
const BODY_MAX: usize = 28 * 1024;
const TITLE_MAX: usize = 200;
const TEXT_MAX: usize = 8000;
const FACTS_MAX: usize = 20;
const NAME_MAX: usize = 100;

/// Cards support some Markdown, in which a single line end is ignored. A mention needs a
/// separate entity, which no text can contain.
const SCRIPT: Script = Script::new(Unit::CodePoints, |character, out| match character {
    '\n' => out.push_str("\n\n"),
    '\\' | '*' | '_' | '~' | '`' | '[' | ']' | '(' | ')' | '#' => out.extend(['\\', character]),
    other => out.push(other),
});

/// Writes a message about an event for a Teams channel or chat.
#[derive(Debug, Clone, Default)]
pub struct Teams {
    wording: Wording,
}

impl Teams {
    /// Uses the host's own template for the messages.
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
            let rendered = json_body(&Body::of(&message, text_max))?;
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
        sample_message(endpoint)
    }
}
