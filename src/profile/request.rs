//! One HTTP request, ready to be sent.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;

use crate::policy::egress::EndpointUrl;

/// One POST request. `Debug` shows no header value and no body.
#[derive(Clone)]
pub struct Request {
    /// The URL that the request is sent to.
    pub url: EndpointUrl,
    /// All headers but `host` and `content-length`, which the transport sets.
    pub headers: HeaderMap,
    /// The exact bytes that were signed.
    pub body: Bytes,
    /// The timeout for everything: look-up, connection, TLS, request and response head.
    pub timeout: Duration,
    /// The most bytes to read of the response's body.
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
