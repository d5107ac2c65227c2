//! An endpoint begins anew when it gets a new URL or a new secret, is enabled, or is registered
//! again. It then has a clean record: nothing that was learned before counts.

use std::sync::Arc;

use crate::backend::Backend;
use crate::endpoint::{Endpoint, Expected, Generation};
use crate::policy::failing::Failing;
use crate::policy::lane::{Health, Lane, LaneChange};
use crate::secret::{Secret, SecretSet, Secrets};
use crate::subscription::Subscription;

use super::directory_and_registry::{plain, plain_endpoint, write};
use super::scene::{Scene, TENANT, at, delivered, draft, same, tenant, the_only, work};
use super::{Breach, CaseResult};

const NOTHING: [String; 0] = [];

fn secret(text: &str) -> Result<Secrets, Breach> {
    let secret = Secret::new(text).map_err(|error| Breach::new(format!("the case is broken: {error}")))?;
    Ok(SecretSet::of(secret).into())
}

/// A change after which the lane counts as failing and is held.
fn sickened(lane: &Lane) -> LaneChange {
    let failing = Some(Failing::first(at(1)));
    let health = Health { width: 1, proven: false, streak: 3, failing, catch_up: None, ends_hold: None };
    LaneChange { health: Some(health), ..lane.hold(at(500)) }
}

impl Scene {
    /// Registers the endpoint, makes its lane sick, and leaves one event waiting behind the hold.
    async fn sick_endpoint(&self, endpoint: &Endpoint) -> Result<Lane, Breach> {
        self.register(endpoint).await?;
        self.store([draft("first")?.to(&["one"])?]).await?;
        let claims = self.claim_at(at(0)).await?;
        let claim = the_only(claims.work)?;
        let generation = self.registered(&endpoint.id).await?.generation;
        let lane = Lane { generation, ..the_only(claims.lanes)? };
        self.settle(&[delivered(&claim, at(1))], &[sickened(&lane)], at(1)).await?;
        self.store([draft("waiting")?.to(&["one"])?]).await?;
        same("held", work(&self.claim_at(at(2)).await?), NOTHING)?;
        Ok(lane)
    }

    async fn has_a_clean_record(&self) -> CaseResult {
        let claims = self.claim_at(at(3)).await?;
        same("the work", claims.work.len(), 1)?;
        let lane = the_only(claims.lanes)?;
        let record = (lane.held_until, lane.streak, lane.failing, lane.width, lane.proven);
        same("the record", record, (None, 0, None, 8, false))
    }
}

pub async fn a_new_url_a_new_secret_and_enabling_begin_with_a_clean_record(
    fresh: Arc<dyn Backend>,
) -> CaseResult {
    let scene = Scene::on(fresh);
    let before = Endpoint { secrets: secret("before")?, ..plain("one")? };
    let lane = scene.sick_endpoint(&before).await?;
    let moved = plain_endpoint(TENANT, "one", "https://two.example/hook")?;
    let moved = Endpoint { secrets: secret("before")?, ..moved };
    let rotated = Endpoint { secrets: secret("after")?, ..moved.clone() };
    let off = Endpoint { enabled: false, ..rotated.clone() };
    let mut lane = lane;
    for (number, endpoint) in
        [moved, rotated, off.clone(), Endpoint { enabled: true, ..off }].iter().enumerate()
    {
        let version = Expected::Version(number as u64 + 1);
        scene.put(&write(endpoint, version)).await?;
        if !endpoint.enabled {
            continue;
        }
        let claims = scene.claim_at(at(3)).await?;
        let now = the_only(claims.lanes)?;
        let record = (now.held_until, now.streak, now.failing, now.width, now.proven);
        same("the record", record, (None, 0, None, 8, false))?;
        let claim = the_only(claims.work)?;
        scene.settle(&[delivered(&claim, at(3))], &[sickened(&now)], at(3)).await?;
        scene.store([draft(&format!("e{number}"))?.to(&["one"])?]).await?;
        same("held again", work(&scene.claim_at(at(3)).await?), NOTHING)?;
        lane = now;
    }
    same("whose lane", lane.endpoint, plain("one")?.id)
}

pub async fn a_write_of_anything_else_keeps_the_record(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let before = Endpoint { secrets: secret("before")?, ..plain("one")? };
    scene.sick_endpoint(&before).await?;
    let after = Endpoint {
        name: "renamed".to_owned(),
        subscription: Subscription::to(["order.paid"]).map_err(|error| Breach::new(error.to_string()))?,
        ..before
    };
    scene.put(&write(&after, Expected::Version(1))).await?;
    same("held", work(&scene.claim_at(at(499)).await?), NOTHING)?;
    let lane = the_only(scene.claim_at(at(500)).await?.lanes)?;
    same("the record", (lane.streak, lane.width, lane.failing.is_some()), (3, 1, true))
}

pub async fn an_endpoint_that_is_registered_again_begins_with_a_clean_record(
    fresh: Arc<dyn Backend>,
) -> CaseResult {
    let scene = Scene::on(fresh);
    let endpoint = plain("one")?;
    scene.sick_endpoint(&endpoint).await?;
    scene.remove(&tenant(TENANT)?, &endpoint.id).await?;
    scene.register(&endpoint).await?;
    scene.has_a_clean_record().await
}

pub async fn what_was_learned_of_an_earlier_generation_changes_nothing(
    fresh: Arc<dyn Backend>,
) -> CaseResult {
    let scene = Scene::on(fresh);
    let endpoint = plain("one")?;
    let before = scene.sick_endpoint(&endpoint).await?;
    let moved = plain_endpoint(TENANT, "one", "https://two.example/hook")?;
    scene.put(&write(&moved, Expected::Version(1))).await?;
    // The lane learns of the endpoint's first generation only from the response of the old URL.
    scene.settle(&[], &[sickened(&before)], at(2)).await?;
    scene.has_a_clean_record().await
}

pub async fn an_earlier_registration_disables_nothing(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let endpoint = plain("one")?;
    scene.register(&endpoint).await?;
    let first = scene.registered(&endpoint.id).await?;
    scene.remove(&tenant(TENANT)?, &endpoint.id).await?;
    scene.register(&endpoint).await?;
    let second = scene.registered(&endpoint.id).await?;
    same("their versions", second.version, first.version)?;
    same("by the first one's answer", scene.disable(&first, "gone").await?, false)?;
    same("by its own", scene.disable(&second, "gone").await?, true)
}

pub async fn generations_grow(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let endpoint = plain("one")?;
    let moved = plain_endpoint(TENANT, "one", "https://two.example/hook")?;
    let mut seen: Vec<Generation> = Vec::new();
    for _ in 0..3 {
        scene.register(&endpoint).await?;
        seen.push(scene.registered(&endpoint.id).await?.generation);
        scene.put(&write(&moved, Expected::Version(1))).await?;
        seen.push(scene.registered(&endpoint.id).await?.generation);
        scene.remove(&tenant(TENANT)?, &endpoint.id).await?;
    }
    let grows = seen.windows(2).all(|pair| pair[0] < pair[1]);
    let none_is_unknown = seen.iter().all(|generation| *generation > Generation::UNKNOWN);
    same(&format!("{seen:?} grows"), (grows, none_is_unknown), (true, true))
}
