//! The endpoints of one profile, through the façade.

use std::sync::Arc;

use crate::endpoint::{Endpoint, EndpointError};
use crate::error::StoreError;
use crate::id::{EndpointId, ProfileName, TenantId};
use crate::webhooks::{NewEndpoint, RegisterError, Webhooks};

use super::AdminError;

/// A tenant's endpoints of one profile; those of another are not found.
#[derive(Debug, Clone)]
pub(in crate::systems) struct Endpoints {
    pub(in crate::systems) webhooks: Webhooks,
    pub(in crate::systems) profile: ProfileName,
}

const PAGE: usize = 100;
/// How often a change is repeated because another call wrote the endpoint in between.
const TRIES: usize = 8;

impl Endpoints {
    pub(in crate::systems) fn new(webhooks: Webhooks, profile: ProfileName) -> Self {
        Self { webhooks, profile }
    }

    /// An endpoint to fill in.
    pub(in crate::systems) fn blank(
        &self,
        tenant: &TenantId,
        url: &str,
    ) -> Result<NewEndpoint, EndpointError> {
        NewEndpoint::new(tenant.as_str(), url, self.profile.as_str())
    }

    /// The endpoints that can be read; which profile another one has is not known.
    pub(in crate::systems) async fn all(&self, tenant: &TenantId) -> Result<Vec<Arc<Endpoint>>, StoreError> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.webhooks.endpoints(tenant, after.as_ref(), PAGE).await?;
            found.extend(page.endpoints.into_iter().filter(|endpoint| endpoint.profile == self.profile));
            match page.more_after {
                Some(last) => after = Some(last),
                None => return Ok(found),
            }
        }
    }

    pub(in crate::systems) async fn one(
        &self,
        tenant: &TenantId,
        id: &EndpointId,
    ) -> Result<Arc<Endpoint>, AdminError> {
        let found = self.webhooks.endpoint(tenant, id).await?;
        found.filter(|endpoint| endpoint.profile == self.profile).ok_or(AdminError::NotFound)
    }

    /// Reads an endpoint, and writes what `change` makes of it.
    pub(in crate::systems) async fn change(
        &self,
        tenant: &TenantId,
        id: &EndpointId,
        change: impl Fn(&Endpoint) -> Result<NewEndpoint, AdminError>,
    ) -> Result<Arc<Endpoint>, AdminError> {
        let mut refused = RegisterError::NotFound;
        for _ in 0..TRIES {
            let before = self.one(tenant, id).await?;
            match self.webhooks.update(id, before.version, change(&before)?).await {
                Err(conflict @ RegisterError::Conflict { .. }) => refused = conflict,
                done => return Ok(done?),
            }
        }
        Err(refused.into())
    }

    pub(in crate::systems) async fn remove(
        &self,
        tenant: &TenantId,
        id: &EndpointId,
    ) -> Result<(), AdminError> {
        self.one(tenant, id).await?;
        if self.webhooks.remove(tenant, id).await? { Ok(()) } else { Err(AdminError::NotFound) }
    }
}
