//! An endpoint that was down and is repaired gets its events: the next one within the
//! longest gap between two probes, and what waited as fast as its width allows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::time::Duration;

use hookpost::delivery::State;
use hookpost::history::{PageAfter, Selection, StateFilter};
use hookpost::profile::OnRecovery;
use hookpost::testing::Reply;
use hookpost::{NewEndpoint, NewEvent, Overrides, Profile, Secret, Timestamp};
use world::{START, World, acme, endpoint, hours, id, minutes, seconds, url, without_jitter};

const DELIVERED: State = State::Delivered { confirmed: true };
const ANSWERS_AFTER: Duration = Duration::from_millis(100);
/// The longest gap between two probes of a sick endpoint.
const PROBE_GAP: Duration = Duration::from_secs(600);
const WIDTH: u32 = 8;

/// How long after its repair an endpoint waited for its first event and for its last.
#[derive(Debug)]
struct Waits {
    waiting: usize,
    first: Duration,
    last: Duration,
}

/// An endpoint is down for `outage`, gets `at_once` events when that begins and one more
/// every quarter of an hour, and is repaired.
async fn outage_of(outage: Duration, at_once: usize) -> Waits {
    let world = World::with(|builder| builder.poll(Duration::from_secs(25)));
    let wide = Overrides::none().width(NonZeroU32::new(WIDTH).unwrap()).unwrap();
    world.webhooks.register(endpoint("e", "standard").overrides(wide)).await.unwrap();
    world.transport.otherwise(Reply::status(500).after(ANSWERS_AFTER));
    for n in 0..at_once {
        world.webhooks.publish(NewEvent::json("acme", "k", n.to_string()).unwrap()).await.unwrap();
    }
    let quarter = Duration::from_secs(15 * 60);
    let mut left = outage;
    while !left.is_zero() {
        world.publish("k").await;
        world.run_for(left.min(quarter)).await;
        left = left.saturating_sub(quarter);
    }
    world.transport.otherwise(Reply::ok().after(ANSWERS_AFTER));
    let repaired = world.now();
    world.publish("k").await;
    let waiting = world.states().await.into_iter().filter(|state| *state == State::Pending).count();
    world.run_for(Duration::from_secs(30 * 3600)).await;
    assert!(world.states().await.iter().all(|state| *state == DELIVERED), "every event arrives");
    let sent: Vec<Timestamp> =
        world.sent().iter().map(|sent| sent.began_at).filter(|began| *began >= repaired).collect();
    assert_eq!(sent.len(), waiting, "each of them with one request");
    Waits { waiting, first: sent[0].since(repaired), last: sent.last().unwrap().since(repaired) }
}

#[tokio::test(start_paused = true)]
async fn a_repaired_endpoint_gets_its_first_event_within_a_probe_gap_and_its_last_as_fast_as_its_width_allows()
 {
    let mut table = String::new();
    let mut late = Vec::new();
    for at_once in [0, 1000] {
        for minutes in [30, 37, 60, 180, 360, 480, 720, 728] {
            let waits = outage_of(Duration::from_secs(60 * minutes), at_once).await;
            writeln!(table, "{minutes} min, {at_once} at once: {waits:?}").unwrap();
            // It widens from one request at a time: 1, 2, 4, 8.
            let rounds = u32::try_from(waits.waiting).unwrap().div_ceil(WIDTH) + WIDTH.ilog2();
            if waits.first > PROBE_GAP || waits.last > PROBE_GAP + (ANSWERS_AFTER * 2) * rounds {
                late.push((minutes, at_once));
            }
        }
    }
    println!("{table}");
    assert!(late.is_empty(), "{late:?} of\n{table}");
}

/// What ends an outage for an operator.
#[derive(Debug, Clone, Copy)]
enum Repair {
    /// The receiver works again, and nobody tells the sender.
    Alone,
    NewUrl,
    NewSecret,
    Enabled,
    Lifted,
}

async fn repair(world: &World, how: Repair) {
    let (webhooks, e) = (&world.webhooks, id("e"));
    world.transport.otherwise(Reply::ok().after(ANSWERS_AFTER));
    match how {
        Repair::Alone => {}
        Repair::NewUrl => {
            let there = webhooks.endpoint(&acme(), &e).await.unwrap().unwrap();
            let moved = NewEndpoint::from(&*there).url(url("elsewhere"));
            webhooks.update(&e, there.version, moved).await.unwrap();
        }
        Repair::NewSecret => {
            let secret = Secret::new("whsec_YWJjZGVmMDEyMzQ1Njc4OTAxMjM0NTY3ODlhYmNkZWY=").unwrap();
            webhooks.rotate_secret(&acme(), &e, secret, Duration::ZERO).await.map(drop).unwrap();
        }
        Repair::Enabled => {
            webhooks.disable(&acme(), &e).await.unwrap();
            webhooks.enable(&acme(), &e).await.unwrap();
        }
        Repair::Lifted => webhooks.lift(&acme(), &e).await.map(drop).unwrap(),
    }
}

/// How long after a repair the last of so few events arrived, with nothing published since
/// the outage began.
async fn last_of_few(events: usize, outage: Duration, how: Repair) -> Duration {
    let world = World::with(|builder| builder.poll(Duration::from_secs(25)));
    world.endpoint("e", "standard").await;
    world.transport.otherwise(Reply::status(500).after(ANSWERS_AFTER));
    for _ in 0..events {
        world.publish("k").await;
    }
    world.run_for(outage).await;
    repair(&world, how).await;
    let repaired = world.now();
    world.run_for(hours(30)).await;
    assert_eq!(world.states().await, vec![DELIVERED; events], "{events} events, {outage:?}, {how:?}");
    world.sent().last().unwrap().began_at.since(repaired)
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_repaired_endpoint_is_sent_although_nothing_new_is_published() {
    let told = [Repair::NewUrl, Repair::NewSecret, Repair::Enabled, Repair::Lifted];
    let alone = (2..=4).map(|events| (Repair::Alone, events));
    let cases: Vec<_> =
        told.into_iter().flat_map(|how| (1..=3).map(move |events| (how, events))).chain(alone).collect();
    let (mut table, mut late) = (String::new(), Vec::new());
    for outage in [7, 37, 180, 728].map(|minutes| Duration::from_secs(60 * minutes)) {
        for (how, events) in &cases {
            let last = last_of_few(*events, outage, *how).await;
            writeln!(table, "{outage:?}, {events} events, {how:?}: {last:?}").unwrap();
            // What somebody repaired is sent within the schedule's first gap, else within a
            // probe's; and then, at the width of a lane that recovers, in two rounds.
            let bound = if let Repair::Alone = how { PROBE_GAP } else { Duration::from_secs(5) };
            if last > bound + ANSWERS_AFTER * 6 {
                late.push((outage, *how, *events));
            }
        }
    }
    println!("{table}");
    assert!(late.is_empty(), "{late:?} of\n{table}");
}

/// The outage of README's example.
#[tokio::test(start_paused = true)]
async fn an_outage_of_six_hours_fails_nothing_and_expedite_sends_what_waits_at_once() {
    let world = World::new();
    world.endpoint("e", "standard").await;
    world.transport.otherwise(Reply::status(500));
    for _ in 0..20 {
        world.publish("k").await;
        world.run_for(Duration::from_secs(6 * 3600 / 20)).await;
    }
    assert_eq!(world.states().await, [State::Pending; 20]);
    world.transport.otherwise(Reply::ok());
    let state = Some(StateFilter::Pending);
    let waiting = Selection { endpoint: Some(id("e")), state, ..Selection::default() };
    world.webhooks.expedite(&acme(), &waiting, PageAfter::first(100)).await.unwrap();
    world.run_for(Duration::from_secs(60)).await;
    assert_eq!(world.states().await, [DELIVERED; 20]);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_waits_alone_is_tried_by_its_schedule() {
    let world = World::new();
    world.endpoint("e", "standard").await;
    world.transport.otherwise(Reply::status(500));
    world.publish("k").await;
    world.run_for(hours(40)).await;
    assert_eq!(minutes(&world.sent()), [0, 0, 5, 35, 155, 455, 1055, 1655]);
}

#[tokio::test(start_paused = true)]
async fn probes_use_nothing_of_a_deliverys_schedule_up_and_take_turns() {
    let world = World::new();
    world.endpoint("e", "standard").await;
    world.transport.otherwise(Reply::status(500));
    let events = [world.publish("k").await, world.publish("k").await, world.publish("k").await];
    world.run_for(hours(20)).await;
    assert_eq!(world.states().await, [State::Pending; 3], "three retries of some 28 h are left to each");
    let sent = world.sent();
    let ids: Vec<_> = sent.iter().map(|sent| sent.headers["webhook-id"].to_str().unwrap()).collect();
    for probes in ids[20..].chunks_exact(3) {
        let tried = events.iter().filter(|event| probes.contains(&event.as_str())).count();
        assert!(tried >= 2, "{probes:?}");
    }
    for pair in sent.windows(2).skip(20) {
        assert!(pair[1].began_at.since(pair[0].began_at) >= PROBE_GAP, "one probe at a time");
    }
    world.run_for(hours(20)).await;
    let failed = State::Failed(hookpost::delivery::FailReason::Exhausted);
    assert_eq!(world.states().await, [failed; 3], "as late as without probes");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_its_receiver_never_accepts_keeps_no_other_from_being_the_probe() {
    let world = World::with(|builder| builder.poll(Duration::from_secs(25)));
    world.endpoint("e", "standard").await;
    world.transport.otherwise(Reply::status(500));
    let poison = world.publish("k").await;
    for _ in 0..3 {
        world.publish("k").await;
    }
    world.run_for(hours(12)).await;
    let poison = poison.to_string();
    world.transport.otherwise(hookpost::testing::Behaviour::by(move |request, _| {
        let is_poison = request.headers["webhook-id"].to_str().unwrap() == poison;
        if is_poison { Reply::status(500) } else { Reply::ok() }
    }));
    world.run_for(PROBE_GAP * 2).await;
    let mut states = world.states().await;
    states.retain(|state| *state == DELIVERED);
    assert_eq!(states.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_events_of_one_ordering_key_reach_a_repaired_endpoint_within_a_probe_gap() {
    let world = World::with(|builder| builder.poll(Duration::from_secs(25)));
    world.endpoint("e", "standard").await;
    world.transport.otherwise(Reply::status(500));
    for n in 0..5 {
        let event = NewEvent::json("acme", "k", n.to_string()).unwrap().ordering_key("one").unwrap();
        world.webhooks.publish(event).await.unwrap();
        world.run_for(hours(2)).await;
    }
    world.transport.otherwise(Reply::ok());
    world.run_for(PROBE_GAP + Duration::from_secs(5)).await;
    assert_eq!(world.states().await, [DELIVERED; 5]);
}

/// When a first event is tried again whose endpoint recovers by a second one.
async fn tries_of_the_first_event(on_recovery: Option<OnRecovery>) -> Vec<i64> {
    let world = World::with(|builder| {
        let live_session = without_jitter(Profile::live_session());
        let on_recovery = on_recovery.unwrap_or(live_session.on_recovery);
        builder.profile(Profile { on_recovery, ..live_session })
    });
    world.endpoint("e", "live_session").await;
    world.transport.otherwise(Reply::status(500));
    let first = world.publish("first").await;
    // It fails at 0, 1 and 3 minutes, and is due again at 7.
    world.run_for(Duration::from_secs(210)).await;
    world.transport.otherwise(Reply::ok());
    world.publish("second").await;
    world.run_for(Duration::from_secs(3600)).await;
    let sent = world.sent();
    let of_first =
        sent.into_iter().filter(|sent| String::from_utf8_lossy(&sent.body).contains(first.as_str()));
    seconds(&of_first.collect::<Vec<_>>())
}

#[tokio::test(start_paused = true)]
async fn what_waits_catches_up_unless_its_system_promises_its_gaps() {
    assert_eq!(tries_of_the_first_event(None).await, [0, 60, 180, 420], "as LiveSession promises");
    assert_eq!(tries_of_the_first_event(Some(OnRecovery::CatchUp)).await, [0, 60, 180, 240]);
    for profile in [Profile::live_session(), Profile::x_webhook(), Profile::live_chat()] {
        assert_eq!(profile.on_recovery, OnRecovery::KeepGaps, "{}", profile.name);
    }
    for profile in Profile::targets().into_iter().chain([Profile::standard()]) {
        assert_eq!(profile.on_recovery, OnRecovery::CatchUp, "{}", profile.name);
        assert!(profile.probe_gap_max <= PROBE_GAP, "{}", profile.name);
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_attempt_that_was_put_off_keeps_its_time() {
    let world = World::new();
    world.endpoint("e", "standard").await;
    world.transport.otherwise(Reply::status(500));
    let later = NewEvent::json("acme", "later", "{}").unwrap().not_before(START + hours(20));
    world.webhooks.publish(later).await.unwrap();
    for _ in 0..5 {
        world.publish("k").await;
    }
    world.run_for(hours(2)).await;
    world.transport.otherwise(Reply::ok());
    world.run_for(hours(30)).await;
    let last = world.sent().pop().unwrap();
    assert_eq!(seconds(&[last]), [20 * 3600]);
    assert_eq!(world.states().await, [DELIVERED; 6]);
}
