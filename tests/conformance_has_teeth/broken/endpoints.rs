//! The directory and the registry, each with its faults.

use super::*;

#[async_trait]
impl Directory for Broken {
    async fn subscribers(
        &self,
        event: &EventMeta,
        after: Option<&EndpointId>,
        limit: usize,
    ) -> Result<Subscribers, StoreError> {
        if self.is(Fault::ShowsDisabledEndpoints) {
            let endpoints = self.store.list(&event.tenant, after, limit).await?;
            let last = endpoints.last().map(|endpoint| endpoint.id.clone());
            return Ok(Subscribers { more_after: last.filter(|_| endpoints.len() == limit), endpoints });
        }
        self.store.subscribers(event, after, limit).await
    }

    async fn load(&self, ids: &[EndpointId]) -> Result<Vec<Option<Arc<Endpoint>>>, StoreError> {
        let mut loaded = self.store.load(ids).await?;
        match self.fault {
            Fault::LoadsInReverse => loaded.reverse(),
            Fault::LosesHeaders => {
                for endpoint in loaded.iter_mut().flatten() {
                    *endpoint = Arc::new(Endpoint { headers: Headers::none(), ..Endpoint::clone(endpoint) });
                }
            }
            _ => {}
        }
        Ok(loaded)
    }

    async fn disable(&self, id: &EndpointId, seen_version: u64, why: &str) -> Result<bool, StoreError> {
        let there = self.store.load(std::slice::from_ref(id)).await?;
        let seen_version = match (self.fault, &there[0]) {
            (Fault::DisablesWhateverTheVersion, Some(endpoint)) => endpoint.version,
            _ => seen_version,
        };
        self.store.disable(id, seen_version, why).await
    }
}

#[async_trait]
impl Registry for Broken {
    async fn put(&self, write: &Write) -> Result<Put, StoreError> {
        let mut write = write.clone();
        let there = self.store.load(std::slice::from_ref(&write.endpoint.id)).await?;
        if let (Fault::IgnoresVersions, Expected::Version(_), Some(there)) =
            (self.fault, write.expected, &there[0])
        {
            write.expected = Expected::Version(there.version);
        }
        write.unique_url &= !self.is(Fault::IgnoresUrls);
        write.width = if self.is(Fault::IgnoresWidth) { 1000 } else { write.width };
        if let (Fault::GivesIdsToAnyTenant, Some(there)) = (self.fault, &there[0])
            && there.tenant != write.endpoint.tenant
        {
            self.store.remove(&there.tenant, &there.id).await?;
        }
        match self.store.put(&write).await? {
            Put::Stored { .. } if self.is(Fault::NeverCountsVersions) => Ok(Put::Stored { version: 1 }),
            Put::Conflict { .. }
                if self.is(Fault::GivesRemovedIdsToAnyTenant)
                    && (write.expected, there[0].is_none()) == (Expected::Absent, true) =>
            {
                Ok(Put::Stored { version: 1 })
            }
            put => Ok(put),
        }
    }

    async fn remove(&self, tenant: &TenantId, id: &EndpointId) -> Result<bool, StoreError> {
        if self.is(Fault::OnlyDisablesWhatIsRemoved) {
            let there = self.store.load(std::slice::from_ref(id)).await?;
            let Some(endpoint) = there[0].as_ref().filter(|endpoint| endpoint.tenant == *tenant) else {
                return Ok(false);
            };
            return self.store.disable(id, endpoint.version, "removed").await;
        }
        let was_there = self.store.remove(tenant, id).await?;
        if was_there && self.is(Fault::KeepsPausesOfRemovedEndpoints) {
            let pause = [(Gate::Lane(id.clone()), GateChange::Pause)];
            // Refused where there never was a lane, and then there is no pause to keep.
            self.store.gate(&pause, Timestamp::EPOCH).await.unwrap_or_default();
        }
        Ok(was_there)
    }

    async fn list(
        &self,
        tenant: &TenantId,
        after: Option<&EndpointId>,
        limit: usize,
    ) -> Result<Vec<Arc<Endpoint>>, StoreError> {
        self.store.list(tenant, after, limit).await
    }
}
