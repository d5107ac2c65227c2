//! A write of an endpoint, and its result.

use crate::id::EndpointId;
use crate::sequence::Sequence;

use super::Endpoint;

/// A write of an endpoint.
#[derive(Debug, Clone)]
pub struct Write {
    /// The endpoint to write.
    pub endpoint: Endpoint,
    /// The width of the endpoint's lane: the endpoint's own, or its profile's.
    pub width: u32,
    /// What must be in the registry before the write.
    pub expected: Expected,
    /// Whether the write is refused if the tenant has another endpoint with this URL.
    pub unique_url: bool,
}

/// What must be in the registry before a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// There must be no endpoint with that id.
    Absent,
    /// The tenant's endpoint must be there at this version.
    Version(u64),
}

/// The result of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// The endpoint was written.
    Stored {
        /// The new version.
        version: u64,
        /// The endpoint's `began` after the write.
        began: Sequence,
    },
    /// `Write::expected` did not hold; nothing was written.
    Conflict {
        /// The version that is stored; `None` if the tenant has no such endpoint.
        current: Option<u64>,
    },
    /// Another endpoint of the tenant has this URL; nothing was written.
    DuplicateUrl {
        /// The id of that endpoint.
        endpoint: EndpointId,
    },
}
