//! A directory in which some of the endpoints cannot be read.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;

use hookpost::backend::{Backend, Directory};
use hookpost::delivery::EventMeta;
use hookpost::endpoint::{Endpoint, EndpointPage, Loaded, Unreadable, WhyUnreadable};
use hookpost::error::StoreError;
use hookpost::id::EndpointId;

use super::mood::Mood;
use super::world::World;

/// The endpoints of a world that are damaged, and whether they are damaged now.
#[derive(Debug)]
pub(super) struct Damage {
    endpoints: BTreeSet<String>,
    done: AtomicBool,
}

impl Damage {
    pub(super) fn of(world: &World) -> Self {
        let sites = world.sites.iter().filter(|site| site.mood == Mood::Unreadable);
        Self { endpoints: sites.map(|site| site.id.clone()).collect(), done: AtomicBool::new(false) }
    }

    /// Makes them unreadable from now on.
    pub(super) fn begin(&self) {
        self.done.store(true, Ordering::SeqCst);
    }

    /// Makes them readable again.
    pub(super) fn repair(&self) {
        self.done.store(false, Ordering::SeqCst);
    }

    /// How that endpoint is reported, if it is damaged.
    fn to(&self, endpoint: &Endpoint) -> Option<Unreadable> {
        let damaged = self.done.load(Ordering::SeqCst) && self.endpoints.contains(endpoint.id.as_str());
        damaged.then(|| Unreadable {
            id: endpoint.id.clone(),
            tenant: Some(endpoint.tenant.clone()),
            field: "url",
            why: WhyUnreadable::Broken,
            host: None,
        })
    }
}

/// A store's endpoints, with that damage.
pub(super) struct Damaged {
    pub(super) store: Arc<dyn Backend>,
    pub(super) damage: Arc<Damage>,
}

#[async_trait]
impl Directory for Damaged {
    async fn subscribers(
        &self,
        event: &EventMeta,
        after: Option<&EndpointId>,
        limit: usize,
    ) -> Result<EndpointPage, StoreError> {
        let mut page = self.store.subscribers(event, after, limit).await?;
        page.unreadable.extend(page.endpoints.iter().filter_map(|endpoint| self.damage.to(endpoint)));
        page.endpoints.retain(|endpoint| self.damage.to(endpoint).is_none());
        Ok(page)
    }

    async fn load(&self, ids: &[EndpointId]) -> Result<Vec<Loaded>, StoreError> {
        let loaded = self.store.load(ids).await?;
        let damaged = |loaded: Loaded| match loaded {
            Loaded::Found(endpoint) => match self.damage.to(&endpoint) {
                Some(unreadable) => Loaded::Unreadable(unreadable),
                None => Loaded::Found(endpoint),
            },
            other => other,
        };
        Ok(loaded.into_iter().map(damaged).collect())
    }

    async fn disable(&self, seen: &Endpoint, why: &str) -> Result<bool, StoreError> {
        self.store.disable(seen, why).await
    }
}
