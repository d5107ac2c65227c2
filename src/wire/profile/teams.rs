//! Microsoft Teams by Power Automate's workflows, and by the connectors before them.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TeamsAnswers;

impl Classify for TeamsAnswers {
    fn classify(&self, response: &Response, now: Timestamp) -> Verdict {
        match (response.status, hidden_status(&response.body)) {
            (StatusCode::OK, Some(StatusCode::TOO_MANY_REQUESTS)) => {
                Verdict::Retry { after: Some(CONNECTOR_WAIT) }
            }
            (StatusCode::OK, Some(hidden)) => by_status(hidden, None),
            (StatusCode::OK, None) => Verdict::Delivered { confirmed: true },
            (status, _) => by_status(status, retry_after(response, now)),
        }
    }

    fn body_need(&self) -> BodyNeed {
        BodyNeed::Prefix(answer::ENOUGH)
    }
}

fn by_status(status: StatusCode, after: Option<Duration>) -> Verdict {
    match status.as_u16() {
        200..=299 => Verdict::Delivered { confirmed: false },
        400 | 413 => Verdict::Reject,
        401 | 403 | 404 | 410 => Verdict::Gone { disable: true },
        _ => Verdict::Retry { after },
    }
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
