//! What a host can implement itself: one trait per part, each small and object-safe, with
//! calls in batches and plain owned values as arguments. There are no default methods and no
//! capability flags: every implementation does everything that its trait states.
//!
#![doc = include_str!("../../docs/own-parts.md")]

mod cipher;
mod clock;
mod directory;
mod entropy;
mod history;
mod into_shared;
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
pub use into_shared::{ByValue, InArc, IntoShared};
pub use limiter::Limiter;
pub use observer::{Observer, Silence};
pub use registry::Registry;
pub use resolver::{ResolveError, Resolver};
pub use store::Store;
pub use transport::Transport;

/// Everything that a built-in store implements.
pub trait Backend: Store + Directory + Registry + History + Limiter {}
impl<B: Store + Directory + Registry + History + Limiter> Backend for B {}
