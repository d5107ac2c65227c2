//! Real processes that publish and deliver from one SQLite file, and are killed
//! while they do: nothing that was acknowledged is lost, and the history and the
//! receiver tell the same story.
//!
//! `HOOKPOST_KILL_ROUNDS=300 cargo test --test crash -- --nocapture` kills longer, and
//! `HOOKPOST_KILL_SEED` draws other moments.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod child;
mod ground;
mod orders;
mod process;
mod sender;
#[path = "../sqlite_file/mod.rs"]
mod sqlite_file;
mod tally;
mod verdict;

use std::env;
use std::time::Duration;

use ground::Ground;
use orders::{Conduct, Fate, Orders, Point, Stage};
use process::{Kill, Life, Line, Process};
use tally::Tally;
use verdict::{Evidence, Verdict};

/// A child lives this long at most, unless a stage is hit too seldom by chance.
const LIFE_MAX: Duration = Duration::from_millis(400);
/// So many children live on one file, one after the other.
const LIVES_PER_FILE: u32 = 10;
/// One kill in so many has to meet each stage: 20 of 300.
const ROUNDS_PER_HIT: u32 = 15;

#[test]
fn fg1_no_kill_at_any_moment_loses_an_acknowledged_event_or_leaves_a_request_unexplained() {
    let rounds = number("HOOKPOST_KILL_ROUNDS", 60);
    let seed = number("HOOKPOST_KILL_SEED", 1);
    let mut draw = fastrand::Rng::with_seed(seed.into());
    let mut tally = Tally::wanting(rounds.div_ceil(ROUNDS_PER_HIT));
    let mut findings = Verdict::default();
    // A machine too slow for a stage to be met by chance gets some more rounds, in
    // which the kill waits for the stage.
    while tally.rounds < rounds || (!tally.is_content() && tally.rounds < 2 * rounds) {
        let mut ground = Ground::new();
        for _ in 0..LIVES_PER_FILE.min(rounds.saturating_sub(tally.rounds).max(1)) {
            let kill = match tally.missing(rounds) {
                Some(stage) => Kill::Entering(stage, draw.u32(1..=6)),
                None => Kill::After(LIFE_MAX.mul_f64(draw.f64())),
            };
            let life = ground.live(&Orders::default(), |process| process.kill(kill));
            tally.count(&life);
        }
        ground.heal();
        let evidence = ground.evidence();
        tally.weigh(&evidence);
        findings.extend(evidence.judge());
    }
    println!("seed {seed}, {tally}; {findings}");
    assert!(tally.is_content(), "a stage was not hit often enough: {tally}");
    assert_eq!(tally.faults, 0, "the store of a child failed");
    assert!(findings.is_clean(), "{findings:#?}");
}

#[test]
fn fg1_a_process_that_dies_at_any_named_point_has_its_events_delivered_after_the_restart() {
    for at in Point::all() {
        let (life, evidence) = healed_after(Fate::Dies { at, passing: 3 });
        assert_eq!(life.last_mark(), Some(at), "it died elsewhere");
        assert!(evidence.all_delivered(), "{at}: {evidence:#?}");
    }
}

#[test]
fn fg1_what_was_acknowledged_in_the_moment_of_death_is_delivered_after_the_restart() {
    for count in 1..=10 {
        let (life, evidence) = healed_after(Fate::DiesAcknowledging(count));
        assert!(life.acknowledged().count() >= count as usize);
        assert!(evidence.all_delivered(), "{count}: {evidence:#?}");
    }
}

/// What a child of that fate has left behind it, and its life.
fn healed_after(fate: Fate) -> (Life, Evidence) {
    let mut ground = Ground::new();
    let life = ground.live(&Orders { fate, ..Orders::default() }, Process::until_it_dies);
    ground.heal();
    let evidence = ground.evidence();
    let verdict = evidence.judge();
    assert!(verdict.is_clean(), "{fate:?}: {verdict:#?}");
    (life, evidence)
}

/// Its work is either done by another meanwhile, or leased to another who still has it.
#[test]
fn a_process_that_slept_through_its_leases_settles_nothing_when_it_wakes() {
    let mut ground = Ground::new();
    for done in [true, false, true, false] {
        ground.publish(8);
        let orders =
            Orders { publishers: 0, sql: false, fate: Fate::StopsBeforeSettling, ..Orders::default() };
        let mut process = ground.start(&orders);
        process.wait_for(|line| *line == Line::Stops);
        if done {
            ground.heal();
        } else {
            ground.take_over();
        }
        process.wake_up();
        let (mut sent, mut stale) = (process.count(Point::entering(Stage::Send)), 0);
        while stale < sent {
            match process.line() {
                Line::Mark(point) if point == Point::entering(Stage::Send) => sent += 1,
                Line::Settled { applied, stale: more } => {
                    assert_eq!(applied, 0, "a stale settlement moved something");
                    stale += more;
                }
                _ => {}
            }
        }
        println!("{stale} stale settlements, none applied");
        assert!(stale > 0, "nothing was settled late");
        ground.bury(&process.killed());
        ground.heal();
    }
    let evidence = ground.evidence();
    let verdict = evidence.judge();
    assert!(verdict.is_clean(), "{verdict:#?}");
    assert!(evidence.all_delivered(), "{evidence:#?}");
}

/// Each finding is seen to be found: children that do what a broken sender would.
#[test]
fn the_judge_sees_what_a_dishonest_process_does() {
    let (publishing, settled) = (Point::entering(Stage::Publish), Point::leaving(Stage::Settle));
    for (conduct, at, found) in [
        (Conduct::AcknowledgesEarly, publishing, (true, false, false)),
        (Conduct::InventsAnswers, settled, (false, true, false)),
        (Conduct::SendsTwice, settled, (false, false, true)),
        (Conduct::Honest, settled, (false, false, false)),
    ] {
        let mut ground = Ground::new();
        let orders = Orders { conduct, sql: false, fate: Fate::Dies { at, passing: 1 }, ..Orders::default() };
        ground.live(&orders, Process::until_it_dies);
        ground.heal();
        let verdict = ground.evidence().judge();
        let seen = (!verdict.lost.is_empty(), !verdict.phantom.is_empty(), !verdict.unexplained.is_empty());
        assert_eq!(seen, found, "{conduct:?}: {verdict:#?}");
    }
}

fn number(variable: &str, otherwise: u32) -> u32 {
    match env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is a number")),
        Err(_) => otherwise,
    }
}

#[test]
fn every_point_has_its_own_word_and_is_read_from_it() {
    for point in Point::all() {
        assert_eq!(Point::from_word(&point.to_string()), Some(point));
        assert_eq!(Line::read(&Line::Mark(point).to_string()), Some(Line::Mark(point)));
    }
}
