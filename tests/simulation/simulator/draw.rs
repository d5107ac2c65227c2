//! Draws a world: first which kinds of things happen in it and how often, then the things
//! themselves.

use std::time::Duration;

use hookpost::testing::Faults;

use super::failpoints::Point;
use super::mood::Mood;
use super::world::{Deed, Parcel, Site, World};

/// The first part of a world, in seconds, in which events are published.
const SCRIPT: u64 = 1800;

impl World {
    /// Draws the world of a seed.
    #[must_use]
    pub(crate) fn draw(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let calm = random.u8(..4) == 0;
        let gap_first = seconds(random.u64(1..=30));
        let mut world = Self {
            seed,
            machines: random.usize(1..=4),
            lease: seconds(random.u64(30..=60)),
            poll: seconds(random.u64(1..=10)),
            concurrency: random.usize(1..=32),
            gap_first,
            gap_max: gap_first * random.u32(1..=16),
            jitter_percent: random.choice([0, 10, 50]).unwrap_or(0),
            window: if random.u8(..4) == 0 { seconds(random.u64(60..=1200)) } else { seconds(8 * 3600) },
            limit: (random.u8(..3) == 0).then(|| (random.u32(20..=100), seconds(random.u64(5..=60)))),
            shared_limit: None,
            store_faults: if calm { Faults::default() } else { store_faults(&mut random) },
            sites: Vec::new(),
            script: Vec::new(),
            heal_at: seconds(SCRIPT + 600),
        };
        let pace = Pace::draw(&mut random);
        world.sites = sites(&mut random);
        let mut script = publishes(&mut random, &pace, &world.sites);
        if random.bool() {
            script.extend(commands(&mut random, &pace, world.sites.len()));
        }
        if !calm {
            script.extend(disasters(&mut random, &pace, world.machines));
        }
        script.sort_by_key(|(at, _)| *at);
        world.script = script;
        if calm {
            world.take_time(&mut fastrand::Rng::with_seed(!seed));
        }
        world
    }

    /// Where nothing fails, the store takes its time, and neither the poll nor the end of
    /// a lease helps an engine that forgot to look.
    fn take_time(&mut self, random: &mut fastrand::Rng) {
        self.store_faults.takes = Duration::from_millis(random.choice([0, 1, 5, 20]).unwrap_or(5));
        self.poll = self.lease;
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The times of the actions: spread over the script, or in bursts of a few seconds.
struct Pace(Vec<u64>);

impl Pace {
    fn draw(random: &mut fastrand::Rng) -> Self {
        let bursts = if random.bool() { random.usize(1..=5) } else { 0 };
        Self((0..bursts).map(|_| random.u64(..(SCRIPT - 10) * 1000)).collect())
    }

    fn some_time(&self, random: &mut fastrand::Rng) -> Duration {
        let burst = random.choice(&self.0).copied();
        Duration::from_millis(match burst {
            Some(start) => start + random.u64(..5_000),
            None => random.u64(..SCRIPT * 1000),
        })
    }
}

fn store_faults(random: &mut fastrand::Rng) -> Faults {
    let mut rate = || if random.bool() { random.u16(..=100) } else { 0 };
    let (before, after, slow) = (rate(), rate(), rate());
    Faults { before, after, slow, delay_max: seconds(random.u64(1..=10)), takes: Duration::ZERO }
}

fn mood(random: &mut fastrand::Rng) -> Mood {
    match random.u8(..12) {
        0 => Mood::Broken(random.choice([301, 400, 404, 500, 502]).unwrap_or(500)),
        1 => Mood::Flapping(seconds(random.u64(5..=300))),
        2 => Mood::Slow(seconds(random.u64(1..=30))),
        3 => Mood::Busy(random.u32(0..=60)),
        4 => Mood::GoneAt(random.usize(..5)),
        5 => Mood::Resetting(random.u8(10..=100)),
        6 => Mood::Cut,
        7 => Mood::Refusing(random.u8(10..=100)),
        _ => Mood::Well,
    }
}

fn sites(random: &mut fastrand::Rng) -> Vec<Site> {
    let tenants = random.usize(1..=20);
    // From 17 matches on an event is not routed by its publisher.
    let most = random.choice([3, 10, 40]).unwrap_or(3).min(100 / tenants);
    let mut sites = Vec::new();
    for tenant in 0..tenants {
        for number in 0..random.usize(1..=most) {
            let host = if random.u8(..4) == 0 { "shared".to_owned() } else { format!("e{number}.t{tenant}") };
            sites.push(Site {
                id: format!("t{tenant}-e{number}"),
                tenant: format!("t{tenant}"),
                url: format!("https://{host}.example/t{tenant}/e{number}"),
                wants: random.choice(["*", "*", "a.*", "a.one", "b"]).unwrap_or("*").to_owned(),
                mood: mood(random),
                width: random.u32(1..=8),
                filters: 0,
                limit: None,
            });
        }
    }
    sites
}

fn publishes(random: &mut fastrand::Rng, pace: &Pace, sites: &[Site]) -> Vec<(Duration, Deed)> {
    let (ordered, keyed) = (random.bool(), random.bool());
    let mut parcels: Vec<(Duration, Parcel)> = Vec::new();
    for number in 0..random.usize(1..=200) {
        let Some(site) = random.choice(sites) else { continue };
        let parcel = Parcel {
            id: format!("evt_{number}"),
            tenant: site.tenant.clone(),
            kind: random.choice(["a.one", "a.two", "b", "c"]).unwrap_or("a.one").to_owned(),
            payload: format!("{{\"number\":{number}}}"),
            key: (keyed && random.bool()).then(|| format!("key-{number}")),
            order: (ordered && random.bool()).then(|| format!("order-{}", random.u8(..3))),
        };
        parcels.push((pace.some_time(random), parcel));
    }
    let again: Vec<_> = parcels.iter().filter(|_| random.u8(..10) == 0).cloned().collect();
    for (number, (at, mut parcel)) in again.into_iter().enumerate() {
        if parcel.key.is_some() {
            parcel.id = format!("again_{number}");
            if random.bool() {
                parcel.payload = format!("{{\"other\":{number}}}");
            }
        }
        parcels.push((at + Duration::from_millis(random.u64(..20_000)), parcel));
    }
    parcels.into_iter().map(|(at, parcel)| (at, Deed::Publish(parcel))).collect()
}

fn commands(random: &mut fastrand::Rng, pace: &Pace, sites: usize) -> Vec<(Duration, Deed)> {
    let mut commands = Vec::new();
    for _ in 0..random.usize(..=10) {
        let (site, later) = (random.usize(..sites), seconds(random.u64(1..=400)));
        let deed = match random.u8(..8) {
            0..=1 => Deed::Pause(site, later),
            2..=3 => Deed::Disable(site, later),
            4 => Deed::Remove(site),
            5 => Deed::Replay(site),
            6 => Deed::Expedite(site),
            _ => Deed::Cancel(site),
        };
        commands.push((pace.some_time(random), deed));
    }
    commands
}

fn disasters(random: &mut fastrand::Rng, pace: &Pace, machines: usize) -> Vec<(Duration, Deed)> {
    let (crashes, freezes) = (random.usize(..=8), random.usize(..=4));
    let mut disasters = Vec::new();
    for _ in 0..crashes {
        let (machine, point) =
            (random.usize(..machines), random.choice(Point::ALL).unwrap_or(Point::AfterSend));
        let deed = Deed::Crash(machine, point, seconds(random.u64(0..=120)));
        disasters.push((pace.some_time(random), deed));
    }
    for _ in 0..freezes {
        let deed = Deed::Freeze(random.usize(..machines), seconds(random.u64(1..=180)));
        disasters.push((pace.some_time(random), deed));
    }
    if random.u8(..5) == 0 {
        let by = seconds(random.u64(1..=4 * 3600));
        let deed = if random.bool() { Deed::JumpAhead(by) } else { Deed::JumpBack(by) };
        disasters.push((pace.some_time(random), deed));
    }
    if random.u8(..3) == 0 {
        let by = random.choice([-48 * 3600, -3600, -30, 30, 300, 48 * 3600]).unwrap_or(30);
        let machine = random.usize(..machines);
        // From the start, or as one of all deeds.
        let at = if random.bool() { Duration::ZERO } else { pace.some_time(random) };
        disasters.push((at, Deed::Skew(machine, by)));
        if random.bool() {
            disasters.push((at + seconds(random.u64(1..=1800)), Deed::Skew(machine, 0)));
        }
    }
    disasters
}
