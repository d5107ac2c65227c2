//! Microsoft Teams by Power Automate's workflows, and by the connectors before them.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;

use crate::id::ProfileName;
use crate::policy::outcome::{BodyNeed, Classify, Response, Verdict, retry_after};
use crate::policy::rate::{Limit, LimitScope};
use crate::time::Timestamp;
use crate::wire::envelope::Teams;

use super::{Profile, answer, at_least_one, chat};

/// What a connector's limit asks for, which names no wait: a few times its window.
const CONNECTOR_WAIT: Duration = Duration::from_secs(5);

impl Profile {
    /// Microsoft Teams: the URL with its signature is the credential, sent to the byte;
    /// four requests in any second. A workflow's 202 says that the flow was started,
    /// not that anything was posted.
    #[must_use]
    pub fn teams() -> Self {
        Self {
            classifier: Arc::new(TeamsAnswers),
            limits: vec![Limit::per_seconds(LimitScope::Endpoint, at_least_one(4), 1)],
            ..chat(ProfileName::preset("teams"), Arc::new(Teams::default()))
        }
    }
}

/// Reads the answers of workflows and of connectors, whose failures come as 200 with a
/// sentence that names the true status.
///
/// A flow that is switched off, and an answer that is not Microsoft's, says nothing of the
/// message: it waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TeamsAnswers;

impl Classify for TeamsAnswers {
    fn classify(&self, response: &Response, now: Timestamp) -> Verdict {
        match (response.status, hidden_status(&response.body)) {
            (StatusCode::OK, Some(StatusCode::TOO_MANY_REQUESTS)) => {
                Verdict::Retry { after: Some(CONNECTOR_WAIT) }
            }
            (StatusCode::OK, Some(hidden)) => by_status(hidden, &Word::Connectors, None),
            (StatusCode::OK, None) => Verdict::Delivered { confirmed: true },
            (status, _) => by_status(status, &word(&response.body), retry_after(response, now)),
        }
    }

    fn body_need(&self) -> BodyNeed {
        BodyNeed::Prefix(answer::ENOUGH)
    }
}

/// Whose words an answer's body is.
#[derive(Debug, PartialEq, Eq)]
enum Word {
    /// The code of an error of Power Automate's or of Logic Apps'.
    Flows(String),
    /// A sentence of a connector's.
    Connectors,
    /// Nobody's, or a page of whoever stands between.
    Strangers,
}

/// The errors of a flow that are about the message. All others are about the flow: it is
/// off, gone, not allowed, over its quota. There is no published list: these are the codes
/// that senders report.
const OF_THE_MESSAGE: [&str; 4] =
    ["InvalidRequestContent", "TriggerInputSchemaMismatch", "RequestBodyTooLarge", "RequestEntityTooLarge"];
/// How the sentences begin that connectors refuse a message or an address with.
const SENTENCES: [&str; 6] = [
    "Webhook message delivery failed",
    "Webhook Bad Request",
    "Bad payload received by generic incoming webhook",
    "Summary or Text is required",
    "Invalid webhook URL",
    "Connector configuration not found",
];

fn by_status(status: StatusCode, word: &Word, after: Option<Duration>) -> Verdict {
    let retry = Verdict::Retry { after };
    match (status.as_u16(), word) {
        (200..=299, _) => Verdict::Delivered { confirmed: false },
        (413, _) | (400, Word::Connectors) => Verdict::Reject,
        (400, Word::Flows(code)) if OF_THE_MESSAGE.contains(&code.as_str()) => Verdict::Reject,
        (401 | 403 | 404, Word::Flows(_) | Word::Connectors) | (410, _) => Verdict::Gone { disable: true },
        _ => retry,
    }
}

fn word(body: &[u8]) -> Word {
    #[derive(Deserialize)]
    struct Answer {
        error: Problem,
    }
    #[derive(Deserialize)]
    struct Problem {
        code: String,
    }
    if let Ok(Answer { error }) = serde_json::from_slice(body) {
        return Word::Flows(error.code);
    }
    let text = String::from_utf8_lossy(body);
    let said = SENTENCES.iter().any(|sentence| text.trim_start().starts_with(sentence));
    if said { Word::Connectors } else { Word::Strangers }
}

/// The status that `Webhook message delivery failed with error: … returned HTTP error
/// 429 with …` names; a sentence without one is a failure of theirs.
fn hidden_status(body: &[u8]) -> Option<StatusCode> {
    let text = std::str::from_utf8(body).ok()?;
    let said = text.trim_start().strip_prefix("Webhook message delivery failed")?;
    let digits = said.split_once("HTTP error ").and_then(|(_, rest)| rest.get(..3));
    let status = digits.and_then(|digits| digits.parse().ok());
    Some(status.unwrap_or(StatusCode::BAD_GATEWAY))
}
