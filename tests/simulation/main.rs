//! The engine in worlds that a seed draws: crashes, lost answers, sick receivers,
//! operators, clock jumps. Nothing here is luck: the same seed is the same run.
//!
//! The suite plays 150 of them, the gate a thousand:
//! `SEEDS=from..to cargo test --test simulation -- --nocapture` plays others, and
//! `TRACE=1` beside it tells all that happened.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod simulator;

use std::ops::Range;
use std::time::Instant;

use simulator::{World, simulate, simulate_world};

fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("SEEDS") else { return 0..150 };
    let (from, to) = text.split_once("..").expect("SEEDS is from..to");
    from.parse().unwrap()..to.parse().unwrap()
}

#[test]
fn every_invariant_holds_in_every_world() {
    let began = Instant::now();
    let failed = on_all_cores(seeds(), |seed| {
        let report = simulate(seed);
        if std::env::var_os("TRACE").is_some() {
            println!("{:#?}", report.evidence);
            report.evidence.entries.iter().for_each(|entry| println!("{entry}"));
        }
        if report.violations.is_empty() {
            return None;
        }
        println!("{report}");
        Some(seed)
    });
    println!("{} worlds in {:?}, violated in {failed:?}", seeds().count(), began.elapsed());
    assert!(failed.is_empty(), "seeds {failed:?}");
}

#[test]
fn what_one_tenant_is_given_no_other_tenant_feels() {
    // A noisy world takes as long as ten others.
    let Range { start, end } = seeds();
    let failed = on_all_cores(start..start + (end - start).div_ceil(10), |seed| {
        let report = simulate_world(World::draw_noisy(seed));
        if !report.violations.is_empty() {
            println!("{report}");
        }
        (!report.violations.is_empty()).then_some(seed)
    });
    assert!(failed.is_empty(), "noisy worlds of the seeds {failed:?}");
}

/// What the function finds, over all seeds, each seed on one thread.
fn on_all_cores<T: Send>(seeds: Range<u64>, find: impl Fn(u64) -> Option<T> + Sync) -> Vec<T> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let share = |core| seeds.clone().skip(core).step_by(cores).filter_map(&find).collect::<Vec<T>>();
        let threads: Vec<_> = (0..cores).map(|core| scope.spawn(move || share(core))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn fg11_the_same_seed_gives_the_same_trace_and_another_gives_another() {
    let some = || seeds().step_by(10);
    let hashes: Vec<_> = some().map(|seed| simulate(seed).trace_hash).collect();
    let again: Vec<_> = some().map(|seed| simulate(seed).trace_hash).collect();
    assert_eq!(hashes, again);
    assert!(hashes.windows(2).all(|pair| pair[0] != pair[1]));
}

mod the_judges_see {
    //! Every invariant is seen to fail: evidence of a run in which all was well, with
    //! one thing in it bent.

    use std::time::Duration;

    use crate::simulator::{
        Command, Deed, Entry, Evidence, Mood, NOISY, Parcel, Site, What, World, simulate_world,
    };
    use hookpost::delivery::{FailReason, Settled, State};
    use hookpost::policy::outcome::Outcome;
    use hookpost::testing::Faults;

    /// Three sites of one tenant, one of them sick at first; keys, an order, a limit.
    fn world() -> World {
        let site = |number: usize, mood| Site {
            id: format!("e{number}"),
            tenant: "t".to_owned(),
            url: format!("https://e{number}.example/"),
            wants: "*".to_owned(),
            mood,
            width: 2,
            filters: 0,
            limit: None,
        };
        let parcel = |number: u64| Parcel {
            id: format!("evt_{number}"),
            tenant: "t".to_owned(),
            kind: "a.one".to_owned(),
            payload: format!("{{\"number\":{number}}}"),
            key: Some(format!("key-{number}")),
            order: number.is_multiple_of(2).then(|| "order".to_owned()),
        };
        let at = Duration::from_secs;
        World {
            seed: 1,
            machines: 1,
            lease: at(30),
            poll: at(1),
            concurrency: 8,
            gap_first: at(10),
            gap_max: at(80),
            jitter_percent: 10,
            window: at(8 * 3600),
            limit: Some((5, at(10))),
            shared_limit: None,
            store_faults: Faults::default(),
            sites: vec![site(0, Mood::Well), site(1, Mood::Flapping(at(40))), site(2, Mood::Busy(30))],
            script: (0..12).map(|number| (at(7 * number), Deed::Publish(parcel(number)))).collect(),
            heal_at: at(600),
        }
    }

    fn evidence() -> Evidence {
        let report = simulate_world(world());
        assert!(report.violations.is_empty(), "{report}");
        report.evidence
    }

    /// Bends the evidence and expects a judgement that begins so.
    #[track_caller]
    fn bent(invariant: &str, bend: impl FnOnce(&mut Evidence)) {
        let mut evidence = evidence();
        bend(&mut evidence);
        let found = evidence.judge();
        assert!(
            found.iter().any(|violation| violation.invariant.starts_with(invariant)),
            "{invariant} saw nothing; others: {found:?}"
        );
    }

    #[test]
    fn what_waits_for_a_paused_endpoint_is_cancelled_when_that_is_removed() {
        let mut world = world();
        let at = Duration::from_secs;
        world.script.insert(0, (Duration::ZERO, Deed::Pause(0, at(400))));
        world.script.push((at(100), Deed::Remove(0)));
        let report = simulate_world(world);
        assert!(report.violations.is_empty(), "{report}");
        let removed = report.evidence.deliveries.iter().filter(|(it, _)| it.endpoint.as_str() == "e0");
        let states: Vec<_> = removed.map(|(it, _)| it.state).collect();
        let cancelled = State::Cancelled(hookpost::delivery::CancelReason::EndpointRemoved);
        assert!(states.len() >= 10 && states.iter().all(|state| *state == cancelled), "{states:?}");
    }

    fn settled(evidence: &Evidence, ends: bool) -> Entry {
        let wanted = |entry: &&Entry| matches!(&entry.what, What::Settled { ends: state, .. } if state.is_some() == ends);
        evidence.entries.iter().rfind(wanted).unwrap().clone()
    }

    #[test]
    fn i1_a_lost_delivery() {
        bent("I1", |it| drop(it.deliveries.pop()));
    }

    #[test]
    fn i1_a_doubled_delivery() {
        bent("I1", |it| it.deliveries.push(it.deliveries[0].clone()));
    }

    #[test]
    fn i2_a_failure_at_a_receiver_that_was_well() {
        bent("I2", |it| {
            let well = it.deliveries.iter_mut().find(|(it, _)| it.endpoint.as_str() == "e0").unwrap();
            well.0.state = State::Failed(FailReason::Exhausted);
        });
    }

    #[test]
    fn i3_a_record_without_a_request() {
        bent("I3 no phantom", |it| it.exchanges.retain(|exchange| exchange.url != "https://e0.example/"));
    }

    #[test]
    fn i3_a_request_without_a_record() {
        bent("I3 no ghost", |it| it.exchanges.push(it.exchanges[0].clone()));
    }

    #[test]
    fn i4_a_lease_after_the_end() {
        bent("I4", |it| {
            let mut leases = it.entries.iter().filter(|entry| matches!(entry.what, What::Leased { .. }));
            let again = leases.next_back().unwrap().clone();
            it.entries.push(again);
        });
    }

    #[test]
    fn i4_another_end_than_was_written() {
        bent("I4", |it| it.deliveries[0].0.state = State::Delivered { confirmed: false });
    }

    #[test]
    fn i5_a_request_to_what_is_switched_off() {
        bent("I5", |it| {
            let endpoint = "e0".parse().unwrap();
            it.entries.insert(
                0,
                Entry {
                    at: Duration::ZERO,
                    actor: String::new(),
                    what: What::Asked(Command::Remove, endpoint),
                },
            );
            let endpoint = "e0".parse().unwrap();
            it.entries.insert(
                1,
                Entry {
                    at: Duration::ZERO,
                    actor: String::new(),
                    what: What::Done(Command::Remove, endpoint),
                },
            );
        });
    }

    #[test]
    fn i6_one_start_too_many() {
        bent("I6", |it| {
            let first = it.exchanges[0].clone();
            it.exchanges.extend(vec![first; 5]);
        });
    }

    #[test]
    fn i7_two_leases_at_once() {
        bent("I7", |it| {
            let lease =
                it.entries.iter().position(|entry| matches!(entry.what, What::Leased { .. })).unwrap();
            it.entries.insert(lease, it.entries[lease].clone());
        });
    }

    #[test]
    fn i7_an_effect_of_a_stale_token() {
        bent("I7", |it| {
            let mut stale = settled(it, false);
            let What::Settled { token, .. } = &mut stale.what else { unreachable!() };
            *token = hookpost::id::Token::from_bytes([7; 16]);
            it.entries.push(stale);
        });
    }

    #[test]
    fn i8_another_body() {
        bent("I8", |it| it.exchanges[3].body = "{}".into());
    }

    #[test]
    fn i8_the_signature_of_another_request() {
        bent("I8", |it| {
            let (first, last) = (it.exchanges[0].headers.clone(), it.exchanges.last_mut().unwrap());
            let event = last.headers["webhook-id"].clone();
            last.headers = first;
            last.headers.insert("webhook-id", event);
        });
    }

    #[test]
    fn i9_a_gap_in_the_numbers() {
        bent("I9", |it| {
            let tried = it.deliveries.iter_mut().find(|(_, log)| log.attempts.len() > 1).unwrap();
            tried.1.attempts[1].number = 3;
        });
    }

    #[test]
    fn i10_a_retry_too_early() {
        bent("I10", |it| {
            let tried = it.deliveries.iter_mut().find(|(_, log)| log.attempts.len() > 1).unwrap();
            let first = tried.1.attempts[0].attempt.began_at;
            tried.1.attempts[1].attempt.began_at = first + Duration::from_secs(8);
        });
    }

    #[test]
    fn i10_a_receiver_that_was_not_heard() {
        bent("I10", |it| {
            for exchange in &mut it.exchanges {
                if let Some(Outcome::Response(response)) = &mut exchange.outcome
                    && response.headers.contains_key("retry-after")
                {
                    response.headers.insert("retry-after", "3000".parse().unwrap());
                }
            }
        });
    }

    #[test]
    fn i11_a_count_that_is_off() {
        bent("I11", |it| it.stats.delivered += 1);
    }

    #[test]
    fn i12_a_key_with_two_events() {
        bent("I12", |it| {
            let mut again =
                it.entries.iter().find(|it| matches!(it.what, What::Accepted { .. })).unwrap().clone();
            let What::Accepted { event, .. } = &mut again.what else { unreachable!() };
            *event = "other".parse().unwrap();
            it.entries.push(again);
        });
    }

    #[test]
    fn i19_a_world_that_never_came_to_rest() {
        bent("I19", |it| it.entries.retain(|entry| !matches!(entry.what, What::Drained)));
    }

    #[test]
    fn i20_an_engine_that_sleeps_over_due_work() {
        bent("I20", |it| {
            let what = What::Overlooked(Duration::from_secs(1));
            it.entries.push(Entry { at: Duration::from_secs(100), actor: "world".to_owned(), what });
        });
    }

    #[test]
    fn t1_a_quiet_tenant_that_waits_beside_the_noise() {
        let mut evidence = simulate_world(World::draw_noisy(1)).evidence;
        assert!(evidence.judge().is_empty());
        let quiet = evidence.world.sites.iter().find(|site| site.tenant != NOISY).unwrap().url.clone();
        for exchange in evidence.exchanges.iter_mut().filter(|exchange| exchange.url == quiet) {
            exchange.began_at = exchange.began_at + Duration::from_secs(20);
        }
        let found = evidence.judge();
        assert!(found.iter().any(|violation| violation.invariant.starts_with("T1")), "{found:?}");
    }

    #[test]
    fn c9_a_lease_of_a_paused_lane() {
        bent("C9", |it| {
            let endpoint = "e0".parse().unwrap();
            it.entries.insert(
                0,
                Entry {
                    at: Duration::ZERO,
                    actor: String::new(),
                    what: What::Asked(Command::Pause, endpoint),
                },
            );
            let endpoint = "e0".parse().unwrap();
            it.entries.insert(
                1,
                Entry {
                    at: Duration::ZERO,
                    actor: String::new(),
                    what: What::Done(Command::Pause, endpoint),
                },
            );
        });
    }

    #[test]
    fn c10_an_event_that_overtook_its_predecessor() {
        bent("C10", |it| {
            let mut end = settled(it, true);
            let first = it.deliveries.iter().find(|(it, _)| it.event.as_str() == "evt_0").unwrap().0.id;
            let What::Settled { delivery, answer, .. } = &mut end.what else { unreachable!() };
            (*delivery, *answer) = (first, Settled::Applied);
            let of_first =
                |entry: &Entry| matches!(&entry.what, What::Settled { delivery, .. } if *delivery == first);
            it.entries.retain(|entry| !of_first(entry));
            it.entries.push(end);
        });
    }
}
