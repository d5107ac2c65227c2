//! The history of a tenant: read page by page, and replayed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::Backend;
use crate::delivery::{CancelReason, Delivery, FailReason, GateChange, Publish, Settled, State};
use crate::history::{AttemptLog, DeliveryQuery, PageAfter, Replay, Replayed, Selection, StateFilter};
use crate::id::{DeliveryId, EventId, ReplayId, Round};
use crate::time::Timestamp;

use super::scene::{
    Scene, TENANT, at, attempt, delivered, demand, draft, endpoint, given_up, lane, released, retried, same,
    set, tenant, the_only, work, work_set,
};
use super::{Breach, CaseResult};

const PAGE: PageAfter = PageAfter::first(1000);

fn one(id: DeliveryId) -> Selection {
    Selection { ids: Some(vec![id]), ..Selection::default() }
}

fn named(shown: &[Delivery]) -> BTreeSet<String> {
    shown.iter().map(|delivery| format!("{}>{}", delivery.event, delivery.endpoint)).collect()
}

fn replay(id: &str, selection: Selection, now: Timestamp) -> Result<Replay, Breach> {
    Ok(Replay { id: ReplayId::new(id)?, tenant: tenant(TENANT)?, selection, due_at: now, now })
}

impl Scene {
    async fn expedite_one(&self, id: DeliveryId, now: Timestamp) -> Result<Replayed, Breach> {
        Ok(self.expedite(&tenant(TENANT)?, &one(id), now, PAGE).await?)
    }

    async fn cancel_these(&self, selection: Selection, now: Timestamp) -> Result<Replayed, Breach> {
        Ok(self.cancel(&tenant(TENANT)?, &selection, CancelReason::ByHost, now, PAGE).await?)
    }
}

pub async fn pages_show_every_delivery_once_and_in_order(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    for number in 0..7 {
        let created = at(0) + Duration::from_millis(number * 3);
        scene.store([draft(&format!("e{number}"))?.created(created).to(&["one", "two", "three"])?]).await?;
        scene
            .store([draft(&format!("o{number}"))?.of("other")?.created(created).to(&["other-one"])?])
            .await?;
    }
    let query = DeliveryQuery { tenant: tenant(TENANT)?, selection: Selection::default() };
    let (mut ids, mut events, mut page) = (Vec::new(), Vec::new(), PageAfter::first(4));
    for _ in 0..50 {
        let answer = scene.deliveries(&query, page).await?;
        demand!(answer.deliveries.len() <= 4, "a page of {}", answer.deliveries.len());
        ids.extend(answer.deliveries.iter().map(|delivery| delivery.id));
        events.extend(answer.deliveries.iter().map(|delivery| delivery.event.to_string()));
        page.after = answer.more_after;
        if page.after.is_none() {
            break;
        }
    }
    same("how many", ids.len(), 21)?;
    demand!(ids.is_sorted_by(|a, b| a < b), "not in the order of ids: {ids:?}");
    demand!(events.is_sorted(), "not in the order of creation: {events:?}");
    Ok(())
}

pub async fn every_condition_of_a_selection_narrows(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    for second in 1..=4 {
        scene.store([draft(&format!("e{second}"))?.created(at(second)).to(&["one", "two"])?]).await?;
    }
    for claim in scene.claim_at(at(9)).await?.work {
        match (claim.event.id.as_str(), claim.endpoint.as_str()) {
            ("e1", "one") => scene.apply([delivered(&claim, at(9))]).await?,
            ("e2", "one") => scene.apply([given_up(&claim, FailReason::Gone, at(9))]).await?,
            ("e3", "one") => scene.apply([given_up(&claim, FailReason::Expired, at(9))]).await?,
            ("e4", "one") => drop(scene.cancel_these(one(claim.delivery), at(9)).await?),
            _ => {}
        }
    }
    let all = scene.all(TENANT, Selection::default()).await?;
    same("all", all.len(), 8)?;
    let of = |name: &'static str| {
        all.iter().filter(move |shown| shown.event.as_str() == name).map(|shown| shown.id)
    };
    let state = |filter| Selection { state: Some(filter), ..Selection::default() };
    let none = Selection::default;
    let pending = ["e1>two", "e2>two", "e3>two", "e4>two"];
    for (selection, found) in [
        (
            Selection { ids: Some(of("e2").chain(of("e3")).collect()), ..none() },
            set(["e2>one", "e2>two", "e3>one", "e3>two"]),
        ),
        (Selection { ids: Some(Vec::new()), ..none() }, set([])),
        (Selection { event: Some(EventId::new("e3")?), ..none() }, set(["e3>one", "e3>two"])),
        (Selection { event: Some(EventId::new("e9")?), ..none() }, set([])),
        (Selection { endpoint: Some(endpoint("two")?), ..none() }, set(pending)),
        (
            Selection { since: Some(at(2)), until: Some(at(4)), ..none() },
            set(["e2>one", "e2>two", "e3>one", "e3>two"]),
        ),
        (Selection { since: Some(at(4)), until: Some(at(2)), ..none() }, set([])),
        (state(StateFilter::Pending), set(pending)),
        (state(StateFilter::Delivered), set(["e1>one"])),
        (state(StateFilter::Failed(None)), set(["e2>one", "e3>one"])),
        (state(StateFilter::Failed(Some(FailReason::Expired))), set(["e3>one"])),
        (state(StateFilter::Cancelled(None)), set(["e4>one"])),
        (state(StateFilter::Cancelled(Some(CancelReason::EndpointRemoved))), set([])),
        (
            Selection {
                endpoint: Some(endpoint("one")?),
                since: Some(at(2)),
                ..state(StateFilter::Failed(None))
            },
            set(["e2>one", "e3>one"]),
        ),
    ] {
        let shown = scene.all(TENANT, selection.clone()).await?;
        same(&format!("{selection:?}"), named(&shown), found)?;
    }
    Ok(())
}

pub async fn a_page_looks_past_what_is_not_selected(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let others: Vec<_> = (0..300).map(|number| draft(&format!("e{number}"))?.to(&["one"])).collect();
    scene.store(others.into_iter().collect::<Result<Vec<_>, _>>()?).await?;
    scene.store([draft("wanted")?.created(at(5)).to(&["two"])?.due(at(500))]).await?;
    let selection = Selection { endpoint: Some(endpoint("two")?), ..Selection::default() };
    let query = DeliveryQuery { tenant: tenant(TENANT)?, selection: selection.clone() };
    let page = PageAfter::first(2);
    let shown = scene.deliveries(&query, page).await?.deliveries;
    same("shown", named(&shown), set(["wanted>two"]))?;
    let expedited = scene.expedite(&query.tenant, &selection, at(9), page).await?;
    same("expedited", expedited.deliveries.len(), 1)?;
    let replayed = scene.replay(&replay("r1", selection.clone(), at(9))?, page).await?;
    same("replayed", replayed.deliveries.len(), 1)?;
    let cancelled = scene.cancel(&query.tenant, &selection, CancelReason::ByHost, at(9), page).await?;
    same("cancelled", cancelled.deliveries.len(), 2)
}

pub async fn another_tenants_ids_are_not_found_anywhere(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let claim = scene.leased("e1", "one").await?;
    scene.apply([retried(&claim, at(50), at(1))]).await?;
    let before = scene.delivery(claim.delivery).await?;
    let other = tenant("other")?;
    scene.store([draft("o1")?.of("other")?.to(&["other-one"])?.due(at(500))]).await?;
    same("the event", scene.event(&other, &claim.event.id).await?, None)?;
    same("the attempts", scene.attempts(&other, &claim.delivery).await?, None)?;
    for selection in [
        one(claim.delivery),
        Selection { event: Some(claim.event.id.clone()), ..Selection::default() },
        Selection { endpoint: Some(claim.endpoint.clone()), ..Selection::default() },
    ] {
        same("shown", scene.all("other", selection.clone()).await?, Vec::new())?;
        let theirs = Replay { tenant: other.clone(), ..replay("r1", selection.clone(), at(2))? };
        same("replayed", scene.replay(&theirs, PAGE).await?.deliveries, Vec::new())?;
        let expedited = scene.expedite(&other, &selection, at(2), PAGE).await?;
        same("expedited", expedited.deliveries, Vec::new())?;
        let cancelled = scene.cancel(&other, &selection, CancelReason::ByHost, at(2), PAGE).await?;
        same("cancelled", cancelled.deliveries, Vec::new())?;
    }
    same("the delivery", scene.all(TENANT, Selection::default()).await?, [before])?;
    same("what is theirs", scene.stats(Some(&other)).await?.pending, 1)
}

pub async fn a_replay_makes_new_deliveries_once(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([draft("e1")?.to(&["one", "two"])?]).await?;
    for claim in scene.claim_at(at(0)).await?.work {
        scene.apply([given_up(&claim, FailReason::Exhausted, at(1))]).await?;
    }
    let asked = replay("r1", Selection::default(), at(100))?;
    let made = scene.replay(&asked, PAGE).await?.deliveries;
    same("made", made.len(), 2)?;
    same("asked again", scene.replay(&asked, PAGE).await?.deliveries, Vec::new())?;
    let round = Round::Replay(ReplayId::new("r1")?);
    for id in &made {
        let new = scene.delivery(*id).await?;
        let expected = DeliveryId::derive(&new.tenant, &new.event, at(0), &new.endpoint, &round);
        same("its id", *id, expected)?;
        same("its round", &new.round, &round)?;
        same("its times", (new.born_at, new.due_at, new.attempts), (at(100), Some(at(100)), 0))?;
    }
    same("failed ones stay", scene.stats(None).await?.failed, 2)?;
    let claims = scene.claim_at(at(100)).await?;
    same("work", work_set(&claims), set(["e1>one", "e1>two"]))?;
    demand!(claims.work.iter().all(|claim| claim.round == round), "claimed in another round");
    let second = Replay { due_at: at(200), ..replay("r2", one(made[0]), at(101))? };
    let again = the_only(scene.replay(&second, PAGE).await?.deliveries)?;
    same("due then", scene.delivery(again).await?.due_at, Some(at(200)))
}

pub async fn a_replay_leaves_test_pings_and_its_own_deliveries_out(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let ping = draft("ping")?.to(&["one"])?.with_routes(|route| route.test = true);
    let pinged: Publish = ping.publish();
    scene.publish(&[pinged], Some(&scene.request(at(0))), at(0)).await?;
    for number in 0..5 {
        scene.store([draft(&format!("e{number}"))?.to(&["one"])?]).await?;
    }
    let asked = replay("r1", Selection::default(), at(9))?;
    let (mut made, mut page) = (0, PageAfter::first(2));
    for _ in 0..50 {
        let answer = scene.replay(&asked, page).await?;
        made += answer.deliveries.len();
        page.after = answer.more_after;
        if page.after.is_none() {
            break;
        }
    }
    same("made, page by page", made, 5)?;
    same("all", scene.all(TENANT, Selection::default()).await?.len(), 11)
}

pub async fn expediting_makes_work_due_and_lifts_the_hold(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let claim = scene.leased("e1", "one").await?;
    scene.apply([retried(&claim, at(5000), at(1))]).await?;
    scene.store([draft("e2")?.to(&["one"])?.due(at(6000))]).await?;
    scene.change_gate(lane("one")?, GateChange::Hold(at(4000)), at(1)).await?;
    let done = scene.expedite_one(claim.delivery, at(9)).await?;
    same("expedited", done.deliveries, [claim.delivery])?;
    let again = the_only(scene.claim_at(at(9)).await?.work)?;
    same("at once", (again.delivery, again.due_at), (claim.delivery, at(9)))?;
    let clocks = (again.attempts, again.first_attempt_at, again.born_at);
    same("its clocks", clocks, (1, Some(at(1)), claim.born_at))
}

pub async fn expediting_never_ends_a_pause_nor_touches_a_lease(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([draft("e1")?.to(&["one"])?.due(at(500))]).await?;
    let paused = the_only(scene.all(TENANT, Selection::default()).await?)?;
    scene.change_gate(lane("one")?, GateChange::Pause, at(0)).await?;
    scene.expedite_one(paused.id, at(1)).await?;
    same("paused", work(&scene.claim_at(at(2)).await?), Vec::<String>::new())?;
    scene.change_gate(lane("one")?, GateChange::Resume, at(2)).await?;
    same("resumed and due", work(&scene.claim_at(at(2)).await?), ["e1>one"])?;
    let leased = scene.delivery(paused.id).await?;
    same("expedited", scene.expedite_one(paused.id, at(3)).await?.deliveries, Vec::new())?;
    same("the lease", scene.delivery(paused.id).await?, leased)?;
    let over = scene.leased("e2", "two").await?;
    scene.apply([delivered(&over, at(4))]).await?;
    same("what is over", scene.expedite_one(over.delivery, at(5)).await?.deliveries, Vec::new())
}

pub async fn expediting_leaves_followers_of_a_key_parked(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([draft("e1")?.keyed("k")?.to(&["one"])?.due(at(500))]).await?;
    scene.store([draft("e2")?.keyed("k")?.to(&["one"])?.due(at(500))]).await?;
    scene.expedite(&tenant(TENANT)?, &Selection::default(), at(1), PAGE).await?;
    same("the head alone", work(&scene.claim_at(at(1)).await?), ["e1>one"])
}

pub async fn cancelling_ends_what_is_pending(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let over = scene.leased("over", "one").await?;
    scene.apply([delivered(&over, at(1))]).await?;
    scene.store([draft("e1")?.to(&["one", "two"])?, draft("e2")?.to(&["one"])?.due(at(500))]).await?;
    let selection = Selection { endpoint: Some(endpoint("one")?), ..Selection::default() };
    let cancelled = scene.cancel_these(selection.clone(), at(3)).await?.deliveries;
    same("cancelled", cancelled.len(), 2)?;
    same("again", scene.cancel_these(selection, at(4)).await?.deliveries, Vec::new())?;
    for id in cancelled {
        let shown = scene.delivery(id).await?;
        let expected = (State::Cancelled(CancelReason::ByHost), Some(at(3)), None);
        same("how and when", (shown.state, shown.settled_at, shown.due_at), expected)?;
    }
    same("over", scene.state_of(over.delivery).await?, State::Delivered { confirmed: true })?;
    same("the rest", work(&scene.claim_at(at(999)).await?), ["e1>two"])
}

pub async fn a_cancelled_lease_is_fenced_and_its_attempt_recorded(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let claim = scene.leased("e1", "one").await?;
    same("cancelled", scene.cancel_these(one(claim.delivery), at(1)).await?.deliveries, [claim.delivery])?;
    same("the answer", scene.settle_one(delivered(&claim, at(2))).await?, Settled::Fenced)?;
    same("the state", scene.state_of(claim.delivery).await?, State::Cancelled(CancelReason::ByHost))?;
    let AttemptLog { attempts, .. } = scene.log_of(claim.delivery).await?;
    same("the attempt", the_only(attempts)?.attempt, attempt(&claim, 200, at(2)))
}

pub async fn cancelling_for_a_removed_endpoint_leaves_what_is_leased_to_its_answer(
    fresh: Arc<dyn Backend>,
) -> CaseResult {
    let scene = Scene::on(fresh);
    let claim = scene.leased("e1", "one").await?;
    scene.store([draft("e2")?.to(&["one"])?]).await?;
    let all = Selection::default();
    let cancel = |now| {
        let reason = CancelReason::EndpointRemoved;
        scene.cancel(&claim.event.tenant, &all, reason, now, PageAfter::first(10))
    };
    same("what waits", cancel(at(1)).await?.deliveries.len(), 1)?;
    same("the answer", scene.settle_one(delivered(&claim, at(2))).await?, Settled::Applied)?;
    let lapsed = scene.leased("e3", "two").await?;
    same("what has lapsed", cancel(lapsed.lease_until).await?.deliveries, [lapsed.delivery])
}

pub async fn what_is_under_way_to_a_removed_endpoint_is_not_tried_again(
    fresh: Arc<dyn Backend>,
) -> CaseResult {
    let removed = CancelReason::EndpointRemoved;
    let scene = Scene::on(fresh);
    for answer in ["retry", "release", "none", "success"] {
        let claim = scene.leased(answer, answer).await?;
        let one = one(claim.delivery);
        let cancelled = scene.cancel(&claim.event.tenant, &one, removed, at(1), PageAfter::first(10)).await?;
        same("cancelled at once", cancelled.deliveries, Vec::new())?;
        let mut expected = State::Cancelled(removed);
        match answer {
            "retry" => scene.apply([retried(&claim, at(5), at(2))]).await?,
            "release" => scene.apply([released(&claim, at(2))]).await?,
            "success" => {
                expected = State::Delivered { confirmed: true };
                scene.apply([delivered(&claim, at(2))]).await?;
            }
            _ => {}
        }
        same(answer, work(&scene.claim_at(at(1000)).await?), Vec::<String>::new())?;
        same(answer, scene.state_of(claim.delivery).await?, expected)?;
    }
    Ok(())
}

pub async fn cancelling_leaves_what_came_after_the_place_that_is_named(
    fresh: Arc<dyn Backend>,
) -> CaseResult {
    let scene = Scene::on(fresh);
    let failed = scene.leased("failed", "one").await?;
    scene.apply([given_up(&failed, FailReason::Gone, at(1))]).await?;
    scene.store([draft("old")?.to(&["one"])?.due(at(500))]).await?;
    let under_way = scene.leased("under-way", "one").await?;
    let place = under_way.born;
    // A replay of an event that came before that place, requested after it.
    let replay = replay("r1", one(failed.delivery), at(600))?;
    let replayed = the_only(scene.replay(&replay, PageAfter::first(10)).await?.deliveries)?;
    scene.store([draft("new")?.to(&["one"])?.due(at(500))]).await?;
    let before = Selection { born_before: Some(place), ..Selection::default() };
    same("shown", named(&scene.all(TENANT, before.clone()).await?), set(["failed>one", "old>one"]))?;
    let removed = CancelReason::EndpointRemoved;
    let cancelled = scene.cancel(&tenant(TENANT)?, &before, removed, at(2), PageAfter::first(10)).await?;
    let old =
        scene.all(TENANT, Selection { event: Some(EventId::new("old")?), ..Selection::default() }).await?;
    same("cancelled", cancelled.deliveries, [the_only(old)?.id])?;
    same("the replay", scene.state_of(replayed).await?, State::Pending)?;
    // It was not marked as a delivery that must not be tried again.
    scene.apply([retried(&under_way, at(5), at(3))]).await?;
    same("the rest", work(&scene.claim_at(at(600)).await?), ["under-way>one", "new>one", "failed>one"])
}

pub async fn stats_count_one_tenant_or_all(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    for (id, status) in [("d1", 0), ("d2", 0), ("f1", 1), ("c1", 2), ("p1", 3)] {
        let claim = scene.leased(id, "one").await?;
        match status {
            0 => scene.apply([delivered(&claim, at(1))]).await?,
            1 => scene.apply([given_up(&claim, FailReason::Gone, at(1))]).await?,
            2 => drop(scene.cancel_these(one(claim.delivery), at(1)).await?),
            _ => scene.apply([retried(&claim, at(40), at(1))]).await?,
        }
    }
    scene.store([draft("u1")?, draft("o1")?.of("other")?.to(&["other-one"])?.due(at(30))]).await?;
    let counts = |stats: crate::history::Stats| {
        (stats.unrouted, stats.pending, stats.delivered, stats.failed, stats.cancelled, stats.oldest_due)
    };
    let acme = scene.stats(Some(&tenant(TENANT)?)).await?;
    same("one tenant", counts(acme), (1, 1, 2, 1, 1, Some(at(40))))?;
    let all = scene.stats(None).await?;
    same("all", counts(all), (1, 2, 2, 1, 1, Some(at(30))))?;
    let nobody = scene.stats(Some(&tenant("nobody")?)).await?;
    same("nobody", counts(nobody), (0, 0, 0, 0, 0, None))
}
