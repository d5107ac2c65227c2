//! An event is routed to its endpoints in chunks, which may be repeated and resumed.

use std::sync::Arc;

use crate::backend::Backend;
use crate::delivery::{Next, Settled, Settlement};
use crate::history::{Class, Selection};
use crate::id::EndpointId;

use super::CaseResult;
use super::scene::{
    LEASE, Scene, TENANT, at, delivered, demand, draft, events, released, routed, same, set, tenant,
    the_only, work, work_set,
};

pub async fn an_unrouted_event_is_claimed_at_once(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let mut later = draft("e1")?;
    later.event.not_before = Some(at(500));
    scene.store([later.clone()]).await?;
    let request = scene.request(at(0));
    let claims = scene.claim(&request).await?;
    same("found beside what was published here", claims.found, Vec::new())?;
    let claim = the_only(claims.events)?;
    same("the event", claim.event.as_ref(), &later.event)?;
    same("where to begin", claim.after, None)?;
    same("the lease", (claim.token, claim.lease_until), (request.token, at(0) + LEASE))
}

pub async fn routing_in_chunks_goes_on_where_it_stopped(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([draft("e1")?]).await?;
    let mut stopped: Option<EndpointId> = None;
    for (number, (chunk, after)) in
        [("one", Some("p1")), ("two", Some("p2")), ("three", None)].into_iter().enumerate()
    {
        let now = at(i64::try_from(number).unwrap_or(0));
        let claim = the_only(scene.claim_at(now).await?.events)?;
        same("where to begin", claim.after.clone(), stopped)?;
        scene.apply([routed(&claim, &[chunk], after, now)?]).await?;
        stopped = after.map(EndpointId::new).transpose()?;
    }
    let claims = scene.claim_at(at(9)).await?;
    same("nothing is left to route", events(&claims), Vec::<String>::new())?;
    let all = scene.all(TENANT, Selection::default()).await?;
    same("deliveries", all.len(), 3)
}

pub async fn an_event_that_is_to_be_routed_later_is_due_then_at_the_same_place(
    fresh: Arc<dyn Backend>,
) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([draft("e1")?]).await?;
    let first = the_only(scene.claim_at(at(0)).await?.events)?;
    scene.apply([routed(&first, &["one"], Some("p1"), at(0))?]).await?;
    let second = the_only(scene.claim_at(at(1)).await?.events)?;
    let later =
        Settlement { next: Next::RouteLater { due_at: at(50) }, ..routed(&second, &[], None, at(2))? };
    scene.apply([later.clone()]).await?;
    scene.store([draft("e2")?.created(at(3))]).await?;
    let claims = scene.claim_at(at(49)).await?;
    same("the other event of the tenant", events(&claims), ["e2"])?;
    scene.apply([routed(&the_only(claims.events)?, &[], None, at(49))?]).await?;
    same("a second time", scene.settle_one(later).await?, Settled::Fenced)?;
    let claims = scene.claim_at(at(50)).await?;
    let third = the_only(claims.events)?;
    same("where to begin", third.after, Some(EndpointId::new("p1")?))
}

pub async fn routing_twice_is_routing_once(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([draft("e1")?]).await?;
    let first = the_only(scene.claim_at(at(0)).await?.events)?;
    scene.apply([routed(&first, &["one", "two"], Some("two"), at(1))?]).await?;
    let claims = scene.claim_at(at(1)).await?;
    for claim in &claims.work {
        scene.apply([delivered(claim, at(2))]).await?;
    }
    // The next router repeats endpoints that have a delivery already.
    let second = the_only(claims.events)?;
    scene.apply([routed(&second, &["two", "three"], None, at(3))?]).await?;
    same("only the new one", work(&scene.claim_at(at(3)).await?), ["e1>three"])?;
    same("deliveries", scene.all(TENANT, Selection::default()).await?.len(), 3)?;
    same(
        "the first again",
        scene.settle_one(routed(&first, &["four"], None, at(4))?).await?,
        Settled::Fenced,
    )?;
    same("deliveries", scene.all(TENANT, Selection::default()).await?.len(), 3)
}

pub async fn a_stale_router_moves_nothing(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([draft("e1")?]).await?;
    let stale = the_only(scene.claim_at(at(0)).await?.events)?;
    let current = the_only(scene.claim_at(at(60)).await?.events)?;
    let late = routed(&stale, &["one"], None, at(61))?;
    let back = Settlement { next: crate::delivery::Next::Release, ..late.clone() };
    for settlement in [late, back] {
        same("the answer", scene.settle_one(settlement).await?, Settled::Fenced)?;
    }
    same("deliveries", scene.all(TENANT, Selection::default()).await?.len(), 0)?;
    let claims = scene.claim_at(at(62)).await?;
    same("still leased", events(&claims), Vec::<String>::new())?;
    scene.apply([routed(&current, &["two"], None, at(63))?]).await?;
    same("work", work(&scene.claim_at(at(63)).await?), ["e1>two"])
}

pub async fn a_released_event_is_due_as_before(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([draft("e1")?]).await?;
    let claim = the_only(scene.claim_at(at(0)).await?.events)?;
    let back = Settlement { next: crate::delivery::Next::Release, ..routed(&claim, &[], None, at(1))? };
    scene.apply([back]).await?;
    let again = the_only(scene.claim_at(at(1)).await?.events)?;
    same("where to begin", again.after, None)?;
    same("unrouted", scene.stats(None).await?.unrouted, 1)
}

pub async fn an_event_without_a_match_is_kept(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let unwanted = draft("e1")?;
    scene.store([unwanted.clone()]).await?;
    let claim = the_only(scene.claim_at(at(0)).await?.events)?;
    scene.apply([routed(&claim, &[], None, at(1))?]).await?;
    let claims = scene.claim_at(at(999)).await?;
    same("nothing comes", (claims.work.len(), claims.events.len(), claims.next_due), (0, 0, None))?;
    demand!(!scene.prune(&[(Class::Unmatched, at(0))], 10).await?, "it is not older than its own creation");
    let read = scene.event(&tenant(TENANT)?, &unwanted.event.id).await?;
    same("the event", read.as_deref(), Some(&unwanted.event))
}

pub async fn the_first_route_shapes_the_lane(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([draft("e1")?, draft("e2")?]).await?;
    let claims = scene.claim_at(at(0)).await?.events;
    for (claim, width) in claims.iter().zip([2, 9]) {
        let mut settlement = routed(claim, &["one", "two"], None, at(1))?;
        if let crate::delivery::Next::Routed { routes, .. } = &mut settlement.next {
            for route in routes {
                route.width = width;
            }
        }
        scene.apply([settlement]).await?;
    }
    let claims = scene.claim_at(at(1)).await?;
    same("work", work_set(&claims), set(["e1>one", "e2>one", "e1>two", "e2>two"]))?;
    for (lane, width) in claims.lanes.iter().zip([2, 2]) {
        same("the lane", (lane.width, lane.proven, lane.streak, lane.paused), (width, false, 0, false))?;
    }
    scene.apply(claims.work.iter().map(|claim| released(claim, at(2))).collect::<Vec<_>>()).await
}
