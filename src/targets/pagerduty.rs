//! PagerDuty's Events API.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, StatusCode};
use serde::{Deserialize, Serialize};

use crate::endpoint::Endpoint;
use crate::error::BoxError;
use crate::event::Event;
use crate::policy::outcome::{BodyNeed, Classify, Response, Verdict, retry_after};
use crate::profile::{Envelope, Occasion, Profile, RenderError, Rendered, Sample, Signing};
use crate::secret::{Secret, Secrets};
use crate::time::Timestamp;

use super::message::{Message, Script, Template, Unit};
use super::wording::Wording;
use super::{answer, chat, json_body, sample_message};

/// PagerDuty asks senders that were too fast to stay away for a few minutes.
const LIMITED: Duration = Duration::from_secs(3 * 60);

/// What [`Profile::pagerduty`] returns.
pub(crate) fn profile() -> Result<Profile, BoxError> {
    Ok(Profile {
        classifier: Arc::new(PagerDutyAnswers),
        signing: Signing::Required,
        ..chat("pagerduty", Arc::new(PagerDuty::new(Severity::Error)))?
    })
}

/// Judges PagerDuty's responses. 202 is a success, and an event that PagerDuty calls invalid
/// is rejected. If only the routing key is invalid, the endpoint's secret is wrong, and the
/// event waits.
#[derive(Debug)]
struct PagerDutyAnswers;

/// PagerDuty's description of an event that it does not accept. Its status is [`INVALID`].
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

/// Whether PagerDuty's errors are about the event, and not only about the routing key.
fn is_of_the_message(body: &[u8]) -> bool {
    let Ok(Refusal { status, message, errors }) = serde_json::from_slice(body) else { return false };
    let of_the_key = |text: &String| {
        let text = text.to_ascii_lowercase();
        text.contains("routing_key") || text.contains("routing key")
    };
    let said = if errors.is_empty() { vec![message] } else { errors };
    status == INVALID && !said.iter().all(of_the_key)
}

const BODY_MAX: usize = 512 * 1024;
const SUMMARY_MAX: usize = 1024;
const TEXT_MAX: usize = 32 * 1024;
const DETAILS_MAX: usize = 50;
const DETAIL_MAX: usize = 1024;
const ROUTING_KEY_LENGTH: usize = 32;

/// PagerDuty shows what it gets as plain text.
const SCRIPT: Script = Script::new(Unit::CodePoints, |character, out| out.push(character));

/// Creates an alert for each event. The integration's routing key is the endpoint's secret,
/// since the URL is the same for all.
///
/// The event's id is the deduplication key, so retries and replays join the existing incident.
/// A test ping *resolves* an incident with its own id that never existed, which shows that the
/// key is accepted and alerts nobody.
#[derive(Debug, Clone)]
pub struct PagerDuty {
    wording: Wording,
    severity: Severity,
}

/// The severity of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Severity {
    /// Something is down.
    Critical,
    /// Something is failing.
    Error,
    /// Something may fail.
    Warning,
    /// Nothing fails.
    Info,
}

impl PagerDuty {
    /// Alerts of that severity with the built-in texts.
    #[must_use]
    pub fn new(severity: Severity) -> Self {
        Self { wording: Wording::default(), severity }
    }

    /// Uses the host's own template for the alerts.
    #[must_use]
    pub fn worded_by(mut self, template: impl Template + 'static) -> Self {
        self.wording = Wording::by(template);
        self
    }
}

#[derive(Serialize)]
struct Body<'a> {
    routing_key: &'a str,
    event_action: &'static str,
    dedup_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Alert<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<AlertLink<'a>>,
}

#[derive(Serialize)]
struct Alert<'a> {
    summary: String,
    source: &'a str,
    severity: Severity,
    timestamp: String,
    class: &'a str,
    custom_details: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct AlertLink<'a> {
    href: &'a str,
    text: String,
}

fn routing_key(current: &[Secret]) -> Option<&str> {
    let key = std::str::from_utf8(current.first()?.expose()).ok()?.trim();
    (key.len() == ROUTING_KEY_LENGTH && key.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(key)
}

fn details(message: &Message) -> BTreeMap<String, String> {
    let text = [("text".to_owned(), SCRIPT.fit(&message.text, TEXT_MAX))];
    let fields = message.fields.iter().take(DETAILS_MAX);
    let fields =
        fields.map(|field| (SCRIPT.fit(&field.name, DETAIL_MAX), SCRIPT.fit(&field.value, DETAIL_MAX)));
    text.into_iter().filter(|(_, text)| !text.is_empty()).chain(fields).collect()
}

impl Envelope for PagerDuty {
    fn render(
        &self,
        event: &Event,
        endpoint: &Endpoint,
        occasion: Occasion,
    ) -> Result<Rendered, RenderError> {
        let message = self.wording.of(event, occasion);
        let alert = Alert {
            summary: SCRIPT.fit(&message.title, SUMMARY_MAX),
            source: event.scope.as_ref().map_or(event.tenant.as_str(), |scope| scope.as_str()),
            severity: self.severity,
            timestamp: event.created_at.to_rfc3339_seconds(),
            class: event.kind.as_str(),
            custom_details: details(&message),
        };
        let link = message.link.as_ref();
        let links = link.map(|link| AlertLink { href: &link.url, text: SCRIPT.fit(&link.label, DETAIL_MAX) });
        let current = match &endpoint.secrets {
            Secrets::Open(secrets) => &secrets.current[..],
            Secrets::Sealed { .. } => &[],
        };
        let rule = "secret: must be the integration's routing key of 32 letters and digits";
        let body = Body {
            routing_key: routing_key(current).ok_or(RenderError { rule })?,
            event_action: if occasion == Occasion::Test { "resolve" } else { "trigger" },
            dedup_key: event.id.as_str(),
            payload: (occasion == Occasion::Event).then_some(alert),
            links: links.into_iter().collect(),
        };
        let rendered = json_body(&body)?;
        if rendered.body.len() > BODY_MAX {
            return Err(RenderError { rule: "alert: must be at most 512 KB, which is what PagerDuty takes" });
        }
        Ok(rendered)
    }

    fn header_names(&self) -> &[HeaderName] {
        &[]
    }

    fn sample(&self, endpoint: &Endpoint) -> Sample {
        sample_message(endpoint)
    }

    fn carries_secret(&self) -> bool {
        true
    }

    fn check_secrets(&self, current: &[Secret]) -> Result<(), RenderError> {
        let rule = "must be the integration's routing key of 32 letters and digits";
        routing_key(current).map(drop).ok_or(RenderError { rule })
    }
}
