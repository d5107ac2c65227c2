//! Random bytes.

/// Fills buffers with random bytes, for tokens, ids and jitter. It is called on the engine's
/// task and must not block. A panic counts as an error.
pub trait Entropy: Send + Sync {
    /// Fills the whole buffer.
    ///
    /// # Errors
    /// If the source failed. Nothing is claimed then.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError>;
}

/// The source of randomness failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the source of randomness failed")]
pub struct EntropyError;
