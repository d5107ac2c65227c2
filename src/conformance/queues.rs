//! What an operator can find out when an endpoint gets nothing.

use std::sync::Arc;

use crate::backend::Backend;
use crate::delivery::{Gate, GateChange};
use crate::endpoint::{Endpoint, Expected, Write};
use crate::history::{ClosedGate, Disabled, LaneHold, LaneStatus};
use crate::policy::failing::Failing;
use crate::policy::lane::{Health, LaneChange};
use crate::time::Timestamp;

use super::directory_and_registry::plain_endpoint;
use super::scene::{
    LEASE, Scene, TENANT, at, delivered, demand, draft, endpoint, host_of, lane, retried, same, tenant,
    the_only,
};
use super::{Breach, CaseResult};

impl Scene {
    async fn register_one(&self, width: u32) -> Result<Endpoint, Breach> {
        let new = plain_endpoint(TENANT, "one", "https://one.example/hook")?;
        self.put(&Write { endpoint: new.clone(), width, expected: Expected::Absent, unique_url: false })
            .await?;
        Ok(new)
    }

    async fn rewrite(&self, endpoint: &Endpoint, enabled: bool, version: u64) -> CaseResult {
        let endpoint = Endpoint { enabled, ..endpoint.clone() };
        let write = Write { endpoint, width: 8, expected: Expected::Version(version), unique_url: false };
        self.put(&write).await?;
        Ok(())
    }

    async fn queue_of(&self, of: &str, name: &str, now: Timestamp) -> Result<Option<LaneStatus>, Breach> {
        Ok(self.queue(&tenant(of)?, &endpoint(name)?, now).await?)
    }

    /// The queue of the endpoint `one`.
    async fn queue_at(&self, now: Timestamp) -> Result<LaneStatus, Breach> {
        let found = self.queue_of(TENANT, "one", now).await?;
        found.ok_or_else(|| Breach::new("the endpoint has no queue"))
    }
}

pub async fn the_queue_of_a_new_endpoint_is_open_and_empty(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.register_one(5).await?;
    same("the queue", scene.queue_at(at(0)).await?, LaneStatus { width: 5, ..LaneStatus::default() })?;
    scene.change_gate(Gate::Tenant(tenant(TENANT)?), GateChange::Pause, at(0)).await?;
    scene.change_gate(Gate::Host(host_of("one")?), GateChange::Hold(at(9)), at(0)).await?;
    let queue = scene.queue_at(at(0)).await?;
    demand!(queue.tenant_paused && queue.held.is_some(), "before its first delivery: {queue:?}");
    Ok(())
}

pub async fn the_tenants_and_hosts_that_are_held_back_are_listed(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let (of_tenant, of_host) =
        (|name: &str| tenant(name).map(Gate::Tenant), |name: &str| host_of(name).map(Gate::Host));
    for (gate, change) in [
        (of_host("b")?, GateChange::Hold(at(20))),
        (of_host("a")?, GateChange::Hold(at(9))),
        (of_host("lifted")?, GateChange::Hold(at(90))),
        (of_tenant("two")?, GateChange::Hold(at(20))),
        (of_tenant("two")?, GateChange::Pause),
        (of_tenant("one")?, GateChange::Pause),
        (of_tenant("resumed")?, GateChange::Pause),
        (of_host("lifted")?, GateChange::Lift),
        (of_tenant("resumed")?, GateChange::Resume),
    ] {
        scene.change_gate(gate, change, at(0)).await?;
    }
    let held = |gate, paused, until: Option<i64>| ClosedGate { gate, paused, held_until: until.map(at) };
    let one = held(of_tenant("one")?, true, None);
    let two = held(of_tenant("two")?, true, Some(20));
    let (a, b) = (held(of_host("a")?, false, Some(9)), held(of_host("b")?, false, Some(20)));
    let all = vec![one.clone(), two.clone(), a.clone(), b.clone()];
    same("the closed gates", scene.gates(at(0), None, 10).await?, all.clone())?;
    let mut paged = Vec::new();
    while let [gate] = &scene.gates(at(0), paged.last().map(|last: &ClosedGate| &last.gate), 1).await?[..] {
        paged.push(gate.clone());
        demand!(paged.len() <= all.len(), "a page repeats a gate: {paged:?}");
    }
    same("the closed gates, one to a page", paged, all)?;
    let later = vec![one.clone(), two, b];
    same("what is closed when a hold has ended", scene.gates(at(9), None, 10).await?, later)?;
    let unheld = held(of_tenant("two")?, true, None);
    same("what is closed when all holds have ended", scene.gates(at(20), None, 10).await?, vec![one, unheld])
}

pub async fn a_queue_says_who_is_paused(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.register_one(8).await?;
    scene.store([draft("e1")?.to(&["one", "two"])?]).await?;
    let mut found = Vec::new();
    for (gate, change) in [
        (lane("two")?, GateChange::Pause),
        (lane("one")?, GateChange::Pause),
        (Gate::Tenant(tenant(TENANT)?), GateChange::Pause),
        (lane("one")?, GateChange::Lift),
        (lane("one")?, GateChange::Resume),
        (Gate::Tenant(tenant(TENANT)?), GateChange::Resume),
    ] {
        scene.change_gate(gate, change, at(0)).await?;
        let LaneStatus { paused, tenant_paused, .. } = scene.queue_at(at(0)).await?;
        found.push((paused, tenant_paused));
    }
    let expected = [(false, false), (true, false), (true, true), (true, true), (false, true), (false, false)];
    same("paused, and its tenant", found, expected)
}

pub async fn a_queue_says_what_holds_it_longest(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.register_one(8).await?;
    scene.store([draft("e1")?.to(&["one"])?]).await?;
    let gates = [lane("one")?, Gate::Tenant(tenant(TENANT)?), Gate::Host(host_of("one")?)];
    for (gate, until) in gates.iter().zip([10, 20, 30]) {
        scene.change_gate(gate.clone(), GateChange::Hold(at(until)), at(0)).await?;
        let expected = LaneHold { gate: gate.clone(), until: at(until) };
        same("the longest", scene.queue_at(at(0)).await?.held, Some(expected))?;
    }
    same("at its end", scene.queue_at(at(30)).await?.held, None)?;
    scene.change_gate(gates[2].clone(), GateChange::Lift, at(1)).await?;
    let of_tenant = LaneHold { gate: gates[1].clone(), until: at(20) };
    same("the next longest", scene.queue_at(at(1)).await?.held, Some(of_tenant))?;
    scene.change_gate(gates[0].clone(), GateChange::Hold(at(20)), at(1)).await?;
    let of_lane = LaneHold { gate: gates[0].clone(), until: at(20) };
    same("of two that end together", scene.queue_at(at(1)).await?.held, Some(of_lane))
}

pub async fn a_queue_tells_its_lanes_health(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.register_one(8).await?;
    scene.store([draft("e1")?.to(&["one"])?, draft("e2")?.to(&["one"])?]).await?;
    let claims = scene.claim_at(at(0)).await?;
    let seen = the_only(claims.lanes)?;
    let sick = Health {
        width: 1,
        proven: false,
        streak: 3,
        failing: Some(Failing::first(at(1))),
        catch_up: None,
        ends_hold: None,
    };
    let change = LaneChange { health: Some(sick), ..seen.hold(at(60)) };
    scene.settle(&[retried(&claims.work[0], at(50), at(2))], &[change], at(2)).await?;
    let LaneStatus { held, failing_since, streak, width, .. } = scene.queue_at(at(2)).await?;
    let held_by_lane = Some(LaneHold { gate: lane("one")?, until: at(60) });
    same("held", held, held_by_lane)?;
    same("the health", (failing_since, streak, width), (Some(at(1)), 3, 1))?;
    let lapsed = scene.claim_at(at(70)).await?;
    let seen = the_only(lapsed.lanes)?;
    let success =
        seen.after_success(8, at(2), None).ok_or_else(|| Breach::new("a success changes nothing"))?;
    scene.settle(&[delivered(&lapsed.work[0], at(71))], &[success], at(71)).await?;
    let LaneStatus { failing_since, streak, width, .. } = scene.queue_at(at(71)).await?;
    same("after a success", (failing_since, streak, width), (None, 0, 2))
}

pub async fn a_queue_says_who_disabled_its_endpoint_and_why(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let endpoint = scene.register_one(8).await?;
    let by_engine = |why: &str| Some(Disabled::ByEngine { why: why.to_owned() });
    let seen = scene.registered(&endpoint.id).await?;
    same("another version", scene.disable(&Endpoint { version: 9, ..seen.clone() }, "gone").await?, false)?;
    same("enabled", scene.queue_at(at(0)).await?.disabled, None)?;
    scene.disable(&seen, "gone \u{1f980}").await?;
    same("disabled", scene.queue_at(at(0)).await?.disabled, by_engine("gone \u{1f980}"))?;
    scene.rewrite(&endpoint, false, 2).await?;
    same("written, still disabled", scene.queue_at(at(0)).await?.disabled, by_engine("gone \u{1f980}"))?;
    scene.rewrite(&endpoint, true, 3).await?;
    same("enabled again", scene.queue_at(at(0)).await?.disabled, None)?;
    scene.rewrite(&endpoint, false, 4).await?;
    same("disabled by a write", scene.queue_at(at(0)).await?.disabled, Some(Disabled::ByHost))
}

pub async fn a_queue_says_when_something_is_due(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.register_one(8).await?;
    scene.store([draft("e1")?.to(&["one"])?.due(at(40)), draft("e2")?.to(&["one"])?.due(at(30))]).await?;
    scene.store([draft("e3")?.to(&["two"])?.due(at(10))]).await?;
    same("the first", scene.queue_at(at(0)).await?.oldest_due, Some(at(30)))?;
    scene.change_gate(lane("two")?, GateChange::Pause, at(0)).await?;
    scene.change_gate(lane("one")?, GateChange::Hold(at(35)), at(0)).await?;
    same("whatever holds it", scene.queue_at(at(0)).await?.oldest_due, Some(at(30)))?;
    let first = the_only(scene.claim_at(at(35)).await?.work)?;
    scene.apply([delivered(&first, at(36))]).await?;
    same("the next", scene.queue_at(at(36)).await?.oldest_due, Some(at(40)))?;
    let second = the_only(scene.claim_at(at(40)).await?.work)?;
    same("under way", scene.queue_at(at(40)).await?.oldest_due, Some(at(40) + LEASE))?;
    scene.apply([delivered(&second, at(41))]).await?;
    same("nothing waits", scene.queue_at(at(41)).await?.oldest_due, None)
}

pub async fn another_tenants_queue_is_not_found(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.register_one(8).await?;
    scene.store([draft("o1")?.of("other")?.to(&["other-one"])?]).await?;
    same("an endpoint of acme", scene.queue_of("other", "one", at(0)).await?, None)?;
    same("unknown to all", scene.queue_of(TENANT, "nobody", at(0)).await?, None)?;
    scene.store([draft("e1")?.to(&["one"])?]).await?;
    same("a lane of acme", scene.queue_of("other", "one", at(0)).await?, None)?;
    same("a lane of theirs", scene.queue_of(TENANT, "other-one", at(0)).await?, None)
}

pub async fn a_lane_without_an_endpoint_has_a_queue(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([draft("e1")?.to(&["one"])?.due(at(7))]).await?;
    scene.change_gate(lane("one")?, GateChange::Pause, at(0)).await?;
    let expected = LaneStatus { paused: true, width: 8, oldest_due: Some(at(7)), ..LaneStatus::default() };
    same("the queue", scene.queue_at(at(0)).await?, expected)
}
