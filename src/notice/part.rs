//! The parts that a host can bring, by name.

use std::fmt;

/// A part that a host can bring, as notices and errors name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Part {
    /// The durable queue.
    Store,
    /// The endpoints as routing and sending read them.
    Directory,
    /// The endpoints as the host manages them.
    Registry,
    /// What happened.
    History,
    /// The rate limits.
    Limiter,
    /// The transport, and a resolver in it.
    Transport,
    /// A profile's classifier.
    Classifier,
    /// A profile's envelope.
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
    /// The word that notices and errors use.
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

/// A part that a host brought panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the {part} panicked")]
pub struct Panicked {
    /// The part that panicked.
    pub part: Part,
}
