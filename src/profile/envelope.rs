//! From an event and an endpoint to the body's bytes.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::endpoint::Endpoint;
use crate::event::{Event, JSON};
use crate::secret::Secret;

/// Writes the body of a request. The same event and the same endpoint always give
/// the same bytes, so that each retry sends what the first attempt sent.
///
/// It is called on the engine's task and must not block. Where it panics, the delivery
/// fails at once.
pub trait Envelope: fmt::Debug + Send + Sync {
    /// The body, its content type, and the headers that belong to this envelope.
    ///
    /// # Errors
    /// When this envelope cannot carry the event; the delivery then fails at once.
    fn render(&self, event: &Event, endpoint: &Endpoint, occasion: Occasion)
    -> Result<Rendered, RenderError>;

    /// The headers that it may write: an endpoint has none of their names.
    fn header_names(&self) -> &[HeaderName];

    /// The event that a test ping sends: its type, and a payload.
    fn sample(&self, endpoint: &Endpoint) -> Sample;

    /// Path and query of the request, where they are others than the endpoint's own:
    /// a version, a parameter, an idempotency key. The host stays the endpoint's.
    fn target(&self, _event: &Event, _endpoint: &Endpoint) -> Option<String> {
        None
    }

    /// Whether it writes the endpoint's secret into the body, as text, instead of a
    /// scheme signing with it. Hardly any does.
    fn carries_secret(&self) -> bool {
        false
    }

    /// Checks the secrets of an endpoint that is registered, where this envelope asks
    /// something of those that it writes into the body.
    ///
    /// # Errors
    /// When it could not render an event for an endpoint of these secrets. The rule names
    /// no secret; what it says is shown as a rule of the field `secret`.
    fn check_secrets(&self, _current: &[Secret]) -> Result<(), RenderError> {
        Ok(())
    }
}

/// Why a request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// An event happened.
    Event,
    /// Somebody asked for a test.
    Test,
}

/// A written body. Its `Debug` shows neither the body, which may hold a credential,
/// nor a header's value.
#[derive(Clone)]
pub struct Rendered {
    /// The bytes to sign and send.
    pub body: Bytes,
    /// What they are.
    pub content_type: HeaderValue,
    /// Headers that belong to the envelope.
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
    /// Its type.
    pub kind: String,
    /// Its payload, as JSON.
    pub payload: Bytes,
}

/// An event that this envelope cannot carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{rule}")]
pub struct RenderError {
    /// What must hold and does not, such as `payload: must be one JSON value in UTF-8`. It
    /// is kept with the delivery and told to the observer, so it holds no secret.
    pub rule: &'static str,
}

impl Rendered {
    /// A body of JSON, `application/json`, without headers of its own.
    ///
    /// # Errors
    /// When the value cannot be written as JSON.
    pub fn json(body: &impl Serialize) -> Result<Self, RenderError> {
        let body = serde_json::to_vec(body)
            .map_err(|_| RenderError { rule: "body: must be such that it can be written as JSON" })?;
        Ok(Self {
            body: body.into(),
            content_type: HeaderValue::from_static(JSON),
            headers: HeaderMap::new(),
        })
    }

    /// The same body, whose content type names its charset.
    #[must_use]
    pub fn with_charset(self) -> Self {
        Self { content_type: HeaderValue::from_static("application/json; charset=utf-8"), ..self }
    }
}

impl Sample {
    /// A sample of the first event type that the endpoint names without a wildcard, else of
    /// the type `kind`.
    #[must_use]
    pub fn of_first_type(endpoint: &Endpoint, kind: &str, payload: &'static str) -> Self {
        let kind = endpoint.subscription.exact_types().next().map_or(kind, |exact| exact.as_str());
        Self { kind: kind.to_owned(), payload: Bytes::from_static(payload.as_bytes()) }
    }

    /// A sample of the type `webhook.test`, whatever the endpoint subscribes to: a receiver
    /// that acts by the type must not take a test for a real event.
    #[must_use]
    pub fn webhook_test(payload: &'static str) -> Self {
        Self { kind: "webhook.test".to_owned(), payload: Bytes::from_static(payload.as_bytes()) }
    }
}

/// The payload's JSON text, to be embedded as it was published: the order of the keys, the
/// form of the numbers, escapes and inner white space stay. White space around it is left out.
///
/// # Errors
/// When the event's content type is not JSON, or the payload is not one JSON value. The
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
