//! The limiter: an exact log of starts per limit, shared by all who use this store.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::policy::rate::{LimitKey, StartLog};
use crate::policy::timeline::Shift;
use crate::seam::{Ask, Grant, Refusal};
use crate::time::Timestamp;

/// Logs that no longer count are swept out when there are this many, and again
/// whenever their number has doubled since.
const SWEEP_FROM: usize = 1024;

/// The logs, by limit key and window: two limits over one scope, such as ten a
/// second and a hundred a minute, count apart.
pub(super) struct Starts {
    logs: BTreeMap<(LimitKey, Duration), StartLog>,
    sweep_at: usize,
}

impl Default for Starts {
    fn default() -> Self {
        Self { logs: BTreeMap::new(), sweep_at: SWEEP_FROM }
    }
}

impl Starts {
    /// Grants as many starts as every limit of the ask has room for.
    pub(super) fn take(&mut self, ask: &Ask, now: Timestamp, start_by: Timestamp) -> Grant {
        self.sweep(now);
        let (mut starts, mut refusal) = (ask.starts, None::<Refusal>);
        for (key, limit) in &ask.limits {
            let log = self.logs.entry((key.clone(), limit.window())).or_default();
            log.forget_future(limit, start_by);
            let room = log.room(limit, now, ask.starts);
            starts = starts.min(room);
        }
        for (key, limit) in &ask.limits {
            let log = self.logs.entry((key.clone(), limit.window())).or_default();
            let room = log.room(limit, now, ask.starts);
            if starts > 0 {
                log.grant(limit, start_by, starts);
            }
            if room < ask.starts
                && let Some(until) = log.opens_at(limit)
                && refusal.as_ref().is_none_or(|refusal| refusal.until < until)
            {
                refusal = Some(Refusal { limit: key.clone(), until });
            }
        }
        Grant { starts, refusal }
    }

    /// Moves what was granted along when the store's time moves by so much.
    pub(super) fn shift(&mut self, by: Shift) {
        self.logs.values_mut().for_each(|log| log.shift(by));
    }

    fn sweep(&mut self, now: Timestamp) {
        if self.logs.len() >= self.sweep_at {
            self.logs.retain(|_, log| !log.is_spent(now));
            self.sweep_at = SWEEP_FROM.max(self.logs.len() * 2);
        }
    }
}
