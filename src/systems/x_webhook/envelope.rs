//! The body of X-Webhook: event, timestamp and data. The first two are sent as headers too.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::endpoint::Endpoint;
use crate::event::Event;
use crate::profile::{Envelope, Occasion, RenderError, Rendered, Sample, payload_json};

const EVENT: HeaderName = HeaderName::from_static("x-webhook-event");
const TIMESTAMP: HeaderName = HeaderName::from_static("x-webhook-timestamp");
const TEST: HeaderName = HeaderName::from_static("x-webhook-test");

static OWN: [HeaderName; 3] = [EVENT, TIMESTAMP, TEST];

/// Writes the body of Botble Live Chat: `{"event","timestamp","data"}`. The timestamp is the
/// creation time of the event, the same for each retry.
#[derive(Debug)]
pub(super) struct XWebhook;

#[derive(Serialize)]
struct Body<'a> {
    event: &'a str,
    timestamp: &'a str,
    data: &'a RawValue,
}

impl Envelope for XWebhook {
    fn render(&self, event: &Event, _: &Endpoint, occasion: Occasion) -> Result<Rendered, RenderError> {
        let kind = event.kind.as_str();
        let timestamp = event.created_at.to_rfc3339_seconds();
        let body = Body { event: kind, timestamp: &timestamp, data: payload_json(event)? };
        let text = |text: &str| {
            HeaderValue::from_str(text).map_err(|_| RenderError { rule: "type: must be visible ASCII" })
        };
        let mut headers = HeaderMap::with_capacity(3);
        headers.insert(EVENT, text(kind)?);
        headers.insert(TIMESTAMP, text(&timestamp)?);
        if occasion == Occasion::Test {
            headers.insert(TEST, HeaderValue::from_static("true"));
        }
        Ok(Rendered { headers, ..Rendered::json(&body)? })
    }

    fn header_names(&self) -> &[HeaderName] {
        &OWN
    }

    fn sample(&self, endpoint: &Endpoint) -> Sample {
        let sample = Sample::of_first_type(endpoint, "message.received", MESSAGE);
        if sample.kind == "conversation.started" {
            Sample { payload: CONVERSATION.into(), ..sample }
        } else {
            sample
        }
    }
}

const MESSAGE: &str = concat!(
    r#"{"message_id":0,"content":"This is a test message.","is_from_admin":false,"admin_name":null,"#,
    r#""conversation_id":0,"visitor_name":"John Doe","visitor_email":"john@example.com","#,
    r#""visitor_phone":null,"visitor_ip":"203.0.113.24","current_url":"https://example.com/","#,
    r#""status":"open","created_at":"2025-01-15T10:30:00+00:00"}"#,
);

const CONVERSATION: &str = concat!(
    r#"{"conversation_id":0,"visitor_name":"John Doe","visitor_email":"john@example.com","#,
    r#""visitor_phone":null,"visitor_ip":"203.0.113.24","current_url":"https://example.com/","#,
    r#""status":"open","created_at":"2025-01-15T10:30:00+00:00"}"#,
);
