//! Rate limits: at most so many request starts in any window of the given length, divided
//! among the endpoints that share them.

mod divide;
pub(crate) mod line;
pub(crate) mod log;

use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Invalid;

pub use self::divide::{Ask, Counted, Grant, Refusal, Slot, divide, slots};
pub use self::line::{Asker, Waiter, WaitingLine};
pub use self::log::StartLog;

/// The longest window of a limit: one day. A log keeps one entry per grant.
pub const WINDOW_MAX: Duration = Duration::from_secs(24 * 3600);

/// The endpoints that share a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LimitScope {
    /// No sharing: each endpoint has its own.
    Endpoint,
    /// The endpoints of one tenant that have this limit share it.
    Tenant,
    /// The endpoints at one host that have this limit share it.
    Host,
    /// All endpoints that have this limit share it, whatever their tenant and host. It does
    /// not affect an endpoint without the limit.
    Global,
}

/// A limit of at most `starts` request starts in **any** `window`, over `scope`.
///
/// **Endpoints that share a limit take turns.** While several wait for a start, each tenant
/// gets one before any of them gets a second, and the endpoints of a tenant take turns with
/// its starts. An endpoint that has something to send therefore gets its next start within 2 ×
/// ⌈*T* × *E* ÷ `starts`⌉ + 3 windows, where *T* tenants and *E* endpoints of its own tenant
/// wait at the same limit, however much each of them has to send. Starts that nobody waits for
/// go to any endpoint that asks: one endpoint alone may use all of them.
///
/// In this bound a window is 1 second longer, since a granted request may start that late. If
/// windows are shorter than 10 seconds, add 10 seconds once: endpoints far behind ask again
/// that often. The turn of an endpoint that does not ask is kept for 2 seconds, and for up to
/// a minute if it asked late before, as happens while all slots are taken. If an endpoint has
/// several limits, the bound of each holds while the others have room.
///
/// Limits of the same scope and window count together. Give them the same number of starts in
/// all profiles: a limit with fewer starts has no room while another one uses more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "StoredLimit", into = "StoredLimit")]
pub struct Limit {
    scope: LimitScope,
    starts: NonZeroU32,
    window: Duration,
}

impl Limit {
    /// `starts` per `window`, shared over `scope`.
    ///
    /// # Errors
    /// If the window is zero or longer than [`WINDOW_MAX`].
    pub fn new(scope: LimitScope, starts: NonZeroU32, window: Duration) -> Result<Self, Invalid> {
        if window < Duration::from_micros(1) || window > WINDOW_MAX {
            return Err(Invalid { field: "limit.window", rule: "must be between 1 microsecond and 1 day" });
        }
        Ok(Self { scope, starts, window })
    }

    /// `starts` per minute, shared over `scope`.
    #[must_use]
    pub const fn per_minute(scope: LimitScope, starts: NonZeroU32) -> Self {
        Self { scope, starts, window: Duration::from_secs(60) }
    }

    /// `starts` in any span of that many seconds, shared over `scope`. Zero seconds count as
    /// one.
    #[must_use]
    pub const fn per_seconds(scope: LimitScope, starts: NonZeroU32, seconds: u8) -> Self {
        let seconds = if seconds == 0 { 1 } else { seconds as u64 };
        Self { scope, starts, window: Duration::from_secs(seconds) }
    }

    /// The endpoints that share the limit.
    #[must_use]
    pub const fn scope(&self) -> LimitScope {
        self.scope
    }

    /// The most starts in a window.
    #[must_use]
    pub const fn starts(&self) -> u32 {
        self.starts.get()
    }

    /// The length of the window.
    #[must_use]
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// Whether several endpoints share it.
    pub(crate) const fn is_shared(&self) -> bool {
        !matches!(self.scope, LimitScope::Endpoint)
    }
}

#[derive(Serialize, Deserialize)]
struct StoredLimit {
    scope: LimitScope,
    starts: NonZeroU32,
    window_us: u64,
}

impl From<Limit> for StoredLimit {
    fn from(limit: Limit) -> Self {
        let window_us = u64::try_from(limit.window.as_micros()).unwrap_or(u64::MAX);
        Self { scope: limit.scope, starts: limit.starts, window_us }
    }
}

impl TryFrom<StoredLimit> for Limit {
    type Error = Invalid;
    fn try_from(stored: StoredLimit) -> Result<Self, Invalid> {
        Self::new(stored.scope, stored.starts, Duration::from_micros(stored.window_us))
    }
}

/// The identity of a limit's log: its scope, and the endpoint, tenant or host it is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LimitKey {
    /// The scope of the limit.
    pub scope: LimitScope,
    /// The endpoint, tenant or host; empty for a global limit.
    pub of: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_refused_with_its_field() {
        let starts = NonZeroU32::MIN;
        for window in [Duration::ZERO, Duration::MAX] {
            assert_eq!(Limit::new(LimitScope::Global, starts, window).unwrap_err().field, "limit.window");
        }
    }
}
