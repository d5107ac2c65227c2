//! How much an engine delivers, beside a bare loop over the same guarded client.
//!
//! `cargo bench --bench throughput` runs the standard cases, `-- --quick` shorter
//! ones within a minute, and `-- NAME …` the cases of these names: `memory`, `sqlite`,
//! `overhead`, `publish`, `host`, `latency`, `drain`, `backlog`, `endpoints`, `isolation`. Each
//! prints one line of `key=value` words. The sink is this program again, in a child process.
//!
//! A figure is the median of three alternating repeats; machines are noisy, so read
//! the ratios.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod bare;
mod cases;
mod disk;
mod engine;
mod host;
mod report;
mod sink;

use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// How long and how much.
#[derive(Clone, Copy)]
pub(crate) struct Scale {
    pub(crate) repeats: usize,
    pub(crate) deliveries: usize,
    pub(crate) latency_for: Duration,
}

const CASES: [&str; 10] = [
    "memory",
    "sqlite",
    "overhead",
    "publish",
    "host",
    "latency",
    "drain",
    "backlog",
    "endpoints",
    "isolation",
];
const STANDARD: [&str; 4] = ["memory", "sqlite", "publish", "latency"];

fn main() {
    allow_many_sockets();
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if arguments.iter().any(|word| word == sink::ARGUMENT) {
        return sink::serve(arguments.iter().any(|word| word == sink::MUTE));
    }
    let quick = arguments.iter().any(|word| word == "--quick");
    let scale = if quick {
        Scale { repeats: 7, deliveries: 10_000, latency_for: Duration::from_secs(3) }
    } else {
        Scale { repeats: 3, deliveries: 100_000, latency_for: Duration::from_secs(10) }
    };
    let named: Vec<&str> =
        CASES.into_iter().filter(|case| arguments.iter().any(|word| word == case)).collect();
    for case in if named.is_empty() { STANDARD.to_vec() } else { named } {
        cases::run(case, scale);
    }
}

/// 8,000 endpoints are as many sockets here and as many in the sink: more than a plain
/// shell allows, though usually not more than it may.
fn allow_many_sockets() {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
}
