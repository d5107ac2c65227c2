//! The simulator: draws a world from a seed, runs it in virtual time, and checks the
//! invariants by what can be seen from outside.
//!
//! A [`World`] is one to four engines on one memory store, with tenants, endpoints and a
//! script of actions: publishes, pauses, removals, crashes at named failpoints, frozen
//! processes, clock jumps. First the distributions are drawn and then everything else from
//! them, so that some worlds are calm and others consist almost only of one fault. At the end
//! all faults are healed, and all pending deliveries must end.
//!
//! None of it is compiled into the engine: faults are injected in front of the store and the
//! transport. The checks use the trace, the receivers' own records and the final store, never
//! a counter of the engine.

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

/// Draws the world of a seed, runs it on its own runtime, and checks it.
///
/// # Panics
/// If no runtime can be created, or a part of the world cannot be built: that is a fault of
/// the simulator, not of the simulated code.
#[must_use]
pub(crate) fn simulate(seed: u64) -> Report {
    simulate_world(World::draw(seed))
}

/// Runs and checks a world that was drawn or written by hand.
///
/// # Panics
/// Like [`simulate`].
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

/// The result of one simulation.
#[derive(Debug)]
pub(crate) struct Report {
    /// The invariants that were violated; normally none.
    pub(crate) violations: Vec<Violation>,
    /// The hash of the trace, always the same for the same seed.
    pub(crate) trace_hash: String,
    /// Everything that was checked.
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
