//! A lane whose endpoint has recovered catches up: deliveries that wait for a retry are sent
//! before their due times. So is the probe of a sick lane.

use std::sync::Arc;
use std::time::Duration;

use crate::backend::Backend;
use crate::delivery::{Claim, Claims, Gate, GateChange};
use crate::endpoint::Expected;
use crate::policy::lane::{Lane, LaneChange};
use crate::policy::retry::{RetryPolicy, Schedule};
use crate::time::Timestamp;

use super::directory_and_registry::{plain, plain_endpoint, write};
use super::scene::{
    Scene, TENANT, all_delivered, at, deferred, delivered, demand, draft, released, retried, same, the_only,
    work,
};
use super::{Breach, CaseResult};

const GAP: Duration = Duration::from_secs(5);
const NOTHING: [String; 0] = [];

impl Scene {
    /// Makes an endpoint that has failed three times. Each event in `tried` was tried at its first
    /// time and waits for a retry at its second. Returns a claim of one more event at `now`, and the
    /// lane.
    async fn sick(&self, width: u32, tried: &[(&str, i64, i64)], now: i64) -> Result<(Claim, Lane), Breach> {
        for (event, tried_at, due_at) in tried {
            self.store([draft(event)?.to(&["one"])?.with_routes(|route| route.width = width)]).await?;
            let claim = the_only(self.claim_at(at(*tried_at)).await?.work)?;
            self.apply([retried(&claim, at(*due_at), at(*tried_at))]).await?;
        }
        self.store([draft("probe")?.to(&["one"])?.with_routes(|route| route.width = width)]).await?;
        let claims = self.claim_at(at(now)).await?;
        let mut lane = the_only(claims.lanes)?;
        lane.streak = 3;
        Ok((the_only(claims.work)?, lane))
    }

    /// The lane recovers and catches up.
    async fn recover(&self, probe: &Claim, lane: &Lane, now: i64) -> CaseResult {
        let success = recovery(lane, Some(GAP), at(now))?;
        self.settle(&[delivered(probe, at(now))], &[success], at(now)).await?;
        Ok(())
    }

    /// The lane fails once more and is held until `held_until`. The failed delivery is due at `due_at`.
    async fn fail(&self, probe: &Claim, lane: &Lane, now: i64, due_at: i64, held_until: i64) -> CaseResult {
        let failure = failure(lane, at(now), at(held_until))?;
        self.settle(&[retried(probe, at(due_at), at(now))], &[failure], at(now)).await?;
        Ok(())
    }

    async fn all_at(&self, seconds: i64) -> Result<Claims, Breach> {
        self.claim_at(at(seconds)).await
    }
}

fn failure(lane: &Lane, now: Timestamp, held_until: Timestamp) -> Result<LaneChange, Breach> {
    let hold = held_until.since(now);
    let schedule = Schedule::list([hold]).map_err(|error| Breach::new(error.to_string()))?;
    Ok(lane.after_failure(&RetryPolicy::new(schedule), hold, now, None, Some(GAP)))
}

fn recovery(lane: &Lane, catch_up: Option<Duration>, now: Timestamp) -> Result<LaneChange, Breach> {
    lane.after_success(lane.width, now, catch_up).ok_or_else(|| Breach::new("a success changes nothing"))
}

pub async fn what_waits_for_a_retry_catches_up_in_the_order_of_its_due_times(
    fresh: Arc<dyn Backend>,
) -> CaseResult {
    let scene = Scene::on(fresh);
    let tried = [("e1", 1, 5000), ("e2", 2, 3000), ("e3", 3, 4000)];
    let (probe, lane) = scene.sick(8, &tried, 20).await?;
    same("before the recovery", work(&scene.all_at(21).await?), NOTHING)?;
    scene.recover(&probe, &lane, 22).await?;
    scene.store([draft("new")?.to(&["one"])?]).await?;
    let claims = scene.all_at(22).await?;
    same("what is due, then what was to be", work(&claims), ["new>one", "e2>one", "e3>one", "e1>one"])?;
    let due: Vec<_> = claims.work.iter().skip(1).map(|claim| claim.due_at).collect();
    same("the due times that the leases replaced", due, [at(3000), at(4000), at(5000)])?;
    let all: Vec<_> = all_delivered(&claims.work, at(23));
    scene.apply(all).await?;
    same("what comes after", work(&scene.all_at(24).await?), NOTHING)
}

pub async fn a_lane_that_does_not_catch_up_keeps_its_due_times(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let (probe, lane) = scene.sick(8, &[("e1", 1, 300)], 20).await?;
    let success = recovery(&lane, None, at(22))?;
    scene.settle(&[delivered(&probe, at(22))], &[success], at(22)).await?;
    same("before it is due", work(&scene.all_at(299).await?), NOTHING)?;
    same("when it is due", work(&scene.all_at(300).await?), ["e1>one"])
}

pub async fn what_waits_for_anything_else_does_not_catch_up(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([draft("later")?.to(&["one"])?.with_routes(|route| route.due_at = at(900))]).await?;
    let (probe, lane) = scene.sick(8, &[("e1", 1, 15), ("e2", 2, 3000)], 10).await?;
    let postponed = the_only(scene.all_at(15).await?.work)?;
    scene.apply([deferred(&postponed, at(901), at(16))]).await?;
    scene.recover(&probe, &lane, 22).await?;
    let claims = scene.all_at(22).await?;
    same("no first attempt, and no deferral", work(&claims), ["e2>one"])?;
    let again = the_only(claims.work)?;
    scene.apply([retried(&again, at(902), at(23))]).await?;
    same("what failed since", work(&scene.all_at(899).await?), NOTHING)?;
    let due = [scene.all_at(900).await?, scene.all_at(901).await?, scene.all_at(902).await?];
    same(
        "all when they are due",
        due.map(|claims| work(&claims).concat()),
        ["later>one".to_owned(), "e1>one".to_owned(), "e2>one".to_owned()],
    )
}

pub async fn catching_up_leaves_the_gap_after_each_last_attempt(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let (probe, lane) = scene.sick(8, &[("e1", 8, 300), ("e2", 9, 200)], 10).await?;
    scene.recover(&probe, &lane, 11).await?;
    let claims = scene.all_at(12).await?;
    same("too soon", work(&claims), NOTHING)?;
    demand!(claims.next_due.is_some_and(|due| due <= at(13)), "next due at {:?}", claims.next_due);
    let claims = scene.all_at(13).await?;
    same("the first", work(&claims), ["e1>one"])?;
    demand!(claims.next_due.is_some_and(|due| due <= at(14)), "next due at {:?}", claims.next_due);
    same("the second", work(&scene.all_at(14).await?), ["e2>one"])
}

pub async fn catching_up_keeps_to_the_lanes_width_and_gives_again_what_was_released(
    fresh: Arc<dyn Backend>,
) -> CaseResult {
    let scene = Scene::on(fresh);
    let tried = [("e1", 1, 1000), ("e2", 2, 2000), ("e3", 3, 3000)];
    let (probe, lane) = scene.sick(2, &tried, 20).await?;
    scene.recover(&probe, &lane, 22).await?;
    let claims = scene.all_at(22).await?;
    same("as many as fit", work(&claims), ["e1>one", "e2>one"])?;
    scene.apply(claims.work.iter().map(|claim| released(claim, at(23))).collect::<Vec<_>>()).await?;
    let claims = scene.all_at(23).await?;
    same("given back and again", work(&claims), ["e1>one", "e2>one"])?;
    scene.apply(all_delivered(&claims.work, at(24))).await?;
    same("the rest", work(&scene.all_at(24).await?), ["e3>one"])
}

pub async fn an_ordering_key_catches_up_one_by_one(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    for event in ["k1", "k2"] {
        scene.store([draft(event)?.keyed("k")?.to(&["one"])?]).await?;
    }
    let head = the_only(scene.all_at(1).await?.work)?;
    scene.apply([retried(&head, at(3000), at(1))]).await?;
    let (probe, lane) = scene.sick(8, &[], 20).await?;
    scene.recover(&probe, &lane, 22).await?;
    let head = scene.all_at(22).await?;
    same("its head", work(&head), ["k1>one"])?;
    scene.apply(all_delivered(&head.work, at(23))).await?;
    same("the next", work(&scene.all_at(23).await?), ["k2>one"])
}

pub async fn a_sick_lane_probes_with_what_was_tried_longest_ago(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let (probe, lane) = scene.sick(8, &[("e1", 1, 5000), ("e2", 2, 3000)], 20).await?;
    scene.fail(&probe, &lane, 21, 4000, 30).await?;
    same("while it is held", work(&scene.all_at(29).await?), NOTHING)?;
    let claims = scene.all_at(30).await?;
    same("one probe", work(&claims), ["e1>one"])?;
    same("the due time that its lease replaced", the_only(claims.work.clone())?.due_at, at(5000))?;
    let (probe, lane) = (the_only(claims.work)?, the_only(claims.lanes)?);
    scene.fail(&probe, &lane, 31, 5000, 40).await?;
    same("while it is held again", work(&scene.all_at(39).await?), NOTHING)?;
    let claims = scene.all_at(40).await?;
    same("the next probe", work(&claims), ["e2>one"])?;
    let (probe, lane) = (the_only(claims.work)?, Lane { width: 8, ..the_only(claims.lanes)? });
    scene.recover(&probe, &lane, 41).await?;
    same("what waits, in order", work(&scene.all_at(41).await?), ["probe>one", "e1>one"])
}

pub async fn a_delivery_that_waits_alone_in_a_sick_lane_keeps_its_due_time(
    fresh: Arc<dyn Backend>,
) -> CaseResult {
    for keyed in [false, true] {
        let scene = Scene::on(Arc::clone(&fresh));
        let endpoint = if keyed { "keyed" } else { "plain" };
        let draft = |event: &str| {
            let draft = draft(&format!("{event}-{endpoint}"))?.to(&[endpoint])?;
            if keyed { draft.keyed(endpoint) } else { Ok(draft) }
        };
        scene.store([draft("first")?]).await?;
        let claims = scene.all_at(1).await?;
        let (probe, mut lane) = (the_only(claims.work)?, the_only(claims.lanes)?);
        lane.streak = 2;
        scene.fail(&probe, &lane, 2, 3000, 10).await?;
        let claims = scene.all_at(20).await?;
        same("alone", work(&claims), NOTHING)?;
        demand!(claims.next_due.is_none_or(|due| due > at(20)), "next due at {:?}", claims.next_due);
        // Another event of its key is parked, or another event comes that is due later.
        let second = draft("second")?.with_routes(|route| route.due_at = at(4000));
        let (_, told) = scene.publish(&[second.publish()], None, at(20)).await?;
        demand!(told.next_due.is_some_and(|due| due <= at(20)), "the publish says {:?}", told.next_due);
        same(
            "once another one waits",
            work(&scene.all_at(21).await?),
            [format!("first-{endpoint}>{endpoint}")],
        )?;
    }
    Ok(())
}

pub async fn what_waits_in_a_lane_that_is_lifted_catches_up(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let (probe, lane) = scene.sick(8, &[], 20).await?;
    scene.fail(&probe, &lane, 21, 3000, 600).await?;
    same("while it is held", work(&scene.all_at(30).await?), NOTHING)?;
    scene.change_gate(Gate::Lane(lane.endpoint.clone()), GateChange::Lift, at(30)).await?;
    let claims = scene.all_at(30).await?;
    same("what waits, although it waits alone", work(&claims), ["probe>one"])?;
    let (probe, lane) = (the_only(claims.work)?, the_only(claims.lanes)?);
    scene.fail(&probe, &lane, 31, 3000, 600).await?;
    same("sick again", work(&scene.all_at(599).await?), NOTHING)
}

pub async fn what_waits_for_an_endpoint_that_begins_anew_catches_up(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.register(&plain("one")?).await?;
    let (probe, mut lane) = scene.sick(8, &[("e1", 1, 5000)], 20).await?;
    lane.generation = scene.registered(&lane.endpoint).await?.generation;
    scene.fail(&probe, &lane, 21, 3000, 600).await?;
    same("while it is held", work(&scene.all_at(30).await?), NOTHING)?;
    let moved = plain_endpoint(TENANT, "one", "https://two.example/hook")?;
    scene.put(&write(&moved, Expected::Version(1))).await?;
    same("at its new URL", work(&scene.all_at(31).await?), ["probe>one", "e1>one"])
}
