//! No cipher: what a host has that encrypts its disk, or keeps no secret in the file.

use crate::backend::{Cipher, CipherError, Sealed};

/// Keeps bytes as they are, under the key id that is empty.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plain;

impl Cipher for Plain {
    fn seal(&self, plain: &[u8], _: &[u8]) -> Result<Sealed, CipherError> {
        Ok(Sealed { key_id: String::new(), bytes: plain.to_vec() })
    }

    fn open(&self, sealed: &Sealed, _: &[u8]) -> Result<Vec<u8>, CipherError> {
        // Bytes under a key are ciphertext: never take them for a secret.
        if sealed.key_id.is_empty() {
            Ok(sealed.bytes.clone())
        } else {
            Err(CipherError::UnknownKey(sealed.key_id.clone()))
        }
    }
}
