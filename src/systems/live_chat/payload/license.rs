//! Where things happen.

use serde::{Deserialize, Serialize};

use crate::id::TenantId;

/// A license and the organization it belongs to: bodies up to 3.3 name the one, bodies
/// since then the other. The organization is the tenant, the license the scope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct License {
    /// The license's number.
    pub id: u64,
    /// The organization.
    pub organization: TenantId,
}
