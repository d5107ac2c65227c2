//! Reasons that notices give.

use std::fmt;

/// Why the engine disabled an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DisableReason {
    /// The endpoint answered that it is gone for good.
    Gone,
    /// The endpoint has answered with failures alone for as long as its profile allows.
    Failing,
}

/// A fault in this process, because of which claiming stops for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OwnFaultReason {
    /// The store failed.
    Store,
    /// The source of random numbers failed.
    NoRandomness,
    /// Requests of several tenants reached no network, or the resolver answered none of them.
    NoNetwork,
}

/// What the engine asked the store, or another part of the backend, to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum StoreCall {
    /// Store events.
    Publish,
    /// Claim work.
    Claim,
    /// Read endpoints to which events may be routed.
    ReadEndpoints,
    /// Load the endpoints of claimed work, or ask the limiter for its starts.
    LoadOrLimit,
    /// Settle claimed work.
    Settle,
    /// Hold a tenant or a host.
    Gate,
    /// Disable an endpoint.
    Disable,
    /// Delete what is past its retention.
    Prune,
    /// Read the store's time.
    Clock,
}

impl DisableReason {
    /// The reason as a sentence about the endpoint. A store keeps it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "it answered that it is gone",
            Self::Failing => "every answer has been a failure for too long",
        }
    }
}

impl OwnFaultReason {
    /// The fault in words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Store => "the store failed",
            Self::NoRandomness => "the source of random numbers failed",
            Self::NoNetwork => "no network was reached",
        }
    }
}

impl StoreCall {
    /// The call in a word or two.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Claim => "claim",
            Self::ReadEndpoints => "reading endpoints",
            Self::LoadOrLimit => "directory or limiter",
            Self::Settle => "settle",
            Self::Gate => "gate",
            Self::Disable => "disable",
            Self::Prune => "prune",
            Self::Clock => "clock",
        }
    }
}

impl fmt::Display for DisableReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for OwnFaultReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for StoreCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
