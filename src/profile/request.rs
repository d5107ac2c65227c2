//! One HTTP request, ready to be sent.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;

use crate::policy::egress::EndpointUrl;

/// One POST. Its `Debug` shows no header value and no body.
#[derive(Clone)]
pub struct Request {
    /// Where to.
    pub url: EndpointUrl,
    /// All headers but those that the frame needs (`host`, `content-length`).
    pub headers: HeaderMap,
    /// The very bytes that were signed.
    pub body: Bytes,
    /// The deadline over everything: name, connection, TLS, request, response head.
    pub timeout: Duration,
    /// How much of the response's body to read at most.
    pub response_body_max: usize,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("url", &self.url)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("body_bytes", &self.body.len())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
