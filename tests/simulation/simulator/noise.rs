//! Worlds in which one tenant misbehaves and the others do not.

use std::sync::Arc;
use std::time::Duration;

use hookpost::policy::outcome::{BodyNeed, Classify, Hold, Reach, Response, Verdict, retry_after};
use hookpost::subscription::FILTERS_MAX;
use hookpost::testing::Faults;
use hookpost::time::Timestamp;

use super::mood::Mood;
use super::world::{Deed, Parcel, Site, World};

/// The tenant that misbehaves.
pub(crate) const NOISY: &str = "mallory";
/// When the noise begins: endpoints that were used before are proven.
pub(super) const BEGINS: Duration = Duration::from_secs(120);
/// The quiet tenants publish until here.
const ENDS: Duration = Duration::from_secs(720);
/// An answer with this header makes the simulated classifier panic.
pub(super) const POISON: &str = "x-poison";
/// An answer with this header claims that its limit applies to the whole service.
pub(super) const OF_ALL: &str = "x-ratelimit-global";
/// A host on which any tenant may have an endpoint.
const SHARED: &str = "shared.example";
/// The host of a service's endpoints. The noisy tenant has none there.
pub(super) const SERVICE: &str = "service.example";

impl World {
    /// Draws the noisy world of a seed. No process crashes and no store fails. In half of the
    /// worlds wall clocks jump, of one process or of all, and no tenant may be affected. In a
    /// third of them all tenants share one rate limit, which the noisy tenant would use up.
    /// Everything that affects the quiet tenants is therefore caused by the noise.
    #[must_use]
    pub(crate) fn draw_noisy(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed ^ 0x6e_6f69_7365);
        let gap_first = Duration::from_secs(random.u64(1..=30));
        let mut world = Self {
            seed,
            machines: random.choice([1, 1, 2, 3]).unwrap_or(1),
            lease: Duration::from_secs(random.u64(30..=60)),
            poll: Duration::from_secs(random.u64(1..=5)),
            concurrency: random.usize(4..=64),
            gap_first,
            gap_max: gap_first * random.u32(1..=16),
            jitter_percent: 10,
            window: Duration::from_secs(8 * 3600),
            limit: None,
            shared_limit: None,
            store_faults: Faults::default(),
            sites: Vec::new(),
            script: Vec::new(),
            heal_at: ENDS + Duration::from_secs(120),
        };
        // Where little comes through, failures are more easily taken for our own.
        let seldom = random.u8(..3) == 0;
        for tenant in 0..if seldom { 1 } else { random.usize(1..=4) } {
            quiet(&mut random, &mut world, tenant, Duration::ZERO, seldom);
        }
        for tenant in 0..random.usize(..=2) {
            // These come while the noise goes on, and nobody knows them yet.
            let from = BEGINS + Duration::from_millis(random.u64(..60_000));
            quiet(&mut random, &mut world, 10 + tenant, from, seldom);
        }
        noise(&mut random, &mut world);
        if random.bool() {
            clocks(&mut random, &mut world);
        }
        world.shared_limit =
            (random.u8(..3) == 0).then(|| (random.u32(10..=40), Duration::from_secs(random.u64(5..=20))));
        world.script.sort_by_key(|(at, _)| *at);
        world
    }
}

/// A tenant whose endpoints are well, with an event every few seconds, or few a minute.
fn quiet(random: &mut fastrand::Rng, world: &mut World, tenant: usize, from: Duration, seldom: bool) {
    let tenant = format!("quiet{tenant}");
    for number in 0..if seldom { 1 } else { random.usize(1..=3) } {
        let host = random.choice([SERVICE, SHARED]).filter(|_| number == 0);
        world.sites.push(site(&tenant, number, host, Mood::Well, random.u32(1..=8)));
    }
    let gap_max = if seldom { 60_000 } else { 10_000 };
    let (mut at, mut number) = (from, 0);
    while at < ENDS {
        world.script.push((at, publish(&tenant, number)));
        at += Duration::from_millis(random.u64(2_000..gap_max));
        number += 1;
    }
}

fn noise(random: &mut fastrand::Rng, world: &mut World) {
    let slow_name = Mood::SlowName(Duration::from_secs(random.u64(1..=9)));
    let moods = [
        Mood::Hanging,
        Mood::Hanging,
        slow_name,
        slow_name,
        Mood::Limiting(random.u32(60..=3600)),
        Mood::Poisonous,
        Mood::Slow(Duration::from_secs(9)),
        Mood::Resetting(100),
        Mood::Unreadable,
        Mood::Well,
    ];
    // One kind of noise, or any mixture.
    let only = random.choice(moods).filter(|_| random.u8(..4) > 0);
    let sites = random.usize(1..=40);
    for number in 0..sites {
        let mood = only.or_else(|| random.choice(moods)).unwrap_or(Mood::Hanging);
        // Some of its endpoints are where anybody may have one.
        let host = number.is_multiple_of(4).then_some(SHARED);
        let mut site = site(NOISY, number, host, mood, random.u32(1..=8));
        site.filters = random.choice([0, 0, 1, FILTERS_MAX]).unwrap_or(0);
        site.limit =
            (random.u8(..4) == 0).then(|| (random.u32(5..=20), Duration::from_secs(random.u64(10..=300))));
        world.sites.push(site);
    }
    world.script.push((BEGINS, Deed::Damage));
    // The judges compare every request with every delivery.
    let flood = random.choice([10, 50, 200]).unwrap_or(10).min(600 / sites);
    for number in 0..flood {
        let at = if random.bool() { BEGINS } else { BEGINS + Duration::from_millis(random.u64(..300_000)) };
        world.script.push((at, publish(NOISY, number)));
    }
}

/// Moves wall clocks: for a while, or for so long that the store's time follows.
fn clocks(random: &mut fastrand::Rng, world: &mut World) {
    for _ in 0..random.usize(1..=3) {
        let by = random.choice([-48 * 3600, -3600, -30, 30, 3600, 48 * 3600]).unwrap_or(30);
        let machine = random.bool().then(|| random.usize(..world.machines));
        let at = Duration::from_millis(random.u64(..600_000));
        let set_right = random.bool().then(|| at + Duration::from_secs(random.u64(1..=900)));
        for (at, by) in std::iter::once((at, by)).chain(set_right.map(|at| (at, 0))) {
            match machine {
                Some(machine) => world.script.push((at, Deed::Skew(machine, by))),
                None => world.script.extend((0..world.machines).map(|machine| (at, Deed::Skew(machine, by)))),
            }
        }
    }
}

fn site(tenant: &str, number: usize, host: Option<&str>, mood: Mood, width: u32) -> Site {
    // Else each has a domain of its own: nobody tells by the name whose it is.
    let host = host.map_or_else(|| format!("e{number}-{tenant}.example"), str::to_owned);
    Site {
        id: format!("{tenant}-e{number}"),
        tenant: tenant.to_owned(),
        url: format!("https://{host}/{tenant}/e{number}"),
        wants: "*".to_owned(),
        mood,
        width,
        filters: 0,
        limit: None,
    }
}

fn publish(tenant: &str, number: usize) -> Deed {
    Deed::Publish(Parcel {
        id: format!("{tenant}-{number}"),
        tenant: tenant.to_owned(),
        kind: "a.one".to_owned(),
        payload: format!("{{\"number\":{number}}}"),
        key: None,
        order: None,
    })
}

/// A host's own classifier, which panics on some answers and believes every answer that claims
/// to speak for a whole service.
#[derive(Debug)]
pub(super) struct Excitable(pub(super) Arc<dyn Classify>);

impl Classify for Excitable {
    fn classify(&self, response: &Response, now: Timestamp) -> Verdict {
        if response.headers.contains_key(POISON) {
            // Without the hook's message, which would stand there for each attempt.
            std::panic::resume_unwind(Box::new("a classifier panics"));
        }
        self.0.classify(response, now)
    }

    fn body_need(&self) -> BodyNeed {
        self.0.body_need()
    }

    fn hold(&self, response: &Response, now: Timestamp) -> Option<Hold> {
        response.headers.get(OF_ALL)?;
        retry_after(response, now).map(|span| Hold { reach: Reach::Service, span })
    }
}
