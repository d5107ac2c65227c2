//! What a test of a host needs: a real receiver on loopback, a clock and randomness
//! that a test decides over, a transport without a socket, a store that fails.
//!
//! | to see | take |
//! |---|---|
//! | what really arrives over HTTP | [`Receiver`] |
//! | a request that a system of yours receives | [`Sender`], by any scheme |
//! | hours of retries in milliseconds | [`VirtualClock`] and [`ScriptedTransport`] under tokio's paused time |
//! | the same run twice | [`SeededEntropy`] |
//! | everything at once, by seed | [`simulation::simulate`] |
//! | what a lost answer of the store does | [`FlakyStore`] |
//!
//! Never a real socket under paused time: while the only thing left to wait for is
//! the socket, tokio jumps to the next timer, and every deadline passes at once.

pub mod clock;
pub mod entropy;
pub mod receiver;
pub mod sender;
pub mod simulation;
pub mod store;
pub mod transport;

pub use clock::VirtualClock;
pub use entropy::SeededEntropy;
pub use receiver::{Answer, Received, Receiver};
pub use sender::{Sender, SenderError, Signed};
pub use store::{Faults, FlakyStore};
pub use transport::{Behaviour, Exchange, Reply, ScriptedTransport};
