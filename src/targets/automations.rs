//! Zapier, Make and n8n, which accept any body.

use std::sync::Arc;

use http::StatusCode;
use serde::Deserialize;

use crate::id::ProfileName;
use crate::policy::outcome::{BodyNeed, ByStatus, Classify, Response, Verdict, retry_after};
use crate::policy::rate::{Limit, LimitScope};
use crate::profile::{Profile, Signing, at_least_one};
use crate::time::Timestamp;

use super::answer;
use super::detect::url_of_another;

impl Profile {
    /// Zapier's catch hook: the payload as published, 30 requests in any second. It answers
    /// 200 whether or not a Zap is active, so no delivery is ever confirmed.
    #[must_use]
    pub fn zapier() -> Self {
        let refused = [StatusCode::BAD_REQUEST, StatusCode::PAYLOAD_TOO_LARGE];
        Self {
            classifier: Arc::new(ByStatus::any_2xx().unconfirmed().rejects(refused)),
            limits: vec![Limit::per_seconds(LimitScope::Endpoint, at_least_one(30), 1)],
            ..automation(ProfileName::preset("zapier"))
        }
    }

    /// Make's custom webhook: the payload as published, 30 requests in any second. Events wait
    /// while the queue is full or the scenario is switched off.
    #[must_use]
    pub fn make() -> Self {
        Self {
            classifier: Arc::new(MakeAnswers),
            limits: vec![Limit::per_seconds(LimitScope::Endpoint, at_least_one(30), 1)],
            ..automation(ProfileName::preset("make"))
        }
    }

    /// n8n's webhook node: the payload as published. Events wait while n8n starts, when it
    /// answers 200, and while the workflow is not active, when it answers 404.
    #[must_use]
    pub fn n8n() -> Self {
        Self { classifier: Arc::new(N8nAnswers), ..automation(ProfileName::preset("n8n")) }
    }
}

/// The payload as published, signed by Standard Webhooks for those who set a secret: the
/// URL is a credential already.
fn automation(name: ProfileName) -> Profile {
    Profile {
        name,
        signing: Signing::Optional,
        url_of_another: Some(url_of_another),
        disable_after: None,
        ..Profile::standard_raw()
    }
}

/// Judges Make's responses. If a scenario is switched off, Make answers 410 with a sentence
/// that says so. The scenario may be switched on again, so the event waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MakeAnswers;

impl Classify for MakeAnswers {
    fn classify(&self, response: &Response, now: Timestamp) -> Verdict {
        let text = String::from_utf8_lossy(&response.body).to_ascii_lowercase();
        let waits =
            text.contains("queue is full") || text.contains("no scenario") || answer::is_page(&response.body);
        match response.status {
            status if status.is_success() => Verdict::Delivered { confirmed: true },
            StatusCode::PAYLOAD_TOO_LARGE => Verdict::Reject,
            StatusCode::BAD_REQUEST if !waits => Verdict::Reject,
            StatusCode::UNAUTHORIZED | StatusCode::GONE if !waits => Verdict::Gone { disable: true },
            _ => Verdict::Retry { after: retry_after(response, now) },
        }
    }

    fn body_need(&self) -> BodyNeed {
        BodyNeed::Prefix(answer::ENOUGH)
    }
}

/// Judges n8n's responses.
///
/// A server that is still migrating its database answers every request with 200 and one fixed
/// sentence, and runs no workflow. A workflow's own response is judged by its status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct N8nAnswers;

/// What a server answers with 200 before it runs workflows.
/// <https://github.com/n8n-io/n8n/blob/master/packages/cli/src/abstract-server.ts>
const STARTING: &str = "n8n is starting up";
/// n8n's text for a body that it cannot accept: with 500 if it is larger than the server
/// permits, and with 422.
/// <https://github.com/n8n-io/n8n/blob/master/packages/cli/src/middlewares/body-parser.ts>
const TOO_LARGE: &str = "request entity too large";
const UNREADABLE: &str = "Failed to parse request body";

/// An error of n8n's own.
/// <https://github.com/n8n-io/n8n/blob/master/packages/cli/src/response-helper.ts>
#[derive(Deserialize)]
struct Problem {
    message: String,
}

impl Classify for N8nAnswers {
    fn classify(&self, response: &Response, now: Timestamp) -> Verdict {
        let problem = serde_json::from_slice::<Problem>(&response.body).ok();
        let says = |sentence| problem.as_ref().is_some_and(|problem| problem.message == sentence);
        match response.status {
            StatusCode::OK if response.body.starts_with(STARTING.as_bytes()) => {
                Verdict::Retry { after: None }
            }
            status if status.is_success() => Verdict::Delivered { confirmed: true },
            StatusCode::PAYLOAD_TOO_LARGE => Verdict::Reject,
            StatusCode::BAD_REQUEST if !answer::is_page(&response.body) => Verdict::Reject,
            StatusCode::UNPROCESSABLE_ENTITY if says(UNREADABLE) => Verdict::Reject,
            StatusCode::INTERNAL_SERVER_ERROR if says(TOO_LARGE) => Verdict::Reject,
            _ if answer::says_gone(response) => Verdict::Gone { disable: true },
            _ => Verdict::Retry { after: retry_after(response, now) },
        }
    }

    fn body_need(&self) -> BodyNeed {
        BodyNeed::Prefix(answer::ENOUGH)
    }
}
