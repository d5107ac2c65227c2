//! Key material that cannot be printed.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::time::Timestamp;

/// The longest secret any scheme takes.
pub const SECRET_BYTES_MAX: usize = 1024;

/// A text that cannot serve as a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// None was given where something is to be verified.
    #[error("secret: at least one must be given")]
    Missing,
    /// Nothing, or nothing but white space: anybody could sign with it.
    #[error("secret: must not be empty or only white space")]
    Blank,
    /// Longer than [`SECRET_BYTES_MAX`].
    #[error("secret: must be at most 1024 bytes long")]
    TooLong,
    /// Lacks the scheme's prefix, or has that of another kind of key.
    #[error(
        "secret: must begin with the prefix of its scheme and no other: whsec_ in standard and svix, whsk_ (private) \
         or whpk_ (public) in standard_v1a"
    )]
    Prefix,
    /// Not in canonical base64, in a scheme that asks for it.
    #[error(
        "secret: must be canonical base64 after its prefix: of A-Z, a-z, 0-9, + and /, without stray bits at its end"
    )]
    Encoding,
    /// Base64 with another padding than it needs.
    #[error(
        "secret: must end with the padding of its base64, as it was issued: as many = as it needs, and no more"
    )]
    Padding,
    /// White space in or around a secret that is encoded.
    #[error("secret: must have no white space, such as a space before it or a line feed after it")]
    WhiteSpace,
    /// Not in hexadecimal, in a scheme that asks for it.
    #[error("secret: must be hexadecimal: two of 0-9 and a-f for each byte")]
    Hexadecimal,
    /// Nothing but zero bytes: a buffer that nobody filled.
    #[error("secret: must not be nothing but zero bytes")]
    Zero,
    /// No point of the curve that can be trusted: not one at all, one written in
    /// another than its one form, or one of small order, whose signatures fit anything.
    #[error("secret: must be a sound ed25519 public key")]
    Point,
    /// A private key whose public half is another seed's.
    #[error("secret: must have a public half that belongs to its seed")]
    Pair,
    /// The scheme bounds the decoded length.
    #[error("secret: must decode to {min} to {max} bytes, as its scheme asks (it decodes to {bytes} bytes)")]
    Length {
        /// The length found.
        bytes: usize,
        /// The least length allowed.
        min: usize,
        /// The greatest length allowed.
        max: usize,
    },
}

/// A secret as its user configures it. It prints as `Secret(***)`, does not
/// serialise, and is wiped from memory with its last copy.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<Vec<u8>>>);

impl Secret {
    /// Takes a secret. Its scheme may ask for more when it is used.
    ///
    /// # Errors
    /// When it is blank or longer than [`SECRET_BYTES_MAX`].
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

    /// The secret itself. Whoever calls this answers for where it goes.
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

/// A secret that still signs beside the current one, until a moment.
#[derive(Debug, Clone)]
pub struct Retiring {
    /// The older secret.
    pub secret: Secret,
    /// From here on it neither signs nor verifies.
    pub until: Timestamp,
}

/// The most secrets that an endpoint has in force at once, the retiring ones included.
pub const SECRETS_MAX: usize = 10;

/// An endpoint's secrets: those that sign, and older ones that are being retired.
#[derive(Debug, Clone, Default)]
pub struct SecretSet {
    /// The secrets that sign: one, or one for each form that the profile's schemes ask
    /// for. None where the profile allows unsigned sending.
    pub current: Vec<Secret>,
    /// Older secrets, the youngest first; a scheme whose header holds a list signs with
    /// them too.
    pub retiring: Vec<Retiring>,
}

impl SecretSet {
    /// One secret, none retiring.
    #[must_use]
    pub fn of(secret: Secret) -> Self {
        Self { current: vec![secret], retiring: Vec::new() }
    }

    /// No secret: requests go out unsigned, where the profile allows that.
    #[must_use]
    pub const fn none() -> Self {
        Self { current: Vec::new(), retiring: Vec::new() }
    }

    /// Another current secret, for schemes whose secrets have another form: see
    /// [`Schemes`](crate::sign::Schemes).
    #[must_use]
    pub fn and(mut self, secret: Secret) -> Self {
        self.current.push(secret);
        self
    }

    /// Makes `next` the current secret; those before it sign beside it until `until` at
    /// most.
    #[must_use]
    pub fn rotated(self, next: Secret, until: Timestamp) -> Self {
        self.rotated_where(next, until, |_| true)
    }

    /// The same for the secrets that `replaced` picks. A secret that comes back is current
    /// alone: it neither retires nor signs twice.
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

    /// Leaves out what is no longer in force at `now`.
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

/// What a store knows of an endpoint's secrets.
#[derive(Debug, Clone)]
pub enum Secrets {
    /// They were opened.
    Open(SecretSet),
    /// They could not be opened: the endpoint's lane is held, nothing is sent unsigned.
    Sealed {
        /// The key that would open them.
        key_id: String,
        /// Why it did not.
        why: WhySealed,
    },
}

/// Why sealed secrets could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhySealed {
    /// This process has no key of that id.
    UnknownKey,
    /// The sealed bytes are not those that were last written for this endpoint: they are
    /// damaged, or another endpoint's, or an older version's that was put back.
    Broken,
    /// The cipher, or the service that it asks, could not be reached.
    Unreachable,
    /// The cipher panicked.
    Panicked,
}

impl WhySealed {
    /// The reason in words, as a notice about the endpoint gives it.
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
