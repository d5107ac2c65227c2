//! In any window of its length a limit lets at most its number of starts through,
//! whoever asks.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::policy::rate::{Limit, LimitKey, LimitScope};
use crate::seam::{Ask, Backend, Grant};
use crate::time::Timestamp;

use super::scene::{Scene, at, at_once, demand, same, the_only};
use super::{Breach, Verdict};

const SECOND: Duration = Duration::from_secs(1);

/// A limit of that many starts in that many seconds, and its log.
fn limit(scope: LimitScope, of: &str, starts: u32, seconds: u64) -> Result<(LimitKey, Limit), Breach> {
    let starts = NonZeroU32::new(starts).unwrap_or(NonZeroU32::MIN);
    let limit = Limit::new(scope, starts, Duration::from_secs(seconds))
        .map_err(|error| Breach::new(format!("the case is broken: {error}")))?;
    Ok((LimitKey { scope, of: of.to_owned() }, limit))
}

impl Scene {
    async fn ask(&self, limits: &[&(LimitKey, Limit)], starts: u32, now: Timestamp) -> Result<Grant, Breach> {
        let ask = Ask { limits: limits.iter().map(|limit| (*limit).clone()).collect(), starts };
        the_only(self.take(&[ask], now, now + SECOND).await?)
    }
}

pub async fn no_window_holds_more_starts_than_its_limit(fresh: Arc<dyn Backend>) -> Verdict {
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

pub async fn a_grant_counts_from_its_last_possible_start(fresh: Arc<dyn Backend>) -> Verdict {
    let scene = Scene::on(fresh);
    let three = limit(LimitScope::Endpoint, "one", 3, 60)?;
    same("room for all", scene.ask(&[&three], 3, at(0)).await?, Grant { starts: 3, refusal: None })?;
    let refused = scene.ask(&[&three], 1, at(60)).await?;
    same("none", refused.starts, 0)?;
    let refusal = refused.refusal.map(|refusal| (refusal.limit, refusal.until));
    same("until", refusal, Some((three.0.clone(), at(61))))?;
    same("then", scene.ask(&[&three], 2, at(61)).await?.starts, 2)
}

pub async fn a_start_is_taken_from_every_limit_or_from_none(fresh: Arc<dyn Backend>) -> Verdict {
    let scene = Scene::on(fresh);
    let wide = limit(LimitScope::Tenant, "acme", 10, 60)?;
    let narrow = limit(LimitScope::Endpoint, "one", 2, 60)?;
    same("the narrower one decides", scene.ask(&[&wide, &narrow], 5, at(0)).await?.starts, 2)?;
    same("what is left of the wider", scene.ask(&[&wide], 100, at(1)).await?.starts, 8)?;
    same("none", scene.ask(&[&narrow, &wide], 1, at(2)).await?.starts, 0)
}

pub async fn a_refusal_names_the_limit_that_opens_last(fresh: Arc<dyn Backend>) -> Verdict {
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

pub async fn asks_are_granted_in_order(fresh: Arc<dyn Backend>) -> Verdict {
    let scene = Scene::on(fresh);
    let five = limit(LimitScope::Tenant, "acme", 5, 60)?;
    let ask = |starts| Ask { limits: vec![five.clone()], starts };
    let grants = scene.take(&[ask(3), ask(3), ask(1)], at(0), at(1)).await?;
    let starts: Vec<_> = grants.iter().map(|grant| grant.starts).collect();
    same("starts", starts, [3, 2, 0])?;
    let refused: Vec<_> = grants.iter().map(|grant| grant.refusal.is_some()).collect();
    same("refusals", refused, [false, true, true])?;
    let none = Ask { limits: Vec::new(), starts: 7 };
    same("without a limit", the_only(scene.take(&[none], at(0), at(1)).await?)?.starts, 7)
}

pub async fn limits_of_different_keys_count_apart(fresh: Arc<dyn Backend>) -> Verdict {
    let scene = Scene::on(fresh);
    for scope in [LimitScope::Endpoint, LimitScope::Tenant, LimitScope::Host] {
        for of in ["one", "two"] {
            let own = limit(scope, of, 4, 60)?;
            same("its own", scene.ask(&[&own], 9, at(0)).await?.starts, 4)?;
        }
    }
    Ok(())
}

pub async fn two_windows_over_one_scope_count_apart(fresh: Arc<dyn Backend>) -> Verdict {
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

pub async fn takes_at_the_same_time_stay_within_the_limit(fresh: Arc<dyn Backend>) -> Verdict {
    let scene = Scene::on(fresh);
    let hundred = limit(LimitScope::Tenant, "acme", 100, 60)?;
    let mut takes = Vec::new();
    for _ in 0..20 {
        let (backend, ask) = (scene.backend(), [Ask { limits: vec![hundred.clone()], starts: 9 }]);
        takes.push(async move { backend.take(&ask, at(0), at(1)).await });
    }
    let mut granted = 0;
    for result in at_once(takes).await? {
        granted += the_only(result?)?.starts;
    }
    same("granted to all together", granted, 100)
}

pub async fn a_call_that_comes_late_shortens_no_grant(fresh: Arc<dyn Backend>) -> Verdict {
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
) -> Verdict {
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
