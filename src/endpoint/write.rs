//! An endpoint to be written, and what became of the write.

use crate::id::EndpointId;
use crate::sequence::Sequence;

use super::Endpoint;

/// An endpoint to be written.
#[derive(Debug, Clone)]
pub struct Write {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The width its lane gets: the endpoint's own, or its profile's.
    pub width: u32,
    /// What must be there before.
    pub expected: Expected,
    /// Whether the tenant may have no other endpoint of this URL.
    pub unique_url: bool,
}

/// What must be in the registry before a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// No endpoint of that id.
    Absent,
    /// The tenant's endpoint at this version.
    Version(u64),
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// It is written, at this version.
    Stored {
        /// The new version.
        version: u64,
        /// The endpoint's `began` as it stands now.
        began: Sequence,
    },
    /// What was expected is not so; nothing was written.
    Conflict {
        /// The version that is there; `None` when there is none for this tenant.
        current: Option<u64>,
    },
    /// Another endpoint of the tenant has this URL; nothing was written.
    DuplicateUrl {
        /// That endpoint.
        endpoint: EndpointId,
    },
}
