//! Rate limits that all processes share.

use async_trait::async_trait;

use crate::error::StoreError;
use crate::policy::rate::{Limit, LimitKey};
use crate::time::Timestamp;

/// Grants request starts: for each limit, in any window of its length, at most its
/// number of starts, over all processes. It is called on the engine's task and must not
/// block its thread; a panic counts as an error of the store. As each call of the store, it
/// must come to its end by itself: all that is sent waits for it.
#[async_trait]
pub trait Limiter: Send + Sync {
    /// Asks for starts, in order. A granted start is taken from every limit of its
    /// ask or from none. It may begin until `start_by`.
    async fn take(&self, asks: &[Ask], now: Timestamp, start_by: Timestamp)
    -> Result<Vec<Grant>, StoreError>;
}

/// So many starts under these limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Each limit with the log it counts in.
    pub limits: Vec<(LimitKey, Limit)>,
    /// How many starts.
    pub starts: u32,
}

/// What an ask got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// How many starts, at most as many as asked for.
    pub starts: u32,
    /// The limit that refused the rest.
    pub refusal: Option<Refusal>,
}

/// A limit without room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which.
    pub limit: LimitKey,
    /// When it has room again.
    pub until: Timestamp,
}
