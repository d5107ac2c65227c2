//! Secrets that cannot be printed.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::time::Timestamp;

/// The longest secret that any scheme accepts, in bytes.
pub const SECRET_BYTES_MAX: usize = 1024;

/// Why a text cannot be used as a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// No secret was given, but one is needed to verify.
    #[error("secret: at least one must be given")]
    Missing,
    /// The secret is empty or only white space, so anyone could sign with it.
    #[error("secret: must not be empty or only white space")]
    Blank,
    /// The secret is longer than [`SECRET_BYTES_MAX`].
    #[error("secret: must be at most 1024 bytes long")]
    TooLong,
    /// The secret lacks the scheme's prefix, or has that of another kind of key.
    #[error(
        "secret: must begin with the prefix of its scheme and no other: whsec_ in standard and svix, whsk_ (private) \
         or whpk_ (public) in standard_v1a"
    )]
    Prefix,
    /// The secret is not in canonical base64, which its scheme requires.
    #[error(
        "secret: must be canonical base64 after its prefix: of A-Z, a-z, 0-9, + and /, without stray bits at its end"
    )]
    Encoding,
    /// The base64 of the secret has the wrong padding.
    #[error(
        "secret: must end with the padding of its base64, as it was issued: as many = as it needs, and no more"
    )]
    Padding,
    /// There is white space in or around an encoded secret.
    #[error("secret: must have no white space, such as a space before it or a line feed after it")]
    WhiteSpace,
    /// The secret is not in hexadecimal, which its scheme requires.
    #[error("secret: must be hexadecimal: two of 0-9 and a-f for each byte")]
    Hexadecimal,
    /// The operating system gave no random numbers for a new secret.
    #[error("the operating system gave no random numbers for a new secret")]
    NoRandomness,
    /// The secret consists of zero bytes only, like a buffer that was never filled.
    #[error("secret: must not be nothing but zero bytes")]
    Zero,
    /// The key is not a trustworthy point of the curve: it is not a point, it is not in the
    /// canonical form, or it is of small order, so that its signatures fit any message.
    #[error("secret: must be a sound ed25519 public key")]
    Point,
    /// The public half of the private key does not belong to its seed.
    #[error("secret: must have a public half that belongs to its seed")]
    Pair,
    /// The decoded secret is shorter or longer than the scheme allows.
    #[error("secret: must decode to {min} to {max} bytes, as its scheme asks (it decodes to {bytes} bytes)")]
    Length {
        /// The decoded length, in bytes.
        bytes: usize,
        /// The least length allowed, in bytes.
        min: usize,
        /// The greatest length allowed, in bytes.
        max: usize,
    },
}

/// A secret as its user configures it. `Debug` shows `Secret(***)`, it cannot be serialised,
/// and it is wiped from memory when its last copy is dropped.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<Vec<u8>>>);

impl Secret {
    /// Creates a secret. Its scheme may require more when the secret is used.
    ///
    /// # Errors
    /// If it is blank or longer than [`SECRET_BYTES_MAX`].
    pub fn new(text: impl Into<Vec<u8>>) -> Result<Self, SecretError> {
        let bytes = Zeroizing::new(text.into());
        if std::str::from_utf8(&bytes).is_ok_and(|text| text.trim().is_empty()) {
            return Err(SecretError::Blank);
        }
        if bytes.len() > SECRET_BYTES_MAX {
            return Err(SecretError::TooLong);
        }
        Ok(Self(Arc::new(bytes)))
    }

    /// The bytes of the secret. The caller is responsible for where they go.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// An older secret that still signs beside the current one, until a set time.
#[derive(Debug, Clone)]
pub struct Retiring {
    /// The older secret.
    pub secret: Secret,
    /// The time from which it neither signs nor verifies.
    pub until: Timestamp,
}

/// The most secrets that an endpoint has in force at once, the retiring ones included.
pub const SECRETS_MAX: usize = 10;

/// The secrets of an endpoint: the current ones, and older ones that are being retired.
#[derive(Debug, Clone, Default)]
pub struct SecretSet {
    /// The secrets that sign: one, or one for each form that the profile's schemes require.
    /// Empty if the profile allows unsigned requests.
    pub current: Vec<Secret>,
    /// Older secrets, the most recent first. A scheme whose header holds a list signs with
    /// them too.
    pub retiring: Vec<Retiring>,
}

impl SecretSet {
    /// A set of this secret, with none retiring.
    #[must_use]
    pub fn of(secret: Secret) -> Self {
        Self { current: vec![secret], retiring: Vec::new() }
    }

    /// A set without secrets: requests are unsigned, if the profile allows that.
    #[must_use]
    pub const fn none() -> Self {
        Self { current: Vec::new(), retiring: Vec::new() }
    }

    /// Adds another current secret, for schemes whose secrets have another form; see
    /// [`Schemes`](crate::sign::Schemes).
    #[must_use]
    pub fn and(mut self, secret: Secret) -> Self {
        self.current.push(secret);
        self
    }

    /// Makes `next` the current secret. The secrets before it also sign, until `until` at
    /// most.
    #[must_use]
    pub fn rotated(self, next: Secret, until: Timestamp) -> Self {
        self.rotated_where(next, until, |_| true)
    }

    /// The same for the secrets that `replaced` selects. A secret that is rotated in again is
    /// only current: it neither retires nor signs twice.
    pub(crate) fn rotated_where(
        self,
        next: Secret,
        until: Timestamp,
        replaced: impl Fn(&Secret) -> bool,
    ) -> Self {
        let (old, mut current): (Vec<_>, Vec<_>) = self.current.into_iter().partition(&replaced);
        let mut retiring: Vec<_> = old.into_iter().map(|secret| Retiring { secret, until }).collect();
        retiring.extend(self.retiring.into_iter().map(|old| {
            let until = if replaced(&old.secret) { old.until.min(until) } else { old.until };
            Retiring { until, ..old }
        }));
        retiring.retain(|old| old.secret.expose() != next.expose());
        current.push(next);
        Self { current, retiring }
    }

    /// Removes the secrets that are no longer in force at `now`.
    #[must_use]
    pub fn kept_at(mut self, now: Timestamp) -> Self {
        self.retiring.retain(|old| now < old.until);
        self
    }

    /// The secrets in force at `now`, the current ones first.
    pub fn in_force(&self, now: Timestamp) -> impl Iterator<Item = &Secret> {
        let retiring = self.retiring.iter().filter(move |old| now < old.until).map(|old| &old.secret);
        self.current.iter().chain(retiring)
    }
}

/// The secrets of an endpoint, as far as a store could open them.
#[derive(Debug, Clone)]
pub enum Secrets {
    /// The secrets were opened.
    Open(SecretSet),
    /// The secrets could not be opened. The endpoint's lane is held; nothing is sent unsigned.
    Sealed {
        /// The id of the key that they are sealed with.
        key_id: String,
        /// Why they could not be opened.
        why: WhySealed,
    },
}

/// Why sealed secrets could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhySealed {
    /// This process has no key with that id.
    UnknownKey,
    /// The sealed bytes are not those that were last written for this endpoint: they are
    /// damaged, or they were replaced by those of another endpoint or an older version.
    Broken,
    /// The cipher, or the service that it calls, could not be reached.
    Unreachable,
    /// The cipher panicked.
    Panicked,
}

impl WhySealed {
    /// The reason in words, as it is shown in a notice about the endpoint.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownKey => "its secrets are sealed with a key that is not at hand",
            Self::Broken => "its sealed secrets do not open: they are not those written last for it",
            Self::Unreachable => "the cipher of its secrets cannot be reached now",
            Self::Panicked => "the cipher panicked on its secrets",
        }
    }
}

impl From<SecretSet> for Secrets {
    fn from(set: SecretSet) -> Self {
        Self::Open(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints_and_never_is_blank() {
        let secret = Secret::new("canary-4711").unwrap();
        let set = SecretSet::of(secret.clone()).rotated(Secret::new("canary-4712").unwrap(), Timestamp::MAX);
        assert!(
            !format!("{secret:?} {secret:#?} {set:?} {:?}", Secrets::from(set.clone())).contains("canary")
        );
        for blank in ["", " ", "\t\r\n ", "\u{b}", "\u{a0}", "\u{3000}\n"] {
            assert_eq!(Secret::new(blank).unwrap_err(), SecretError::Blank);
        }
        assert_eq!(Secret::new(vec![b'x'; 1025]).unwrap_err(), SecretError::TooLong);
    }

    #[test]
    fn no_secret_outlives_the_newest_overlap_and_one_that_comes_back_is_current_alone() {
        let [one, two, three] = ["one", "two", "three"].map(|text| Secret::new(text).unwrap());
        let at = Timestamp::from_unix_seconds;
        let set = SecretSet::of(one.clone()).rotated(two.clone(), at(100)).rotated(three.clone(), at(50));
        let retiring = |set: &SecretSet| {
            let old = set.retiring.iter().map(|old| (old.secret.expose().to_vec(), old.until));
            old.collect::<Vec<_>>()
        };
        assert_eq!(retiring(&set), [(b"two".to_vec(), at(50)), (b"one".to_vec(), at(50))]);
        assert_eq!(
            retiring(&set.clone().rotated(two, at(20))),
            [(b"three".to_vec(), at(20)), (b"one".to_vec(), at(20))]
        );
        let same = set.rotated(three, at(20));
        assert_eq!(same.current.len(), 1);
        assert_eq!(retiring(&same), [(b"two".to_vec(), at(20)), (b"one".to_vec(), at(20))]);
    }

    #[test]
    fn a_retired_secret_is_out_of_force_from_its_moment_on() {
        let end = Timestamp::from_unix_seconds(100);
        let set = SecretSet::of(Secret::new("old").unwrap()).rotated(Secret::new("new").unwrap(), end);
        let names = |now| set.in_force(now).map(Secret::expose).collect::<Vec<_>>();
        assert_eq!(names(Timestamp::from_unix_seconds(99)), [b"new", b"old"]);
        assert_eq!(names(end), [b"new"]);
        let kept = |now| set.clone().kept_at(now).retiring.len();
        assert_eq!([kept(Timestamp::from_unix_seconds(99)), kept(end)], [1, 0]);
    }
}
