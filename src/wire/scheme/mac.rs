//! Keys that are hashed once, and the codes they give.

use hmac::{Hmac, KeyInit, Mac as _};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use crate::secret::SecretError;

use super::Part;

/// How a signature is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC with SHA-256 (RFC 2104, FIPS 180-4).
    HmacSha256,
}

/// How long a message authentication code is.
pub(super) const MAC_BYTES: usize = 32;

/// A message authentication code. It has no `==`: codes are compared by
/// [`Mac::matches`] alone, in constant time.
#[derive(Clone, Copy)]
pub(in crate::wire) struct Mac(pub(super) [u8; MAC_BYTES]);

impl Mac {
    /// Whether both are the same, without telling by the time taken where they differ.
    pub(in crate::wire) fn matches(&self, other: &Self) -> Choice {
        // Four words: byte by byte, the comparison costs a tenth of a small message's hash.
        let differing = self.words().zip(other.words()).fold(0, |bits, (own, other)| bits | (own ^ other));
        differing.ct_eq(&0)
    }

    fn words(&self) -> impl Iterator<Item = u64> {
        let (words, _) = self.0.as_chunks();
        words.iter().map(|word| u64::from_ne_bytes(*word))
    }
}

/// What a signature may cover.
#[derive(Clone, Copy)]
pub(in crate::wire) struct Message<'a> {
    pub(in crate::wire) id: &'a [u8],
    pub(in crate::wire) timestamp: &'a [u8],
    pub(in crate::wire) body: &'a [u8],
}

/// A key whose own blocks are hashed already: each message begins with a copy of
/// that state instead of hashing the key again.
#[derive(Clone)]
pub(in crate::wire) struct Key(Hmac<Sha256>);

impl Key {
    pub(super) fn new(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, SecretError> {
        match algorithm {
            // HMAC takes keys of any length, so this error does not happen.
            Algorithm::HmacSha256 => Hmac::new_from_slice(bytes).map(Self).map_err(|_| SecretError::TooLong),
        }
    }

    /// The code of these parts of the message, one after the other.
    pub(in crate::wire) fn mac(&self, content: &[Part], message: &Message<'_>) -> Mac {
        let mut state = self.0.clone();
        for part in content {
            state.update(match part {
                Part::Id(_) => message.id,
                Part::Timestamp(_) => message.timestamp,
                Part::Literal(text) => text.as_bytes(),
                Part::Body => message.body,
            });
        }
        Mac(state.finalize().into_bytes().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SYSTEMS section 5: key, body, code in hexadecimal; computed with Python's `hmac`.
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
            let key = Key::new(Algorithm::HmacSha256, key).unwrap();
            let mac = key.mac(&[Part::Body], &Message { id: b"", timestamp: b"", body });
            assert_eq!(hex::encode(mac.0), expected);
        }
    }

    #[test]
    fn codes_match_only_when_every_bit_does() {
        let mac = Mac([0x5a; MAC_BYTES]);
        assert!(bool::from(mac.matches(&mac.clone())));
        for bit in 0..MAC_BYTES * 8 {
            let mut other = mac;
            other.0[bit / 8] ^= 1 << (bit % 8);
            assert!(!bool::from(mac.matches(&other)), "bit {bit}");
        }
    }
}
