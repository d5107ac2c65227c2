//! PagerDuty's Events API.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;

use crate::id::ProfileName;
use crate::policy::outcome::{BodyNeed, Classify, Response, Verdict, retry_after};
use crate::time::Timestamp;
use crate::wire::envelope::{PagerDuty, Severity};

use super::{Profile, Signing, answer, chat, minutes};

/// PagerDuty asks senders that were too fast to stay away for a few minutes.
const LIMITED: Duration = minutes(3);

impl Profile {
    /// PagerDuty's Events API, version 2: alerts of severity `error`, the endpoint's
    /// secret is the integration's routing key, and a retry joins the incident that the
    /// first try made.
    #[must_use]
    pub fn pagerduty() -> Self {
        Self {
            classifier: Arc::new(PagerDutyAnswers),
            signing: Signing::Required,
            ..chat(ProfileName::preset("pagerduty"), Arc::new(PagerDuty::new(Severity::Error)))
        }
    }
}

/// Reads PagerDuty's answers: 202 is success, and an event that PagerDuty calls invalid is
/// refused. Where only its routing key is, the endpoint's secret is wrong: the event waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PagerDutyAnswers;

/// What PagerDuty says of an event that it does not take. Its status is [`INVALID`].
/// <https://developer.pagerduty.com/docs/send-alert-event>
#[derive(Deserialize)]
struct Refusal {
    status: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    errors: Vec<String>,
}

const INVALID: &str = "invalid event";

impl Classify for PagerDutyAnswers {
    fn classify(&self, response: &Response, now: Timestamp) -> Verdict {
        let after = retry_after(response, now);
        match response.status {
            _ if answer::says_taken(response) => Verdict::Delivered { confirmed: true },
            StatusCode::PAYLOAD_TOO_LARGE => Verdict::Reject,
            StatusCode::BAD_REQUEST if is_of_the_message(&response.body) => Verdict::Reject,
            StatusCode::TOO_MANY_REQUESTS => Verdict::Retry { after: after.max(Some(LIMITED)) },
            _ if answer::says_gone(response) => Verdict::Gone { disable: true },
            _ => Verdict::Retry { after },
        }
    }

    fn body_need(&self) -> BodyNeed {
        BodyNeed::Prefix(answer::ENOUGH)
    }
}

/// PagerDuty names what is wrong, and that is not the routing key alone.
fn is_of_the_message(body: &[u8]) -> bool {
    let Ok(Refusal { status, message, errors }) = serde_json::from_slice(body) else { return false };
    let of_the_key = |text: &String| {
        let text = text.to_ascii_lowercase();
        text.contains("routing_key") || text.contains("routing key")
    };
    let said = if errors.is_empty() { vec![message] } else { errors };
    status == INVALID && !said.iter().all(of_the_key)
}
