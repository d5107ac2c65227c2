//! What a directory returns for the endpoints that it was asked for.

use std::sync::Arc;

use crate::error::{StoreError, StoreErrorKind};
use crate::id::{EndpointId, HostName, TenantId};

use super::Endpoint;

/// What a directory found under one id.
#[derive(Debug, Clone)]
pub enum Loaded {
    /// The endpoint in its present state.
    Found(Arc<Endpoint>),
    /// There is no endpoint with this id.
    Missing,
    /// There is an endpoint, but it cannot be read, so nothing is sent to it.
    Unreadable(Unreadable),
}

impl Loaded {
    /// The endpoint, if it was found and could be read.
    #[must_use]
    pub fn found(self) -> Option<Arc<Endpoint>> {
        match self {
            Self::Found(endpoint) => Some(endpoint),
            Self::Missing | Self::Unreadable(_) => None,
        }
    }

    /// The id of the endpoint; `None` if there is none.
    #[must_use]
    pub fn id(&self) -> Option<&EndpointId> {
        match self {
            Self::Found(endpoint) => Some(&endpoint.id),
            Self::Missing => None,
            Self::Unreadable(unreadable) => Some(&unreadable.id),
        }
    }
}

/// A registered endpoint that cannot be read. Its deliveries wait in its lane until it can
/// be read again or is removed; no other endpoint is affected.
///
/// It names the field and never shows the field's value, which may be a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("endpoint {id}: its {field} {why}")]
pub struct Unreadable {
    /// The id of the endpoint.
    pub id: EndpointId,
    /// The tenant of the endpoint; `None` if that cannot be read either.
    pub tenant: Option<TenantId>,
    /// The first field that cannot be read, such as `url`.
    pub field: &'static str,
    /// Why it cannot be read.
    pub why: WhyUnreadable,
    /// The host of the endpoint's URL; `None` if the URL cannot be read.
    pub host: Option<HostName>,
}

/// Why an endpoint cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WhyUnreadable {
    /// The stored value breaks the rule of its field.
    #[error("cannot be read from what is stored")]
    Broken,
    /// The directory's answer was too short, or was about another endpoint.
    #[error("was not in the directory's answer")]
    NotAnswered,
}

impl WhyUnreadable {
    /// Whether the endpoint may soon be readable again without any action.
    #[must_use]
    pub const fn may_pass_soon(self) -> bool {
        match self {
            Self::Broken => false,
            Self::NotAnswered => true,
        }
    }
}

impl From<Unreadable> for StoreError {
    fn from(unreadable: Unreadable) -> Self {
        let kind = match unreadable.why {
            WhyUnreadable::Broken => StoreErrorKind::Corrupt,
            WhyUnreadable::NotAnswered => StoreErrorKind::Invalid,
        };
        Self::new(kind, unreadable.to_string()).with_told_source(unreadable)
    }
}

/// A page of endpoints in the order of their ids.
#[derive(Debug, Clone, Default)]
pub struct EndpointPage {
    /// The endpoints that could be read.
    pub endpoints: Vec<Arc<Endpoint>>,
    /// The endpoints in the same range of ids that cannot be read.
    pub unreadable: Vec<Unreadable>,
    /// The id after which the next page begins; `None` on the last page.
    pub more_after: Option<EndpointId>,
}
