//! LiveSession's body: eight keys around the payload.

use http::HeaderName;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::endpoint::Endpoint;
use crate::event::Event;
use crate::id::Scope;
use crate::profile::{Envelope, Occasion, RenderError, Rendered, Sample, payload_json};

/// Writes the body of LiveSession: exactly eight keys, among them the payload as it was
/// published.
#[derive(Debug)]
pub(super) struct LiveSession;

/// The field order is the documented one; receivers may rely on none.
#[derive(Serialize)]
struct Body<'a> {
    message_id: &'a str,
    webhook_id: &'a str,
    webhook_type: &'a str,
    api_version: &'static str,
    account_id: &'a str,
    website_id: Option<&'a str>,
    created_at: i64,
    payload: &'a RawValue,
}

impl Envelope for LiveSession {
    fn render(&self, event: &Event, endpoint: &Endpoint, _: Occasion) -> Result<Rendered, RenderError> {
        Rendered::json(&Body {
            message_id: event.id.as_str(),
            webhook_id: endpoint.id.as_str(),
            webhook_type: event.kind.as_str(),
            api_version: "v1.0",
            account_id: event.tenant.as_str(),
            website_id: event.scope.as_ref().map(Scope::as_str),
            created_at: event.created_at.unix_seconds(),
            payload: payload_json(event)?,
        })
        .map(Rendered::with_charset)
    }

    fn header_names(&self) -> &[HeaderName] {
        &[]
    }

    fn sample(&self, endpoint: &Endpoint) -> Sample {
        Sample::of_first_type(endpoint, "session.event", SAMPLE)
    }
}

const SAMPLE: &str = concat!(
    r#"{"visitor":{"id":"e4d5932d-4439-4546-a8da-a8d40bc053c6","name":"John Doe","#,
    r#""email":"john.doe@example.com","params":[{"name":"plan","value":"pro"}],"#,
    r#""geolocation":{"country_code":"PL","city":"Wroclaw","region":"Dolnoslaskie"}},"#,
    r#""event_name":"Custom","name":"Test","time":1691161881,"count":1,"value":"This is a test"}"#,
);
