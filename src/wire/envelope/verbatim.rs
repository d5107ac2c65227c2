//! The payload alone, as it was published.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::endpoint::Endpoint;
use crate::event::{Event, JSON, check_json};

use super::{Envelope, Occasion, RenderError, Rendered, Sample};

/// Sends the payload's own bytes under the event's own content type: what Standard
/// Webhooks asks for, since its headers carry all the rest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verbatim;

impl Envelope for Verbatim {
    fn render(&self, event: &Event, _: &Endpoint, _: Occasion) -> Result<Rendered, RenderError> {
        // Publishing checks this too, but not what a host's own SQL writes.
        if event.is_json() && check_json(&event.payload).is_err() {
            return Err(RenderError {
                rule: "payload: must be one JSON value in UTF-8, as its content type says",
            });
        }
        let content_type = if event.content_type == JSON {
            HeaderValue::from_static(JSON)
        } else {
            HeaderValue::from_str(&event.content_type)
                .map_err(|_| RenderError { rule: "content_type: must be printable ASCII" })?
        };
        Ok(Rendered { body: event.payload.clone(), content_type, headers: HeaderMap::new() })
    }

    fn header_names(&self) -> &[HeaderName] {
        &[]
    }

    fn sample(&self, endpoint: &Endpoint) -> Sample {
        Sample::of(endpoint, "webhook.test", r#"{"test":true}"#)
    }
}
