//! Prints each notice when it is sent. A service would pass notices to its log and its metrics
//! here. An observer is called on the engine's own task and must not block.

use std::time::{Instant, SystemTime};

use hookpost::Timestamp;
use hookpost::backend::Observer;
use hookpost::notice::Notice;

pub struct Narrator {
    start: Instant,
}

impl Narrator {
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }

    fn tell(&self, event: &str, endpoint: &str, what: &str, next: &str) {
        let since_start = self.start.elapsed().as_secs_f32();
        let line = format!("{since_start:5.2} s  {event:10.10} {endpoint:9} {what:22} {next}");
        println!("{}", line.trim_end());
    }
}

impl Observer for Narrator {
    fn notice(&self, notice: &Notice<'_>) {
        match notice {
            Notice::Published { event, .. } => self.tell(event.as_str(), "", "stored", ""),
            Notice::Attempted { event, endpoint, number, result, next_at, .. } => {
                let what = format!("attempt {number}: {result}");
                let wait = next_at.map(|at| at.since(Timestamp::from(SystemTime::now())));
                let next =
                    wait.map_or_else(String::new, |wait| format!("again in {:.1} s", wait.as_secs_f32()));
                self.tell(event.as_str(), endpoint.as_str(), &what, &next);
            }
            Notice::Concluded { event, endpoint, state, .. } => {
                self.tell(event.as_str(), endpoint.as_str(), &state.to_string(), "");
            }
            // Said by the lines above.
            Notice::Routed { .. } | Notice::DeadLetter { .. } => {}
            other => self.tell("", "", &format!("{other:?}"), ""),
        }
    }
}
