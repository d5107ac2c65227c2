//! The keys of both sides of a scheme, signing and verifying. With HMAC both have the same
//! key; with ed25519 one has the private key and the other the public key.

use subtle::Choice;

use crate::secret::{Secret, SecretError};

#[cfg(feature = "ed25519")]
use super::ed25519::{PrivateKey, PublicKey};
use super::mac::{HmacKey, Mac};
use super::{ContentPart, Message, Scheme};

/// A sender's key.
#[derive(Clone)]
pub(super) enum SigningKey {
    Hmac(HmacKey),
    #[cfg(feature = "ed25519")]
    Ed25519(PrivateKey),
}

/// A receiver's key.
#[derive(Clone)]
pub(in crate::sign) enum VerifyingKey {
    Hmac(HmacKey),
    #[cfg(feature = "ed25519")]
    Ed25519(PublicKey),
}

/// What a key expects of a message's signature. It is computed once, however many signatures
/// the message has.
pub(in crate::sign) enum Expected {
    Mac(Mac),
    #[cfg(feature = "ed25519")]
    Ed25519 {
        key: PublicKey,
        content: Vec<u8>,
    },
}

impl Scheme {
    /// The key that signs with this secret, by the scheme's rule.
    pub(super) fn signing_key(&self, secret: &Secret) -> Result<SigningKey, SecretError> {
        #[cfg(feature = "ed25519")]
        if let Some(key) = self.recipe().key.private(secret)? {
            return Ok(SigningKey::Ed25519(key));
        }
        self.hmac_key(secret).map(SigningKey::Hmac)
    }

    /// The key that verifies with this secret, by the scheme's rule.
    pub(in crate::sign) fn verifying_key(&self, secret: &Secret) -> Result<VerifyingKey, SecretError> {
        #[cfg(feature = "ed25519")]
        if let Some(key) = self.recipe().key.public(secret)? {
            return Ok(VerifyingKey::Ed25519(key));
        }
        self.hmac_key(secret).map(VerifyingKey::Hmac)
    }

    fn hmac_key(&self, secret: &Secret) -> Result<HmacKey, SecretError> {
        let recipe = self.recipe();
        // A scheme was checked: the algorithm of a key that is no pair is an HMAC.
        HmacKey::new(recipe.algorithm, &recipe.key.read(secret)?).ok_or(SecretError::Encoding)
    }
}

impl SigningKey {
    pub(super) fn sign(&self, content: &[ContentPart], message: &Message<'_>) -> Mac {
        match self {
            Self::Hmac(key) => key.mac(content, message),
            #[cfg(feature = "ed25519")]
            Self::Ed25519(key) => key.sign(&joined(content, message)),
        }
    }
}

impl VerifyingKey {
    pub(in crate::sign) fn expects(&self, content: &[ContentPart], message: &Message<'_>) -> Expected {
        match self {
            Self::Hmac(key) => Expected::Mac(key.mac(content, message)),
            #[cfg(feature = "ed25519")]
            Self::Ed25519(key) => Expected::Ed25519 { key: key.clone(), content: joined(content, message) },
        }
    }
}

impl Expected {
    /// Whether this is the message's signature by the key. A code is secret until it is sent,
    /// so it is compared in constant time; with a public key there is nothing to protect.
    pub(in crate::sign) fn fits(&self, signature: &Mac) -> Choice {
        match self {
            Self::Mac(mac) => mac.matches(signature),
            #[cfg(feature = "ed25519")]
            Self::Ed25519 { key, content } => Choice::from(u8::from(key.signed(content, signature))),
        }
    }
}

/// Ed25519 reads its message twice, so the parts are joined first.
#[cfg(feature = "ed25519")]
fn joined(content: &[ContentPart], message: &Message<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.each(content, |part| bytes.extend_from_slice(part));
    bytes
}
