//! A cache of parsed subscriptions: one that many events are matched with is parsed once, and not for
//! each event.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::subscription::Subscription;

use super::failure::Failure;

/// The approximate size of the cache in bytes. What exceeds it is parsed again each time, so that one
/// tenant's endpoints cannot fill the memory of a process.
const KEPT_BYTES: usize = 64 * 1024 * 1024;

/// Subscriptions, each found by the JSON text that it was parsed from. So if another program changes
/// a row, its new text is parsed.
#[derive(Debug, Default)]
pub(super) struct Subscriptions(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    by_text: HashMap<Box<str>, Subscription>,
    bytes: usize,
    /// How many bytes were not cached for lack of room.
    left_out: usize,
}

impl Subscriptions {
    /// Parses this text as a subscription, or returns the cached result. A text that breaks a rule is
    /// refused each time it is read.
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
    /// Caches a subscription if there is room. Once as many bytes were left out as there is room for,
    /// the cached ones may no longer be used, so the cache is cleared.
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
