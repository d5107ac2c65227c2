//! An event is stored once, and the call returns the deliveries that a claim would return.

use std::sync::Arc;

use bytes::Bytes;

use crate::backend::Backend;
use crate::delivery::{ClaimRequest, Claims, Gate, GateChange, PublishAnswer, Published, Route, State};
use crate::history::{Class, Selection};
use crate::id::EventId;

use super::CaseResult;
use super::directory_and_registry::plain;
use super::scene::{
    Draft, LEASE, Scene, TENANT, all_delivered, at, at_once, delivered, demand, draft, events, holds,
    host_of, lane, same, set, tenant, the_only, work, work_set,
};

const STORED: Published = Published::Stored;

const fn existing(same_content: bool) -> Published {
    Published::Existing { same_content }
}

fn answer(id: &str, published: Published) -> Result<PublishAnswer, super::Breach> {
    Ok(PublishAnswer { id: EventId::new(id)?, published })
}

impl Scene {
    pub(super) async fn claiming_publish(
        &self,
        drafts: &[Draft],
        request: &ClaimRequest,
    ) -> Result<Claims, super::Breach> {
        let publishes: Vec<_> = drafts.iter().map(Draft::publish).collect();
        let (answers, claims) = self.publish(&publishes, Some(request), request.now).await?;
        demand!(answers.iter().all(|answer| answer.published == STORED), "not all stored: {answers:?}");
        Ok(claims)
    }
}

pub async fn a_published_event_is_stored_and_read_back(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let draft = draft("e1")?;
    same("the answer", scene.offer(std::slice::from_ref(&draft), at(0)).await?, [answer("e1", STORED)?])?;
    let read = scene.event(&tenant(TENANT)?, &draft.event.id).await?;
    same("the event", read.as_deref(), Some(&draft.event))?;
    same("unrouted events", scene.stats(None).await?.unrouted, 1)
}

pub async fn a_payload_is_stored_up_to_the_largest_size_that_the_store_states(
    fresh: Arc<dyn Backend>,
) -> CaseResult {
    let scene = Scene::on(fresh);
    // A larger limit would need more memory than a test may use.
    let Some(max) = scene.payload_max().filter(|max| *max <= 64 << 20) else { return Ok(()) };
    let of_size = |id: &str, size: usize| -> Result<Draft, super::Breach> {
        let mut draft = draft(id)?;
        draft.event.payload = Bytes::from(vec![b'x'; size]);
        Ok(draft)
    };
    let (largest, larger) = (of_size("largest", max)?, of_size("larger", max + 1)?);
    scene.store([largest.clone()]).await?;
    let read = scene.event(&tenant(TENANT)?, &largest.event.id).await?;
    same("the payload's size", read.map(|event| event.payload.len()), Some(max))?;
    let beside = draft("beside")?;
    let refused = scene.offer(&[beside.clone(), larger.clone()], at(0)).await.is_err();
    demand!(refused, "{} bytes are stored, and the store states that it takes {max}", max + 1);
    for event in [beside.event, larger.event] {
        same("nothing of it", scene.event(&tenant(TENANT)?, &event.id).await?.is_none(), true)?;
    }
    Ok(())
}

pub async fn the_same_id_again_adds_nothing(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let routed = draft("e1")?.to(&["one"])?;
    scene.store([routed.clone()]).await?;
    for again in [routed, draft("e1")?] {
        same("the answer", scene.offer(&[again], at(9)).await?, [answer("e1", existing(true))?])?;
    }
    let stats = scene.stats(None).await?;
    same("unrouted events and pending deliveries", (stats.unrouted, stats.pending), (0, 1))
}

pub async fn the_same_idempotency_key_again_answers_the_stored_id(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let first = draft("e1")?.once("k")?;
    let mut again = draft("e2")?.once("k")?.created(at(5));
    again.event.payload = first.event.payload.clone();
    scene.store([first]).await?;
    same("the answer", scene.offer(&[again.clone()], at(5)).await?, [answer("e1", existing(true))?])?;
    same("an event of the second id", scene.event(&tenant(TENANT)?, &again.event.id).await?, None)?;
    same("unrouted events", scene.stats(None).await?.unrouted, 1)
}

pub async fn another_content_under_the_same_id_or_key_is_told_apart(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let first = draft("e1")?.once("k")?;
    scene.store([first.clone()]).await?;
    let mut same_id = first.clone();
    same_id.event.payload = "{}".into();
    let mut same_key = draft("e2")?.once("k")?;
    same_key.event.kind = crate::id::EventType::new("order.refunded")?;
    for other in [same_id, same_key] {
        same("the answer", scene.offer(&[other], at(0)).await?, [answer("e1", existing(false))?])?;
    }
    let read = scene.event(&tenant(TENANT)?, &first.event.id).await?;
    same("the event", read.as_deref(), Some(&first.event))
}

pub async fn two_publishes_of_one_batch_collide_like_two_calls(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let mut by_key = draft("e2")?.once("k")?;
    let first = draft("e1")?.once("k")?;
    by_key.event.payload = first.event.payload.clone();
    let batch = [first, by_key, draft("e1")?.once("k")?, draft("e3")?];
    let expected = [
        answer("e1", STORED)?,
        answer("e1", existing(true))?,
        answer("e1", existing(true))?,
        answer("e3", STORED)?,
    ];
    same("the answers", scene.offer(&batch, at(0)).await?, expected)?;
    same("unrouted events", scene.stats(None).await?.unrouted, 2)
}

pub async fn fifty_publishes_of_one_key_at_once_store_one_event(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let mut publishes = Vec::new();
    for number in 0..50 {
        let mut draft = draft(&format!("e{number}"))?.once("k")?;
        draft.event.payload = "{}".into();
        let (backend, publish) = (scene.backend(), [draft.to(&["one"])?.publish()]);
        publishes.push(async move { backend.publish(&publish, None, at(0)).await });
    }
    let mut answers = Vec::new();
    for result in at_once(publishes).await? {
        answers.extend(result?.0);
    }
    let stored: Vec<_> = answers.iter().filter(|answer| answer.published == STORED).collect();
    same("how many were stored", stored.len(), 1)?;
    demand!(
        answers.iter().all(|answer| answer.id == stored[0].id),
        "not all have the stored id: {answers:?}"
    );
    let existing = answers.iter().filter(|answer| answer.published == existing(true)).count();
    same("how many were there already", existing, 49)?;
    same("deliveries", scene.all(TENANT, Selection::default()).await?.len(), 1)
}

pub async fn ids_and_keys_are_per_tenant(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let drafts = [draft("e1")?.once("k")?, draft("e1")?.once("k")?.of("other")?];
    same("the answers", scene.offer(&drafts, at(0)).await?, [answer("e1", STORED)?, answer("e1", STORED)?])?;
    same("events to route", events(&scene.claim_at(at(0)).await?).len(), 2)
}

pub async fn an_idempotency_key_lives_as_long_as_its_event(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([draft("e1")?.once("k")?.to(&["one"])?]).await?;
    let claim = the_only(scene.claim_at(at(0)).await?.work)?;
    scene.apply([delivered(&claim, at(1))]).await?;
    let again = draft("e2")?.once("k")?;
    let held = the_only(scene.offer(std::slice::from_ref(&again), at(2)).await?)?;
    same("the stored id", held.id, EventId::new("e1")?)?;
    scene.prune(&[(Class::Delivered, at(100))], 10).await?;
    same("the answer after pruning", scene.offer(&[again], at(3)).await?, [answer("e2", STORED)?])
}

pub async fn a_publish_with_routes_needs_no_routing(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([draft("e1")?.to(&["one", "two"])?]).await?;
    let claims = scene.claim_at(at(0)).await?;
    same("events", events(&claims), Vec::<String>::new())?;
    same("work", work_set(&claims), set(["e1>one", "e1>two"]))
}

pub async fn a_route_to_an_id_that_was_registered_again_leaves_its_event_to_be_routed(
    fresh: Arc<dyn Backend>,
) -> CaseResult {
    let scene = Scene::on(fresh);
    let one = plain("one")?;
    scene.register(&one).await?;
    let first = scene.registered(&one.id).await?.generation.registration;
    let made_for = |registration| move |route: &mut Route| route.registration = registration;
    scene.store([draft("e1")?.to(&["one"])?.with_routes(made_for(first))]).await?;
    scene.remove(&one.tenant, &one.id).await?;
    scene.store([draft("e2")?.to(&["one"])?.with_routes(made_for(first))]).await?;
    scene.register(&one).await?;
    let second = scene.registered(&one.id).await?.generation.registration;
    for (id, registration) in [("e3", first), ("e4", second), ("e5", 0)] {
        scene.store([draft(id)?.to(&["one", "two"])?.with_routes(made_for(registration))]).await?;
    }
    let claims = scene.claim_at(at(0)).await?;
    same("to be routed", events(&claims), ["e3"])?;
    let routed = ["e1>one", "e2>one", "e4>one", "e4>two", "e5>one", "e5>two"];
    same("routed", work_set(&claims), set(routed))
}

pub async fn a_publish_with_an_empty_list_of_routes_is_routed_and_unmatched(
    fresh: Arc<dyn Backend>,
) -> CaseResult {
    let scene = Scene::on(fresh);
    let unwanted = draft("e1")?.to(&[])?;
    scene.store([unwanted.clone()]).await?;
    let claims = scene.claim_at(at(0)).await?;
    same("work and events", (claims.work.len(), claims.events.len()), (0, 0))?;
    let read = scene.event(&tenant(TENANT)?, &unwanted.event.id).await?;
    same("the event", read.as_deref(), Some(&unwanted.event))?;
    scene.prune(&[(Class::Unmatched, at(100))], 10).await?;
    same("the event", scene.event(&tenant(TENANT)?, &unwanted.event.id).await?, None)
}

pub async fn a_claiming_publish_gives_what_a_claim_would_give(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let request = scene.request(at(0));
    let claims = scene.claiming_publish(&[draft("e1")?.to(&["one", "two"])?], &request).await?;
    same("work", work_set(&claims), set(["e1>one", "e1>two"]))?;
    for claim in &claims.work {
        same("token", claim.token, request.token)?;
        same("lease", (claim.lease_until, claim.due_at), (at(0) + LEASE, at(0)))?;
    }
    let lanes: Vec<_> = claims.lanes.iter().map(|lane| lane.endpoint.as_str()).collect();
    same("lanes", lanes.len(), 2)?;
    same("what is left", work(&scene.claim_at(at(59)).await?), Vec::<String>::new())?;
    scene.apply([delivered(&claims.work[0], at(1))]).await?;
    let lapsed = scene.claim_at(at(60)).await?;
    same("due by itself after the lease", work(&lapsed).len(), 1)?;
    demand!(lapsed.work[0].lapsed, "the lease that ended silently is not told");
    Ok(())
}

pub async fn a_claiming_publish_leaves_what_a_claim_would_leave(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let lanes = ["held", "paused", "rich", "far", "later"];
    for name in lanes {
        scene.store([draft(&format!("first-{name}"))?.to(&[name])?.due(at(-9))]).await?;
    }
    let before = scene.claim_at(at(0)).await?;
    scene.apply(all_delivered(&before.work, at(0))).await?;
    scene.store([draft("of-rich")?.of("rich")?.to(&["rich-one"])?]).await?;
    let rich = the_only(scene.claim_at(at(0)).await?.work)?;
    scene.apply([delivered(&rich, at(0))]).await?;
    let hold = GateChange::Hold(at(50));
    scene.change_gate(lane("held")?, hold, at(0)).await?;
    scene.change_gate(lane("paused")?, GateChange::Pause, at(0)).await?;
    scene.change_gate(Gate::Host(host_of("far")?), hold, at(0)).await?;
    scene.change_gate(Gate::Tenant(tenant("rich")?), hold, at(0)).await?;
    let drafts = [
        draft("e1")?.to(&["held"])?,
        draft("e2")?.to(&["paused"])?,
        draft("e3")?.to(&["far"])?,
        draft("e4")?.to(&["later"])?.due(at(7)),
        draft("e5")?.of("rich")?.to(&["rich-one"])?,
    ];
    let claims = scene.claiming_publish(&drafts, &scene.request(at(0))).await?;
    same("work", work(&claims), Vec::<String>::new())?;
    let due = scene.claim_at(at(50)).await?;
    same("what comes in time", work_set(&due), set(["e1>held", "e3>far", "e4>later", "e5>rich-one"]))
}

pub async fn a_claiming_publish_never_overtakes_older_due_work(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([draft("old")?.to(&["one"])?]).await?;
    let claims = scene.claiming_publish(&[draft("new")?.to(&["one"])?], &scene.request(at(1))).await?;
    same("work", work(&claims), Vec::<String>::new())?;
    demand!(claims.next_due.is_some_and(|due| due <= at(1)), "next due: {:?}", claims.next_due);
    same("in order", work(&scene.claim_at(at(1)).await?), ["old>one", "new>one"])
}

pub async fn a_claiming_publish_keeps_to_what_its_request_allows(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let next = |change: fn(&mut ClaimRequest)| {
        let mut request = scene.request(at(0));
        change(&mut request);
        request
    };
    let fan = |id: &str| draft(id)?.to(&[&format!("{id}-one"), &format!("{id}-two"), &format!("{id}-three")]);
    for (id, request, leased) in [
        ("all", next(|_| {}), 3),
        ("few", next(|request| request.deliveries = 2), 2),
        ("share", next(|request| (request.deliveries, request.shares.of_all) = (2, 1)), 1),
        ("doubtful", next(|request| request.doubtful = 2), 2),
        ("none", next(|request| request.deliveries = 0), 0),
    ] {
        let claims = scene.claiming_publish(&[fan(id)?], &request).await?;
        same(id, claims.work.len(), leased)?;
        same("the rest is due", claims.next_due.is_some(), leased < 3)?;
        same("the rest", scene.claim_at(at(0)).await?.work.len(), 3 - leased)?;
    }
    let mut skipping = scene.request(at(0));
    holds(&mut skipping, tenant(TENANT)?, usize::MAX);
    same("skipped", scene.claiming_publish(&[fan("skip")?], &skipping).await?.work.len(), 0)?;
    same("later", scene.claim_at(at(0)).await?.work.len(), 3)?;
    let narrow =
        ["n1", "n2", "n3"].map(|id| Ok(draft(id)?.to(&["narrow"])?.with_routes(|route| route.width = 2)));
    let narrow = narrow.into_iter().collect::<Result<Vec<_>, super::Breach>>()?;
    let claims = scene.claiming_publish(&narrow, &scene.request(at(0))).await?;
    same("within the lane's width", work(&claims), ["n1>narrow", "n2>narrow"])
}

pub async fn a_test_ping_is_leased_by_its_own_publish_through_every_closed_gate(
    fresh: Arc<dyn Backend>,
) -> CaseResult {
    let scene = Scene::on(fresh);
    let busy = scene.leased("busy", "one").await?;
    scene.store([draft("waiting")?.to(&["one"])?]).await?;
    scene.change_gate(lane("one")?, GateChange::Pause, at(0)).await?;
    scene.change_gate(Gate::Tenant(tenant(TENANT)?), GateChange::Hold(at(99)), at(0)).await?;
    let mut request = scene.request(at(0));
    request.doubtful = 0;
    holds(&mut request, tenant(TENANT)?, usize::MAX);
    let ping = draft("ping")?.keyed("k")?.to(&["one"])?.with_routes(|route| route.test = true);
    let claims = scene.claiming_publish(&[ping], &request).await?;
    let claim = the_only(claims.work)?;
    demand!(claim.test && claim.token == request.token, "no leased test ping: {claim:?}");
    scene.apply([delivered(&claim, at(1)), delivered(&busy, at(1))]).await?;
    let shown = scene.delivery(claim.delivery).await?;
    same("the ping", (shown.test, shown.state), (true, State::Delivered { confirmed: true }))
}

pub async fn a_test_ping_takes_no_part_of_its_lanes_width(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let narrow = |draft: Draft| draft.with_routes(|route| route.width = 1);
    let ping = narrow(draft("ping")?.to(&["one"])?).with_routes(|route| route.test = true);
    let pinged = scene.claiming_publish(&[ping], &scene.request(at(0))).await?;
    same("the ping", work(&pinged), ["ping>one"])?;
    scene.store([narrow(draft("e1")?.to(&["one"])?)]).await?;
    same("beside it", work(&scene.claim_at(at(1)).await?), ["e1>one"])?;
    let again = narrow(draft("again")?.to(&["one"])?).with_routes(|route| route.test = true);
    let full = scene.claiming_publish(&[again], &scene.request(at(2))).await?;
    same("a ping beside a full lane", work(&full), ["again>one"])
}
