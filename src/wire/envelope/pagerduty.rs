//! PagerDuty's body: an alert of the Events API, version 2.

use std::collections::BTreeMap;

use http::HeaderName;
use serde::Serialize;

use crate::endpoint::Endpoint;
use crate::event::Event;
use crate::secret::{Secret, Secrets};
use crate::wire::message::{Message, Script, Template, Unit, Wording};

use super::{Envelope, Occasion, RenderError, Rendered, Sample, rendered_json, told_sample};

const BODY_MAX: usize = 512 * 1024;
const SUMMARY_MAX: usize = 1024;
const TEXT_MAX: usize = 32 * 1024;
const DETAILS_MAX: usize = 50;
const DETAIL_MAX: usize = 1024;
const ROUTING_KEY_LENGTH: usize = 32;

/// PagerDuty shows what it gets as plain text.
const SCRIPT: Script = Script::new(Unit::CodePoints, |character, out| out.push(character));

/// Raises an alert for each event. The integration's routing key is the endpoint's
/// secret, since the URL is the same for everybody.
///
/// An event's id is its deduplication key: retries and replays join the incident that
/// is there. A test ping *resolves* an incident of its own id that never was, which
/// shows that the key is taken and wakes nobody.
#[derive(Debug, Clone)]
pub struct PagerDuty {
    wording: Wording,
    severity: Severity,
}

/// How bad an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something is down.
    Critical,
    /// Something fails.
    Error,
    /// Something may fail.
    Warning,
    /// Nothing fails.
    Info,
}

impl PagerDuty {
    /// Alerts of that severity in the built-in words.
    #[must_use]
    pub fn new(severity: Severity) -> Self {
        Self { wording: Wording::default(), severity }
    }

    /// Words alerts by the host's own template.
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
        let rendered = rendered_json(&body)?;
        if rendered.body.len() > BODY_MAX {
            return Err(RenderError { rule: "alert: must be at most 512 KB, which is what PagerDuty takes" });
        }
        Ok(rendered)
    }

    fn header_names(&self) -> &[HeaderName] {
        &[]
    }

    fn sample(&self, endpoint: &Endpoint) -> Sample {
        told_sample(endpoint)
    }

    fn carries_secret(&self) -> bool {
        true
    }

    fn check_secrets(&self, current: &[Secret]) -> Result<(), RenderError> {
        let rule = "must be the integration's routing key of 32 letters and digits";
        routing_key(current).map(drop).ok_or(RenderError { rule })
    }
}
