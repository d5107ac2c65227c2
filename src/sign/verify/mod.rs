//! Verifies received requests.

mod body_keys;
mod body_time;
mod headers;
mod sent_to;
mod signatures;
mod verified;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;

use crate::error::Invalid;
use crate::secret::{Secret, SecretError};
use crate::time::Timestamp;

use super::scheme::{Grammar, Scheme};
use sent_to::SentTo;
use signatures::Signatures;

pub use body_keys::BodyKeys;
pub use headers::HeaderLookup;
pub use verified::{Proof, Verified};

/// The default tolerance: how old or how far ahead a timestamp may be.
const TOLERANCE: Duration = Duration::from_secs(300);

/// Verifies requests by one scheme and the secrets that may have signed them.
///
/// ```
/// use hookpost::{Scheme, Secret, Timestamp, Verifier};
///
/// let secret = Secret::new("secret")?;
/// let verifier = Verifier::new(&Scheme::live_session(), [secret])?;
/// let headers = [("LiveSession-Signature", "dzJZAsrKgS3CWXM6rNBGtzgXNyx3e42VtAJkdHRRbhM=")];
/// let verified = verifier.verify(&headers, b"{}", Timestamp::EPOCH)?;
/// assert_eq!(verified.into_body(), b"{}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Verifier(Trust);

#[derive(Clone)]
enum Trust {
    Signatures(Signatures),
    BodyKeys(BodyKeys),
    Everybody,
}

/// How far a signed timestamp may be from the present time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tolerance {
    /// Any distance: a recorded request stays valid for ever.
    Off,
    /// At most this duration, before or after, inclusive. Whole seconds are compared, as in
    /// the timestamps.
    Within(Duration),
}

/// Why a request is not proven to come from the holder of the secret. Never reveals the
/// expected value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// A header that the scheme reads is missing.
    #[error("header {header}: is missing")]
    Missing {
        /// The name of the header.
        header: HeaderName,
    },
    /// A header that the scheme reads occurs more than once.
    #[error("header {header}: must occur once")]
    Repeated {
        /// The name of the header.
        header: HeaderName,
    },
    /// A header has a form that no sender of the scheme writes.
    #[error("header {header}: {rule}")]
    Malformed {
        /// The name of the header.
        header: HeaderName,
        /// The rule that the header breaks.
        rule: &'static str,
    },
    /// The body has a form that no sender of the scheme writes.
    #[error("body: {rule}")]
    Body {
        /// The rule that the body breaks.
        rule: &'static str,
    },
    /// The header contains only signatures of other versions.
    #[error("header {header}: must hold a signature of the scheme's version")]
    OtherVersion {
        /// The name of the header.
        header: HeaderName,
    },
    /// The scheme signs the request's URL, but the verifier was given none.
    #[error("url: must be known to the verifier, since the scheme signs it")]
    NoUrl,
    /// The URL is not valid, so its end could be read as part of the body, or the body as part
    /// of the URL.
    #[error("url: {rule}")]
    Url {
        /// The rule that the URL breaks.
        rule: &'static str,
    },
    /// No signature was made with one of the secrets over what was received.
    #[error("no signature fits the request")]
    Mismatch,
    /// The request is authentic, but was signed longer ago than the tolerance allows.
    #[error("the request was signed too long ago")]
    TooOld,
    /// The request is authentic, but its time is further ahead of this clock than the
    /// tolerance allows.
    #[error("the request was signed too far in the future")]
    TooNew,
}

impl Verifier {
    /// Creates a verifier that accepts requests signed with any of these secrets, the current
    /// one first.
    ///
    /// # Errors
    /// If there is no secret, or if one breaks the scheme's rule.
    pub fn new(scheme: &Scheme, secrets: impl IntoIterator<Item = Secret>) -> Result<Self, SecretError> {
        let keys =
            secrets.into_iter().map(|secret| scheme.verifying_key(&secret)).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(SecretError::Missing);
        }
        let tolerance = if scheme.signs_timestamp() { Tolerance::Within(TOLERANCE) } else { Tolerance::Off };
        Ok(Self(Trust::Signatures(Signatures {
            scheme: scheme.clone(),
            unbranded: scheme.unbranded(),
            keys,
            tolerance,
            other_prefix: None,
            url: None,
        })))
    }

    /// Creates a verifier for LiveChat, whose bodies contain the secret itself. Its results
    /// have [`Proof::Key`]: anyone who has seen one body can write any other.
    ///
    /// # Errors
    /// If there is no secret, or none for an action that is named, or if a secret consists of
    /// zero bytes only.
    pub fn live_chat(keys: BodyKeys) -> Result<Self, SecretError> {
        keys.check()?;
        Ok(Self(Trust::BodyKeys(keys)))
    }

    /// Creates a verifier that checks nothing, for a sender without a secret. Its results have
    /// [`Proof::Unsigned`], which no other verifier returns.
    #[must_use]
    pub const fn unsigned() -> Self {
        Self(Trust::Everybody)
    }

    /// Sets how far a timestamp may be from the present time; the default is 300 seconds.
    ///
    /// # Errors
    /// If the scheme does not sign a timestamp, because nothing would be checked; turning the
    /// tolerance off is allowed.
    pub fn tolerance(mut self, tolerance: Tolerance) -> Result<Self, Invalid> {
        match &mut self.0 {
            Trust::Signatures(own) if own.scheme.signs_timestamp() => own.tolerance = tolerance,
            _ if tolerance == Tolerance::Off => {}
            _ => {
                return Err(Invalid {
                    field: "tolerance",
                    rule: "must be used with a scheme that signs a timestamp",
                });
            }
        }
        Ok(self)
    }

    /// Also accepts a signature after this prefix, such as `sha256=`, which some senders of a
    /// scheme without a prefix write.
    ///
    /// # Errors
    /// If the scheme's header is a list or has its own prefix.
    pub fn or_prefix(mut self, prefix: &'static str) -> Result<Self, Invalid> {
        match &mut self.0 {
            Trust::Signatures(own) if own.scheme.recipe().grammar == (Grammar::Bare { prefix: "" }) => {
                own.other_prefix = Some(prefix);
                Ok(self)
            }
            _ => Err(Invalid {
                field: "prefix",
                rule: "must be used with a scheme whose header is a signature alone",
            }),
        }
    }

    /// Sets the URL that all requests are sent to, for schemes that sign it: the URL
    /// configured at the sender, not one that a proxy has changed.
    ///
    /// # Errors
    /// If the scheme does not sign the URL, because nothing would be checked.
    pub fn at(mut self, url: &str) -> Result<Self, Invalid> {
        match &mut self.0 {
            Trust::Signatures(own) if own.scheme.signs_url() => {
                own.url = Some(Arc::from(url));
                Ok(self)
            }
            _ => Err(Invalid { field: "url", rule: "must be used with a scheme that signs the URL" }),
        }
    }

    /// Verifies a request that was received at `now`: its headers, and its body as received.
    ///
    /// # Errors
    /// If it is not proven to be authentic, or if its timestamp is too far from `now`.
    pub fn verify<T: AsRef<[u8]>>(
        &self,
        headers: &(impl HeaderLookup + ?Sized),
        body: T,
        now: Timestamp,
    ) -> Result<Verified<T>, VerifyError> {
        self.verify_sent_to(SentTo::Set, headers, body, now)
    }

    /// Like [`verify`](Self::verify) for a request that was sent to this URL, if each request
    /// has its own, as Twilio's requests with JSON bodies have. A scheme that does not sign
    /// the URL ignores it.
    ///
    /// # Errors
    /// If it is not proven to be authentic, or if its timestamp is too far from `now`.
    pub fn verify_at<T: AsRef<[u8]>>(
        &self,
        url: &str,
        headers: &(impl HeaderLookup + ?Sized),
        body: T,
        now: Timestamp,
    ) -> Result<Verified<T>, VerifyError> {
        self.verify_sent_to(SentTo::Url(url), headers, body, now)
    }

    /// Like [`verify`](Self::verify) for a request with this query, sent to the URL of
    /// [`at`](Self::at): for senders that sign the URL and give each request its own query.
    /// The layer and the extractor of this crate use it. `query` is the request's own query,
    /// not decoded and without its `?`.
    ///
    /// # Errors
    /// If it is not proven to be authentic, or if its timestamp is too far from `now`.
    pub fn verify_with_query<T: AsRef<[u8]>>(
        &self,
        query: Option<&str>,
        headers: &(impl HeaderLookup + ?Sized),
        body: T,
        now: Timestamp,
    ) -> Result<Verified<T>, VerifyError> {
        self.verify_sent_to(query.map_or(SentTo::Set, SentTo::Query), headers, body, now)
    }

    fn verify_sent_to<T: AsRef<[u8]>>(
        &self,
        sent_to: SentTo<'_>,
        headers: &(impl HeaderLookup + ?Sized),
        body: T,
        now: Timestamp,
    ) -> Result<Verified<T>, VerifyError> {
        match &self.0 {
            Trust::Signatures(signatures) => signatures.verify(sent_to, headers, body, now),
            Trust::BodyKeys(keys) => keys.verify(body),
            Trust::Everybody => Ok(Verified { body, id: None, timestamp: None, proof: Proof::Unsigned }),
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Trust::Signatures(own) => f
                .debug_struct("Verifier")
                .field("scheme", &own.scheme)
                .field("secrets", &own.keys.len())
                .field("tolerance", &own.tolerance)
                .finish_non_exhaustive(),
            Trust::BodyKeys(keys) => f.debug_tuple("Verifier").field(keys).finish(),
            Trust::Everybody => f.write_str("Verifier::unsigned()"),
        }
    }
}
