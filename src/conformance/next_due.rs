//! When the next claim is worth making. The answer is never too late, so an idle engine may sleep
//! until then.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::{sleep, timeout};

use crate::backend::Backend;
use crate::delivery::{ClaimRequest, GateChange, Settled};
use crate::time::Timestamp;

use super::scene::{
    LEASE, Scene, at, delivered, demand, draft, lane, released, retried, routed, same, the_only, work,
};
use super::{Breach, CaseResult};

/// How much real time may pass before an expected hint comes.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a test waits to see that no hint comes.
const QUIET: Duration = Duration::from_millis(20);

impl Scene {
    /// Claims whenever the store says so, and returns when a claim has returned work. Only a few
    /// claims may return nothing.
    async fn follow(&self, mut now: Timestamp) -> Result<(Timestamp, Vec<String>), Breach> {
        for _ in 0..8 {
            let claims = self.claim_at(now).await?;
            if !claims.work.is_empty() {
                return Ok((now, work(&claims)));
            }
            let Some(next) = claims.next_due else { break };
            demand!(next > now, "nothing is due at {now}, and the next claim is to be at {next}");
            now = next;
        }
        Err(Breach::new(format!("nothing came until {now}")))
    }
}

pub async fn next_due_is_none_when_nothing_can_ever_be_due(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    same("empty", scene.claim_at(at(0)).await?.next_due, None)?;
    let claim = scene.leased("e1", "one").await?;
    scene.apply([delivered(&claim, at(1))]).await?;
    let paused = scene.leased("e2", "two").await?;
    scene.apply([released(&paused, at(1))]).await?;
    scene.change_gate(lane("two")?, GateChange::Pause, at(1)).await?;
    let claims = scene.claim_at(at(200)).await?;
    same("all over or paused", (work(&claims), claims.next_due), (Vec::new(), None))
}

pub async fn next_due_is_the_first_due_time(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([draft("late")?.to(&["one"])?.due(at(30)), draft("soon")?.to(&["two"])?.due(at(20))]).await?;
    same("next due", scene.claim_at(at(0)).await?.next_due, Some(at(20)))?;
    scene.store([draft("sooner")?.to(&["one"])?.due(at(10))]).await?;
    same("next due", scene.claim_at(at(0)).await?.next_due, Some(at(10)))?;
    same("reached", scene.follow(at(0)).await?, (at(10), vec!["sooner>one".to_owned()]))
}

pub async fn next_due_is_the_end_of_a_lease(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([draft("e1")?.to(&["one"])?]).await?;
    let claims = scene.claim_at(at(0)).await?;
    let next = claims.next_due;
    demand!(next.is_some_and(|next| next <= at(0) + LEASE), "the lease's end is forgotten: {next:?}");
    same("reached", scene.follow(at(1)).await?, (at(0) + LEASE, vec!["e1>one".to_owned()]))
}

pub async fn next_due_of_a_held_lane_is_the_end_of_its_hold(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([draft("e1")?.to(&["one"])?]).await?;
    scene.change_gate(lane("one")?, GateChange::Hold(at(40)), at(0)).await?;
    same("reached", scene.follow(at(1)).await?, (at(40), vec!["e1>one".to_owned()]))
}

pub async fn next_due_of_a_full_lane_is_its_first_lease_end(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let narrow = |id| Ok::<_, Breach>(draft(id)?.to(&["one"])?.with_routes(|route| route.width = 1));
    scene.store([narrow("e1")?, narrow("e2")?]).await?;
    let held = the_only(scene.claim_at(at(0)).await?.work)?;
    let waiting = scene.claim_at(at(1)).await?.next_due;
    same("while full", waiting, Some(at(0) + LEASE))?;
    scene.apply([retried(&held, at(500), at(2))]).await?;
    same("a slot is free", scene.follow(at(2)).await?, (at(2), vec!["e2>one".to_owned()]))
}

pub async fn next_due_knows_events_that_wait_for_their_routing(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([draft("e1")?]).await?;
    let event = the_only(scene.claim_at(at(0)).await?.events)?;
    let next = scene.claim_at(at(1)).await?.next_due;
    same("the lease of the event", next, Some(at(0) + LEASE))?;
    let settled = scene.settle_one(routed(&event, &["one"], Some("one"), at(2))?).await?;
    same("one chunk", settled, Settled::Applied)?;
    let again = scene.claim_at(at(2)).await?;
    same("the next chunk", (again.events.len(), work(&again)), (1, vec!["e1>one".to_owned()]))
}

pub async fn settling_tells_when_room_in_a_full_lane_can_be_claimed(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let narrow = |id| Ok::<_, Breach>(draft(id)?.to(&["one"])?.with_routes(|route| route.width = 2));
    scene.store([narrow("e1")?, narrow("e2")?, narrow("e3")?, narrow("e4")?]).await?;
    let held = scene.claim_at(at(0)).await?.work;
    scene.claim_at(at(1)).await?;
    for (claim, now) in held.iter().zip([at(2), at(3)]) {
        let (_, next) = scene.settle(&[delivered(claim, now)], &[], now).await?;
        demand!(next.is_some_and(|next| next <= now), "a slot is free at {now}, due is {next:?}");
        same("claimed", scene.claim_at(now).await?.work.len(), 1)?;
    }
    Ok(())
}

pub async fn settling_tells_when_what_it_put_off_is_due(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let claim = scene.leased("e1", "one").await?;
    let (_, next) = scene.settle(&[retried(&claim, at(20), at(1))], &[], at(1)).await?;
    demand!(next.is_some_and(|next| next <= at(20)), "a retry at {} is forgotten: {next:?}", at(20));
    let claim = the_only(scene.claim_at(at(20)).await?.work)?;
    let (_, next) = scene.settle(&[released(&claim, at(21))], &[], at(21)).await?;
    demand!(next.is_some_and(|next| next <= at(21)), "what was released is forgotten: {next:?}");
    Ok(())
}

pub async fn settling_tells_when_what_follows_it_is_due(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let ordered = |id| draft(id)?.keyed("key")?.to(&["two"]);
    scene.store([ordered("first")?, ordered("second")?]).await?;
    let head = the_only(scene.claim_at(at(30)).await?.work)?;
    let (_, next) = scene.settle(&[delivered(&head, at(31))], &[], at(31)).await?;
    demand!(next.is_some_and(|next| next <= at(31)), "the next one of the key is forgotten: {next:?}");
    let second = the_only(scene.claim_at(at(31)).await?.work)?;
    scene.apply([delivered(&second, at(31))]).await?;

    scene.store([draft("unrouted")?]).await?;
    let event = the_only(scene.claim_at(at(40)).await?.events)?;
    let (_, next) = scene.settle(&[routed(&event, &["three"], None, at(41))?], &[], at(41)).await?;
    demand!(next.is_some_and(|next| next <= at(41)), "what was routed is forgotten: {next:?}");
    Ok(())
}

pub async fn settling_tells_when_a_lane_that_it_opened_can_be_claimed(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let wide = |id| Ok::<_, Breach>(draft(id)?.to(&["one"])?.with_routes(|route| route.width = 8));
    scene.store([wide("e1")?, wide("e2")?, wide("e3")?]).await?;
    let claims = scene.claim(&ClaimRequest { deliveries: 1, ..scene.request(at(0)) }).await?;
    let (claim, seen) = (the_only(claims.work)?, the_only(claims.lanes)?);
    let (_, next) = scene.settle(&[retried(&claim, at(500), at(1))], &[seen.hold(at(10))], at(1)).await?;
    demand!(next.is_some_and(|next| next <= at(10)), "the hold ends at {}, due is {next:?}", at(10));

    let claims = scene.claim(&ClaimRequest { deliveries: 1, ..scene.request(at(10)) }).await?;
    let (claim, mut seen) = (the_only(claims.work)?, the_only(claims.lanes)?);
    scene.settle(&[], &[seen.hold(at(90))], at(10)).await?;
    (seen.streak, seen.held_until) = (3, Some(at(90)));
    let success =
        seen.after_success(8, at(11), None).ok_or_else(|| Breach::new("a success changes nothing"))?;
    let (_, next) = scene.settle(&[delivered(&claim, at(11))], &[success], at(11)).await?;
    demand!(next.is_some_and(|next| next <= at(11)), "the hold ended at {}, due is {next:?}", at(11));
    same("claimed", scene.claim_at(at(11)).await?.work.len(), 1)
}

pub async fn what_a_call_makes_due_after_it_was_given_up_is_hinted_at(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([draft("e1")?.to(&["one"])?]).await?;
    scene.change_gate(lane("one")?, GateChange::Pause, at(0)).await?;
    // Consumes the hints of earlier calls: they say nothing about the next call.
    for _ in 0..8 {
        if timeout(QUIET, scene.hint()).await.is_err() {
            break;
        }
    }
    let mut hint = pin!(scene.hint());
    let hinted = hint.as_mut().now_or_never().is_some();
    let resume = [(lane("one")?, GateChange::Resume)];
    if hinted || scene.gate(&resume, at(1)).now_or_never().is_some() {
        return Ok(());
    }
    // The call was dropped before it ended: it takes effect later, or never.
    for _ in 0..100 {
        if !scene.claim_at(at(1)).await?.work.is_empty() {
            demand!(timeout(PATIENCE, hint).await.is_ok(), "it took effect later, and no hint came");
            return Ok(());
        }
        sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

pub async fn following_next_due_alone_reaches_everything(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let mut random = fastrand::Rng::with_seed(8);
    for number in 0..60 {
        let lane = format!("lane-{}", random.u8(0..6));
        let due = at(random.i64(0..50));
        let draft = draft(&format!("e{number}"))?.to(&[&lane])?.due(due);
        scene.store([draft.with_routes(|route| route.width = 2)]).await?;
    }
    scene.change_gate(lane("lane-3")?, GateChange::Hold(at(90)), at(0)).await?;
    let (mut now, mut over) = (at(0), 0);
    for _ in 0..1000 {
        let claims = scene.claim_at(now).await?;
        let idle = claims.work.is_empty();
        for claim in claims.work {
            match random.u8(0..4) {
                0 => scene.apply([retried(&claim, now + Duration::from_secs(7), now)]).await?,
                // The claim is not settled, so its lease ends silently.
                1 if claim.silent == 0 => {}
                _ => {
                    scene.apply([delivered(&claim, now)]).await?;
                    over += 1;
                }
            }
        }
        if over == 60 {
            return Ok(());
        }
        match claims.next_due {
            // The settlement may have made something due at this moment.
            _ if !idle => {}
            Some(next) if next > now => now = next,
            next => return Err(Breach::new(format!("{over} of 60 done at {now}, next due {next:?}"))),
        }
    }
    Err(Breach::new(format!("only {over} of 60 were reached")))
}
