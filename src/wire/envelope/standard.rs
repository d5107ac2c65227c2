//! The body of Standard Webhooks: type and timestamp around the payload.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::endpoint::Endpoint;
use crate::event::{Event, JSON};
use crate::payload::StandardEvent;

use super::{Envelope, Occasion, RenderError, Rendered, Sample, payload_of, test_event, to_body};

/// Writes `{"type", "timestamp", "data"}`, which the Standard Webhooks specification
/// recommends, since its headers carry no type. `data` is the payload as published, and
/// `timestamp` is the event's creation, the same at each retry.
///
/// A receiver reads it as a [`StandardEvent`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standard;

impl Envelope for Standard {
    fn render(&self, event: &Event, _: &Endpoint, _: Occasion) -> Result<Rendered, RenderError> {
        let kind = event.kind.as_str().to_owned();
        let body = to_body(&StandardEvent { kind, timestamp: event.created_at, data: payload_of(event)? })?;
        Ok(Rendered { body, content_type: HeaderValue::from_static(JSON), headers: HeaderMap::new() })
    }

    fn header_names(&self) -> &[HeaderName] {
        &[]
    }

    fn sample(&self, _: &Endpoint) -> Sample {
        test_event(r#"{"test":true}"#)
    }
}
