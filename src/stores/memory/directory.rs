//! The endpoints, for routing, for sending, and for the host that writes them.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

use crate::delivery::EventMeta;
use crate::endpoint::{Endpoint, EndpointPage, Expected, Generation, Loaded, Put, Write};
use crate::history::Disabled;
use crate::id::{EndpointId, TenantId};
use crate::sequence::Sequence;

struct EndpointRow {
    endpoint: Arc<Endpoint>,
    /// The width of its lane.
    width: u32,
    /// Why the engine disabled it; `None` if the engine did not.
    disabled_why: Option<String>,
}

#[derive(Default)]
pub(super) struct Endpoints {
    tenants: HashMap<TenantId, BTreeMap<EndpointId, EndpointRow>>,
    /// The tenant of each id. Ids are unique across all tenants.
    owners: HashMap<EndpointId, TenantId>,
}

impl Endpoints {
    pub(super) fn get(&self, id: &EndpointId) -> Option<&Arc<Endpoint>> {
        self.row(id).map(|row| &row.endpoint)
    }

    /// The width of the endpoint's lane.
    pub(super) fn width(&self, id: &EndpointId) -> u32 {
        self.row(id).map_or(1, |row| row.width)
    }

    /// Who disabled the endpoint, and why.
    pub(super) fn disabled(&self, id: &EndpointId) -> Option<Disabled> {
        let row = self.row(id).filter(|row| !row.endpoint.enabled)?;
        let by_engine = row.disabled_why.clone().map(|why| Disabled::ByEngine { why });
        Some(by_engine.unwrap_or(Disabled::ByHost))
    }

    fn row(&self, id: &EndpointId) -> Option<&EndpointRow> {
        self.tenants.get(self.owners.get(id)?)?.get(id)
    }

    pub(super) fn load(&self, ids: &[EndpointId]) -> Vec<Loaded> {
        ids.iter().map(|id| self.get(id).cloned().map_or(Loaded::Missing, Loaded::Found)).collect()
    }

    pub(super) fn subscribers(
        &self,
        event: &EventMeta,
        after: Option<&EndpointId>,
        limit: usize,
    ) -> EndpointPage {
        page(self.after(&event.tenant, after).filter(|endpoint| endpoint.enabled), limit)
    }

    pub(super) fn list(&self, tenant: &TenantId, after: Option<&EndpointId>, limit: usize) -> EndpointPage {
        page(self.after(tenant, after), limit)
    }

    fn after(&self, tenant: &TenantId, after: Option<&EndpointId>) -> impl Iterator<Item = &Arc<Endpoint>> {
        let start = after.map_or(Unbounded, Excluded);
        let of_tenant = self.tenants.get(tenant).into_iter();
        of_tenant
            .flat_map(move |rows| rows.range((start, Unbounded::<&EndpointId>)))
            .map(|(_, row)| &row.endpoint)
    }

    pub(super) fn switch_off(&mut self, tenant: &TenantId, id: &EndpointId) -> bool {
        let Some(row) = self.tenants.get_mut(tenant).and_then(|rows| rows.get_mut(id)) else { return false };
        let endpoint = Arc::make_mut(&mut row.endpoint);
        // If the engine has disabled it before, that reason stays.
        if std::mem::replace(&mut endpoint.enabled, false) {
            row.disabled_why = None;
        }
        endpoint.version += 1;
        true
    }

    pub(super) fn disable(&mut self, seen: &Endpoint, why: &str) -> bool {
        let row = self.tenants.get_mut(&seen.tenant).and_then(|rows| rows.get_mut(&seen.id));
        let still_is = |row: &EndpointRow| {
            let Endpoint { generation, version, .. } = *row.endpoint;
            (generation.registration, version) == (seen.generation.registration, seen.version)
        };
        let Some(row) = row.filter(|row| still_is(row)) else { return false };
        let endpoint = Arc::make_mut(&mut row.endpoint);
        endpoint.enabled = false;
        endpoint.version += 1;
        row.disabled_why = Some(why.to_owned());
        true
    }

    /// Writes an endpoint. `next_place` returns the next number of the store's order.
    pub(super) fn put(&mut self, write: &Write, next_place: impl FnOnce() -> Sequence) -> Put {
        let Endpoint { id, tenant, url, .. } = &write.endpoint;
        let current = self.get(id).filter(|endpoint| endpoint.tenant == *tenant).map(|there| there.version);
        let fits = match write.expected {
            Expected::Absent => !self.owners.contains_key(id),
            Expected::Version(version) => current == Some(version),
        };
        if !fits {
            return Put::Conflict { current };
        }
        if write.unique_url {
            let same_url =
                self.after(tenant, None).find(|other| other.id != *id && other.url.expose() == url.expose());
            if let Some(other) = same_url {
                return Put::DuplicateUrl { endpoint: other.id.clone() };
            }
        }
        let version = current.unwrap_or(0) + 1;
        let before = self.get(id).filter(|before| before.enabled || !write.endpoint.enabled);
        let began = before.map_or_else(next_place, |before| before.began);
        // The engine's reason for disabling it stays until the endpoint is enabled.
        let before = self.row(id).filter(|_| !write.endpoint.enabled);
        let disabled_why = before.and_then(|row| row.disabled_why.clone());
        let generation = match self.get(id) {
            None => Generation { registration: began.number(), renewal: 0 },
            Some(there) => {
                let renewal = u64::from(there.begins_anew_as(&write.endpoint));
                Generation { renewal: there.generation.renewal + renewal, ..there.generation }
            }
        };
        let endpoint = Arc::new(Endpoint { began, version, generation, ..write.endpoint.clone() });
        self.owners.insert(id.clone(), tenant.clone());
        let of_tenant = self.tenants.entry(tenant.clone()).or_default();
        of_tenant.insert(id.clone(), EndpointRow { endpoint, width: write.width, disabled_why });
        Put::Stored { version, began }
    }

    pub(super) fn remove(&mut self, tenant: &TenantId, id: &EndpointId) -> bool {
        let Some(of_tenant) = self.tenants.get_mut(tenant) else { return false };
        let was_there = of_tenant.remove(id).is_some();
        if was_there {
            self.owners.remove(id);
        }
        if of_tenant.is_empty() {
            self.tenants.remove(tenant);
        }
        was_there
    }
}

fn page<'a>(mut endpoints: impl Iterator<Item = &'a Arc<Endpoint>>, limit: usize) -> EndpointPage {
    let page: Vec<_> = endpoints.by_ref().take(limit).cloned().collect();
    let last = page.last().map(|endpoint| endpoint.id.clone());
    let more_after = last.filter(|_| endpoints.next().is_some());
    EndpointPage { endpoints: page, unreadable: Vec::new(), more_after }
}
