//! A claim returns due work, gives each piece to one caller, and stays within the limits of the
//! request.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::backend::Backend;
use crate::delivery::{ClaimRequest, Claims, InFlight};
use crate::history::Selection;
use crate::id::Round;

use super::scene::{
    LEASE, Scene, TENANT, at, at_once, delivered, demand, draft, events, holds, retried, same, set, tenant,
    the_only, work, work_set,
};
use super::{Breach, CaseResult};

impl Scene {
    pub(super) async fn claim_with(
        &self,
        now: crate::time::Timestamp,
        change: impl FnOnce(&mut ClaimRequest),
    ) -> Result<Claims, Breach> {
        let mut request = self.request(now);
        change(&mut request);
        Ok(self.claim(&request).await?)
    }

    /// Makes a lane whose last attempt succeeded.
    async fn proven(&self, endpoint: &str) -> CaseResult {
        let claim = self.leased(&format!("proof-{endpoint}"), endpoint).await?;
        let lanes = self.claim_at(at(0)).await?.lanes;
        demand!(lanes.is_empty(), "there is other work: {lanes:?}");
        let lane = crate::policy::lane::LaneChange {
            endpoint: claim.endpoint.clone(),
            generation: crate::endpoint::Generation::UNKNOWN,
            seen: 0,
            raise: None,
            health: Some(crate::policy::lane::Health {
                width: 8,
                proven: true,
                streak: 0,
                failing: None,
                catch_up: None,
                ends_hold: None,
            }),
        };
        self.settle(&[delivered(&claim, at(0))], &[lane], at(0)).await?;
        Ok(())
    }
}

pub async fn only_due_work_is_claimed(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([draft("now")?.to(&["one"])?, draft("later")?.to(&["one"])?.due(at(10))]).await?;
    same("at once", work(&scene.claim_at(at(0)).await?), ["now>one"])?;
    let just_before = at(10) - std::time::Duration::from_micros(1);
    same("a microsecond early", work(&scene.claim_at(just_before).await?), Vec::<String>::new())?;
    same("in time", work(&scene.claim_at(at(10)).await?), ["later>one"])
}

pub async fn claimed_work_is_given_once(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([draft("e1")?.to(&["one", "two"])?, draft("e2")?]).await?;
    let first = scene.claim_at(at(0)).await?;
    same("the first", (first.work.len(), first.events.len()), (2, 1))?;
    let second = scene.claim_at(at(1)).await?;
    same("the second", (second.work.len(), second.events.len()), (0, 0))
}

pub async fn claims_at_the_same_time_share_the_work(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    for number in 0..200 {
        let lane = format!("lane-{}", number % 10);
        scene
            .store([draft(&format!("e{number}"))?.to(&[&lane])?.with_routes(|route| route.width = 50)])
            .await?;
    }
    let mut claims = Vec::new();
    for _ in 0..8 {
        let (backend, mut request) = (scene.backend(), scene.request(at(0)));
        request.deliveries = 30;
        claims.push(async move { backend.claim(&request).await });
    }
    let mut given = Vec::new();
    for result in at_once(claims).await? {
        given.extend(result?.work.into_iter().map(|claim| claim.delivery));
    }
    let mut rest = 0;
    while given.len() < 200 && rest < 100 {
        given.extend(scene.claim_at(at(0)).await?.work.into_iter().map(|claim| claim.delivery));
        rest += 1;
    }
    let different: BTreeSet<_> = given.iter().collect();
    same("given, and how many different ones", (given.len(), different.len()), (200, 200))
}

pub async fn a_claim_stays_within_its_numbers(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    for number in 0..6 {
        let routed = draft(&format!("d{number}"))?.to(&[&format!("lane-{number}")])?;
        scene.store([routed, draft(&format!("e{number}"))?]).await?;
    }
    let few = scene.claim_with(at(0), |request| (request.deliveries, request.events) = (2, 3)).await?;
    same("two and three", (few.work.len(), few.events.len()), (2, 3))?;
    let routing = scene.claim_with(at(0), |request| (request.deliveries, request.events) = (0, 1)).await?;
    same("none and one", (routing.work.len(), routing.events.len()), (0, 1))?;
    let sending = scene.claim_with(at(0), |request| request.events = 0).await?;
    same("the rest and none", (sending.work.len(), sending.events.len()), (4, 0))
}

pub async fn a_claim_tells_all_that_sending_needs(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let mut born_late = draft("e1")?;
    born_late.event.not_before = Some(at(5));
    let born_late = born_late.to(&["one"])?;
    scene.store([born_late.clone()]).await?;
    let request = scene.request(at(6));
    let first = the_only(scene.claim(&request).await?.work)?;
    same("the event", first.event.as_ref(), &born_late.event)?;
    let (id, endpoint) = (born_late.deliveries(), first.endpoint.as_str());
    same("what and where", (vec![first.delivery], endpoint), (id, "one"))?;
    same("the round", first.round.clone(), Round::Routing)?;
    same("the lease", (first.token, first.lease_until), (request.token, at(6) + LEASE))?;
    same("the times", (first.due_at, first.born_at, first.first_attempt_at), (at(5), at(5), None))?;
    same("the counts", (first.attempts, first.silent, first.silent_alone), (0, 0, 0))?;
    same("the marks", (first.lapsed, first.test), (false, false))?;
    scene.apply([retried(&first, at(20), at(7))]).await?;
    let second = the_only(scene.claim_at(at(25)).await?.work)?;
    same("the times", (second.due_at, second.born_at), (at(20), at(5)))?;
    same("behind it", (second.attempts, second.first_attempt_at), (1, Some(at(7))))
}

pub async fn the_oldest_due_of_a_lane_goes_first(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    for (id, due) in [("third", 3), ("first", 1), ("second", 2), ("second-too", 2)] {
        scene.store([draft(id)?.to(&["one"])?.due(at(due))]).await?;
    }
    for expected in ["first>one", "second>one", "second-too>one", "third>one"] {
        let claims = scene.claim_with(at(9), |request| request.deliveries = 1).await?;
        same("the next", work(&claims), [expected])?;
    }
    Ok(())
}

/// How many deliveries of each lane a claim returned.
fn by_lane(claims: &Claims) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for claim in &claims.work {
        *counts.entry(claim.endpoint.as_str()).or_default() += 1;
    }
    counts
}

pub async fn ready_lanes_are_served_in_turn(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    for number in 0..20 {
        let lane = format!("lane-{}", number % 5);
        scene.store([draft(&format!("e{number}"))?.to(&[&lane])?]).await?;
    }
    let few = scene.claim_with(at(1), |request| request.deliveries = 3).await?;
    same("of each of three lanes", by_lane(&few).into_values().collect::<Vec<_>>(), [1, 1, 1])?;
    let more = scene.claim_with(at(2), |request| request.deliveries = 8).await?;
    let mut counts: Vec<_> = by_lane(&more).into_values().collect();
    counts.sort_unstable();
    same("of each of all five", counts, [1, 1, 2, 2, 2])?;
    same("the rest", scene.claim_at(at(3)).await?.work.len(), 9)
}

pub async fn a_lane_with_more_than_others_gives_what_they_leave(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    for number in 0..9 {
        let deep = draft(&format!("d{number}"))?.to(&["deep"])?.due(at(-10));
        scene.store([deep.with_routes(|route| route.width = 6)]).await?;
    }
    for lane in ["one", "two", "three"] {
        scene.store([draft(lane)?.to(&[lane])?]).await?;
    }
    let claims = scene.claim_with(at(1), |request| request.deliveries = 7).await?;
    let counts = BTreeMap::from([("deep", 4), ("one", 1), ("three", 1), ("two", 1)]);
    same("of each", by_lane(&claims), counts)?;
    let rest = scene.claim_with(at(2), |request| request.deliveries = 7).await?;
    same("until its width", by_lane(&rest), BTreeMap::from([("deep", 2)]))
}

pub async fn a_tenant_that_has_its_share_in_flight_is_passed_over(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    for name in ["busy", "idle"] {
        scene.store([draft(&format!("of-{name}"))?.of(name)?.to(&[&format!("{name}-one")])?]).await?;
    }
    let busy = tenant("busy")?;
    let others = scene.claim_with(at(0), |request| holds(request, busy, usize::MAX)).await?;
    same("the others'", work(&others), ["of-idle>idle-one"])?;
    same("later", work(&scene.claim_at(at(1)).await?), ["of-busy>busy-one"])
}

pub async fn a_tenant_gets_at_most_its_share(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    for number in 0..5 {
        let (id, lane) = (format!("e{number}"), format!("lane-{}", number % 2));
        scene.store([draft(&id)?.to(&[&lane])?]).await?;
    }
    scene.store([draft("other")?.of("other")?.to(&["other-one"])?]).await?;
    let half = |request: &mut ClaimRequest| {
        (request.deliveries, request.shares.of_all) = (7, 1);
    };
    let shared = scene.claim_with(at(0), half).await?;
    let of_other = shared.work.iter().filter(|claim| claim.event.tenant.as_str() == "other").count();
    same("the big one's and the other's", (shared.work.len() - of_other, of_other), (3, 1))?;
    same("the rest", scene.claim_at(at(0)).await?.work.len(), 2)
}

pub async fn a_tenants_doubtful_lanes_get_at_most_their_share(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    for number in 0..5 {
        scene.store([draft(&format!("e{number}"))?.to(&[&format!("lane-{number}")])?]).await?;
    }
    scene.store([draft("other")?.of("other")?.to(&["other-one"])?]).await?;
    let half = |request: &mut ClaimRequest| {
        (request.doubtful, request.shares.of_doubtful) = (7, 1);
        let held = InFlight { all: 1, doubtful: 1 };
        request.shares.in_flight = tenant(TENANT).map(|busy| (busy, held)).into_iter().collect();
    };
    let shared = scene.claim_with(at(0), half).await?;
    let of_other = shared.work.iter().filter(|claim| claim.event.tenant.as_str() == "other").count();
    same("the big one's and the other's", (shared.work.len() - of_other, of_other), (2, 1))
}

pub async fn doubtful_lanes_share_their_part(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.proven("good").await?;
    for number in 0..3 {
        let (good, new) = (format!("g{number}"), format!("n{number}"));
        scene.store([draft(&good)?.to(&["good"])?, draft(&new)?.to(&[&format!("lane-{number}")])?]).await?;
    }
    let claims = scene.claim_with(at(1), |request| request.doubtful = 1).await?;
    let good = claims.work.iter().filter(|claim| claim.endpoint.as_str() == "good").count();
    same("of the proven lane and of the new ones", (good, claims.work.len() - good), (3, 1))?;
    same("the rest", scene.claim_at(at(1)).await?.work.len(), 2)
}

pub async fn the_lanes_of_the_work_come_with_it(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let wide = |id| Ok::<_, Breach>(draft(id)?.to(&["one", "two"])?.with_routes(|route| route.width = 5));
    scene.store([wide("e1")?, wide("e2")?, draft("e3")?]).await?;
    scene.store([draft("e4")?.to(&["elsewhere"])?.due(at(99))]).await?;
    let claims = scene.claim_at(at(0)).await?;
    same("events", events(&claims), ["e3"])?;
    same("work", work_set(&claims), set(["e1>one", "e1>two", "e2>one", "e2>two"]))?;
    let lanes: BTreeSet<_> = claims.lanes.iter().map(|lane| lane.endpoint.to_string()).collect();
    same("lanes", (lanes, claims.lanes.len()), (set(["one", "two"]), 2))?;
    for lane in &claims.lanes {
        same("tenant", lane.tenant.as_str(), TENANT)?;
        same("host", lane.host.to_string(), format!("{}.example", lane.endpoint))?;
        same("health", (lane.width, lane.proven, lane.streak), (5, false, 0))?;
        same("gates", (lane.paused, lane.held_until), (false, None))?;
    }
    same("all of them", scene.all(TENANT, Selection::default()).await?.len(), 5)
}
