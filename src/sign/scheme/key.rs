//! Converts a configured secret into the key that signs.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use zeroize::Zeroizing;

use crate::error::Invalid;
use crate::secret::{SECRET_BYTES_MAX, Secret, SecretError};

#[cfg(feature = "ed25519")]
use super::ed25519::{PrivateKey, PublicKey};
use super::{Algorithm, Encoding};

/// How a configured secret becomes a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyForm {
    /// The secret's own bytes, which are UTF-8 if a person typed it.
    AsGiven,
    /// A prefix, then canonical padded base64 of `min` to `max` bytes. The prefix may be
    /// omitted, as in the libraries of Standard Webhooks and Svix. A text with another prefix
    /// is refused, since it may be another kind of key.
    Base64 {
        /// The prefix of the secret, such as `whsec_`.
        prefix: &'static str,
        /// The least number of decoded bytes.
        min: usize,
        /// The greatest number of decoded bytes.
        max: usize,
    },
    /// A pair of ed25519 keys. A sender configures the private key: a seed of 32 bytes, or a
    /// seed and its public key (64 bytes). A receiver configures the public key.
    #[cfg(feature = "ed25519")]
    Ed25519 {
        /// The encoding of both keys.
        encoding: Encoding,
        /// The prefix of a public key, such as `whpk_`; empty for none.
        public: &'static str,
        /// The prefix of a private key, such as `whsk_`; empty for none.
        private: &'static str,
    },
}

/// The prefixes of both halves of an ed25519 pair. As an HMAC key, the public half would let
/// anyone sign.
const PAIR_PREFIXES: [&[u8]; 2] = [b"whpk_", b"whsk_"];

impl KeyForm {
    /// The prefix of every sender's secret of this form; empty for none.
    pub(super) const fn prefix(&self) -> &'static str {
        match self {
            Self::AsGiven => "",
            Self::Base64 { prefix, .. } => prefix,
            #[cfg(feature = "ed25519")]
            Self::Ed25519 { private, .. } => private,
        }
    }

    /// Whether a secret may be one of this form that came without its prefix. A text that a
    /// person typed is none.
    pub(super) fn may_be_without_prefix(&self, secret: &Secret) -> bool {
        let is_encoded =
            matches!(self.read(secret), Ok(_) | Err(SecretError::Length { .. } | SecretError::Zero));
        matches!(self, Self::Base64 { .. }) && is_encoded
    }

    /// The reason why this secret does not have this form.
    pub(super) fn misread(&self, secret: &Secret) -> SecretError {
        match *self {
            Self::AsGiven => SecretError::Prefix,
            Self::Base64 { prefix, .. } => misread(secret.expose(), prefix, Encoding::Base64),
            #[cfg(feature = "ed25519")]
            Self::Ed25519 { encoding, private, .. } => misread(secret.expose(), private, encoding),
        }
    }

    /// The HMAC key that this secret contains.
    pub(super) fn read(&self, secret: &Secret) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let text = secret.expose();
        let key = match *self {
            Self::AsGiven if PAIR_PREFIXES.iter().any(|prefix| text.starts_with(prefix)) => {
                return Err(SecretError::Prefix);
            }
            Self::AsGiven => Zeroizing::new(text.to_vec()),
            Self::Base64 { prefix, min, max } => {
                let bare = text.strip_prefix(prefix.as_bytes()).unwrap_or(text);
                let key = STANDARD.decode(bare).map(Zeroizing::new);
                let key = key.map_err(|_| misread(text, prefix, Encoding::Base64))?;
                if !(min..=max).contains(&key.len()) {
                    return Err(SecretError::Length { bytes: key.len(), min, max });
                }
                key
            }
            #[cfg(feature = "ed25519")]
            Self::Ed25519 { .. } => return Err(SecretError::Encoding),
        };
        if key.iter().all(|byte| *byte == 0) {
            return Err(SecretError::Zero);
        }
        Ok(key)
    }

    /// The sender's half of a pair; `None` where the scheme knows no pairs.
    #[cfg(feature = "ed25519")]
    pub(super) fn private(&self, secret: &Secret) -> Result<Option<PrivateKey>, SecretError> {
        let Self::Ed25519 { encoding, private, .. } = *self else { return Ok(None) };
        PrivateKey::read(&half(secret, encoding, private)?).map(Some)
    }

    /// The receiver's half of a pair; `None` where the scheme knows no pairs.
    #[cfg(feature = "ed25519")]
    pub(super) fn public(&self, secret: &Secret) -> Result<Option<PublicKey>, SecretError> {
        let Self::Ed25519 { encoding, public, .. } = *self else { return Ok(None) };
        PublicKey::read(&half(secret, encoding, public)?).map(Some)
    }

    /// A secret of this form, made of random bytes: 32, which every form has room for.
    pub(super) fn write(&self, random: &[u8; 32]) -> Result<Secret, SecretError> {
        if random.iter().all(|byte| *byte == 0) {
            return Err(SecretError::Zero);
        }
        let (prefix, encoding) = match *self {
            Self::AsGiven => ("", Encoding::Hex),
            Self::Base64 { prefix, min, max } if (min..=max).contains(&random.len()) => {
                (prefix, Encoding::Base64)
            }
            Self::Base64 { min, max, .. } => {
                return Err(SecretError::Length { bytes: random.len(), min, max });
            }
            #[cfg(feature = "ed25519")]
            Self::Ed25519 { encoding, private, .. } => (private, encoding),
        };
        let text = match encoding {
            Encoding::Hex => hex::encode(random),
            Encoding::Base64 => STANDARD.encode(random),
        };
        Secret::new(format!("{prefix}{text}"))
    }

    pub(super) fn check(&self, algorithm: Algorithm) -> Result<(), Invalid> {
        let refuse = |rule| Err(Invalid { field: "key", rule });
        match (*self, algorithm) {
            #[cfg(feature = "ed25519")]
            (Self::Ed25519 { .. }, Algorithm::Ed25519) => Ok(()),
            #[cfg(feature = "ed25519")]
            (Self::Ed25519 { .. }, _) | (_, Algorithm::Ed25519) => refuse("must be a pair for ed25519 alone"),
            (Self::Base64 { min, max, .. }, _) if min == 0 || max < min || max > SECRET_BYTES_MAX => {
                refuse("must decode to 1 to 1024 bytes, the least not above the greatest")
            }
            (Self::AsGiven | Self::Base64 { .. }, _) => Ok(()),
        }
    }
}

#[cfg(feature = "ed25519")]
fn half(
    secret: &Secret,
    encoding: Encoding,
    prefix: &'static str,
) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let text = secret.expose();
    let bytes = text.strip_prefix(prefix.as_bytes()).and_then(|bare| match encoding {
        Encoding::Hex => hex::decode(bare).ok(),
        Encoding::Base64 => STANDARD.decode(bare).ok(),
    });
    bytes.map(Zeroizing::new).ok_or_else(|| misread(text, prefix, encoding))
}

/// Why a secret could not be read that should have this prefix and this encoding.
fn misread(secret: &[u8], prefix: &str, encoding: Encoding) -> SecretError {
    let text = String::from_utf8_lossy(secret);
    let trimmed = text.trim();
    let is_bare = || trimmed.len() < text.len() && STANDARD.decode(trimmed).is_ok();
    let Some(digits) = trimmed.strip_prefix(prefix) else {
        return if is_bare() { SecretError::WhiteSpace } else { SecretError::Prefix };
    };
    let without_padding = || STANDARD_NO_PAD.decode(digits.trim_end_matches('='));
    match encoding {
        _ if text.contains(char::is_whitespace) => SecretError::WhiteSpace,
        Encoding::Hex => SecretError::Hexadecimal,
        Encoding::Base64 if without_padding().is_ok() => SecretError::Padding,
        Encoding::Base64 => SecretError::Encoding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefixed_secret_is_canonical_base64_of_a_bounded_length() {
        let form = KeyForm::Base64 { prefix: "whsec_", min: 24, max: 64 };
        let read = |text: &str| form.read(&Secret::new(text).unwrap()).map(|key| key.to_vec());
        let of = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
        assert_eq!(read(&of(24)), Ok(vec![7; 24]));
        assert_eq!(read(&of(64)), Ok(vec![7; 64]));
        for bytes in [0, 23, 65] {
            assert_eq!(read(&of(bytes)), Err(SecretError::Length { bytes, min: 24, max: 64 }));
        }
        let bare = of(25).replace("whsec_", "");
        assert_eq!(read(&bare), Ok(vec![7; 25]), "as the libraries of others take it");
        let short = Err(SecretError::Length { bytes: 23, min: 24, max: 64 });
        assert_eq!(read(&of(23).replace("whsec_", "")), short);
        for text in [
            &bare[..bare.len() - 1],
            &format!("whsk_{bare}"),
            &format!("v1,whsec_{bare}"),
            &format!("WHSEC_{bare}"),
        ] {
            assert_eq!(read(text), Err(SecretError::Prefix), "{text}");
        }
        let canonical = of(25);
        assert!(canonical.ends_with("Bw=="));
        for (why, error, text) in [
            ("no padding", SecretError::Padding, canonical.trim_end_matches('=').to_owned()),
            ("extra padding", SecretError::Padding, format!("{canonical}=")),
            ("stray bits in the last digit", SecretError::Encoding, canonical.replace("Bw==", "Bx==")),
            ("URL-safe alphabet", SecretError::Encoding, canonical.replacen("Bw", "B_", 1)),
            ("a line's end", SecretError::WhiteSpace, format!("{canonical}\n")),
            ("a space", SecretError::WhiteSpace, canonical.replacen("BwcH", "Bwc H", 1)),
        ] {
            assert_eq!(read(&text), Err(error), "{why}");
        }
    }

    #[test]
    fn bounds_that_admit_an_empty_key_are_refused() {
        for (min, max) in [(0, 64), (64, 24), (24, 1025)] {
            assert!(KeyForm::Base64 { prefix: "", min, max }.check(Algorithm::HmacSha256).is_err());
        }
    }
}
