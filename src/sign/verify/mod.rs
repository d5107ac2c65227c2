//! Verifying what was received.

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

use crate::secret::{Secret, SecretError};
use crate::time::Timestamp;

use super::scheme::{Grammar, Scheme};
use sent_to::SentTo;
use signatures::Signatures;

pub use body_keys::BodyKeys;
pub use headers::HeaderLookup;
pub use verified::{Proof, Verified};

/// How old or how far ahead a timestamp may be where nobody says otherwise.
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

/// How far a signed timestamp may be from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tolerance {
    /// Any distance: a request that somebody recorded stays valid for ever.
    Off,
    /// At most this, before or after, both ends included; compared in whole seconds
    /// of the clock, as timestamps are.
    Within(Duration),
}

/// An option that the verifier's scheme has no use for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{option}: {rule}")]
pub struct VerifierError {
    /// The option.
    pub option: &'static str,
    /// What it asks of a scheme.
    pub rule: &'static str,
}

/// A request that is not proven to come from who holds the secret. It never tells
/// what would have been right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// A header that the scheme reads did not come.
    #[error("header {header}: is missing")]
    Missing {
        /// The header.
        header: HeaderName,
    },
    /// A header that the scheme reads came more than once.
    #[error("header {header}: must occur once")]
    Repeated {
        /// The header.
        header: HeaderName,
    },
    /// A header is nothing that a sender of the scheme writes.
    #[error("header {header}: {rule}")]
    Malformed {
        /// The header.
        header: HeaderName,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// The body is nothing that a sender of the scheme writes.
    #[error("body: {rule}")]
    Body {
        /// The rule it breaks.
        rule: &'static str,
    },
    /// The header holds signatures of other versions alone.
    #[error("header {header}: must hold a signature of the scheme's version")]
    OtherVersion {
        /// The header.
        header: HeaderName,
    },
    /// The scheme signs the request's URL, and the verifier was not told it.
    #[error("url: must be known to the verifier, since the scheme signs it")]
    NoUrl,
    /// The URL is none, so it could go on in the body, or the body in it.
    #[error("url: {rule}")]
    Url {
        /// The rule it breaks.
        rule: &'static str,
    },
    /// No signature is by one of the secrets over what came.
    #[error("no signature fits the request")]
    Mismatch,
    /// Authentic, and signed longer ago than the tolerance allows.
    #[error("the request was signed too long ago")]
    TooOld,
    /// Authentic, and signed further ahead of this clock than the tolerance allows.
    #[error("the request was signed too far in the future")]
    TooNew,
}

impl Verifier {
    /// A verifier that takes requests signed with any of these secrets, the current
    /// one first.
    ///
    /// # Errors
    /// When there is no secret, or one breaks the scheme's rule.
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

    /// A verifier for LiveChat, whose bodies hold the secret itself. Its answers say
    /// [`Proof::Key`]: whoever has seen one body can write any other.
    ///
    /// # Errors
    /// When there is no secret, or none for an action that was named; when one is nothing
    /// but zero bytes.
    pub fn live_chat(keys: BodyKeys) -> Result<Self, SecretError> {
        keys.check()?;
        Ok(Self(Trust::BodyKeys(keys)))
    }

    /// A verifier that checks nothing, for a sender that has no secret. Every answer
    /// it gives says [`Proof::Unsigned`], which no other verifier says.
    #[must_use]
    pub const fn unsigned() -> Self {
        Self(Trust::Everybody)
    }

    /// Sets how far a timestamp may be from now; 300 seconds unless set.
    ///
    /// # Errors
    /// When the scheme signs no timestamp, unless the tolerance is off anyway: nothing
    /// would be checked.
    pub fn tolerance(mut self, tolerance: Tolerance) -> Result<Self, VerifierError> {
        match &mut self.0 {
            Trust::Signatures(own) if own.scheme.signs_timestamp() => own.tolerance = tolerance,
            _ if tolerance == Tolerance::Off => {}
            _ => {
                return Err(VerifierError {
                    option: "tolerance",
                    rule: "must be used with a scheme that signs a timestamp",
                });
            }
        }
        Ok(self)
    }

    /// Also takes a signature after this prefix, such as `sha256=`, which some
    /// senders of a scheme without one write.
    ///
    /// # Errors
    /// When the scheme's header holds a list or has a prefix of its own.
    pub fn or_prefix(mut self, prefix: &'static str) -> Result<Self, VerifierError> {
        match &mut self.0 {
            Trust::Signatures(own) if own.scheme.recipe().grammar == (Grammar::Bare { prefix: "" }) => {
                own.other_prefix = Some(prefix);
                Ok(self)
            }
            _ => Err(VerifierError {
                option: "prefix",
                rule: "must be used with a scheme whose header is a signature alone",
            }),
        }
    }

    /// Sets the URL that all requests are sent to, for schemes that sign it: the one that
    /// the sender was given, not the one that a proxy made of it.
    ///
    /// # Errors
    /// When the scheme signs no URL: nothing would be checked.
    pub fn at(mut self, url: &str) -> Result<Self, VerifierError> {
        match &mut self.0 {
            Trust::Signatures(own) if own.scheme.signs_url() => {
                own.url = Some(Arc::from(url));
                Ok(self)
            }
            _ => Err(VerifierError { option: "url", rule: "must be used with a scheme that signs the URL" }),
        }
    }

    /// Verifies a request that came at `now`: its headers, and its body as received.
    ///
    /// # Errors
    /// When it is not proven to be authentic, or its timestamp is too far from `now`.
    pub fn verify<T: AsRef<[u8]>>(
        &self,
        headers: &(impl HeaderLookup + ?Sized),
        body: T,
        now: Timestamp,
    ) -> Result<Verified<T>, VerifyError> {
        self.verify_sent_to(SentTo::Set, headers, body, now)
    }

    /// The same for a request that was sent to this URL, where each has its own, as
    /// Twilio's have whose bodies are JSON. A scheme that signs no URL does not read it.
    ///
    /// # Errors
    /// When it is not proven to be authentic, or its timestamp is too far from `now`.
    pub fn verify_at<T: AsRef<[u8]>>(
        &self,
        url: &str,
        headers: &(impl HeaderLookup + ?Sized),
        body: T,
        now: Timestamp,
    ) -> Result<Verified<T>, VerifyError> {
        self.verify_sent_to(SentTo::Url(url), headers, body, now)
    }

    /// The same for a request with this query, at the place that [`at`](Self::at) names: for
    /// senders that sign the URL and give each request a query of its own. The layer and the
    /// extractor of this crate verify so. The query is the request's own, undecoded and
    /// without its `?`.
    ///
    /// # Errors
    /// When it is not proven to be authentic, or its timestamp is too far from `now`.
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
