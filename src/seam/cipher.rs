//! Secrets at rest.

use crate::error::BoxError;

/// Seals the secrets that a store keeps.
pub trait Cipher: Send + Sync {
    /// Seals. `context` names the row and is bound to the result: what was sealed
    /// for one endpoint does not open for another.
    ///
    /// # Errors
    /// When the key cannot be used now.
    fn seal(&self, plain: &[u8], context: &[u8]) -> Result<Sealed, CipherError>;

    /// Opens what was sealed under that key in that context.
    ///
    /// # Errors
    /// `UnknownKey` and `Broken` hold one endpoint; `Unreachable` is our own fault.
    fn open(&self, sealed: &Sealed, context: &[u8]) -> Result<Vec<u8>, CipherError>;
}

/// What a store keeps of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The key it is sealed with.
    pub key_id: String,
    /// The sealed bytes.
    pub bytes: Vec<u8>,
}

/// A secret cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CipherError {
    /// No key of that name is at hand.
    #[error("no key {0:?} at hand")]
    UnknownKey(String),
    /// The bytes are not what was sealed for this row.
    #[error("what was sealed for this row does not open")]
    Broken,
    /// The cipher cannot be asked now.
    #[error("the cipher cannot be reached")]
    Unreachable(#[source] BoxError),
}
