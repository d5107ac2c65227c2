//! One row can hold back everything that waits behind it: a lane's width and health, a pause, and
//! the hold of a lane, a tenant or a host.

use std::sync::Arc;

use crate::backend::Backend;
use crate::delivery::{Claim, Gate, GateChange};
use crate::endpoint::{Expected, Write};
use crate::error::StoreErrorKind;
use crate::id::OrderingKey;
use crate::policy::lane::{Health, Lane, LaneChange};
use crate::time::Timestamp;

use super::directory_and_registry::plain_endpoint;
use super::scene::{
    LEASE, Scene, TENANT, at, delivered, demand, draft, endpoint, host_of, lane, released, retried, same,
    set, tenant, the_only, work, work_set,
};
use super::{Breach, CaseResult};

const NOTHING: [String; 0] = [];

impl Scene {
    async fn fill(&self, endpoint: &str, width: u32, count: usize) -> CaseResult {
        for number in 0..count {
            let draft = draft(&format!("e{number}"))?.to(&[endpoint])?;
            self.store([draft.with_routes(|route| route.width = width)]).await?;
        }
        Ok(())
    }

    /// Claims one delivery, and returns it with its lane.
    async fn claim_one(&self, now: Timestamp) -> Result<(Claim, Lane), Breach> {
        let mut request = self.request(now);
        request.deliveries = 1;
        let claims = self.claim(&request).await?;
        Ok((the_only(claims.work)?, the_only(claims.lanes)?))
    }

    async fn change_lane(&self, change: LaneChange, now: Timestamp) -> CaseResult {
        self.settle(&[], &[change], now).await?;
        Ok(())
    }
}

const fn health(width: u32, streak: u32) -> Health {
    Health { width, proven: streak == 0, streak, failing: None, catch_up: None, ends_hold: None }
}

pub async fn width_counts_leases_held_anywhere(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.fill("one", 3, 7).await?;
    let (first, _) = scene.claim_one(at(0)).await?;
    same("two more fit", work(&scene.claim_at(at(1)).await?).len(), 2)?;
    same("full", work(&scene.claim_at(at(2)).await?), NOTHING)?;
    scene.apply([delivered(&first, at(3))]).await?;
    same("one more", work(&scene.claim_at(at(3)).await?).len(), 1)
}

pub async fn a_freed_slot_makes_a_full_lane_ready(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.fill("one", 1, 4).await?;
    let (first, _) = scene.claim_one(at(0)).await?;
    same("full", work(&scene.claim_at(at(1)).await?), NOTHING)?;
    scene.apply([delivered(&first, at(2))]).await?;
    let (second, _) = scene.claim_one(at(2)).await?;
    same("full", work(&scene.claim_at(at(3)).await?), NOTHING)?;
    scene.apply([retried(&second, at(500), at(4))]).await?;
    let (third, _) = scene.claim_one(at(4)).await?;
    same("full", work(&scene.claim_at(at(5)).await?), NOTHING)?;
    scene.apply([released(&third, at(6))]).await?;
    same("given back", scene.claim_one(at(6)).await?.0.delivery, third.delivery)
}

pub async fn a_lapsed_lease_gives_its_slot_back(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.fill("one", 1, 2).await?;
    scene.claim_one(at(0)).await?;
    same("full", work(&scene.claim_at(at(59)).await?), NOTHING)?;
    same("its lease has ended", work(&scene.claim_at(at(0) + LEASE).await?).len(), 1)?;
    same("full again", work(&scene.claim_at(at(61)).await?), NOTHING)
}

pub async fn a_held_lane_yields_nothing_before_its_end(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([draft("e1")?.to(&["one", "two"])?]).await?;
    scene.change_gate(lane("one")?, GateChange::Hold(at(30)), at(0)).await?;
    scene.store([draft("e2")?.to(&["one"])?]).await?;
    same("the other alone", work(&scene.claim_at(at(29)).await?), ["e1>two"])?;
    same("at the end", work_set(&scene.claim_at(at(30)).await?), set(["e1>one", "e2>one"]))
}

pub async fn a_hold_is_never_shortened_by_another(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([draft("e1")?.to(&["one"])?]).await?;
    for gate in [lane("one")?, Gate::Tenant(tenant(TENANT)?), Gate::Host(host_of("one")?)] {
        scene.change_gate(gate.clone(), GateChange::Hold(at(30)), at(0)).await?;
        scene.change_gate(gate.clone(), GateChange::Hold(at(10)), at(0)).await?;
        same("held", work(&scene.claim_at(at(29)).await?), NOTHING)?;
        scene.change_gate(gate, GateChange::Lift, at(29)).await?;
        let claim = the_only(scene.claim_at(at(29)).await?.work)?;
        scene.apply([released(&claim, at(29))]).await?;
    }
    Ok(())
}

pub async fn a_paused_lane_yields_nothing_until_it_is_resumed(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([draft("e1")?.to(&["one"])?]).await?;
    scene.change_gate(lane("one")?, GateChange::Pause, at(0)).await?;
    scene.store([draft("e2")?.to(&["one"])?]).await?;
    same("paused", work(&scene.claim_at(at(9999)).await?), NOTHING)?;
    scene.change_gate(lane("one")?, GateChange::Resume, at(9999)).await?;
    same("resumed", work(&scene.claim_at(at(9999)).await?), ["e1>one", "e2>one"])
}

pub async fn a_lift_ends_a_hold_and_never_a_pause(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([draft("e1")?.to(&["one"])?]).await?;
    for gate in [lane("one")?, Gate::Tenant(tenant(TENANT)?)] {
        for change in [GateChange::Hold(at(90)), GateChange::Pause, GateChange::Lift] {
            scene.change_gate(gate.clone(), change, at(0)).await?;
            same("closed", work(&scene.claim_at(at(1)).await?), NOTHING)?;
        }
        scene.change_gate(gate.clone(), GateChange::Hold(at(90)), at(1)).await?;
        scene.change_gate(gate.clone(), GateChange::Resume, at(1)).await?;
        same("still held", work(&scene.claim_at(at(2)).await?), NOTHING)?;
        scene.change_gate(gate, GateChange::Lift, at(2)).await?;
        let claim = the_only(scene.claim_at(at(2)).await?.work)?;
        scene.apply([released(&claim, at(2))]).await?;
    }
    Ok(())
}

pub async fn a_held_or_paused_tenant_yields_nothing(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([draft("e1")?.to(&["one", "two"])?, draft("o1")?.of("other")?.to(&["other-one"])?]).await?;
    let gate = Gate::Tenant(tenant(TENANT)?);
    scene.change_gate(gate.clone(), GateChange::Pause, at(0)).await?;
    same("the other's alone", work(&scene.claim_at(at(0)).await?), ["o1>other-one"])?;
    scene.change_gate(gate.clone(), GateChange::Hold(at(20)), at(5)).await?;
    scene.change_gate(gate.clone(), GateChange::Resume, at(6)).await?;
    same("held", work(&scene.claim_at(at(19)).await?), NOTHING)?;
    same("open", work_set(&scene.claim_at(at(20)).await?), set(["e1>one", "e1>two"]))
}

pub async fn a_held_host_yields_nothing(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let shared = host_of("shared")?;
    let drafts = [draft("e1")?.to(&["one", "two"])?, draft("o1")?.of("other")?.to(&["other-one"])?];
    scene.store(drafts.map(|draft| draft.with_routes(|route| route.host = shared.clone()))).await?;
    scene.store([draft("e2")?.to(&["elsewhere"])?]).await?;
    let gate = Gate::Host(shared);
    scene.change_gate(gate.clone(), GateChange::Hold(at(20)), at(0)).await?;
    same("elsewhere", work(&scene.claim_at(at(19)).await?), ["e2>elsewhere"])?;
    same("open", work_set(&scene.claim_at(at(20)).await?), set(["e1>one", "e1>two", "o1>other-one"]))
}

pub async fn a_lane_remembers_a_gate_closed_before_its_first_delivery(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let new = plain_endpoint(TENANT, "one", "https://one.example/hook")?;
    let write = Write { endpoint: new, width: 8, expected: Expected::Absent, unique_url: false };
    scene.put(&write).await?;
    scene.change_gate(lane("one")?, GateChange::Pause, at(0)).await?;
    scene.store([draft("e1")?.to(&["one"])?]).await?;
    same("paused", work(&scene.claim_at(at(9)).await?), NOTHING)?;
    scene.change_gate(lane("one")?, GateChange::Resume, at(9)).await?;
    same("resumed", work(&scene.claim_at(at(9)).await?), ["e1>one"])
}

pub async fn gates_that_make_no_sense_are_refused(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([draft("e1")?.keyed("k")?.to(&["one"])?]).await?;
    for (gate, change) in [
        (Gate::Host(host_of("one")?), GateChange::Pause),
        (Gate::Key(endpoint("one")?, OrderingKey::new("k")?), GateChange::Hold(at(9))),
        (lane("nobody")?, GateChange::Pause),
    ] {
        let held = (Gate::Tenant(tenant(TENANT)?), GateChange::Hold(at(99)));
        let refused = scene.gate(&[held, (gate.clone(), change)], at(0)).await.err();
        same("the refusal", refused.map(|error| error.kind()), Some(StoreErrorKind::Invalid))?;
    }
    same("nothing was closed", work(&scene.claim_at(at(0)).await?), ["e1>one"])
}

pub async fn a_raise_applies_whatever_the_version(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.fill("one", 8, 2).await?;
    let (_, seen) = scene.claim_one(at(0)).await?;
    scene.change_lane(LaneChange { health: Some(health(8, 1)), ..seen.hold(at(5)) }, at(0)).await?;
    scene.change_lane(seen.hold(at(40)), at(0)).await?;
    same("held", work(&scene.claim_at(at(39)).await?), NOTHING)?;
    same("open", work(&scene.claim_at(at(40)).await?).len(), 1)
}

pub async fn outdated_health_changes_nothing(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.fill("one", 8, 3).await?;
    let (_, seen) = scene.claim_one(at(0)).await?;
    let change = |health| LaneChange { raise: None, health, ..seen.hold(at(0)) };
    scene.change_lane(change(Some(health(2, 1))), at(0)).await?;
    scene.change_lane(change(Some(health(7, 5))), at(0)).await?;
    let (_, lane) = scene.claim_one(at(0)).await?;
    same("the health", (lane.width, lane.streak, lane.proven), (2, 1, false))?;
    demand!(lane.version != seen.version, "the version is the same after a change");
    same("the width is in force", work(&scene.claim_at(at(0)).await?), NOTHING)
}

pub async fn a_success_that_began_before_a_hold_does_not_end_it(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.fill("one", 8, 2).await?;
    let (claim, mut seen) = scene.claim_one(at(0)).await?;
    seen.streak = 1;
    let success =
        seen.after_success(8, at(2), None).ok_or_else(|| Breach::new("a success changes nothing"))?;
    scene.change_gate(lane("one")?, GateChange::Hold(at(50)), at(1)).await?;
    scene.settle(&[delivered(&claim, at(2))], &[success], at(2)).await?;
    same("held", work(&scene.claim_at(at(49)).await?), NOTHING)?;
    same("open", work(&scene.claim_at(at(50)).await?).len(), 1)
}

pub async fn a_hold_that_came_between_leaves_what_a_success_says_of_the_endpoint(
    fresh: Arc<dyn Backend>,
) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.fill("one", 8, 4).await?;
    let (first, seen) = scene.claim_one(at(0)).await?;
    let sickened = LaneChange { health: Some(health(1, 3)), ..seen.hold(at(10)) };
    scene.settle(&[retried(&first, at(600), at(0))], &[sickened], at(0)).await?;
    let (probe, sick) = scene.claim_one(at(10)).await?;
    let success =
        sick.after_success(8, at(12), None).ok_or_else(|| Breach::new("a success changes nothing"))?;
    // A refusal of a rate limit holds lanes like this, by a settlement or by the gate.
    scene.change_lane(sick.hold(at(20)), at(11)).await?;
    scene.change_gate(lane("one")?, GateChange::Hold(at(50)), at(11)).await?;
    scene.settle(&[delivered(&probe, at(12))], &[success], at(12)).await?;
    same("held", work(&scene.claim_at(at(49)).await?), NOTHING)?;
    let claims = scene.claim_at(at(50)).await?;
    let well = the_only(claims.lanes)?;
    same("the health", (well.width, well.streak, well.proven), (2, 0, true))?;
    same("as many as its width", claims.work.len(), 2)
}

pub async fn a_lowered_hold_makes_the_lane_ready(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.fill("one", 8, 3).await?;
    let (first, seen) = scene.claim_one(at(0)).await?;
    let sickened = LaneChange { health: Some(health(1, 3)), ..seen.hold(at(10)) };
    scene.settle(&[retried(&first, at(600), at(0))], &[sickened], at(0)).await?;
    let (probe, sick) = scene.claim_one(at(10)).await?;
    same("sick", (sick.width, sick.streak, sick.held_until), (1, 3, Some(at(10))))?;
    scene.change_lane(sick.hold(at(90)), at(10)).await?;
    let mut held = sick.clone();
    held.held_until = Some(at(90));
    let success =
        held.after_success(8, at(2), None).ok_or_else(|| Breach::new("a success changes nothing"))?;
    scene.settle(&[delivered(&probe, at(11))], &[success], at(11)).await?;
    let (_, healthy) = scene.claim_one(at(11)).await?;
    same("healthy", (healthy.width, healthy.streak, healthy.held_until), (2, 0, None))
}
