//! The default cipher, which does not encrypt: for a host that encrypts its disk, or that stores no
//! secrets in the file.

use crate::backend::{Cipher, CipherError, Sealed};

/// Stores bytes unchanged, under an empty key id.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plain;

impl Cipher for Plain {
    fn seal(&self, plain: &[u8], _: &[u8]) -> Result<Sealed, CipherError> {
        Ok(Sealed { key_id: String::new(), bytes: plain.to_vec() })
    }

    fn open(&self, sealed: &Sealed, _: &[u8]) -> Result<Vec<u8>, CipherError> {
        // Bytes with a key id are ciphertext, and must not be used as a secret.
        if sealed.key_id.is_empty() {
            Ok(sealed.bytes.clone())
        } else {
            Err(CipherError::UnknownKey(sealed.key_id.clone()))
        }
    }
}
