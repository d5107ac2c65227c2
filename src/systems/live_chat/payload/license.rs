//! Licenses and the organizations they belong to.

use serde::{Deserialize, Serialize};

use crate::id::TenantId;

/// A license and its organization. Bodies up to 3.3 contain the license, bodies since 3.4 the
/// organization. The organization is the tenant, the license the scope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct License {
    /// The license's number.
    pub id: u64,
    /// The id of the organization.
    pub organization: TenantId,
}
