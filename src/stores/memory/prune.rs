//! Retention: removes what has ended and is old enough, in steps of limited size.

use crate::history::Class;
use crate::time::Timestamp;

use super::state::State;

impl State {
    /// Removes at most `limit` deliveries that ended, or unmatched events that were created, before
    /// their class's moment. Returns whether more remain. The lane of a removed endpoint goes with
    /// its last delivery. Expired holds are removed too.
    pub(super) fn prune(&mut self, before: &[(Class, Timestamp)], limit: usize) -> bool {
        let mut left = limit;
        for &(class, moment) in before {
            while left > 0 && self.prune_oldest(class, moment) {
                left -= 1;
            }
        }
        if let Some(ended) = before.iter().map(|(_, moment)| *moment).max() {
            self.lanes.gates.forget_ended(ended);
        }
        before.iter().any(|&(class, moment)| match class {
            Class::Unmatched => self.events.unmatched_before(moment).is_some(),
            _ => self.deliveries.oldest_terminal(class, moment).is_some(),
        })
    }

    fn prune_oldest(&mut self, class: Class, moment: Timestamp) -> bool {
        if class == Class::Unmatched {
            let Some(name) = self.events.unmatched_before(moment) else { return false };
            self.events.remove(&name);
        } else {
            let Some(id) = self.deliveries.oldest_terminal(class, moment) else { return false };
            self.remove_delivery(id);
        }
        true
    }
}
