//! Retention removes only what has ended and is old enough, in steps of limited size.

use std::sync::Arc;

use crate::backend::Backend;
use crate::delivery::{CancelReason, FailReason, Gate, GateChange};
use crate::endpoint::{Expected, Put, Write};
use crate::history::{Class, PageAfter, Selection};
use crate::time::Timestamp;

use super::CaseResult;
use super::directory_and_registry::plain_endpoint;
use super::scene::{
    Scene, TENANT, at, delivered, demand, draft, endpoint, events, given_up, retried, routed, same, tenant,
    the_only, work,
};

/// All classes, with the same moment for each.
const fn all_before(moment: Timestamp) -> [(Class, Timestamp); 4] {
    [
        (Class::Delivered, moment),
        (Class::Failed, moment),
        (Class::Cancelled, moment),
        (Class::Unmatched, moment),
    ]
}

impl Scene {
    async fn left(&self) -> Result<Vec<String>, super::Breach> {
        let all = self.all(TENANT, Selection::default()).await?;
        let mut names: Vec<_> = all.iter().map(|delivery| delivery.event.to_string()).collect();
        names.sort();
        Ok(names)
    }
}

pub async fn prune_takes_only_what_is_terminal_and_old_enough(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    for (id, settled) in [("old", 10), ("young", 20)] {
        let claim = scene.leased(id, "one").await?;
        scene.apply([delivered(&claim, at(settled))]).await?;
    }
    let retrying = scene.leased("retrying", "one").await?;
    scene.apply([retried(&retrying, at(1), at(1))]).await?;
    let parked = [draft("head")?.keyed("k")?.to(&["one"])?, draft("parked")?.keyed("k")?.to(&["one"])?];
    scene.store(parked).await?;
    scene.store([draft("unrouted")?, draft("far")?.to(&["one"])?.due(at(9999))]).await?;
    demand!(!scene.prune(&all_before(at(20)), 100).await?, "more is said to remain");
    same("left", scene.left().await?, ["far", "head", "parked", "retrying", "young"])?;
    let claims = scene.claim_at(at(100)).await?;
    same("events", events(&claims), ["unrouted"])?;
    same("work", work(&claims), ["head>one", "retrying>one"])
}

pub async fn each_class_has_a_moment_of_its_own(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let claim = scene.leased("delivered", "one").await?;
    scene.apply([delivered(&claim, at(1))]).await?;
    let claim = scene.leased("failed", "one").await?;
    scene.apply([given_up(&claim, FailReason::Gone, at(1))]).await?;
    let claim = scene.leased("cancelled", "one").await?;
    let one = Selection { ids: Some(vec![claim.delivery]), ..Selection::default() };
    scene.cancel(&tenant(TENANT)?, &one, CancelReason::ByHost, at(1), PageAfter::first(9)).await?;
    for (class, left) in [
        (Class::Unmatched, vec!["cancelled", "delivered", "failed"]),
        (Class::Failed, vec!["cancelled", "delivered"]),
        (Class::Cancelled, vec!["delivered"]),
        (Class::Delivered, vec![]),
    ] {
        scene.prune(&[(class, at(50))], 100).await?;
        same("left", scene.left().await?, left)?;
    }
    Ok(())
}

pub async fn prune_takes_at_most_its_limit_and_says_whether_more_remain(
    fresh: Arc<dyn Backend>,
) -> CaseResult {
    let scene = Scene::on(fresh);
    for number in 0..5 {
        let claim = scene.leased(&format!("e{number}"), "one").await?;
        let settlement = if number % 2 == 0 {
            delivered(&claim, at(number))
        } else {
            given_up(&claim, FailReason::Gone, at(number))
        };
        scene.apply([settlement]).await?;
    }
    for (left, more) in [(3, true), (1, true), (0, false), (0, false)] {
        same("more", scene.prune(&all_before(at(99)), 2).await?, more)?;
        same("left", scene.left().await?.len(), left)?;
    }
    Ok(())
}

pub async fn attempts_go_with_their_delivery(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let claim = scene.leased("e1", "one").await?;
    let claim = the_only(scene.claim_at(claim.lease_until).await?.work)?;
    scene.apply([delivered(&claim, at(70))]).await?;
    scene.prune(&all_before(at(99)), 100).await?;
    same("the log", scene.attempts(&tenant(TENANT)?, &claim.delivery).await?, None)?;
    // Publishing the same event for the same endpoint again begins a new delivery.
    let again = scene.leased("e1", "one").await?;
    same("the same delivery", again.delivery, claim.delivery)?;
    let log = scene.log_of(again.delivery).await?;
    same("nothing behind it", (log.attempts.len(), log.silent.len()), (0, 0))
}

pub async fn an_event_goes_with_its_last_delivery(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let both = draft("e1")?.to(&["one", "two"])?;
    scene.store([both.clone()]).await?;
    let claims = scene.claim_at(at(0)).await?.work;
    for (claim, remains) in claims.iter().zip([true, false]) {
        scene.apply([delivered(claim, at(1))]).await?;
        scene.prune(&all_before(at(99)), 100).await?;
        let event = scene.event(&tenant(TENANT)?, &both.event.id).await?;
        same("the event", event.is_some(), remains)?;
    }
    Ok(())
}

pub async fn an_event_without_a_match_goes_by_its_creation(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let wanted = |id: &'static str, second| Ok::<_, super::Breach>(draft(id)?.created(at(second)));
    scene.store([wanted("old", 1)?, wanted("young", 5)?]).await?;
    for claim in scene.claim_at(at(5)).await?.events {
        scene.apply([routed(&claim, &[], None, at(6))?]).await?;
    }
    scene.store([wanted("unrouted", 1)?]).await?;
    scene.prune(&[(Class::Unmatched, at(5))], 100).await?;
    for (id, there) in [("old", false), ("young", true), ("unrouted", true)] {
        let event = scene.event(&tenant(TENANT)?, &draft(id)?.event.id).await?;
        same(id, event.is_some(), there)?;
    }
    Ok(())
}

/// Registers an endpoint with that id for another tenant.
async fn register_for(scene: &Scene, of: &str, id: &str) -> Result<Put, super::Breach> {
    let endpoint = plain_endpoint(of, id, "https://h.example/hook")?;
    let write = Write { endpoint, width: 4, expected: Expected::Absent, unique_url: false };
    Ok(scene.put(&write).await?)
}

pub async fn the_lane_of_a_removed_endpoint_goes_with_its_last_delivery(
    fresh: Arc<dyn Backend>,
) -> CaseResult {
    let scene = Scene::on(fresh);
    let (us, id) = (tenant(TENANT)?, endpoint("one")?);
    register_for(&scene, TENANT, "one").await?;
    for event in ["e1", "e2"] {
        let claim = scene.leased(event, "one").await?;
        scene.apply([delivered(&claim, at(1))]).await?;
    }
    scene.remove(&us, &id).await?;
    for there in [true, true, false] {
        same("the lane", scene.queue(&us, &id, at(9)).await?.is_some(), there)?;
        let taken = register_for(&scene, "other", "one").await?;
        let free = matches!(taken, Put::Stored { .. });
        same("the id is another tenant's to take", free, !there)?;
        scene.prune(&all_before(at(9)), 1).await?;
    }
    // An endpoint that replaces it begins anew.
    scene.remove(&tenant("other")?, &id).await?;
    same("a lane without any delivery", scene.queue(&tenant("other")?, &id, at(9)).await?.is_some(), false)?;
    register_for(&scene, TENANT, "one").await?;
    let claim = scene.leased("e3", "one").await?;
    same("its endpoint", claim.endpoint, id)
}

pub async fn a_lane_that_is_still_needed_stays(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let us = tenant(TENANT)?;
    register_for(&scene, TENANT, "registered").await?;
    for id in ["registered", "pending", "paused"] {
        let claim = scene.leased(&format!("e-{id}"), id).await?;
        if id != "pending" {
            scene.apply([delivered(&claim, at(1))]).await?;
        }
    }
    let paused = Gate::Lane(endpoint("paused")?);
    scene.gate(&[(paused.clone(), GateChange::Pause)], at(1)).await?;
    scene.prune(&all_before(at(9)), 100).await?;
    for id in ["registered", "pending", "paused"] {
        same(id, scene.queue(&us, &endpoint(id)?, at(9)).await?.is_some(), true)?;
    }
    same("left", scene.left().await?, vec!["e-pending"])?;
    // The lane existed only because of the pause, which a host set on an endpoint of its own directory.
    scene.gate(&[(paused, GateChange::Resume)], at(9)).await?;
    same("resumed", scene.queue(&us, &endpoint("paused")?, at(9)).await?.is_some(), false)
}

pub async fn gates_that_still_hold_something_back_stay(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let hold = |gate, until| (gate, GateChange::Hold(at(until)));
    scene.store([draft("e1")?.to(&["one"])?]).await?;
    let gates = [
        (Gate::Tenant(tenant("ended")?), GateChange::Pause),
        hold(Gate::Tenant(tenant("ended")?), 5),
        hold(Gate::Tenant(tenant(TENANT)?), 50),
        hold(Gate::Host(super::scene::host_of("one")?), 60),
    ];
    scene.gate(&gates, at(1)).await?;
    scene.store([draft("e2")?.of("ended")?.to(&["two"])?]).await?;
    scene.prune(&all_before(at(40)), 100).await?;
    for (second, claimed) in [(49, 0), (59, 0), (60, 1)] {
        same("claimed", scene.claim_at(at(second)).await?.work.len(), claimed)?;
    }
    Ok(())
}
