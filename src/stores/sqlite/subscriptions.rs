//! Subscriptions as they were read lately: one that many events are held against is parsed
//! once, and not for each of them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::subscription::Subscription;

use super::failure::Failure;

/// About so many bytes of memory are used for what is kept. Larger sums are read anew: no
/// tenant's endpoints fill the memory of a process.
const KEPT_BYTES: usize = 64 * 1024 * 1024;

/// Subscriptions, each known by the JSON text that it was read from. So a row that another
/// program changed is read as it stands now.
#[derive(Debug, Default)]
pub(super) struct Subscriptions(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    by_text: HashMap<Box<str>, Subscription>,
    bytes: usize,
    /// How many bytes were not kept, since there was no room.
    left_out: usize,
}

impl Subscriptions {
    /// The subscription that this text stands for. A text that breaks a rule is refused each
    /// time it is read.
    pub(super) fn read(&self, text: &str) -> Result<Subscription, Failure> {
        if let Some(known) = self.kept().by_text.get(text) {
            return Ok(known.clone());
        }
        let read = serde_json::from_str(text).map_err(|_| Failure::stored("endpoint's subscription"))?;
        self.kept().keep(text, &read, KEPT_BYTES);
        Ok(read)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Keeps a subscription if there is room. Where as much was left out as there is room
    /// for, what is kept may be of no use any more, so keeping begins anew.
    fn keep(&mut self, text: &str, subscription: &Subscription, room: usize) {
        if self.by_text.contains_key(text) {
            return;
        }
        let bytes = text.len() + subscription.bytes();
        if self.bytes + bytes > room {
            self.left_out += bytes;
            if self.left_out < room {
                return;
            }
            *self = Self::default();
        }
        self.by_text.insert(text.into(), subscription.clone());
        self.bytes += bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_has_a_bounded_size_and_gives_way_to_what_is_read_later() {
        let subscription = Subscription::to_all();
        let (text, mut kept) = (|number: usize| format!("{number:04}"), Kept::default());
        let room = 10 * (4 + subscription.bytes());
        let mut kept_of = |numbers: std::ops::Range<usize>| {
            for number in numbers.clone() {
                kept.keep(&text(number), &subscription, room);
            }
            assert!(kept.bytes <= room);
            numbers.filter(|number| kept.by_text.contains_key(text(*number).as_str())).count()
        };
        assert_eq!(kept_of(0..12), 10);
        assert_eq!(kept_of(0..10), 10, "what was kept stays");
        assert_eq!(kept_of(100..120), 10, "until as much was left out");
    }
}
