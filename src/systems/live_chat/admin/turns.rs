//! Ensures that only one call at a time writes for each owner.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex as SyncMutex, PoisonError, Weak};

use tokio::sync::{Mutex, OwnedMutexGuard};

use super::caller::ClientId;

/// The turns of the owners for which a call writes or waits.
///
/// A call writes on each license of its owner, in one synced transaction each. Rows and
/// endpoints belong to one owner, so another owner's call cannot read them half written.
#[derive(Default)]
pub(super) struct Turns(SyncMutex<BTreeMap<ClientId, Weak<Mutex<()>>>>);

impl Turns {
    /// Waits for this owner's turn, which lasts until the guard is dropped.
    pub(super) async fn of(&self, owner: &ClientId) -> OwnedMutexGuard<()> {
        let turn = self.turn_of(owner);
        turn.lock_owned().await
    }

    fn turn_of(&self, owner: &ClientId) -> Arc<Mutex<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(owner).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::new(Mutex::new(()));
        turns.insert(owner.clone(), Arc::downgrade(&turn));
        turn
    }
}
