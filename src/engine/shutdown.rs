//! The orderly end: nothing new, what waits is given back, what is in flight may end
//! within the grace, the rest is cut, and everything is written down.

use std::pin::pin;
use std::time::Duration;

use super::Engine;
use super::wake::Wake;

/// After the grace, so long for writing it down.
const LAST_WRITES: Duration = Duration::from_secs(1);

impl Engine {
    pub(super) async fn wind_down(&mut self) {
        self.shared.inbox.close();
        let cut_at = self.now() + self.shared.settings.shutdown_grace;
        let end_at = cut_at + LAST_WRITES;
        loop {
            self.pacing.close();
            self.give_back_waiting();
            if self.now() >= cut_at {
                self.cut();
            }
            self.settle();
            self.publish();
            if self.is_wound_down() || self.now() >= end_at {
                return;
            }
            let stage = if self.now() < cut_at { cut_at } else { end_at };
            let alarm = self.settler.retry_at().map_or(stage, |retry| retry.min(stage));
            match self.wake(pin!(std::future::pending()), alarm).await {
                Wake::Happened(happening) => {
                    self.note(happening);
                    self.drain();
                }
                Wake::Finished => self.drain(),
                Wake::Shutdown | Wake::Came | Wake::Alarm => {}
            }
        }
    }

    fn is_wound_down(&self) -> bool {
        let under_way = self.slots.sending() > 0
            || self.pacing.is_claiming()
            || self.storing
            || !self.shared.inbox.is_empty();
        !under_way && self.settler.is_done() && self.disabling == 0 && self.apart == 0
    }
}
