//! The payload alone, as it was published.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::endpoint::Endpoint;
use crate::event::{Event, JSON, check_json};

use super::{Envelope, Occasion, RenderError, Rendered, Sample, test_event};

/// Sends the payload's own bytes under the event's own content type. The receiver learns
/// the event's type only if the payload contains it: [`Standard`](super::Standard) adds it.
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

    fn sample(&self, _: &Endpoint) -> Sample {
        test_event(r#"{"type":"webhook.test","data":{"test":true}}"#)
    }
}
