//! Secrets at rest.

use zeroize::Zeroize as _;

use crate::error::BoxError;

/// Seals the secrets that a store keeps.
pub trait Cipher: Send + Sync {
    /// Seals. `context` must be bound to the result, as the associated data of an AEAD
    /// is: what was sealed in one context must not open in another. It names tenant,
    /// endpoint, registration and version, so that neither another endpoint's seal nor an
    /// older one of the same endpoint opens in the place of the last.
    ///
    /// A store calls it on a thread of its own and waits for a bounded time, 1 s in
    /// SQLite's unless set otherwise. A panic, or no answer by then, fails the write.
    ///
    /// # Errors
    /// When the key cannot be used now.
    fn seal(&self, plain: &[u8], context: &[u8]) -> Result<Sealed, CipherError>;

    /// Opens what was sealed under that key in that context.
    ///
    /// A store calls it on a thread of its own and waits for a bounded time, 1 s in
    /// SQLite's unless set otherwise. No answer by then counts as `Unreachable`, and so
    /// do all calls for that tenant until it returns.
    ///
    /// # Errors
    /// `UnknownKey`, `Broken` and a panic hold one endpoint. `Unreachable` says that
    /// nothing is known of what was sealed.
    fn open(&self, sealed: &Sealed, context: &[u8]) -> Result<Vec<u8>, CipherError>;
}

/// What a store keeps of a secret. It is wiped from memory when it is dropped, since
/// without a cipher its bytes are the secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The key it is sealed with.
    pub key_id: String,
    /// The sealed bytes.
    pub bytes: Vec<u8>,
}

impl Drop for Sealed {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// A secret cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CipherError {
    /// No key of that name is at hand.
    #[error("the key {0:?} is not known to this process")]
    UnknownKey(String),
    /// The bytes are not what was sealed last for this row.
    #[error("what was sealed last for this row does not open")]
    Broken,
    /// It panicked. A store says this of a cipher, never the cipher itself.
    #[error("the cipher panicked")]
    Panicked,
    /// The cipher cannot be asked now.
    #[error("the cipher cannot be reached")]
    Unreachable(#[source] BoxError),
}
