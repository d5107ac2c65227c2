//! The way out.

use std::time::Duration;

use async_trait::async_trait;

use crate::policy::outcome::Outcome;
use crate::wire::request::Request;

/// Sends requests. One call is one request on the wire: no retry, no redirect, no
/// decompression, and the request's timeout over everything. A body that breaks
/// after its head is still a response.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends one request; answers what came back and how long it took.
    async fn send(&self, request: Request) -> (Outcome, Duration);
}
