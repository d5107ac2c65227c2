//! Keys that are hashed once, and the codes they give.

use hmac::{Hmac, KeyInit, Mac as Hash};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::{Choice, ConstantTimeEq};

use super::grammar::SIGNATURES_MAX;
use super::{ContentPart, Message};

/// How a signature is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC with SHA-256 (RFC 2104, FIPS 180-4).
    HmacSha256,
    /// HMAC with SHA-512.
    HmacSha512,
    /// HMAC with SHA-1, for the presets of systems that offer nothing better. No other scheme
    /// may use it.
    HmacSha1,
    /// Ed25519 (RFC 8032): the sender has a private key, the receiver a public one.
    #[cfg(feature = "ed25519")]
    Ed25519,
}

/// The most ed25519 signatures that a sender writes into one header, and that a receiver
/// with several keys tries with each of them.
#[cfg(feature = "ed25519")]
const PAIRED_SIGNATURES: usize = 2;

impl Algorithm {
    /// The most signatures that a sender writes into one header.
    pub(super) const fn signatures_written(self) -> usize {
        match self {
            #[cfg(feature = "ed25519")]
            Self::Ed25519 => PAIRED_SIGNATURES,
            _ => SIGNATURES_MAX,
        }
    }

    /// The most signatures of one header that a receiver with this many keys tries, if trying
    /// one is expensive; `None` for a code, which is computed once per key.
    ///
    /// Ed25519 hashes the whole body for each pair of a key and a signature, and a forger
    /// needs no key to send signatures: at most 4 pairs are tried, or 2 for each key if that
    /// is more.
    #[cfg_attr(not(feature = "ed25519"), allow(unused_variables, reason = "for ed25519 alone"))]
    pub(in crate::sign) const fn signatures_tried(self, keys: usize) -> Option<usize> {
        match self {
            Self::HmacSha256 | Self::HmacSha512 | Self::HmacSha1 => None,
            #[cfg(feature = "ed25519")]
            Self::Ed25519 if keys > 1 => Some(PAIRED_SIGNATURES),
            #[cfg(feature = "ed25519")]
            Self::Ed25519 => Some(2 * PAIRED_SIGNATURES),
        }
    }

    /// How many bytes a signature has.
    pub(in crate::sign) const fn bytes(self) -> usize {
        match self {
            Self::HmacSha256 => 32,
            Self::HmacSha512 => 64,
            Self::HmacSha1 => 20,
            #[cfg(feature = "ed25519")]
            Self::Ed25519 => 64,
        }
    }
}

/// The length of the longest signature, and of the buffer that holds any.
pub(super) const MAC_BYTES_MAX: usize = 64;

/// A message authentication code, or the signature in its place; a short one is followed by
/// zeros. It has no `==`: codes are compared only by [`Mac::matches`], in constant time.
#[derive(Clone, Copy)]
pub(in crate::sign) struct Mac(pub(super) [u8; MAC_BYTES_MAX]);

impl Mac {
    /// A code of these bytes, of which there are never more than [`MAC_BYTES_MAX`].
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut code = [0; MAC_BYTES_MAX];
        if let Some(own) = code.get_mut(..bytes.len()) {
            own.copy_from_slice(bytes);
        }
        Self(code)
    }

    /// Compares both in constant time.
    pub(in crate::sign) fn matches(&self, other: &Self) -> Choice {
        // Eight words: byte by byte, the comparison costs a tenth of a small message's hash.
        let differing = self.words().zip(other.words()).fold(0, |bits, (own, other)| bits | (own ^ other));
        differing.ct_eq(&0)
    }

    fn words(&self) -> impl Iterator<Item = u64> {
        let (words, _) = self.0.as_chunks();
        words.iter().map(|word| u64::from_ne_bytes(*word))
    }
}

/// A key that was hashed once: each message begins with a copy of that state instead of
/// hashing the key again.
#[derive(Clone)]
pub(in crate::sign) enum HmacKey {
    Sha256(Hmac<Sha256>),
    Sha512(Box<Hmac<Sha512>>),
    Sha1(Hmac<Sha1>),
}

impl HmacKey {
    /// The key for this algorithm; `None` if it is not HMAC.
    pub(super) fn new(algorithm: Algorithm, bytes: &[u8]) -> Option<Self> {
        // HMAC takes keys of any length, so no construction fails.
        match algorithm {
            Algorithm::HmacSha256 => Hmac::new_from_slice(bytes).map(Self::Sha256).ok(),
            Algorithm::HmacSha512 => Hmac::new_from_slice(bytes).map(Box::new).map(Self::Sha512).ok(),
            Algorithm::HmacSha1 => Hmac::new_from_slice(bytes).map(Self::Sha1).ok(),
            #[cfg(feature = "ed25519")]
            Algorithm::Ed25519 => None,
        }
    }

    /// The code of these parts of the message, one after the other.
    pub(super) fn mac(&self, content: &[ContentPart], message: &Message<'_>) -> Mac {
        match self {
            Self::Sha256(key) => finished(key.clone(), content, message),
            Self::Sha512(key) => finished(Hmac::clone(key), content, message),
            Self::Sha1(key) => finished(key.clone(), content, message),
        }
    }
}

fn finished(mut state: impl Hash, content: &[ContentPart], message: &Message<'_>) -> Mac {
    message.each(content, |bytes| state.update(bytes));
    Mac::of(&state.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(algorithm: Algorithm, key: &[u8], body: &[u8]) -> String {
        let message = Message { body, ..Message::default() };
        let mac = HmacKey::new(algorithm, key).unwrap().mac(&[ContentPart::Body], &message);
        assert!(mac.0[algorithm.bytes()..].iter().all(|byte| *byte == 0), "zeros follow");
        hex::encode(&mac.0[..algorithm.bytes()])
    }

    /// Key, body, and code in hexadecimal, computed with Python's `hmac`.
    #[test]
    fn codes_equal_the_known_answers_the_empty_key_and_body_included() {
        let long = [b'a'; 65];
        let rows: [(&[u8], &[u8], &str); 7] = [
            (b"", b"", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"),
            (b"k", b"", "8bb990c40a7d61cb97597a942125025be50ac8beb74436e3735b98893a7f6620"),
            (&long, b"{}", "92a1b651f3603bfb2545900ddbbbb45fde66073f40f778559b87a225e777be95"),
            (b"secret", b"{}", "77325902caca812dc259733aacd046b73817372c777b8d95b402647474516e13"),
            (b"secret", b"{}\n", "db085262e26d70895bfbc71044c7d774efecc8e389bc50223a0b9a034eb443b3"),
            (
                b"secret",
                b"\xef\xbb\xbf{}",
                "7472b188e1770945f569d82d3b754387b4f4febaa60a245e56ee998af617694e",
            ),
            (b"secret", b"{\"n\":45}", "fea741126ddfaba64091906d117a61201f8a9ce20526ffecf338f8b21631fecb"),
        ];
        for (key, body, expected) in rows {
            assert_eq!(code(Algorithm::HmacSha256, key, body), expected);
        }
    }

    /// RFC 2202, test case 2, and RFC 4231, test case 2.
    #[test]
    fn the_other_hashes_equal_the_known_answers_of_their_rfcs() {
        let (key, body): (&[u8], &[u8]) = (b"Jefe", b"what do ya want for nothing?");
        let sha1 = "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79";
        assert_eq!(code(Algorithm::HmacSha1, key, body), sha1);
        let sha512 = "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
                      9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737";
        assert_eq!(code(Algorithm::HmacSha512, key, body), sha512);
    }

    #[test]
    fn codes_match_only_when_every_bit_does() {
        let mac = Mac([0x5a; MAC_BYTES_MAX]);
        assert!(bool::from(mac.matches(&mac.clone())));
        for bit in 0..MAC_BYTES_MAX * 8 {
            let mut other = mac;
            other.0[bit / 8] ^= 1 << (bit % 8);
            assert!(!bool::from(mac.matches(&other)), "bit {bit}");
        }
    }
}
