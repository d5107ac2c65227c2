//! Zapier, Make and n8n, which accept any body.

use std::num::NonZeroU32;
use std::sync::Arc;

use http::StatusCode;
use serde::Deserialize;

use crate::error::BoxError;
use crate::policy::outcome::{BodyNeed, ByStatus, Classify, Response, Verdict, retry_after};
use crate::policy::rate::{Limit, LimitScope};
use crate::profile::{Profile, Signing};
use crate::time::Timestamp;

use super::answer;
use super::detect::url_of_another;

/// What [`Profile::zapier`] returns.
pub(crate) fn zapier() -> Result<Profile, BoxError> {
    let refused = [StatusCode::BAD_REQUEST, StatusCode::PAYLOAD_TOO_LARGE];
    Ok(Profile {
        classifier: Arc::new(ByStatus::any_2xx().unconfirmed().rejects(refused)),
        limits: vec![Limit::per_seconds(LimitScope::Endpoint, NonZeroU32::try_from(30)?, 1)],
        ..automation("zapier")?
    })
}

/// What [`Profile::make`] returns.
pub(crate) fn make() -> Result<Profile, BoxError> {
    Ok(Profile {
        classifier: Arc::new(MakeAnswers),
        limits: vec![Limit::per_seconds(LimitScope::Endpoint, NonZeroU32::try_from(30)?, 1)],
        ..automation("make")?
    })
}

/// What [`Profile::n8n`] returns.
pub(crate) fn n8n() -> Result<Profile, BoxError> {
    Ok(Profile { classifier: Arc::new(N8nAnswers), ..automation("n8n")? })
}

/// The payload as published, signed by Standard Webhooks for those who set a secret: the
/// URL is a credential already.
fn automation(name: &str) -> Result<Profile, BoxError> {
    Ok(Profile {
        name: name.parse()?,
        signing: Signing::Optional,
        url_of_another: Some(url_of_another),
        disable_after: None,
        ..Profile::standard_raw()
    })
}

/// Judges Make's responses. If a scenario is switched off, Make answers 410 with a sentence
/// that says so. The scenario may be switched on again, so the event waits.
#[derive(Debug)]
struct MakeAnswers;

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
#[derive(Debug)]
struct N8nAnswers;

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
