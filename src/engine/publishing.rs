//! Storing events, routed at once where few endpoints want them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::delivery::{ClaimRequest, Claims, EventMeta, Publish, PublishAnswer, Published};
use crate::endpoint::Endpoint;
use crate::error::{StoreError, StoreErrorKind};
use crate::event::Event;
use crate::seam::Notice;
use crate::step::resolve;
use crate::step::route::route;

use super::shared::Shared;

/// Up to so many matches an event is routed by its publisher.
const FEW_MATCHES: usize = 16;
/// Up to so many endpoints its publisher looks at for that.
const FEW_ENDPOINTS: usize = 64;
/// A call whose answer was lost is repeated so often.
const REPEATS: usize = 3;

impl Shared {
    /// Stores events, in one call, one answer each. With a request, deliveries of
    /// them come back claimed.
    pub(crate) async fn publish(
        &self,
        events: &[Arc<Event>],
        claim: Option<&ClaimRequest>,
    ) -> Result<(Vec<PublishAnswer>, Claims), StoreError> {
        let publishes = self.route_few(events).await?;
        let (answers, claims) = self.store_all(&publishes, claim).await?;
        for (event, answer) in events.iter().zip(&answers) {
            if answer.published == Published::Stored {
                self.notice(&Notice::Published { tenant: &event.tenant, event: &event.id });
            }
        }
        Ok((answers, claims))
    }

    async fn route_few(&self, events: &[Arc<Event>]) -> Result<Vec<Publish>, StoreError> {
        let mut asked: BTreeMap<EventMeta, Option<Vec<Arc<Endpoint>>>> = BTreeMap::new();
        let mut publishes = Vec::with_capacity(events.len());
        for event in events {
            let meta = EventMeta::of(event);
            if !asked.contains_key(&meta) {
                asked.insert(meta.clone(), self.few_subscribers(&meta).await?);
            }
            let routes = asked
                .get(&meta)
                .and_then(Option::as_deref)
                .map(|endpoints| route(event, endpoints, |endpoint| self.width(endpoint)))
                .filter(|routes| routes.len() <= FEW_MATCHES);
            publishes.push(Publish { event: Arc::clone(event), routes });
        }
        Ok(publishes)
    }

    async fn few_subscribers(&self, meta: &EventMeta) -> Result<Option<Vec<Arc<Endpoint>>>, StoreError> {
        let began = self.standings.begin_load(self.clock.elapsed());
        let page = self.directory.subscribers(meta, None, FEW_ENDPOINTS).await?;
        if page.more_after.is_some() {
            return Ok(None);
        }
        for endpoint in &page.endpoints {
            self.standings.remember(endpoint, began);
        }
        Ok(Some(page.endpoints))
    }

    async fn store_all(
        &self,
        publishes: &[Publish],
        claim: Option<&ClaimRequest>,
    ) -> Result<(Vec<PublishAnswer>, Claims), StoreError> {
        let mut repeats = 0;
        loop {
            match self.store.publish(publishes, claim, self.clock.now()).await {
                Err(error) if error.kind() == StoreErrorKind::InDoubt && repeats < REPEATS => repeats += 1,
                Ok((mut answers, claims)) if repeats > 0 => {
                    own_earlier_call(publishes, &mut answers);
                    return Ok((answers, claims));
                }
                answer => return answer,
            }
        }
    }

    /// How wide a new lane of this endpoint begins.
    pub(crate) fn width(&self, endpoint: &Endpoint) -> u32 {
        self.standings.profile(&endpoint.profile).map_or(1, |profile| resolve::width(endpoint, profile))
    }
}

/// What a repeated call finds there under its very id is what the first call wrote.
fn own_earlier_call(publishes: &[Publish], answers: &mut [PublishAnswer]) {
    for (publish, answer) in publishes.iter().zip(answers) {
        if answer.id == publish.event.id && answer.published == (Published::Existing { same_content: true }) {
            answer.published = Published::Stored;
        }
    }
}
