//! The directory and the registry, each with its faults.

use super::*;

#[async_trait]
impl Directory for Broken {
    async fn subscribers(
        &self,
        event: &EventMeta,
        after: Option<&EndpointId>,
        limit: usize,
    ) -> Result<EndpointPage, StoreError> {
        if self.is(Fault::ShowsDisabledEndpoints) {
            return self.store.list(&event.tenant, after, limit).await;
        }
        self.store.subscribers(event, after, limit).await
    }

    async fn load(&self, ids: &[EndpointId]) -> Result<Vec<Loaded>, StoreError> {
        let mut loaded = self.store.load(ids).await?;
        match self.fault {
            Fault::LoadsInReverse => loaded.reverse(),
            Fault::CountsNoGenerations => {
                for found in &mut loaded {
                    if let Loaded::Found(endpoint) = found {
                        let unknown = Generation::UNKNOWN;
                        *endpoint = Arc::new(Endpoint { generation: unknown, ..Endpoint::clone(endpoint) });
                    }
                }
            }
            Fault::NumbersRegistrationsByThemselves => {
                for found in &mut loaded {
                    if let Loaded::Found(endpoint) = found {
                        let Endpoint { mut generation, .. } = Endpoint::clone(endpoint);
                        generation.registration = generation.registration.div_ceil(1_000);
                        *endpoint = Arc::new(Endpoint { generation, ..Endpoint::clone(endpoint) });
                    }
                }
            }
            Fault::LosesHeaders => {
                for found in &mut loaded {
                    if let Loaded::Found(endpoint) = found {
                        *endpoint =
                            Arc::new(Endpoint { headers: Headers::none(), ..Endpoint::clone(endpoint) });
                    }
                }
            }
            _ => {}
        }
        Ok(loaded)
    }

    async fn disable(&self, seen: &Endpoint, why: &str) -> Result<bool, StoreError> {
        let there = self.store.load(std::slice::from_ref(&seen.id)).await?;
        match (self.fault, &there[0]) {
            (Fault::DisablesWhateverTheVersion, Loaded::Found(endpoint)) => {
                self.store.disable(endpoint, why).await
            }
            (Fault::DisablesWhateverTheRegistration, Loaded::Found(endpoint)) => {
                let seen = Endpoint { generation: endpoint.generation, ..seen.clone() };
                self.store.disable(&seen, why).await
            }
            _ => self.store.disable(seen, why).await,
        }
    }
}

#[async_trait]
impl Registry for Broken {
    async fn put(&self, write: &Write) -> Result<Put, StoreError> {
        let mut write = write.clone();
        let there = self.store.load(std::slice::from_ref(&write.endpoint.id)).await?;
        if let (Fault::IgnoresVersions, Expected::Version(_), Loaded::Found(there)) =
            (self.fault, write.expected, &there[0])
        {
            write.expected = Expected::Version(there.version);
        }
        write.unique_url &= !self.is(Fault::IgnoresUrls);
        write.width = if self.is(Fault::IgnoresWidth) { 1000 } else { write.width };
        if let (Fault::GivesIdsToAnyTenant, Loaded::Found(there)) = (self.fault, &there[0])
            && there.tenant != write.endpoint.tenant
        {
            self.store.remove(&there.tenant, &there.id).await?;
        }
        let put = self.store.put(&write).await?;
        let lane = Gate::Lane(write.endpoint.id.clone());
        let change = match self.fault {
            Fault::HoldsWhatBeginsAnew => Some(GateChange::Hold(Timestamp::from_micros(i64::MAX))),
            Fault::LiftsHoldsAtEveryWrite => Some(GateChange::Lift),
            _ => None,
        };
        if let Some(change) = change {
            self.store.gate(&[(lane, change)], Timestamp::EPOCH).await?;
        }
        match put {
            Put::Stored { version, .. } if self.is(Fault::BeginsEndpointsFirst) => {
                Ok(Put::Stored { version, began: Sequence::START })
            }
            Put::Stored { began, .. } if self.is(Fault::NeverCountsVersions) => {
                Ok(Put::Stored { version: 1, began })
            }
            Put::Conflict { .. }
                if self.is(Fault::GivesRemovedIdsToAnyTenant)
                    && matches!((write.expected, &there[0]), (Expected::Absent, Loaded::Missing)) =>
            {
                Ok(Put::Stored { version: 1, began: Sequence::START })
            }
            put => Ok(put),
        }
    }

    async fn remove(&self, tenant: &TenantId, id: &EndpointId) -> Result<Option<Sequence>, StoreError> {
        if self.is(Fault::OnlyDisablesWhatIsRemoved) {
            let there = self.store.load(std::slice::from_ref(id)).await?;
            let Loaded::Found(endpoint) = &there[0] else { return Ok(None) };
            if endpoint.tenant != *tenant {
                return Ok(None);
            }
            return Ok(self.store.disable(endpoint, "removed").await?.then_some(Sequence::START));
        }
        let removed = self.store.remove(tenant, id).await?;
        if self.is(Fault::RemovesEndpointsAtNoPlace) {
            return Ok(removed.map(|_| Sequence::START));
        }
        if removed.is_some() && self.is(Fault::KeepsPausesOfRemovedEndpoints) {
            let pause = [(Gate::Lane(id.clone()), GateChange::Pause)];
            // Refused where there never was a lane, and then there is no pause to keep.
            self.store.gate(&pause, Timestamp::EPOCH).await.unwrap_or_default();
        }
        Ok(removed)
    }

    async fn switch_off(&self, tenant: &TenantId, id: &EndpointId) -> Result<bool, StoreError> {
        if self.is(Fault::SwitchesNothingOff) {
            let page = self.store.list(tenant, None, 1000).await?;
            return Ok(page.endpoints.iter().any(|endpoint| endpoint.id == *id));
        }
        self.store.switch_off(tenant, id).await
    }

    async fn list(
        &self,
        tenant: &TenantId,
        after: Option<&EndpointId>,
        limit: usize,
    ) -> Result<EndpointPage, StoreError> {
        self.store.list(tenant, after, limit).await
    }
}
