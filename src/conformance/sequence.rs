//! The store numbers everything that it accepts in one order, whatever the clocks show.

use std::sync::Arc;

use crate::backend::Backend;
use crate::endpoint::{Endpoint, Expected, Loaded, Put, Write};
use crate::history::{Class, PageAfter, Replay, Selection};
use crate::id::ReplayId;
use crate::sequence::Sequence;
use crate::time::Timestamp;

use super::directory_and_registry::plain_endpoint;
use super::scene::{Draft, Scene, TENANT, at, delivered, demand, draft, routed, same, tenant, the_only};
use super::{Breach, CaseResult};

/// By how many seconds clocks are set back here.
const STEPS: [i64; 2] = [15, 3600];

impl Scene {
    /// Writes an endpoint; returns its version and its place in the order.
    async fn write_endpoint(
        &self,
        endpoint: &Endpoint,
        expected: Expected,
    ) -> Result<(u64, Sequence), Breach> {
        let write = Write { endpoint: endpoint.clone(), width: 8, expected, unique_url: false };
        match self.put(&write).await? {
            Put::Stored { version, began } => Ok((version, began)),
            refused => Err(Breach::new(format!("the endpoint is not written: {refused:?}"))),
        }
    }

    /// Registers an endpoint; returns its place in the order.
    async fn begin(&self, id: &str, since: Timestamp) -> Result<Sequence, Breach> {
        let endpoint = plain_endpoint(TENANT, id, &format!("https://{id}.example/hook"))?;
        let (_, began) = self.write_endpoint(&Endpoint { since, ..endpoint }, Expected::Absent).await?;
        Ok(began)
    }

    /// Publishes an event and claims it for routing; returns its number.
    async fn number_of(&self, event: Draft) -> Result<Sequence, Breach> {
        let now = event.event.created_at;
        self.store([event]).await?;
        let claim = the_only(self.claim_at(now).await?.events)?;
        self.apply([routed(&claim, &[], None, now)?]).await?;
        Ok(claim.sequence)
    }
}

pub async fn numbers_follow_the_order_of_calls_when_clocks_step_back(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let mut last = Sequence::START;
    for (round, step) in STEPS.into_iter().enumerate() {
        let before = scene.begin(&format!("before{round}"), at(0)).await?;
        let event = scene.number_of(draft(&format!("e{round}"))?.created(at(-step))).await?;
        let after = scene.begin(&format!("after{round}"), at(-step)).await?;
        let numbers = (last, before, event, after);
        demand!(last < before && before < event && event < after, "not in the order of calls: {numbers:?}");
        last = after;
    }
    Ok(())
}

pub async fn no_number_is_given_twice(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let first = scene.number_of(draft("e1")?).await?;
    scene.prune(&[(Class::Unmatched, at(99))], 10).await?;
    let began = scene.begin("one", at(0)).await?;
    demand!(first < began, "{began} follows {first}, whose event was removed");
    scene.remove(&tenant(TENANT)?, &plain_endpoint(TENANT, "one", "https://one.example/")?.id).await?;
    let second = scene.number_of(draft("e2")?).await?;
    demand!(began < second, "{second} follows {began}, whose endpoint was removed");
    Ok(())
}

pub async fn an_endpoint_begins_anew_when_it_is_enabled_and_only_then(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let endpoint = plain_endpoint(TENANT, "one", "https://one.example/hook")?;
    let began = scene.begin("one", at(0)).await?;
    let event = scene.number_of(draft("e1")?).await?;
    let off = Endpoint { enabled: false, ..endpoint.clone() };
    for (version, written) in [&endpoint, &off, &off].into_iter().zip(1..).map(|(of, version)| (version, of))
    {
        let (_, again) = scene.write_endpoint(written, Expected::Version(version)).await?;
        same("where it began", again, began)?;
    }
    let (_, enabled) = scene.write_endpoint(&endpoint, Expected::Version(4)).await?;
    demand!(enabled > event, "enabled at {enabled}, after the event {event}");
    let loaded = the_only(scene.load(&[endpoint.id]).await?)?;
    let began = match loaded {
        Loaded::Found(endpoint) => Some(endpoint.began),
        Loaded::Missing | Loaded::Unreadable(_) => None,
    };
    same("what is loaded", began, Some(enabled))
}

pub async fn where_its_id_was_registered_stays_with_an_endpoint(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let endpoint = plain_endpoint(TENANT, "one", "https://one.example/hook")?;
    let registered = async || {
        let loaded = scene.load_one(&endpoint.id).await?;
        let loaded = loaded.ok_or_else(|| Breach::new("the endpoint is not there"))?;
        Ok::<_, Breach>(Sequence::from_number(loaded.generation.registration))
    };
    let before = scene.number_of(draft("e1")?).await?;
    let began = scene.begin("one", at(0)).await?;
    let first = registered().await?;
    demand!(before < first && first <= began, "registered at {first}, after {before}, began at {began}");
    let off = Endpoint { enabled: false, ..endpoint.clone() };
    scene.write_endpoint(&off, Expected::Version(1)).await?;
    scene.write_endpoint(&endpoint, Expected::Version(2)).await?;
    same("enabled again", registered().await?, first)?;
    let between = scene.number_of(draft("e2")?).await?;
    scene.remove(&endpoint.tenant, &endpoint.id).await?;
    let began = scene.begin("one", at(0)).await?;
    let again = registered().await?;
    demand!(between < again && again <= began, "registered again at {again}, after {between}");
    Ok(())
}

pub async fn an_endpoint_is_removed_at_a_place_between_what_came_before_and_after(
    fresh: Arc<dyn Backend>,
) -> CaseResult {
    let scene = Scene::on(fresh);
    let (of, one) = (tenant(TENANT)?, plain_endpoint(TENANT, "one", "https://one.example/")?.id);
    let began = scene.begin("one", at(0)).await?;
    let before = scene.number_of(draft("e1")?).await?;
    let removed = scene.remove(&of, &one).await?;
    let removed = removed.ok_or_else(|| Breach::new("the endpoint was there, and nothing was removed"))?;
    let again = scene.begin("one", at(0)).await?;
    let after = scene.number_of(draft("e2")?).await?;
    let numbers = (began, before, removed, again, after);
    demand!(before < removed && removed < again, "not in the order of calls: {numbers:?}");
    demand!(began < before && again < after, "not in the order of calls: {numbers:?}");
    Ok(())
}

pub async fn a_delivery_is_born_with_its_event_or_with_its_replay(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let event = scene.leased("e1", "one").await?;
    scene.apply([delivered(&event, at(1))]).await?;
    let began = scene.begin("one", at(0)).await?;
    demand!(event.born < began, "the event's delivery was born at {}, after {began}", event.born);
    let replay = Replay {
        id: ReplayId::new("r1")?,
        tenant: tenant(TENANT)?,
        selection: Selection::default(),
        due_at: at(2),
        now: at(2),
    };
    scene.replay(&replay, PageAfter::first(10)).await?;
    let replayed = the_only(scene.claim_at(at(2)).await?.work)?;
    demand!(began < replayed.born, "the replay was born at {}, before {began}", replayed.born);
    let later = scene.number_of(draft("e2")?.created(at(3))).await?;
    demand!(replayed.born < later, "the replay was born at {}, after {later}", replayed.born);
    Ok(())
}
