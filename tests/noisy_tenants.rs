//! How long an event waits for its first request while other tenants' endpoints hang, or
//! have names that nobody answers for: within the bounds that ARCHITECTURE.md states.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hookpost::Timestamp;
use hookpost::policy::outcome::NotSent;
use hookpost::testing::{Behaviour, Reply};
use tokio::time::sleep;
use world::World;

const VICTIMS: [&str; 3] = ["proven", "failed-once", "new"];
/// Half of the slots are for endpoints without a success in their last answer.
const DOUBTFUL_SLOTS: u32 = 32;
/// What an event may wait for which there is a free slot.
const FREE: Duration = Duration::from_secs(1);
/// The victims publish for so long, an event every two seconds.
const BESIDE: Duration = Duration::from_secs(120);

/// What the noisy endpoints do, and how long each request to them lasts.
#[derive(Debug, Clone, Copy)]
enum Noise {
    /// They accept and never answer, until the time-out of the profile `standard`.
    Hanging,
    /// Nobody answers for their names.
    SlowNames,
    /// No network leads to them.
    NoNetwork,
}

impl Noise {
    fn reply(self) -> Reply {
        match self {
            Self::Hanging => Reply::hang(),
            Self::SlowNames => Reply::not_sent(NotSent::Name).after(self.lasts()),
            Self::NoNetwork => Reply::not_sent(NotSent::Unreachable),
        }
    }

    const fn lasts(self) -> Duration {
        match self {
            Self::Hanging => Duration::from_secs(15),
            Self::SlowNames => Duration::from_millis(4_500),
            // Where nothing gets through, the engine stops for so long at most.
            Self::NoNetwork => Duration::from_secs(30),
        }
    }

    /// The longest that a request to an unproven endpoint waits beside so many tenants. One
    /// alone leaves half of the slots for such endpoints free.
    fn bound(self, tenants: u32) -> Duration {
        if tenants == 1 { FREE } else { self.lasts() * (tenants.div_ceil(DOUBTFUL_SLOTS) + 1) }
    }
}

/// The longest wait of each victim's events.
type Waits = BTreeMap<&'static str, Duration>;

/// When which event of which victim was published, by the event's id.
type Published = Arc<Mutex<BTreeMap<String, (&'static str, Timestamp)>>>;

fn host(tenant: &str, number: usize) -> String {
    format!("e{number}.{tenant}.example")
}

async fn publish_as_victim(world: &World, victim: &'static str, published: &Published) {
    let at = world.now();
    let event = world.publish_of(victim).await.to_string();
    published.lock().unwrap().insert(event, (victim, at));
}

/// Three victims beside that many tenants with so many endpoints each, all of which answer
/// so: one victim is in use before, one is too and fails once, and one begins meanwhile.
async fn waits_beside(tenants: u32, endpoints: usize, noise: Noise) -> Waits {
    let world = World::new();
    let published = Published::default();
    world.transport.otherwise(noise.reply());
    for victim in VICTIMS {
        world.transport.at_host(host(victim, 0), Reply::ok());
    }
    let neighbours: Vec<String> = (0..tenants).map(|number| format!("noisy{number}")).collect();
    for tenant in &neighbours {
        for number in 0..endpoints {
            world.endpoint_of(tenant, number).await;
        }
    }
    let play = async {
        for victim in ["proven", "failed-once"] {
            world.endpoint_of(victim, 0).await;
            world.publish_of(victim).await;
        }
        sleep(Duration::from_secs(5)).await;
        let fails_once = Behaviour::sequence([Reply::status(500), Reply::ok()]);
        world.transport.at_host(host("failed-once", 0), fails_once);
        let began = world.now();
        let mut beats = 0_u32;
        while world.now().since(began) < BESIDE {
            if beats.is_multiple_of(5) {
                for tenant in &neighbours {
                    world.publish_of(tenant).await;
                }
            }
            if beats == 5 {
                world.endpoint_of("new", 0).await;
            }
            let known = if beats < 5 { 2 } else { 3 };
            for victim in VICTIMS.into_iter().take(known) {
                publish_as_victim(&world, victim, &published).await;
            }
            sleep(Duration::from_secs(2)).await;
            beats += 1;
        }
        // What still waits is waited for.
        sleep(noise.bound(tenants)).await;
    };
    tokio::select! {
        ended = world.webhooks.run(std::future::pending::<()>()) => ended.unwrap(),
        () = play => {}
    }
    longest(&world, &published)
}

fn longest(world: &World, published: &Published) -> Waits {
    let mut first_sent: BTreeMap<String, Timestamp> = BTreeMap::new();
    for exchange in world.sent() {
        let event = exchange.headers["webhook-id"].to_str().unwrap().to_owned();
        first_sent.entry(event).or_insert(exchange.began_at);
    }
    let mut waits = Waits::new();
    for (event, (victim, at)) in &*published.lock().unwrap() {
        let waited = first_sent.get(event).copied().unwrap_or_else(|| world.now()).since(*at);
        let longest = waits.entry(*victim).or_default();
        *longest = waited.max(*longest);
    }
    waits
}

async fn expect_bounds(tenants: u32, endpoints: usize, noise: Noise) {
    let waits = waits_beside(tenants, endpoints, noise).await;
    println!("{tenants} tenants with {endpoints} endpoints, {noise:?}: {waits:?}");
    assert_eq!(waits.len(), 3);
    for (victim, waited) in waits {
        let bound = if victim == "proven" { FREE } else { noise.bound(tenants) };
        assert!(waited <= bound, "{tenants} tenants, {endpoints} endpoints, {noise:?}, {victim}: {waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn however_many_endpoints_of_a_tenant_hang_the_others_wait_within_the_stated_bound() {
    for endpoints in [32, 100, 300, 1_000] {
        expect_bounds(1, endpoints, Noise::Hanging).await;
    }
}

#[tokio::test(start_paused = true)]
async fn however_many_names_of_a_tenant_time_out_the_others_wait_within_the_stated_bound() {
    for endpoints in [32, 100, 300, 1_000] {
        expect_bounds(1, endpoints, Noise::SlowNames).await;
    }
}

#[tokio::test(start_paused = true)]
async fn tenants_to_whom_no_network_leads_delay_others_by_no_more_than_the_engines_longest_pause() {
    for (tenants, endpoints) in [(3, 1), (3, 10), (20, 10)] {
        let waits = waits_beside(tenants, endpoints, Noise::NoNetwork).await;
        println!("{tenants} tenants with {endpoints} endpoints: {waits:?}");
        for (victim, waited) in waits {
            assert!(
                waited <= Noise::NoNetwork.lasts() + FREE,
                "{tenants}, {endpoints}, {victim}: {waited:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_for_our_own_fault_is_told_of_once() {
    let world = World::new();
    world.transport.otherwise(Reply::not_sent(NotSent::Unreachable));
    for tenant in ["one", "two", "three", "four"] {
        for number in 0..10 {
            world.endpoint_of(tenant, number).await;
        }
        world.publish_of(tenant).await;
    }
    world.run_for(Duration::from_secs(60)).await;
    let heard = world.heard.all();
    let pauses = heard.lines().filter_map(|line| {
        let (_, pause) = line.strip_prefix("OwnFault")?.split_once("pause: ")?;
        pause.split_once('s')?.0.parse::<u64>().ok()
    });
    let mut pauses: Vec<_> = pauses.collect();
    let last = pauses.pop().unwrap();
    assert!(pauses.iter().sum::<u64>() <= 60, "{pauses:?} and {last} follow each other");
}

#[tokio::test(start_paused = true)]
async fn beside_a_hundred_tenants_with_ten_endpoints_each_the_bound_holds_too() {
    for noise in [Noise::Hanging, Noise::SlowNames] {
        expect_bounds(100, 10, noise).await;
    }
}
