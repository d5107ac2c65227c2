//! From an event and an endpoint to the body's bytes.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

use crate::endpoint::Endpoint;
use crate::event::Event;

/// Writes the body of a request. The same event and the same endpoint always give
/// the same bytes, so that each retry sends what the first attempt sent.
pub trait Envelope: fmt::Debug + Send + Sync {
    /// The body, its content type, and the headers that belong to this envelope.
    ///
    /// # Errors
    /// When this envelope cannot carry the event; the delivery then fails at once.
    fn render(&self, event: &Event, endpoint: &Endpoint, occasion: Occasion)
    -> Result<Rendered, RenderError>;

    /// The event that a test ping sends: a type this endpoint listens to, and a payload.
    fn sample(&self, endpoint: &Endpoint) -> Sample;
}

/// Why a request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// An event happened.
    Event,
    /// Somebody asked for a test.
    Test,
}

/// A written body.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// The bytes to sign and send.
    pub body: Bytes,
    /// What they are.
    pub content_type: HeaderValue,
    /// Headers that belong to the envelope.
    pub headers: HeaderMap,
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
    /// What the envelope asks for.
    pub rule: &'static str,
}
