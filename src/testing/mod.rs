//! Tools for the tests of a host: a real receiver on loopback, a sender of signed requests, a
//! clock and random numbers that a test controls, a transport without sockets, and a store that
//! fails.
//!
//! [docs/clocks.md]: crate::policy::timeline
//! [docs/writing-a-store.md]: crate::conformance
#![doc = include_str!("../../docs/testing.md")]

pub mod clock;
pub mod entropy;
pub mod receiver;
pub mod sender;
pub mod store;
pub mod transport;

pub use clock::VirtualClock;
pub use entropy::SeededEntropy;
pub use receiver::{Answer, Received, Receiver};
pub use sender::{Sender, SenderError, Signed};
pub use store::{Faults, FlakyStore};
pub use transport::{Behaviour, Exchange, Reply, ScriptedTransport};
