//! Zapier, Make and n8n: they take any body, and people build upon it what they like.

use std::sync::Arc;

use http::StatusCode;

use crate::id::ProfileName;
use crate::policy::outcome::{BodyNeed, ByStatus, Classify, Response, Verdict};
use crate::policy::rate::{Limit, LimitScope};
use crate::time::Timestamp;

use super::{Profile, Signing, answer, at_least_one};

impl Profile {
    /// Zapier's catch hook: the payload as published, 30 requests in any second. It
    /// answers 200 whether or not a Zap listens, so no delivery is ever confirmed.
    #[must_use]
    pub fn zapier() -> Self {
        let refused = [StatusCode::BAD_REQUEST, StatusCode::PAYLOAD_TOO_LARGE];
        Self {
            classifier: Arc::new(ByStatus::any_2xx().unconfirmed().rejects(refused)),
            limits: vec![Limit::per_seconds(LimitScope::Endpoint, at_least_one(30), 1)],
            ..automation(ProfileName::preset("zapier"))
        }
    }

    /// Make's custom webhook: the payload as published, 30 requests in any second. A
    /// full queue is answered 400, and waited for.
    #[must_use]
    pub fn make() -> Self {
        Self {
            classifier: Arc::new(MakeAnswers),
            limits: vec![Limit::per_seconds(LimitScope::Endpoint, at_least_one(30), 1)],
            ..automation(ProfileName::preset("make"))
        }
    }

    /// n8n's webhook node: the payload as published. A 404 means that the workflow is
    /// not active now, so it is waited for.
    #[must_use]
    pub fn n8n() -> Self {
        let refused = [StatusCode::BAD_REQUEST, StatusCode::PAYLOAD_TOO_LARGE];
        Self {
            classifier: Arc::new(ByStatus::any_2xx().rejects(refused)),
            ..automation(ProfileName::preset("n8n"))
        }
    }
}

/// The payload as published, signed by Standard Webhooks for those who set a secret: the
/// URL is a credential already.
fn automation(name: ProfileName) -> Profile {
    Profile { name, signing: Signing::Optional, disable_after: None, ..Profile::standard_raw() }
}

/// Reads Make's answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MakeAnswers;

impl Classify for MakeAnswers {
    fn classify(&self, response: &Response, now: Timestamp) -> Verdict {
        let text = String::from_utf8_lossy(&response.body).to_ascii_lowercase();
        let waits = text.contains("queue is full") || text.contains("no scenario");
        let refused: &[_] = if waits {
            &[StatusCode::PAYLOAD_TOO_LARGE]
        } else {
            &[StatusCode::BAD_REQUEST, StatusCode::PAYLOAD_TOO_LARGE]
        };
        ByStatus::any_2xx().gone_at([StatusCode::UNAUTHORIZED]).rejects(refused).classify(response, now)
    }

    fn body_need(&self) -> BodyNeed {
        BodyNeed::Prefix(answer::ENOUGH)
    }
}
