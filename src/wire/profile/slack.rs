//! Slack's incoming webhooks.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;

use crate::id::ProfileName;
use crate::policy::outcome::{BodyNeed, Classify, Response, Verdict, retry_after};
use crate::policy::rate::{Limit, LimitScope};
use crate::time::Timestamp;
use crate::wire::envelope::Slack;

use super::{HOOKPOST, Profile, answer, at_least_one, chat, user_agent};

impl Profile {
    /// Slack's incoming webhooks: the URL is the credential, one request at a time, ten
    /// in any ten seconds, and an answer read by its word before its status.
    #[must_use]
    pub fn slack() -> Self {
        Self {
            classifier: Arc::new(SlackAnswers),
            headers: user_agent(HOOKPOST),
            limits: vec![Limit::per_seconds(LimitScope::Endpoint, at_least_one(10), 10)],
            ..chat(ProfileName::preset("slack"), Arc::new(Slack::default()))
        }
    }
}

/// Reads Slack's answers. Success is 200 with the body `ok` and nothing else; what
/// failed is told by one word, whose meaning does not depend on the status: a bad URL
/// was seen to be answered 500.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SlackAnswers;

/// The webhook or its channel is no more, or may no longer be posted to.
const GONE: [&str; 12] = [
    "action_prohibited",
    "posting_to_general_channel_denied",
    "invalid_token",
    "token_revoked",
    "team_disabled",
    "no_team",
    "channel_not_found",
    "channel_is_archived",
    "no_service",
    "no_service_id",
    "no_active_hooks",
    "account_inactive",
];

/// Whom the webhook writes to is not there, which may pass.
const AWAY: &str = "user_not_found";

/// This very message is refused.
const REJECTED: [&str; 5] = [
    "invalid_payload",
    "no_text",
    "invalid_blocks",
    "too_many_attachments",
    "missing_text_or_fallback_or_attachments",
];

/// What Slack writes beside a 429.
#[derive(Deserialize)]
struct Limited {
    retry_after: f64,
}

impl Classify for SlackAnswers {
    fn classify(&self, response: &Response, now: Timestamp) -> Verdict {
        let word = std::str::from_utf8(&response.body).unwrap_or_default().trim();
        let retry = Verdict::Retry { after: wait(response, now) };
        match (response.status, word) {
            (StatusCode::OK, "ok") => Verdict::Delivered { confirmed: true },
            (StatusCode::TOO_MANY_REQUESTS, _) => retry,
            (_, word) if GONE.contains(&word) => Verdict::Gone { disable: true },
            (_, word) if REJECTED.contains(&word) => Verdict::Reject,
            _ if answer::says_gone(response) => Verdict::Gone { disable: true },
            (_, AWAY) => retry,
            (StatusCode::PAYLOAD_TOO_LARGE, _) => Verdict::Reject,
            // A code that is new to us is Slack's all the same. A page is somebody else's.
            (StatusCode::BAD_REQUEST, word) if is_word(word) => Verdict::Reject,
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND, word)
                if is_word(word) =>
            {
                Verdict::Gone { disable: true }
            }
            _ => retry,
        }
    }

    fn body_need(&self) -> BodyNeed {
        BodyNeed::Prefix(answer::ENOUGH)
    }
}

/// Whether a text has the form of Slack's codes, each of which is several words joined by
/// underscores. One word alone, such as `forbidden`, is a gateway's.
fn is_word(text: &str) -> bool {
    text.contains('_') && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

fn wait(response: &Response, now: Timestamp) -> Option<Duration> {
    retry_after(response, now).or_else(|| {
        let limited = serde_json::from_slice::<Limited>(&response.body).ok()?;
        answer::seconds(limited.retry_after).filter(|_| response.status == StatusCode::TOO_MANY_REQUESTS)
    })
}
