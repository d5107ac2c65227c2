//! Settling: with the current token a settlement is applied. With another token no state changes,
//! except that a success ends a pending delivery. Settling twice is the same as settling once.

use std::sync::Arc;

use crate::backend::Backend;
use crate::delivery::{
    CancelReason, Claim, Claimed, FailReason, Next, Progress, RecordedAttempt, Settled, Settlement, State,
    WHY_MAX,
};
use crate::id::{DeliveryId, EventId};

use super::CaseResult;
use super::scene::{
    Scene, TENANT, at, attempt, delivered, draft, given_up, released, retried, routed, same, tenant,
    the_only, work,
};

const DELIVERED: State = State::Delivered { confirmed: true };

pub async fn a_success_ends_a_delivery(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let claim = scene.leased("e1", "one").await?;
    scene.apply([delivered(&claim, at(3))]).await?;
    let shown = scene.delivery(claim.delivery).await?;
    same("how and when", (shown.state, shown.settled_at, shown.due_at), (DELIVERED, Some(at(3)), None))?;
    same("behind it", (shown.attempts, shown.first_attempt_at), (1, Some(at(3))))?;
    let claims = scene.claim_at(at(1000)).await?;
    same("what comes after", (work(&claims), claims.next_due), (Vec::new(), None))
}

pub async fn every_reason_to_fail_or_cancel_is_kept(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let reasons = [
        State::Delivered { confirmed: false },
        State::Failed(FailReason::RetryWindow),
        State::Failed(FailReason::Expired),
        State::Failed(FailReason::Exhausted),
        State::Failed(FailReason::Gone),
        State::Failed(FailReason::Rejected),
        State::Failed(FailReason::Blocked),
        State::Failed(FailReason::Unrenderable),
        State::Failed(FailReason::Abandoned),
        State::Cancelled(CancelReason::ByHost),
        State::Cancelled(CancelReason::EndpointRemoved),
        State::Cancelled(CancelReason::EndpointDisabled),
    ];
    for (number, state) in reasons.into_iter().enumerate() {
        let claim = scene.leased(&format!("e{number}"), "one").await?;
        let progress = Progress { attempts: 0, first_attempt_at: None };
        let next = Next::Done { state, progress };
        scene.apply([Settlement { next, ..released(&claim, at(0)) }]).await?;
        same("the state", scene.state_of(claim.delivery).await?, state)?;
    }
    Ok(())
}

pub async fn why_it_failed_comes_back(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let claim = scene.leased("e1", "one").await?;
    let why = format!("payload: must be {}ż", "x".repeat(WHY_MAX - 20));
    let progress = Progress { attempts: 0, first_attempt_at: None };
    let next = Next::Failed { reason: FailReason::Unrenderable, why: why.clone().into(), progress };
    let settlement = Settlement { next, ..released(&claim, at(1)) };
    scene.apply([settlement.clone()]).await?;
    same("again", scene.settle_one(settlement).await?, Settled::Fenced)?;
    let shown = scene.delivery(claim.delivery).await?;
    same("how", (shown.state, shown.settled_at), (State::Failed(FailReason::Unrenderable), Some(at(1))))?;
    same("why", shown.why, Some(why))?;
    let claim = scene.leased("e2", "one").await?;
    scene.apply([given_up(&claim, FailReason::Gone, at(1))]).await?;
    same("nothing to say", scene.delivery(claim.delivery).await?.why, None)
}

pub async fn a_retry_is_due_when_it_says(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let claim = scene.leased("e1", "one").await?;
    scene.apply([retried(&claim, at(300), at(1))]).await?;
    let shown = scene.delivery(claim.delivery).await?;
    same("pending until", (shown.state, shown.due_at), (State::Pending, Some(at(300))))?;
    same("behind it", (shown.attempts, shown.first_attempt_at), (1, Some(at(1))))?;
    same("before", work(&scene.claim_at(at(299)).await?), Vec::<String>::new())?;
    same("then", work(&scene.claim_at(at(300)).await?), ["e1>one"])
}

pub async fn a_stale_token_moves_nothing(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let stale = scene.leased("e1", "one").await?;
    let current = the_only(scene.claim_at(at(60)).await?.work)?;
    let before = scene.delivery(current.delivery).await?;
    for settlement in [
        given_up(&stale, FailReason::Gone, at(61)),
        retried(&stale, at(62), at(61)),
        released(&stale, at(61)),
    ] {
        same("the answer", scene.settle_one(settlement).await?, Settled::Fenced)?;
        same("the delivery", scene.delivery(current.delivery).await?, before.clone())?;
    }
    same("still leased", work(&scene.claim_at(at(100)).await?), Vec::<String>::new())?;
    scene.apply([delivered(&current, at(101))]).await
}

pub async fn a_stale_success_ends_a_delivery_that_is_still_pending(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let stale = scene.leased("e1", "one").await?;
    let current = the_only(scene.claim_at(at(60)).await?.work)?;
    same("the answer", scene.settle_one(delivered(&stale, at(61))).await?, Settled::Fenced)?;
    same("the state", scene.state_of(current.delivery).await?, DELIVERED)?;
    let late = given_up(&current, FailReason::Exhausted, at(62));
    same("the other's answer", scene.settle_one(late).await?, Settled::Fenced)?;
    same("the state", scene.state_of(current.delivery).await?, DELIVERED)?;
    same("both attempts", scene.log_of(current.delivery).await?.attempts.len(), 2)
}

pub async fn a_stale_success_leaves_a_terminal_delivery_alone(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let stale = scene.leased("e1", "one").await?;
    let current = the_only(scene.claim_at(at(60)).await?.work)?;
    scene.apply([given_up(&current, FailReason::Gone, at(61))]).await?;
    same("the answer", scene.settle_one(delivered(&stale, at(62))).await?, Settled::Fenced)?;
    same("the state", scene.state_of(current.delivery).await?, State::Failed(FailReason::Gone))
}

pub async fn the_attempt_of_a_stale_token_is_recorded(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let stale = scene.leased("e1", "one").await?;
    let current = the_only(scene.claim_at(at(60)).await?.work)?;
    let late = given_up(&stale, FailReason::Exhausted, at(61));
    same("the answer", scene.settle_one(late.clone()).await?, Settled::Fenced)?;
    scene.apply([delivered(&current, at(62))]).await?;
    same("the answer, again", scene.settle_one(late).await?, Settled::Fenced)?;
    let attempts = scene.log_of(current.delivery).await?.attempts;
    let expected = [
        RecordedAttempt { number: 1, attempt: attempt(&stale, 500, at(61)) },
        RecordedAttempt { number: 2, attempt: attempt(&current, 200, at(62)) },
    ];
    same("the attempts", attempts, expected)
}

pub async fn attempts_are_numbered_and_recorded_once_per_lease(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let mut claim = scene.leased("e1", "one").await?;
    for second in 1..=3 {
        scene.apply([retried(&claim, at(second), at(second))]).await?;
        let mut again = retried(&claim, at(second), at(second));
        again.attempt = Some(attempt(&claim, 502, at(second)));
        same("the answer, again", scene.settle_one(again).await?, Settled::Fenced)?;
        claim = the_only(scene.claim_at(at(second)).await?.work)?;
    }
    let attempts = scene.log_of(claim.delivery).await?.attempts;
    let told: Vec<_> = attempts.iter().map(|recorded| (recorded.number, recorded.attempt.began_at)).collect();
    same("the attempts", told, [(1, at(1)), (2, at(2)), (3, at(3))])?;
    let codes: Vec<_> = attempts.iter().map(|recorded| recorded.attempt.result).collect();
    same("what came back first", codes, vec![attempt(&claim, 500, at(0)).result; 3])
}

pub async fn settling_twice_is_settling_once(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let claim = scene.leased("e1", "one").await?;
    let retry = retried(&claim, at(10), at(1));
    scene.apply([retry.clone()]).await?;
    let (before, log) = (scene.delivery(claim.delivery).await?, scene.log_of(claim.delivery).await?);
    scene.settle_one(retry.clone()).await?;
    same("the delivery", scene.delivery(claim.delivery).await?, before)?;
    same("the log", scene.log_of(claim.delivery).await?, log)?;
    let second = the_only(scene.claim_at(at(10)).await?.work)?;
    scene.settle_one(retry).await?;
    let success = delivered(&second, at(11));
    scene.apply([success.clone()]).await?;
    let (before, log) = (scene.delivery(claim.delivery).await?, scene.log_of(claim.delivery).await?);
    scene.settle(&[success.clone(), success], &[], at(12)).await?;
    same("the delivery", scene.delivery(claim.delivery).await?, before)?;
    same("the log", scene.log_of(claim.delivery).await?, log)
}

pub async fn a_terminal_delivery_never_becomes_pending_again(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let claim = scene.leased("e1", "one").await?;
    scene.apply([delivered(&claim, at(1))]).await?;
    let before = scene.delivery(claim.delivery).await?;
    for settlement in
        [retried(&claim, at(2), at(2)), released(&claim, at(2)), given_up(&claim, FailReason::Expired, at(2))]
    {
        scene.settle_one(settlement).await?;
        same("the delivery", scene.delivery(claim.delivery).await?, before.clone())?;
    }
    same("what comes", work(&scene.claim_at(at(999)).await?), Vec::<String>::new())
}

pub async fn the_items_of_a_batch_are_independent(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let stale = scene.leased("e1", "one").await?;
    scene.store([draft("e2")?.to(&["two"])?.due(at(60)), draft("e3")?.to(&["three"])?.due(at(60))]).await?;
    let claims = scene.claim_at(at(60)).await?.work;
    let to = |name: &str| claims.iter().filter(|claim| claim.endpoint.as_str() == name).cloned().collect();
    let (two, three) = (the_only::<Claim>(to("two"))?, the_only::<Claim>(to("three"))?);
    let unknown =
        Settlement { of: Claimed::Delivery(DeliveryId::from_bytes([7; 16])), ..released(&stale, at(61)) };
    let batch = [
        given_up(&stale, FailReason::Gone, at(61)),
        delivered(&two, at(61)),
        unknown,
        retried(&three, at(70), at(61)),
    ];
    let (settled, _) = scene.settle(&batch, &[], at(61)).await?;
    let expected = [Settled::Fenced, Settled::Applied, Settled::Missing, Settled::Applied];
    same("the answers", settled, expected)?;
    same("one", scene.state_of(stale.delivery).await?, State::Pending)?;
    same("two", scene.state_of(two.delivery).await?, DELIVERED)?;
    same("three", scene.delivery(three.delivery).await?.due_at, Some(at(70)))
}

pub async fn what_never_was_is_missing(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let claim = scene.leased("e1", "one").await?;
    scene.store([draft("e2")?]).await?;
    let event = the_only(scene.claim_at(at(0)).await?.events)?;
    let delivery = Claimed::Delivery(DeliveryId::from_bytes([9; 16]));
    let nowhere = Settlement { of: delivery, ..delivered(&claim, at(1)) };
    same("a delivery", scene.settle_one(nowhere).await?, Settled::Missing)?;
    for of in [
        Claimed::Event(tenant(TENANT)?, EventId::new("e9")?),
        Claimed::Event(tenant("other")?, EventId::new("e2")?),
    ] {
        let nowhere = Settlement { of, ..routed(&event, &["one"], None, at(1))? };
        same("an event", scene.settle_one(nowhere).await?, Settled::Missing)?;
    }
    Ok(())
}
