//! Figures, and the one line of each case.

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// What one run came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub(crate) per_second: f64,
    pub(crate) cpu_us: f64,
}

impl Figures {
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn new(count: usize, took: Duration, cpu: Duration) -> Self {
        let count = count as f64;
        Self { per_second: count / took.as_secs_f64(), cpu_us: cpu.as_secs_f64() * 1e6 / count }
    }

    /// The run in the middle, by throughput.
    pub(crate) fn median(mut runs: Vec<Self>) -> Self {
        runs.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
        runs[runs.len() / 2]
    }
}

/// What this process has used of the processor so far, its children left out.
pub(crate) fn cpu() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(u64::try_from(micros).unwrap())
}

/// That part of the values is at most this, in milliseconds.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn percentile_ms(mut micros: Vec<u64>, part: f64) -> f64 {
    micros.sort_unstable();
    let at = ((micros.len() as f64 * part) as usize).min(micros.len() - 1);
    micros[at] as f64 / 1000.0
}

/// Prints a case's line; words that a case has no figure for are `-`.
pub(crate) struct Line {
    words: Vec<(&'static str, String)>,
}

impl Line {
    pub(crate) fn new(case: &str, store: &str) -> Self {
        let mut words: Vec<_> = [
            "case",
            "store",
            "delivered_per_s",
            "bare_per_s",
            "bare_runtime",
            "ratio",
            "cpu_us_per_delivery",
            "p99_ms",
        ]
        .into_iter()
        .map(|word| (word, "-".to_owned()))
        .collect();
        case.clone_into(&mut words[0].1);
        store.clone_into(&mut words[1].1);
        Self { words }
    }

    pub(crate) fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        match self.words.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known = value.into(),
            None => self.words.push((key, value.into())),
        }
        self
    }

    pub(crate) fn print(self) {
        let words: Vec<_> = self.words.iter().map(|(key, value)| format!("{key}={value}")).collect();
        println!("{}", words.join(" "));
    }
}
