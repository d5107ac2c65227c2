//! Google Chat's incoming webhooks.

use std::sync::Arc;

use http::StatusCode;
use serde::Deserialize;

use crate::id::ProfileName;
use crate::policy::outcome::{BodyNeed, ByStatus, Classify, Response, Verdict, retry_after};
use crate::policy::rate::{Limit, LimitScope};
use crate::time::Timestamp;
use crate::wire::envelope::GoogleChat;

use super::{Profile, answer, at_least_one, chat};

impl Profile {
    /// Google Chat's incoming webhooks: key and token in the URL are the credential, 60
    /// requests in any minute per space. A retry of what was posted posts nothing.
    #[must_use]
    pub fn google_chat() -> Self {
        Self {
            classifier: Arc::new(GoogleChatAnswers),
            limits: vec![Limit::per_minute(LimitScope::Endpoint, at_least_one(60))],
            ..chat(ProfileName::preset("google_chat"), Arc::new(GoogleChat::default()))
        }
    }
}

/// Reads Google's answers by the word of their error. A 400 that is about the key in the
/// URL or the state of the space, and an answer that is not Google's, says nothing of the
/// message: it waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GoogleChatAnswers;

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
            (status, _) if status.is_success() => ByStatus::any_2xx().classify(response, now),
            (StatusCode::PAYLOAD_TOO_LARGE, _) => Verdict::Reject,
            (StatusCode::GONE, _) => Verdict::Gone { disable: true },
            (StatusCode::BAD_REQUEST, Some(problem)) if is_of_the_message(&problem) => Verdict::Reject,
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND, Some(_)) => {
                Verdict::Gone { disable: true }
            }
            _ => Verdict::Retry { after: retry_after(response, now) },
        }
    }

    fn body_need(&self) -> BodyNeed {
        BodyNeed::Prefix(answer::ENOUGH)
    }
}

/// An argument is invalid, and it is none of those in the URL.
fn is_of_the_message(problem: &Problem) -> bool {
    let message = problem.message.to_ascii_lowercase();
    let of_the_url = ["api key", "token", "space", "thread"].iter().any(|part| message.contains(part));
    problem.status == "INVALID_ARGUMENT" && !of_the_url
}
