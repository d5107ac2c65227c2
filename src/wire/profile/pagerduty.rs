//! PagerDuty's Events API.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use crate::id::ProfileName;
use crate::policy::outcome::{BodyNeed, ByStatus, Classify, Response, Verdict};
use crate::time::Timestamp;
use crate::wire::envelope::{PagerDuty, Severity};

use super::{Profile, chat, minutes};

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
            ..chat(ProfileName::preset("pagerduty"), Arc::new(PagerDuty::new(Severity::Error)))
        }
    }
}

/// Reads PagerDuty's answers: 202 is success, 400 is the message's own fault.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PagerDutyAnswers;

impl Classify for PagerDutyAnswers {
    fn classify(&self, response: &Response, now: Timestamp) -> Verdict {
        let refused = [StatusCode::BAD_REQUEST, StatusCode::PAYLOAD_TOO_LARGE];
        match ByStatus::any_2xx().rejects(refused).classify(response, now) {
            Verdict::Retry { after } if response.status == StatusCode::TOO_MANY_REQUESTS => {
                Verdict::Retry { after: after.max(Some(LIMITED)) }
            }
            verdict => verdict,
        }
    }

    fn body_need(&self) -> BodyNeed {
        BodyNeed::None
    }
}
