//! The behaviour of a world's receivers.

use std::time::Duration;

use hookpost::policy::outcome::NotSent;
use hookpost::testing::Reply;

use super::noise::{OF_ALL, POISON};

/// How a receiver behaves until its world is healed; after that it answers `200`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Answers `200` within a fifth of a second.
    Well,
    /// Always answers that status.
    Broken(u16),
    /// Alternates between well and broken, each for this long.
    Flapping(Duration),
    /// Takes up to this long to answer.
    Slow(Duration),
    /// Answers `429` or `503` every other time, and asks for a delay of up to this many
    /// seconds.
    Busy(u32),
    /// Answers `410` once, to the request with that number.
    GoneAt(usize),
    /// Resets the connection of this many out of a hundred requests.
    Resetting(u8),
    /// Answers `200` and breaks off within the body.
    Cut,
    /// Refuses this many out of a hundred connections.
    Refusing(u8),
    /// Accepts every request and never answers.
    Hanging,
    /// Has a name that does not resolve; each look-up takes this long.
    SlowName(Duration),
    /// Answers `429` and asks for this many seconds, for itself and for the whole service.
    Limiting(u32),
    /// Sends an answer that makes the classifier panic.
    Poisonous,
    /// Behaves well, but its endpoint cannot be read once the noise has begun.
    Unreadable,
}

impl Mood {
    /// The reply to a request at `at`, after `before` earlier ones.
    pub(super) fn reply(self, random: &mut fastrand::Rng, at: Duration, before: usize) -> Reply {
        let soon = |random: &mut fastrand::Rng| Duration::from_millis(random.u64(0..200));
        let well = |random: &mut fastrand::Rng| Reply::ok().after(soon(random));
        match self {
            Self::Broken(status) => Reply::status(status).after(soon(random)),
            Self::Flapping(period) => {
                let phase = at.as_millis() / period.as_millis().max(1);
                if phase.is_multiple_of(2) { well(random) } else { Reply::status(500).after(soon(random)) }
            }
            Self::Slow(most) => {
                let most = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
                Reply::ok().after(Duration::from_millis(random.u64(..=most)))
            }
            Self::Busy(seconds) if random.bool() => {
                let status = if random.bool() { 429 } else { 503 };
                Reply::status(status).header("retry-after", &random.u32(..=seconds).to_string())
            }
            Self::GoneAt(number) if before == number => Reply::status(410),
            Self::Resetting(percent) if random.u8(..100) < percent => Reply::reset().after(soon(random)),
            Self::Refusing(percent) if random.u8(..100) < percent => Reply::not_sent(NotSent::Refused),
            Self::Hanging => Reply::hang(),
            Self::SlowName(span) => Reply::not_sent(NotSent::Name).after(span),
            Self::Limiting(seconds) => {
                Reply::status(429).header("retry-after", &seconds.to_string()).header(OF_ALL, "true")
            }
            Self::Poisonous => well(random).header(POISON, "yes"),
            Self::Cut => Reply::ok().body("half of i").cut(),
            Self::Well
            | Self::Unreadable
            | Self::Busy(_)
            | Self::GoneAt(_)
            | Self::Resetting(_)
            | Self::Refusing(_) => well(random),
        }
    }

    /// Whether it answers `200` to everything within any timeout.
    pub(super) const fn is_well(self) -> bool {
        matches!(self, Self::Well | Self::Cut)
    }
}
