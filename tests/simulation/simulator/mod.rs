//! The simulator: a seed draws a world, the world is played in virtual time, and the
//! invariants are judged from what can be seen from outside.
//!
//! A [`World`] is one to four engines over one memory store, their tenants, endpoints
//! and a script of deeds: publishes, pauses, removals, crashes at named failpoints,
//! frozen processes, clock jumps. First its distributions are drawn, then everything
//! from them, so that some worlds are calm and others are nothing but one fault.
//! At last all faults heal, and everything pending has to come to its end.
//!
//! Nothing of it is compiled into the engine: what fails stands before the store and
//! the transport. What judges sees the trace, the receivers' own record and the final
//! store, never a counter of the engine.

mod damaged;
mod draw;
mod failpoints;
mod invariants;
mod machine;
mod mood;
mod noise;
mod play;
mod probe;
mod signal;
mod trace;
mod watch;
mod world;

use std::fmt;

pub(crate) use invariants::{Evidence, Violation};
pub(crate) use mood::Mood;
pub(crate) use noise::NOISY;
pub(crate) use trace::{Command, Entry, What};
pub(crate) use world::{Deed, Parcel, Site, World};

/// Draws the world of a seed, plays it on a runtime of its own, and judges it.
///
/// # Panics
/// When there is no runtime to be had, or a part of the world cannot be built: a
/// fault of the simulator, not of what it simulates.
#[must_use]
pub(crate) fn simulate(seed: u64) -> Report {
    simulate_world(World::draw(seed))
}

/// Plays and judges a world, drawn or made by hand.
///
/// # Panics
/// As [`simulate`].
#[must_use]
pub(crate) fn simulate_world(world: World) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without sockets needs nothing");
    let evidence = runtime.block_on(play::play(world));
    Report { violations: evidence.judge(), trace_hash: evidence.hash(), evidence }
}

/// What came of one simulation.
#[derive(Debug)]
pub(crate) struct Report {
    /// What was violated; nothing, it is hoped.
    pub(crate) violations: Vec<Violation>,
    /// The same for the same seed, always.
    pub(crate) trace_hash: String,
    /// All that was judged.
    pub(crate) evidence: Evidence,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { violations, trace_hash, evidence } = self;
        writeln!(
            f,
            "seed {}: {} requests, {} trace entries, trace {trace_hash}, {} violations",
            evidence.world.seed,
            evidence.exchanges.len(),
            evidence.entries.len(),
            violations.len()
        )?;
        violations.iter().try_for_each(|violation| writeln!(f, "  {violation}"))
    }
}
