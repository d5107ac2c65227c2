//! No due work is passed over forever, no flood delays the first claim of another tenant by
//! more than a few claims, and tenants take turns.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::Backend;
use crate::delivery::{ClaimRequest, Claims, Gate, GateChange};

use super::scene::{
    Scene, all_delivered, at, delivered, demand, draft, lane, retried, routed, same, tenant, the_only, work,
    work_set,
};
use super::{Breach, CaseResult};

/// The number that "a few claims" means here.
const FEW: usize = 4;

impl Scene {
    /// Claims repeatedly, a millisecond apart, and settles at once what the claims return. Returns
    /// the number of the first claim that fits.
    async fn claims_until(
        &self,
        request: impl Fn(&mut ClaimRequest),
        fits: impl Fn(&Claims) -> bool,
    ) -> Result<usize, Breach> {
        let mut now = at(1);
        for number in 1..=200 {
            now = now + Duration::from_millis(1);
            let mut claim = self.request(now);
            request(&mut claim);
            let claims = self.claim(&claim).await?;
            if fits(&claims) {
                return Ok(number);
            }
            let mut settlements = all_delivered(&claims.work, now);
            for event in &claims.events {
                settlements.push(routed(event, &[], None, now)?);
            }
            self.settle(&settlements, &[], now).await?;
        }
        Err(Breach::new("not in 200 claims"))
    }
}

fn of_tenant(claims: &Claims, name: &str) -> bool {
    claims.work.iter().any(|claim| claim.event.tenant.as_str() == name)
        || claims.events.iter().any(|claim| claim.event.tenant.as_str() == name)
}

pub async fn a_flood_in_one_lane_delays_another_by_few_claims(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    for number in 0..500 {
        let flood = draft(&format!("f{number}"))?.to(&["flood"])?.due(at(-100));
        scene.store([flood.with_routes(|route| route.width = 400)]).await?;
    }
    scene.store([draft("e1")?.to(&["other"])?]).await?;
    let met = |claims: &Claims| claims.work.iter().any(|claim| claim.endpoint.as_str() == "other");
    let claims = scene.claims_until(|request| request.deliveries = 5, met).await?;
    demand!(claims <= FEW, "the other lane was served by claim {claims}");
    Ok(())
}

pub async fn a_flood_of_one_tenant_delays_another_by_few_claims(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    for number in 0..300 {
        let lane = format!("flood-{}", number % 100);
        scene.store([draft(&format!("f{number}"))?.of("flood")?.to(&[&lane])?.due(at(-100))]).await?;
    }
    scene.store([draft("e1")?.of("other")?.to(&["other-one"])?]).await?;
    let share = |request: &mut ClaimRequest| (request.deliveries, request.shares.of_all) = (10, 1);
    let claims = scene.claims_until(share, |claims| of_tenant(claims, "other")).await?;
    demand!(claims <= FEW, "the other tenant was served by claim {claims}");
    Ok(())
}

/// The names of `count` lanes.
fn lanes(of: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{of}-{number:05}")).collect()
}

/// Claims repeatedly, `deliveries` at a time from any lanes, and settles nothing. Returns the
/// number of the first claim that returns something of that tenant.
async fn unanswered_claims_until(scene: &Scene, deliveries: usize, name: &str) -> Result<usize, Breach> {
    for number in 1..=100 {
        let now = at(1) + Duration::from_millis(number as u64);
        let claims = scene.claim_with(now, |request| request.deliveries = deliveries).await?;
        if of_tenant(&claims, name) {
            return Ok(number);
        }
    }
    Err(Breach::new("not in 100 claims"))
}

pub async fn ten_thousand_lanes_of_one_tenant_delay_another_by_no_claim(
    fresh: Arc<dyn Backend>,
) -> CaseResult {
    let scene = Scene::on(fresh);
    let flood = lanes("flood", 10_000);
    let flood: Vec<_> = flood.iter().map(String::as_str).collect();
    scene.store([draft("f1")?.of("flood")?.to(&flood)?.due(at(-100))]).await?;
    scene.store([draft("e1")?.of("other")?.to(&["other-one"])?]).await?;
    same("the claim that served the other", unanswered_claims_until(&scene, 2, "other").await?, 1)
}

pub async fn tenants_take_turns_however_many_lanes_they_have(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    for number in 0..20 {
        let name = format!("flood{number}");
        let lanes = lanes(&name, 30);
        let lanes: Vec<_> = lanes.iter().map(String::as_str).collect();
        scene.store([draft(&format!("f{number}"))?.of(&name)?.to(&lanes)?.due(at(-100))]).await?;
    }
    scene.store([draft("e1")?.of("other")?.to(&["other-one"])?]).await?;
    // Each of the twenty tenants has one turn first, and a claim has five turns.
    let claims = unanswered_claims_until(&scene, 5, "other").await?;
    demand!(claims <= 5, "the other tenant was served by claim {claims}");
    Ok(())
}

pub async fn a_tenants_turn_goes_to_its_longest_waiting_lane(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    for (number, lane) in ["third", "first", "second"].into_iter().enumerate() {
        let due = at([-10, -30, -20][number]);
        scene.store([draft(lane)?.created(due).to(&[lane])?.due(due)]).await?;
    }
    for expected in ["first>first", "second>second", "third>third"] {
        let one = scene.claim_with(at(1), |request| request.deliveries = 1).await?;
        same("the lane whose turn it is", work(&one), [expected])?;
    }
    Ok(())
}

pub async fn a_claiming_publish_leaves_its_turn_to_a_doubtful_lane_that_waits(
    fresh: Arc<dyn Backend>,
) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([draft("old")?.of("other")?.to(&["other-one"])?]).await?;
    let mut request = scene.request(at(1));
    request.deliveries = 1;
    let claims = scene.claiming_publish(&[draft("new")?.to(&["one"])?], &request).await?;
    same("work", work(&claims), Vec::<String>::new())?;
    let mut request = scene.request(at(1));
    request.deliveries = 1;
    same("whose turn it is", work(&scene.claim(&request).await?), ["old>other-one"])
}

pub async fn a_flood_of_unrouted_events_delays_another_tenants_by_few_claims(
    fresh: Arc<dyn Backend>,
) -> CaseResult {
    let scene = Scene::on(fresh);
    for number in 0..300 {
        scene.store([draft(&format!("f{number}"))?.of("flood")?]).await?;
    }
    scene.store([draft("e1")?.of("other")?.created(at(1))]).await?;
    let claims =
        scene.claims_until(|request| request.events = 5, |claims| of_tenant(claims, "other")).await?;
    demand!(claims <= FEW, "the other tenant's event was claimed by claim {claims}");
    Ok(())
}

pub async fn a_lane_that_the_batch_did_not_reach_keeps_its_place(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    for number in 0..12 {
        let lane = format!("lane-{number:02}");
        for copy in 0..4 {
            let draft = draft(&format!("e{number}-{copy}"))?.to(&[&lane])?.due(at(-50 + number));
            scene.store([draft.with_routes(|route| route.width = 1)]).await?;
        }
    }
    let mut reached = BTreeSet::new();
    for second in 1..=6 {
        let mut request = scene.request(at(second));
        request.deliveries = 2;
        let claims = scene.claim(&request).await?;
        reached.extend(claims.work.iter().map(|claim| claim.endpoint.to_string()));
        scene.apply(all_delivered(&claims.work, at(second))).await?;
    }
    same("lanes reached in six claims of two", reached.len(), 12)
}

pub async fn lanes_behind_a_closed_gate_hide_nothing(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    for number in 0..50 {
        let name = format!("closed-{number}");
        scene.store([draft(&format!("c{number}"))?.to(&[&name])?.due(at(-100))]).await?;
        let change = if number % 2 == 0 { GateChange::Pause } else { GateChange::Hold(at(1000)) };
        scene.change_gate(lane(&name)?, change, at(0)).await?;
        scene.store([draft(&format!("t{number}"))?.of("shut")?.to(&[&format!("shut-{number}")])?]).await?;
    }
    scene.change_gate(Gate::Tenant(tenant("shut")?), GateChange::Pause, at(0)).await?;
    scene.store([draft("e1")?.to(&["open"])?]).await?;
    let mut request = scene.request(at(1));
    request.deliveries = 1;
    same("the open one", work(&scene.claim(&request).await?), ["e1>open"])
}

pub async fn nothing_due_is_passed_over_for_ever(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    // Two lanes whose deliveries always fail and are due again at once, and one lane that has
    // only one delivery.
    for number in 0..20 {
        let busy = draft(&format!("b{number}"))?.to(&["busy-one", "busy-two"])?;
        scene.store([busy.with_routes(|route| route.width = 3)]).await?;
    }
    scene.store([draft("once")?.to(&["quiet"])?]).await?;
    let mut now = at(1);
    for _ in 0..50 {
        now = now + Duration::from_millis(1);
        let mut request = scene.request(now);
        request.deliveries = 2;
        let claims = scene.claim(&request).await?;
        if work_set(&claims).contains("once>quiet") {
            let claim = claims.work.into_iter().filter(|claim| claim.endpoint.as_str() == "quiet").collect();
            return scene.apply([delivered(&the_only(claim)?, now)]).await;
        }
        scene.apply(claims.work.iter().map(|claim| retried(claim, at(0), now)).collect::<Vec<_>>()).await?;
    }
    Err(Breach::new("the quiet lane was not served in 50 claims"))
}
