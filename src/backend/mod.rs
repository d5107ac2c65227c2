//! What a host may bring itself: one trait per choice, each small, object-safe and
//! in batches, with plain owned values across. No default bodies and no capability
//! flags: what a trait says, every implementation does.
//!
#![doc = include_str!("../../docs/own-parts.md")]

mod cipher;
mod clock;
mod directory;
mod entropy;
mod history;
mod limiter;
mod observer;
mod registry;
mod resolver;
mod store;
mod transport;

pub use cipher::{Cipher, CipherError, Sealed};
pub use clock::Clock;
pub use directory::Directory;
pub use entropy::{Entropy, EntropyError};
pub use history::History;
pub use limiter::Limiter;
pub use observer::{Observer, Silence};
pub use registry::Registry;
pub use resolver::{ResolveError, Resolver};
pub use store::Store;
pub use transport::Transport;

/// All that a built-in store brings.
pub trait Backend: Store + Directory + Registry + History + Limiter {}
impl<B: Store + Directory + Registry + History + Limiter> Backend for B {}
