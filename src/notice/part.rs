//! Names of the parts that a host can provide.

use std::fmt;

/// A part that a host can provide, as notices and errors name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Part {
    /// The store: the durable queue of events and deliveries.
    Store,
    /// The directory: endpoints, as routing and sending read them.
    Directory,
    /// The registry: endpoints, as the host manages them.
    Registry,
    /// The history of events, deliveries and attempts.
    History,
    /// The limiter, which enforces the rate limits.
    Limiter,
    /// The transport, including its resolver.
    Transport,
    /// The classifier of a profile.
    Classifier,
    /// The envelope of a profile.
    Envelope,
    /// The clock.
    Clock,
    /// The source of randomness.
    Entropy,
    /// The observer.
    Observer,
    /// The future that ends `Webhooks::run`.
    Shutdown,
}

impl Part {
    /// The word for this part in notices and errors.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Directory => "directory",
            Self::Registry => "registry",
            Self::History => "history",
            Self::Limiter => "limiter",
            Self::Transport => "transport",
            Self::Classifier => "classifier",
            Self::Envelope => "envelope",
            Self::Clock => "clock",
            Self::Entropy => "entropy source",
            Self::Observer => "observer",
            Self::Shutdown => "shutdown future",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A part that the host provides panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the {part} panicked")]
pub struct Panicked {
    /// The part that panicked.
    pub part: Part,
}
