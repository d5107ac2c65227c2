//! A limit allows at most its number of starts in any window of its length, no matter which
//! process or endpoint asks for them.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::Backend;
use crate::policy::rate::{Ask, Asker, Grant, Limit, LimitKey, LimitScope};
use crate::time::Timestamp;

use super::scene::{
    Scene, at, at_once, demand, endpoint as endpoint_of, same, tenant as tenant_of, the_only,
};
use super::{Breach, CaseResult};

const SECOND: Duration = Duration::from_secs(1);

/// A limit of `starts` per `seconds`, and the key of its log.
fn limit(scope: LimitScope, of: &str, starts: u32, seconds: u64) -> Result<(LimitKey, Limit), Breach> {
    let starts = NonZeroU32::new(starts).unwrap_or(NonZeroU32::MIN);
    let limit = Limit::new(scope, starts, Duration::from_secs(seconds))
        .map_err(|error| Breach::new(format!("the case is broken: {error}")))?;
    Ok((LimitKey { scope, of: of.to_owned() }, limit))
}

/// An endpoint of a tenant.
fn by(tenant: &str, endpoint: &str) -> Result<Asker, Breach> {
    Ok(Asker { tenant: tenant_of(tenant)?, endpoint: endpoint_of(endpoint)? })
}

fn ask(by: Asker, limits: &[&(LimitKey, Limit)], starts: u32) -> Ask {
    Ask { by, limits: limits.iter().map(|limit| (*limit).clone()).collect(), starts }
}

impl Scene {
    async fn ask(&self, limits: &[&(LimitKey, Limit)], starts: u32, now: Timestamp) -> Result<Grant, Breach> {
        let ask = ask(by("acme", "one")?, limits, starts);
        the_only(self.take(&[ask], now, now + SECOND).await?)
    }
}

pub async fn no_window_holds_more_starts_than_its_limit(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let mut random = fastrand::Rng::with_seed(60);
    let ten_a_minute = limit(LimitScope::Tenant, "acme", 10, 60)?;
    let (mut now, mut began) = (at(0), Vec::new());
    for _ in 0..200 {
        now = now + Duration::from_micros(random.u64(0..10_000_000));
        let grant = scene.ask(&[&ten_a_minute], random.u32(1..6), now).await?;
        for _ in 0..grant.starts {
            began.push(now + Duration::from_micros(random.u64(0..=1_000_000)));
        }
        let Some(refusal) = grant.refusal else { continue };
        demand!(refusal.until > now, "refused until {}, which is over", refusal.until);
    }
    began.sort();
    for (number, first) in began.iter().enumerate() {
        let inside = began[number..].iter().filter(|moment| moment.since(*first) < Duration::from_secs(60));
        let inside = inside.count();
        demand!(inside <= 10, "{inside} starts in the minute from {first}");
    }
    demand!(began.len() > 100, "only {} starts in the whole time", began.len());
    Ok(())
}

pub async fn a_grant_counts_from_its_last_possible_start(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let three = limit(LimitScope::Endpoint, "one", 3, 60)?;
    same("room for all", scene.ask(&[&three], 3, at(0)).await?, Grant { starts: 3, refusal: None })?;
    let refused = scene.ask(&[&three], 1, at(60)).await?;
    same("none", refused.starts, 0)?;
    let refusal = refused.refusal.map(|refusal| (refusal.limit, refusal.until));
    same("until", refusal, Some((three.0.clone(), at(61))))?;
    same("then", scene.ask(&[&three], 2, at(61)).await?.starts, 2)
}

pub async fn a_start_is_taken_from_every_limit_or_from_none(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let wide = limit(LimitScope::Tenant, "acme", 10, 60)?;
    let narrow = limit(LimitScope::Endpoint, "one", 2, 60)?;
    same("the narrower one decides", scene.ask(&[&wide, &narrow], 5, at(0)).await?.starts, 2)?;
    same("what is left of the wider", scene.ask(&[&wide], 100, at(1)).await?.starts, 8)?;
    same("none", scene.ask(&[&narrow, &wide], 1, at(2)).await?.starts, 0)
}

pub async fn a_refusal_names_the_limit_that_opens_last(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let minute = limit(LimitScope::Tenant, "acme", 1, 60)?;
    let hour = limit(LimitScope::Host, "one.example", 1, 3600)?;
    let free = limit(LimitScope::Global, "", 100, 7200)?;
    let all = [&minute, &hour, &free];
    same("the first", scene.ask(&all, 1, at(0)).await?.starts, 1)?;
    let refusal = scene.ask(&all, 1, at(1)).await?.refusal;
    let found = refusal.map(|refusal| (refusal.limit, refusal.until));
    same("the refusal", found, Some((hour.0, at(3601))))
}

pub async fn asks_of_one_endpoint_are_granted_in_order(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let five = limit(LimitScope::Tenant, "acme", 5, 60)?;
    let one = by("acme", "one")?;
    let asks = [3, 3, 1].map(|starts| ask(one.clone(), &[&five], starts));
    let grants = scene.take(&asks, at(0), at(1)).await?;
    let starts: Vec<_> = grants.iter().map(|grant| grant.starts).collect();
    same("starts", starts, [3, 2, 0])?;
    let refused: Vec<_> = grants.iter().map(|grant| grant.refusal.is_some()).collect();
    same("refusals", refused, [false, true, true])?;
    let none = ask(one, &[], 7);
    same("without a limit", the_only(scene.take(&[none], at(0), at(1)).await?)?.starts, 7)
}

pub async fn limits_of_different_keys_count_apart(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    for scope in [LimitScope::Endpoint, LimitScope::Tenant, LimitScope::Host] {
        for of in ["one", "two"] {
            let own = limit(scope, of, 4, 60)?;
            same("its own", scene.ask(&[&own], 9, at(0)).await?.starts, 4)?;
        }
    }
    Ok(())
}

pub async fn two_windows_over_one_scope_count_apart(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let (second, minute) =
        (limit(LimitScope::Endpoint, "one", 2, 1)?, limit(LimitScope::Endpoint, "one", 5, 60)?);
    let both = [&second, &minute];
    let mut starts = Vec::new();
    for moment in [0, 3, 6, 9] {
        starts.push(scene.ask(&both, 9, at(moment)).await?.starts);
    }
    same("two a second, five a minute", starts, [2, 2, 1, 0])
}

pub async fn takes_at_the_same_time_stay_within_the_limit(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let hundred = limit(LimitScope::Tenant, "acme", 100, 60)?;
    let mut takes = Vec::new();
    for _ in 0..20 {
        let (backend, ask) = (scene.backend(), [ask(by("acme", "one")?, &[&hundred], 9)]);
        takes.push(async move { backend.take(&ask, at(0), at(1)).await });
    }
    let mut granted = 0;
    for result in at_once(takes).await? {
        granted += the_only(result?)?.starts;
    }
    same("granted to all together", granted, 100)
}

pub async fn a_call_that_comes_late_shortens_no_grant(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let five = limit(LimitScope::Tenant, "acme", 5, 60)?;
    same("granted", scene.ask(&[&five], 5, at(100)).await?.starts, 5)?;
    for late in [97, 40] {
        same("a call that waited for the store", scene.ask(&[&five], 1, at(late)).await?.starts, 0)?;
    }
    same("before the first grant ends", scene.ask(&[&five], 1, at(160)).await?.starts, 0)?;
    same("after it", scene.ask(&[&five], 5, at(161)).await?.starts, 5)
}

pub async fn grants_of_a_clock_that_was_ahead_hold_nothing_for_longer_than_a_window(
    fresh: Arc<dyn Backend>,
) -> CaseResult {
    let scene = Scene::on(fresh);
    let day = 86_400;
    let five = limit(LimitScope::Tenant, "acme", 5, 60)?;
    let hour = limit(LimitScope::Tenant, "acme", 7, 3600)?;
    let both = [&five, &hour];
    for moment in [0, 20, 40] {
        scene.ask(&both, 2, at(day + moment)).await?;
    }
    same("none, since they began by now", scene.ask(&both, 9, at(35)).await?.starts, 0)?;
    let refusal = scene.ask(&[&five], 1, at(36)).await?.refusal;
    let until = refusal.map(|refusal| refusal.until);
    demand!(until.is_some_and(|until| until <= at(97)), "refused until {until:?}");
    same("after a window", scene.ask(&both, 9, at(97)).await?.starts, 2)?;
    same("after the longer one", scene.ask(&both, 9, at(3700)).await?.starts, 5)
}

/// How many starts each asker was granted in one call.
async fn starts_of(scene: &Scene, asks: &[Ask], now: Timestamp) -> Result<Vec<u32>, Breach> {
    let grants = scene.take(asks, now, now + SECOND).await?;
    Ok(grants.iter().map(|grant| grant.starts).collect())
}

pub async fn the_starts_of_a_shared_limit_go_to_tenants_in_turn_whatever_the_order(
    fresh: Arc<dyn Backend>,
) -> CaseResult {
    let scene = Scene::on(fresh);
    for (scope, of) in [(LimitScope::Global, ""), (LimitScope::Host, "one.example")] {
        let ten = limit(scope, of, 10, 60)?;
        let mut asks = Vec::new();
        for (tenant, endpoint, starts) in [
            ("flood", "f1", 16),
            ("flood", "f2", 16),
            ("flood", "f3", 1),
            ("other", "o1", 3),
            ("third", "t1", 9),
        ] {
            asks.push(ask(by(tenant, endpoint)?, &[&ten], starts));
        }
        let mut reversed: Vec<_> = asks.iter().rev().cloned().collect();
        same("in turn", starts_of(&scene, &asks, at(0)).await?, [2, 1, 1, 3, 3])?;
        for ask in &mut reversed {
            ask.starts = 16;
        }
        let next = starts_of(&scene, &reversed, at(61)).await?;
        let of_flood: u32 = next.iter().skip(2).sum();
        demand!(next.iter().sum::<u32>() == 10, "the whole window: {next:?}");
        demand!(next.iter().take(2).all(|starts| *starts >= 3), "in turn from the back: {next:?}");
        demand!(of_flood >= 3 && next.iter().all(|starts| *starts > 0), "of one tenant: {next:?}");
    }
    Ok(())
}

pub async fn whoever_asks_first_at_every_opening_leaves_others_their_turns(
    fresh: Arc<dyn Backend>,
) -> CaseResult {
    let scene = Scene::on(fresh);
    let global = limit(LimitScope::Global, "", 1, 60)?;
    let tenants = limit(LimitScope::Tenant, "flood", 1, 60)?;
    for (limit, other) in [(&global, "other"), (&tenants, "flood")] {
        let (mut flood, mut served) = (0, 0);
        for window in 0..8 {
            // One process always asks first, in a call of its own.
            for (by, starts, got) in
                [(by("flood", "f1")?, 16, &mut flood), (by(other, "o1")?, 1, &mut served)]
            {
                let ask = ask(by, &[limit], starts);
                *got += the_only(starts_of(&scene, &[ask], at(61 * window)).await?)?;
            }
        }
        demand!(flood + served == 8 && served >= 3, "{served} of {} starts", flood + served);
    }
    Ok(())
}

pub async fn what_is_kept_for_one_that_does_not_come_goes_to_whoever_asks(
    fresh: Arc<dyn Backend>,
) -> CaseResult {
    let scene = Scene::on(fresh);
    let two = limit(LimitScope::Global, "", 2, 60)?;
    let (flood, other) = (by("flood", "f1")?, by("other", "o1")?);
    same("all", starts_of(&scene, &[ask(flood.clone(), &[&two], 16)], at(0)).await?, [2])?;
    same("none", starts_of(&scene, &[ask(other, &[&two], 1)], at(1)).await?, [0])?;
    // The other asker does not come back, so what is reserved for it is soon released.
    let (mut now, mut granted) = (at(61), 0);
    for _ in 0..10 {
        let grant = the_only(scene.take(&[ask(flood.clone(), &[&two], 2)], now, now + SECOND).await?)?;
        granted += grant.starts;
        let Some(refusal) = grant.refusal.filter(|_| granted < 2) else { break };
        demand!(refusal.until > now, "refused until {}, which is over", refusal.until);
        now = refusal.until;
    }
    let waited = now.since(at(61));
    demand!(granted == 2 && waited <= 10 * SECOND, "{granted} starts after {waited:?}");
    Ok(())
}

pub async fn who_waits_is_told_a_moment_at_which_its_turn_may_have_come(
    fresh: Arc<dyn Backend>,
) -> CaseResult {
    let scene = Scene::on(fresh);
    let two = limit(LimitScope::Global, "", 2, 60)?;
    let mut coming = Vec::new();
    for number in 0..6 {
        let ask = ask(by(&format!("t{number}"), "e")?, &[&two], 1);
        let grant = the_only(scene.take(std::slice::from_ref(&ask), at(number), at(number + 1)).await?)?;
        if let Some(refusal) = grant.refusal {
            coming.push((refusal.until, ask));
        }
    }
    same("waiting", coming.len(), 4)?;
    // Each asker asks at the time that it was given, and then at the next time that it was given.
    let mut asked = 0;
    while let Some(next) = coming.iter().enumerate().min_by_key(|(_, (until, _))| *until) {
        let (place, now) = (next.0, next.1.0);
        let (_, ask) = coming.remove(place);
        let grant = the_only(scene.take(std::slice::from_ref(&ask), now, now + SECOND).await?)?;
        asked += 1;
        demand!(asked <= 12, "after {asked} calls there still are those who wait");
        coming.extend(grant.refusal.map(|refusal| (refusal.until, ask)));
        demand!(now <= at(3 * 61 + 10), "the last start is only at {now}");
    }
    Ok(())
}
