//! The engine in worlds that a seed draws: crashes, lost answers, sick receivers,
//! operators, clock jumps. Nothing here is luck: the same seed is the same run.
//!
//! `SEEDS=from..to cargo test --test simulation -- --nocapture` plays others, and
//! `TRACE=1` beside it tells all that happened.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::ops::Range;

use hookpost::testing::simulation::simulate;

fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("SEEDS") else { return 0..60 };
    let (from, to) = text.split_once("..").expect("SEEDS is from..to");
    from.parse().unwrap()..to.parse().unwrap()
}

#[test]
fn every_invariant_holds_in_every_world() {
    let mut failed = Vec::new();
    for seed in seeds() {
        let report = simulate(seed);
        if std::env::var_os("TRACE").is_some() {
            println!("{:#?}", report.evidence);
            report.evidence.entries.iter().for_each(|entry| println!("{entry}"));
        }
        if !report.violations.is_empty() {
            println!("{report}");
            failed.push(seed);
        }
    }
    assert!(failed.is_empty(), "seeds {failed:?}");
}

#[test]
fn fg11_the_same_seed_gives_the_same_trace_and_another_gives_another() {
    let hashes: Vec<_> = (0..8).map(|seed| simulate(seed).trace_hash).collect();
    let again: Vec<_> = (0..8).map(|seed| simulate(seed).trace_hash).collect();
    assert_eq!(hashes, again);
    assert!(hashes.windows(2).all(|pair| pair[0] != pair[1]));
}
