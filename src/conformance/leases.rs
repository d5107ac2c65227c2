//! A lease is the right to settle until a certain time. If its holder does not settle, the
//! delivery becomes due by itself, and the silent lease is counted.

use std::sync::Arc;

use crate::backend::Backend;
use crate::delivery::{Claim, FailReason, InFlight, Shares, SilentLease, State};
use crate::time::Timestamp;

use super::scene::{
    LEASE, Scene, TENANT, at, deferred, delivered, demand, draft, events, given_up, released, retried, same,
    set, tenant, the_only, work, work_set,
};
use super::{Breach, CaseResult};

impl Scene {
    /// Claims the only delivery repeatedly and lets each lease expire without settling. Returns the
    /// last claim and its time.
    async fn let_lapse(&self, endpoint: &str, times: usize) -> Result<(Claim, Timestamp), Breach> {
        let (mut claim, mut now) = (self.leased("e1", endpoint).await?, at(0));
        for _ in 0..times {
            now = claim.lease_until;
            claim = the_only(self.claim_at(now).await?.work)?;
        }
        Ok((claim, now))
    }
}

pub async fn leased_work_is_invisible_until_its_lease_ends(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let claim = scene.leased("e1", "one").await?;
    let just_before = claim.lease_until - std::time::Duration::from_micros(1);
    same("before the end", work(&scene.claim_at(just_before).await?), Vec::<String>::new())?;
    same("at the end", work(&scene.claim_at(claim.lease_until).await?), ["e1>one"])
}

pub async fn a_release_puts_the_due_time_back_and_counts_nothing(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let claim = scene.leased("e1", "one").await?;
    scene.apply([retried(&claim, at(10), at(1))]).await?;
    let second = the_only(scene.claim_at(at(25)).await?.work)?;
    scene.apply([released(&second, at(26))]).await?;
    let shown = scene.delivery(second.delivery).await?;
    same("as before", (shown.state, shown.due_at, shown.attempts), (State::Pending, Some(at(10)), 1))?;
    let third = the_only(scene.claim_at(at(26)).await?.work)?;
    same("the due time", third.due_at, at(10))?;
    same("the counts", (third.attempts, third.silent, third.lapsed), (1, 0, false))?;
    same("the attempts", scene.log_of(third.delivery).await?.attempts.len(), 1)
}

pub async fn a_silent_lease_is_counted_and_recorded(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let first = scene.leased("e1", "one").await?;
    let second = the_only(scene.claim_at(at(70)).await?.work)?;
    same("the count", (second.silent, second.silent_alone, second.lapsed), (1, 0, true))?;
    same("the due time it replaced", second.due_at, first.lease_until)?;
    let log = scene.log_of(first.delivery).await?;
    same("the record", log.silent, [SilentLease { token: first.token, claimed_at: at(0) }])?;
    same("attempts", log.attempts.len(), 0)
}

pub async fn a_silent_lease_stays_recorded_after_a_success(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let (claim, now) = scene.let_lapse("one", 1).await?;
    scene.apply([delivered(&claim, now)]).await?;
    let log = scene.log_of(claim.delivery).await?;
    same("silent leases and attempts", (log.silent.len(), log.attempts.len()), (1, 1))
}

pub async fn only_a_recorded_attempt_ends_a_row_of_silent_leases(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let (claim, now) = scene.let_lapse("one", 1).await?;
    scene.apply([released(&claim, now)]).await?;
    let claim = the_only(scene.claim_at(now).await?.work)?;
    same("after a release", (claim.silent, claim.lapsed), (1, false))?;
    scene.apply([deferred(&claim, now, now)]).await?;
    let claim = the_only(scene.claim_at(now).await?.work)?;
    same("after a deferral", (claim.silent, claim.lapsed), (1, false))?;
    scene.apply([retried(&claim, now, now)]).await?;
    let claim = the_only(scene.claim_at(now).await?.work)?;
    same("after an attempt", claim.silent, 0)?;
    same("the record", scene.log_of(claim.delivery).await?.silent.len(), 1)
}

pub async fn a_late_settlement_applies_while_nobody_else_has_claimed(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let claim = scene.leased("e1", "one").await?;
    scene.apply([given_up(&claim, FailReason::Exhausted, claim.lease_until + LEASE)]).await?;
    same("the state", scene.state_of(claim.delivery).await?, State::Failed(FailReason::Exhausted))
}

pub async fn a_suspect_is_passed_over_unless_the_caller_is_alone(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let (claim, _) = scene.let_lapse("one", 1).await?;
    let now = claim.lease_until;
    scene.store([draft("e2")?.to(&["one", "two"])?]).await?;
    let claims = scene.claim_at(now).await?;
    same("the others", work_set(&claims), set(["e2>one", "e2>two"]))?;
    demand!(claims.suspects, "a due suspect was passed over without a word");
    same("still pending", scene.state_of(claim.delivery).await?, State::Pending)
}

pub async fn a_suspect_is_claimed_by_itself(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let (mut claim, _) = scene.let_lapse("one", 1).await?;
    scene.store([draft("e2")?.to(&["one", "two"])?, draft("e3")?]).await?;
    for silent_alone in 0..3 {
        let now = claim.lease_until;
        let mut request = scene.request(now);
        request.alone = true;
        let claims = scene.claim(&request).await?;
        same("by itself", (work(&claims), events(&claims)), (vec!["e1>one".to_owned()], Vec::new()))?;
        claim = the_only(claims.work)?;
        same("the counts", (claim.silent, claim.silent_alone), (2 + silent_alone, silent_alone))?;
    }
    same("the record", scene.log_of(claim.delivery).await?.silent.len(), 4)?;
    scene.apply([retried(&claim, at(900), at(800))]).await?;
    let mut request = scene.request(at(900));
    request.alone = true;
    let claims = scene.claim(&request).await?;
    same("no suspect any more", work_set(&claims), set(["e1>one", "e2>one", "e2>two"]))?;
    let silent: u32 = claims.work.iter().map(|claim| claim.silent).sum();
    same("silent leases after an attempt", (silent, events(&claims)), (0, vec!["e3".to_owned()]))
}

pub async fn a_suspect_is_not_counted_again_by_being_passed_over(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let (claim, _) = scene.let_lapse("one", 1).await?;
    let now = claim.lease_until;
    for _ in 0..5 {
        same("passed over", work(&scene.claim_at(now).await?), Vec::<String>::new())?;
    }
    let mut request = scene.request(now);
    request.alone = true;
    let claim = the_only(scene.claim(&request).await?.work)?;
    same("the counts", (claim.silent, claim.silent_alone), (2, 0))
}

pub async fn a_suspect_of_a_tenant_whose_share_is_spent_is_passed_over(
    fresh: Arc<dyn Backend>,
) -> CaseResult {
    let scene = Scene::on(fresh);
    let (claim, _) = scene.let_lapse("one", 1).await?;
    let now = claim.lease_until;
    let mut request = scene.request(now);
    request.alone = true;
    let all = InFlight { all: usize::MAX, doubtful: usize::MAX };
    request.shares = Shares { in_flight: [(tenant(TENANT)?, all)].into(), of_all: 3, of_doubtful: 1 };
    same("of another tenant's turn", work(&scene.claim(&request).await?), Vec::<String>::new())?;
    request.shares = Shares::unlimited();
    same("of its own", work(&scene.claim(&request).await?), ["e1>one"])
}

pub async fn an_event_whose_lease_ended_is_due_by_itself(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.store([draft("e1")?]).await?;
    let first = the_only(scene.claim_at(at(0)).await?.events)?;
    same("the lease", first.lease_until, at(0) + LEASE)?;
    same("before its end", events(&scene.claim_at(at(59)).await?), Vec::<String>::new())?;
    let second = the_only(scene.claim_at(at(60)).await?.events)?;
    demand!(second.token != first.token, "the same token again");
    same("the event", second.event, first.event)
}
