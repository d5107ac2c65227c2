//! Writes the body of a request from an event and an endpoint.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::endpoint::Endpoint;
use crate::event::{Event, JSON};
use crate::secret::Secret;

/// Writes the body of a request. The same event and endpoint must always give the same bytes,
/// so that each retry sends what the first attempt sent.
///
/// It is called on the engine's task and must not block. If it panics, the delivery fails at
/// once.
pub trait Envelope: fmt::Debug + Send + Sync {
    /// Writes the body, its content type, and the headers that belong to this envelope.
    ///
    /// # Errors
    /// If this envelope cannot write the event. The delivery then fails at once.
    fn render(&self, event: &Event, endpoint: &Endpoint, occasion: Occasion)
    -> Result<Rendered, RenderError>;

    /// The headers that this envelope may write. An endpoint may not have headers of these
    /// names.
    fn header_names(&self) -> &[HeaderName];

    /// The event that a test ping sends: its type, and a payload.
    fn sample(&self, endpoint: &Endpoint) -> Sample;

    /// The path and query of the request, if they differ from those of the endpoint's URL:
    /// with a version, a parameter or an idempotency key. The host is always the endpoint's.
    fn target(&self, _event: &Event, _endpoint: &Endpoint) -> Option<String> {
        None
    }

    /// Whether the envelope writes the endpoint's secret into the body, as text, instead of a
    /// scheme signing with it. Very few do.
    fn carries_secret(&self) -> bool {
        false
    }

    /// Checks the secrets of an endpoint that is being registered, if this envelope has rules
    /// for the secrets that it writes into the body.
    ///
    /// # Errors
    /// If it could not write an event for an endpoint with these secrets. The rule must not
    /// contain a secret; it is shown as a rule of the field `secret`.
    fn check_secrets(&self, _current: &[Secret]) -> Result<(), RenderError> {
        Ok(())
    }
}

/// The reason for which a request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// An event is delivered.
    Event,
    /// The host asked for a test ping.
    Test,
}

/// The body of a request. `Debug` shows neither the body, which may hold a credential, nor the
/// value of any header.
#[derive(Clone)]
pub struct Rendered {
    /// The bytes to sign and send.
    pub body: Bytes,
    /// The content type of the bytes.
    pub content_type: HeaderValue,
    /// The headers that the envelope adds.
    pub headers: HeaderMap,
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rendered")
            .field("body_bytes", &self.body.len())
            .field("content_type", &self.content_type)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// The event that a test ping sends.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The type of the event.
    pub kind: String,
    /// The payload of the event, as JSON.
    pub payload: Bytes,
}

/// Why an envelope cannot write a body for an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{rule}")]
pub struct RenderError {
    /// The rule that does not hold, such as `payload: must be one JSON value in UTF-8`. It is
    /// stored with the delivery and shown to the observer, so it must hold no secret.
    pub rule: &'static str,
}

impl Rendered {
    /// A JSON body, with the content type `application/json` and no further headers.
    ///
    /// # Errors
    /// If the value cannot be serialised as JSON.
    pub fn json(body: &impl Serialize) -> Result<Self, RenderError> {
        let body = serde_json::to_vec(body)
            .map_err(|_| RenderError { rule: "body: must be such that it can be written as JSON" })?;
        Ok(Self {
            body: body.into(),
            content_type: HeaderValue::from_static(JSON),
            headers: HeaderMap::new(),
        })
    }

    /// The same body, with the charset in its content type.
    #[must_use]
    pub fn with_charset(self) -> Self {
        Self { content_type: HeaderValue::from_static("application/json; charset=utf-8"), ..self }
    }
}

impl Sample {
    /// A sample of the first event type in the endpoint's subscription without a wildcard, or
    /// else of the type `kind`.
    #[must_use]
    pub fn of_first_type(endpoint: &Endpoint, kind: &str, payload: &'static str) -> Self {
        let kind = endpoint.subscription.exact_types().next().map_or(kind, |exact| exact.as_str());
        Self { kind: kind.to_owned(), payload: Bytes::from_static(payload.as_bytes()) }
    }

    /// A sample of the type `webhook.test`, whatever the endpoint subscribes to, so that a
    /// receiver that acts on the type does not take a test for a real event.
    #[must_use]
    pub fn webhook_test(payload: &'static str) -> Self {
        Self { kind: "webhook.test".to_owned(), payload: Bytes::from_static(payload.as_bytes()) }
    }
}

/// The payload's JSON text, to be embedded exactly as it was published, with its order of
/// keys, form of numbers, escapes and inner white space. Only the white space around it is
/// removed.
///
/// # Errors
/// If the event's content type is not JSON, or if the payload is not one JSON value. The
/// payload is checked again here, because a text that is not one JSON value could close the
/// envelope's object and forge its other keys.
pub fn payload_json(event: &Event) -> Result<&RawValue, RenderError> {
    if !event.is_json() {
        return Err(RenderError {
            rule: "content_type: must be JSON, since this profile puts the payload into a JSON body",
        });
    }
    serde_json::from_slice(&event.payload)
        .map_err(|_| RenderError { rule: "payload: must be one JSON value in UTF-8" })
}
