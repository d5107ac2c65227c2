//! Pairs of keys: read with suspicion, verified by the strict rules.

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use crate::secret::SecretError;

use super::mac::Mac;

/// How long a seed and a public key are, each.
const HALF: usize = 32;

/// A sender's key. Its public half is computed from the seed and never taken from
/// elsewhere: two signatures with different public halves give the seed away
/// (RUSTSEC-2022-0093).
#[derive(Clone)]
pub(in crate::sign) struct PrivateKey(Box<SigningKey>);

/// A receiver's key, whose order is not small: with one that is, some signature fits
/// every message.
#[derive(Clone)]
pub(in crate::sign) struct PublicKey(VerifyingKey);

impl PrivateKey {
    /// Reads a seed, or a seed and its public half.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, SecretError> {
        let length = SecretError::Length { bytes: bytes.len(), min: HALF, max: 2 * HALF };
        let (seed, public) = bytes.split_first_chunk::<HALF>().ok_or(length)?;
        if seed == &[0; HALF] {
            return Err(SecretError::Zero);
        }
        let seed = Zeroizing::new(*seed);
        let key = SigningKey::from_bytes(&seed);
        match public {
            [] => Ok(Self(Box::new(key))),
            own if own == key.verifying_key().as_bytes() => Ok(Self(Box::new(key))),
            other if other.len() == HALF => Err(SecretError::Pair),
            _ => Err(length),
        }
    }

    pub(super) fn sign(&self, content: &[u8]) -> Mac {
        Mac(self.0.sign(content).to_bytes())
    }
}

impl PublicKey {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, SecretError> {
        let length = SecretError::Length { bytes: bytes.len(), min: HALF, max: HALF };
        let bytes: &[u8; HALF] = bytes.try_into().map_err(|_| length)?;
        match VerifyingKey::from_bytes(bytes) {
            Ok(key) if !key.is_weak() && key.to_edwards().compress().as_bytes() == bytes => Ok(Self(key)),
            _ => Err(SecretError::Point),
        }
    }

    /// By `verify_strict`: no point of small order, and no second form of a signature.
    pub(super) fn signed(&self, content: &[u8], signature: &Mac) -> bool {
        #[cfg(test)]
        hashed::count(content);
        self.0.verify_strict(content, &Signature::from_bytes(&signature.0)).is_ok()
    }
}

/// Counts the bytes that this thread has hashed for ed25519 signatures, to test how much work
/// an unauthenticated sender can cause.
#[cfg(test)]
pub(in crate::sign) mod hashed {
    use std::cell::Cell;

    thread_local! {
        static BYTES: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn count(content: &[u8]) {
        BYTES.set(BYTES.get() + content.len());
    }

    /// The bytes that were hashed by a call.
    pub(in crate::sign) fn by(call: impl FnOnce()) -> usize {
        let before = BYTES.get();
        call();
        BYTES.get() - before
    }
}
