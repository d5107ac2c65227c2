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
mod part;
mod queue;
mod registry;
mod resolver;
mod store;
mod transport;

pub use cipher::{Cipher, CipherError, Sealed};
pub use clock::Clock;
pub use directory::Directory;
pub use entropy::{Entropy, EntropyError};
pub use history::{
    AttemptLog, DeliveryPage, DeliveryQuery, History, PageAfter, Replay, Replayed, Selection, StateFilter,
    Stats,
};
pub use limiter::{Ask, Asker, Grant, Limiter, Refusal};
pub use observer::{Notice, Observer, Silence};
pub use part::{Panicked, Part};
pub use queue::{ClosedGate, Disabled, GatesOver, Hold, Queue};
pub use registry::{Expected, Put, Registry, Write};
pub use resolver::{ResolveError, Resolver};
pub use store::{Class, Store};
pub use transport::Transport;

/// All that a built-in store brings.
pub trait Backend: Store + Directory + Registry + History + Limiter {}
impl<B: Store + Directory + Registry + History + Limiter> Backend for B {}
