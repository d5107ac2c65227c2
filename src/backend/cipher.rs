//! Encryption of stored secrets.

use zeroize::Zeroize as _;

use crate::error::BoxError;

/// Encrypts the secrets that a store keeps.
pub trait Cipher: Send + Sync {
    /// Encrypts `plain`. The result must be bound to `context`, like the associated data of an
    /// AEAD: what was sealed in one context must not open in another. The context names
    /// tenant, endpoint, registration and version, so that a sealed secret cannot be replaced
    /// by that of another endpoint or by an older one of the same endpoint.
    ///
    /// A store calls it on a separate thread and waits for a bounded time; in SQLite's store
    /// this is 1 s unless set otherwise. If it panics or takes longer, the write fails.
    ///
    /// # Errors
    /// If the key cannot be used now.
    fn seal(&self, plain: &[u8], context: &[u8]) -> Result<Sealed, CipherError>;

    /// Decrypts what was sealed with that key in that context.
    ///
    /// A store calls it on a separate thread and waits for a bounded time; in SQLite's store
    /// this is 1 s unless set otherwise. If it takes longer, it counts as `Unreachable`, and
    /// so do all calls for that tenant until it returns.
    ///
    /// # Errors
    /// `UnknownKey`, `Broken` and a panic hold one endpoint. `Unreachable` means that nothing
    /// is known about the sealed secret.
    fn open(&self, sealed: &Sealed, context: &[u8]) -> Result<Vec<u8>, CipherError>;
}

/// A secret as a store keeps it. It is wiped from memory when it is dropped, since without a
/// cipher its bytes are the secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The id of the key that it is sealed with.
    pub key_id: String,
    /// The sealed bytes.
    pub bytes: Vec<u8>,
}

impl Drop for Sealed {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// Why a secret cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CipherError {
    /// The cipher has no key with this id.
    #[error("the key {0:?} is not known to this process")]
    UnknownKey(String),
    /// The bytes are not those that were last sealed for this row.
    #[error("what was sealed last for this row does not open")]
    Broken,
    /// The cipher panicked. Only a store returns this, never a cipher.
    #[error("the cipher panicked")]
    Panicked,
    /// The cipher cannot be reached now.
    #[error("the cipher cannot be reached")]
    Unreachable(#[source] BoxError),
}
