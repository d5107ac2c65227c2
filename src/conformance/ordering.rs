//! For each endpoint and ordering key: one delivery at a time, in the order of publishing.

use std::sync::Arc;

use crate::backend::Backend;
use crate::delivery::{CancelReason, Claim, FailReason, Settled};
use crate::history::{PageAfter, Selection};

use super::CaseResult;
use super::scene::{
    Draft, LEASE, Scene, TENANT, all_delivered, at, delivered, demand, draft, events, given_up, retried,
    routed, same, set, tenant, the_only, work, work_set,
};

fn keyed(id: &str) -> Result<Draft, super::Breach> {
    draft(id)?.keyed("k")
}

impl Scene {
    /// Stores three events of one key for one endpoint, and leases the first of them.
    async fn three_of_a_key(&self) -> Result<Claim, super::Breach> {
        for id in ["e1", "e2", "e3"] {
            self.store([keyed(id)?.to(&["one"])?]).await?;
        }
        let claims = self.claim_at(at(0)).await?;
        same("the head", work(&claims), ["e1>one"])?;
        the_only(claims.work)
    }
}

pub async fn of_a_key_only_the_head_is_claimed(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let head = scene.three_of_a_key().await?;
    same("while it is leased", work(&scene.claim_at(at(1)).await?), Vec::<String>::new())?;
    same("its lease has ended", work(&scene.claim_at(head.lease_until).await?), ["e1>one"])
}

pub async fn the_next_of_a_key_follows_when_the_head_is_over(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let first = scene.three_of_a_key().await?;
    scene.apply([delivered(&first, at(1))]).await?;
    let claims = scene.claim_at(at(1)).await?;
    same("the second", work(&claims), ["e2>one"])?;
    scene.apply([given_up(&claims.work[0], FailReason::Exhausted, at(2))]).await?;
    let claims = scene.claim_at(at(2)).await?;
    same("the third", work(&claims), ["e3>one"])?;
    scene.apply([delivered(&claims.work[0], at(3))]).await?;
    scene.store([keyed("e4")?.to(&["one"])?]).await?;
    same("a fourth finds the key free", work(&scene.claim_at(at(3)).await?), ["e4>one"])
}

pub async fn a_head_that_waits_for_a_retry_keeps_its_place(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let head = scene.three_of_a_key().await?;
    scene.apply([retried(&head, at(30), at(1))]).await?;
    same("followers wait", work(&scene.claim_at(at(29)).await?), Vec::<String>::new())?;
    same("the head again", work(&scene.claim_at(at(30)).await?), ["e1>one"])
}

pub async fn a_cancelled_head_lets_the_next_go(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let head = scene.three_of_a_key().await?;
    scene.apply([retried(&head, at(30), at(1))]).await?;
    let parked = scene.all(TENANT, Selection::default()).await?;
    let second = parked.iter().filter(|shown| shown.event.as_str() == "e2").map(|shown| shown.id);
    for id in [head.delivery].into_iter().chain(second) {
        let one = Selection { ids: Some(vec![id]), ..Selection::default() };
        let (reason, page) = (CancelReason::ByHost, PageAfter::first(9));
        let cancelled = scene.cancel(&tenant(TENANT)?, &one, reason, at(2), page).await?;
        same("cancelled", cancelled.deliveries, [id])?;
    }
    same("the last", work(&scene.claim_at(at(2)).await?), ["e3>one"])
}

pub async fn a_stale_success_of_the_head_lets_the_next_go(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let stale = scene.three_of_a_key().await?;
    let head = the_only(scene.claim_at(at(0) + LEASE).await?.work)?;
    same("the answer", scene.settle_one(delivered(&stale, at(61))).await?, Settled::Fenced)?;
    let claims = scene.claim_at(at(61)).await?;
    same("the next", work(&claims), ["e2>one"])?;
    scene.settle_one(delivered(&head, at(62))).await?;
    same("and one at a time", work(&scene.claim_at(at(62)).await?), Vec::<String>::new())
}

pub async fn keys_and_endpoints_do_not_wait_for_each_other(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([keyed("e1")?.to(&["one", "two"])?, keyed("e2")?.to(&["one", "two"])?]).await?;
    scene.store([draft("e3")?.keyed("other")?.to(&["one"])?, draft("e4")?.to(&["one"])?]).await?;
    scene.store([keyed("e5")?.of("other")?.to(&["other-one"])?]).await?;
    let claims = scene.claim_at(at(0)).await?;
    let heads = set(["e1>one", "e1>two", "e3>one", "e4>one", "e5>other-one"]);
    same("the heads", work_set(&claims), heads)?;
    let to_two: Vec<_> = claims.work.into_iter().filter(|claim| claim.endpoint.as_str() == "two").collect();
    scene.apply(all_delivered(&to_two, at(1))).await?;
    same("the next of that endpoint", work(&scene.claim_at(at(1)).await?), ["e2>two"])
}

pub async fn an_event_is_routed_after_the_earlier_ones_of_its_key(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([keyed("e1")?, keyed("e2")?, draft("e3")?]).await?;
    let claims = scene.claim_at(at(0)).await?;
    same("the first and the free", events(&claims), ["e1", "e3"])?;
    scene.apply([routed(&claims.events[0], &["one"], Some("one"), at(1))?]).await?;
    let chunk = scene.claim_at(at(1)).await?;
    same("one chunk is not all", events(&chunk), ["e1"])?;
    scene.apply([routed(&chunk.events[0], &["two"], None, at(2))?]).await?;
    let second = scene.claim_at(at(2)).await?;
    same("the second", events(&second), ["e2"])?;
    scene.apply([routed(&second.events[0], &["one", "two"], None, at(3))?]).await?;
    same("behind the first", scene.claim_at(at(3)).await?.work.len(), 0)
}

pub async fn known_routes_wait_behind_an_unrouted_event_of_the_key(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([keyed("e1")?]).await?;
    let (answers, claims) =
        scene.publish(&[keyed("e2")?.to(&["one"])?.publish()], Some(&scene.request(at(0))), at(0)).await?;
    same("stored, and nothing to attempt", (answers.len(), work(&claims)), (1, Vec::new()))?;
    let first = scene.claim_at(at(0)).await?;
    same("to be routed", (events(&first), work(&first)), (vec!["e1".to_owned()], Vec::new()))?;
    scene.apply([routed(&first.events[0], &["one"], None, at(1))?]).await?;
    let second = scene.claim_at(at(1)).await?;
    same("then", (events(&second), work(&second)), (vec!["e2".to_owned()], vec!["e1>one".to_owned()]))
}

pub async fn parked_events_do_not_hide_their_predecessor(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    for number in 0..40 {
        scene.store([keyed(&format!("e{number:02}"))?]).await?;
    }
    scene.store([draft("free")?]).await?;
    let (mut now, mut order) = (at(0), Vec::new());
    for _ in 0..100 {
        let mut request = scene.request(now);
        (request.events, request.deliveries) = (1, 0);
        let Some(event) = scene.claim(&request).await?.events.pop() else { break };
        now = now + std::time::Duration::from_millis(1);
        scene.apply([routed(&event, &["one"], None, now)?]).await?;
        order.push(event.event.id.to_string());
    }
    same("all are routed", order.len(), 41)?;
    order.retain(|id| id != "free");
    demand!(order.is_sorted(), "routed in the order {order:?}");
    Ok(())
}

pub async fn several_routers_keep_the_order(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let mut random = fastrand::Rng::with_seed(10);
    for number in 0..60 {
        let key = format!("k{}", number % 5);
        scene.store([draft(&format!("e{number:02}"))?.keyed(&key)?]).await?;
    }
    let (mut now, mut routing, mut sending) = (at(0), Vec::new(), Vec::new());
    let mut order = Vec::new();
    for _ in 0..5000 {
        now = now + std::time::Duration::from_millis(5);
        let mut request = scene.request(now);
        (request.events, request.deliveries) = (random.usize(0..3), random.usize(0..3));
        let claims = scene.claim(&request).await?;
        routing.extend(claims.events);
        sending.extend(claims.work);
        if !routing.is_empty() && random.bool() {
            let event = routing.swap_remove(random.usize(0..routing.len()));
            scene.apply([routed(&event, &["one"], None, now)?]).await?;
        }
        if !sending.is_empty() && random.bool() {
            let claim: Claim = sending.swap_remove(random.usize(0..sending.len()));
            if random.u8(0..4) == 0 {
                scene.apply([retried(&claim, now, now)]).await?;
            } else {
                order.push(sent(&claim));
                scene.apply([delivered(&claim, now)]).await?;
            }
        }
        if order.len() == 60 {
            break;
        }
    }
    same("all are delivered", order.len(), 60)?;
    for number in 0..5 {
        let of_key: Vec<_> = order.iter().filter(|(key, _)| *key == format!("k{number}")).collect();
        demand!(of_key.is_sorted(), "delivered in the order {of_key:?}");
    }
    let over = Some(crate::history::StateFilter::Delivered);
    same("over", scene.all(TENANT, Selection { state: over, ..Selection::default() }).await?.len(), 60)
}

fn sent(claim: &Claim) -> (String, String) {
    let key = claim.event.ordering_key.as_ref().map(ToString::to_string).unwrap_or_default();
    (key, claim.event.id.to_string())
}
