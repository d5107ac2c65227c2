//! Signs a body, with all schemes at once.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

use crate::id::EventId;
use crate::secret::{SecretError, SecretSet};
use crate::time::Timestamp;

use super::content::{check_body, check_url};
use super::grammar::SIGNATURES_MAX;
use super::sides::SigningKey;
use super::{ContentPart, Message, Recipe, Scheme, Schemes};

/// Why a request is not signed: no receiver could verify it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The scheme signs the URL, but the signer was given none: see [`Signer::at`].
    #[error("url: must be set, since the scheme signs it")]
    NoUrl,
    /// The end of the URL could be read as part of the body, or the body's beginning as part
    /// of the URL.
    #[error("url: {rule}")]
    Url {
        /// The rule that the URL breaks.
        rule: &'static str,
    },
    /// The body's beginning could be read as the end of what is signed right before it.
    #[error("body: {rule}")]
    Body {
        /// The rule that the body breaks.
        rule: &'static str,
    },
}

/// Signs requests with the schemes of a profile and the secrets of one endpoint. Each key is
/// hashed once, when the signer is created.
#[derive(Clone)]
pub struct Signer {
    /// The schemes that there is a current secret for.
    hands: Vec<Hand>,
    /// The URL that the requests are sent to, if a scheme signs it.
    url: Option<Arc<str>>,
}

/// The keys that sign with one scheme.
#[derive(Clone)]
struct Hand {
    scheme: Scheme,
    /// The keys, the newest first.
    keys: Vec<KeyInForce>,
    /// The number of schemes that write into this scheme's header.
    sharing: usize,
}

#[derive(Clone)]
struct KeyInForce {
    key: SigningKey,
    /// The time until which the key signs; `None` for the current key.
    until: Option<Timestamp>,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schemes: Vec<_> = self.hands.iter().map(|hand| &hand.scheme).collect();
        f.debug_struct("Signer").field("schemes", &schemes).finish_non_exhaustive()
    }
}

impl Signer {
    /// Creates a signer for these secrets, with one scheme or several at once. A scheme
    /// without a current secret signs nothing. A secret that belongs to none of the schemes
    /// signs nothing: an endpoint may still have that of a scheme that is no longer used.
    ///
    /// # Errors
    /// If there are current secrets but none of them belongs to a scheme, or if a secret that
    /// does, current or retiring, breaks its scheme's rule.
    pub fn new(schemes: impl Into<Schemes>, secrets: &SecretSet) -> Result<Self, SecretError> {
        let schemes = schemes.into();
        let mut hands: Vec<Hand> = Vec::new();
        for scheme in schemes.iter() {
            let keys = keys(&schemes, scheme, secrets)?;
            if keys.first().is_some_and(|newest| newest.until.is_none()) {
                hands.push(Hand { scheme: scheme.clone(), keys, sharing: schemes.sharing(scheme) });
            }
        }
        if let Some(secret) = secrets.current.first()
            && hands.is_empty()
            && !schemes.is_empty()
        {
            return Err(schemes.misread(secret));
        }
        Ok(Self { hands, url: None })
    }

    /// The same signer for requests to this URL, which some schemes sign.
    #[must_use]
    pub fn at(mut self, url: &str) -> Self {
        self.url = Some(Arc::from(url));
        self
    }

    /// Sets the headers of all schemes for this body, signed at `now`, except of schemes
    /// without a current secret.
    ///
    /// # Errors
    /// If a receiver could not verify it, by any scheme that there is a secret for. The
    /// headers do not change then.
    pub fn sign(
        &self,
        id: &EventId,
        now: Timestamp,
        body: &[u8],
        headers: &mut HeaderMap,
    ) -> Result<(), SignError> {
        let mut room = [0; DIGITS_MAX];
        let message = self.message(id, decimal(signed_seconds(now), &mut room), body)?;
        for (at, hand) in self.hands.iter().enumerate() {
            let recipe = hand.scheme.recipe();
            let joins = self.hands[..at].iter().any(|other| other.scheme.recipe().header == recipe.header);
            let before = headers.get(&recipe.header).filter(|_| joins);
            let signature = signature_by(hand, &message, now, before);
            for part in &recipe.content {
                match part {
                    ContentPart::Id(header) => headers.insert(header.clone(), visible(message.id)),
                    ContentPart::Timestamp(header) => {
                        headers.insert(header.clone(), visible(message.timestamp))
                    }
                    _ => None,
                };
            }
            headers.insert(recipe.header.clone(), signature);
        }
        Ok(())
    }

    /// The whole value of the first scheme's signature header: with all secrets in force at
    /// `now` if the header is a list, otherwise with the current one. `None` if there is no
    /// current secret.
    ///
    /// # Errors
    /// Those of [`sign`](Self::sign).
    pub fn signature(
        &self,
        id: &EventId,
        now: Timestamp,
        body: &[u8],
    ) -> Result<Option<HeaderValue>, SignError> {
        let mut room = [0; DIGITS_MAX];
        let message = self.message(id, decimal(signed_seconds(now), &mut room), body)?;
        Ok(self.hands.first().map(|hand| signature_by(hand, &message, now, None)))
    }

    fn message<'a>(
        &'a self,
        id: &'a EventId,
        timestamp: &'a [u8],
        body: &'a [u8],
    ) -> Result<Message<'a>, SignError> {
        for Hand { scheme, .. } in &self.hands {
            let content = &scheme.recipe().content;
            check_body(content, body).map_err(|rule| SignError::Body { rule })?;
            if scheme.signs_url() {
                let url = self.url.as_deref().ok_or(SignError::NoUrl)?;
                check_url(content, url).map_err(|rule| SignError::Url { rule })?;
            }
        }
        let url = self.url.as_deref().unwrap_or_default();
        Ok(Message { url, id: id.as_str().as_bytes(), timestamp, body })
    }
}

/// The signatures by one scheme, behind those that its list holds already.
fn signature_by(
    hand: &Hand,
    message: &Message<'_>,
    now: Timestamp,
    before: Option<&HeaderValue>,
) -> HeaderValue {
    let Recipe { content, algorithm, encoding, grammar, .. } = hand.scheme.recipe();
    let most = (SIGNATURES_MAX / hand.sharing).min(algorithm.signatures_written());
    let in_force = hand.keys.iter().filter(|held| held.until.is_none_or(|until| now < until));
    let macs = in_force.map(|held| held.key.sign(content, message)).take(most);
    let count = hand.keys.len().min(most);
    let text = grammar.write((*algorithm, *encoding), message.timestamp, count, macs);
    header_value(Bytes::from(match before {
        Some(before) => [before.as_bytes(), b" ", &text].concat(),
        None => text,
    }))
}

/// The keys that sign by this scheme, the current ones first.
fn keys(schemes: &Schemes, scheme: &Scheme, secrets: &SecretSet) -> Result<Vec<KeyInForce>, SecretError> {
    let current = secrets.current.iter().map(|secret| (secret, None));
    let retiring = secrets.retiring.iter().map(|old| (&old.secret, Some(old.until)));
    current
        .chain(retiring)
        .filter(|(secret, _)| schemes.signs_with(scheme, secret, &secrets.current))
        .map(|(secret, until)| Ok(KeyInForce { key: scheme.signing_key(secret)?, until }))
        .collect()
}

/// What a timestamp header says: no sign, so a clock before the epoch says zero.
fn signed_seconds(now: Timestamp) -> u64 {
    u64::try_from(now.unix_seconds()).unwrap_or(0)
}

/// The header value of a text that is visible ASCII by its origin: an id, digits.
fn visible(text: &[u8]) -> HeaderValue {
    header_value(Bytes::copy_from_slice(text))
}

/// Only visible ASCII comes here, which is always a header value. Were it otherwise,
/// the request would carry an empty one, which no verifier takes.
fn header_value(text: Bytes) -> HeaderValue {
    HeaderValue::from_maybe_shared(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// The most digits of a number.
const DIGITS_MAX: usize = 20;

/// A number's decimal digits, written into `room`.
fn decimal(mut number: u64, room: &mut [u8; DIGITS_MAX]) -> &[u8] {
    let mut start = room.len();
    for (at, digit) in room.iter_mut().enumerate().rev() {
        // The remainder of ten fits a byte.
        *digit = b'0' + (number % 10) as u8;
        start = at;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    &room[start..]
}

#[cfg(test)]
mod tests {
    use crate::secret::Secret;

    use super::*;

    #[test]
    fn seconds_are_plain_decimal_digits_and_never_below_zero() {
        for number in [0, 9, 10, 1_700_000_000, u64::MAX] {
            assert_eq!(decimal(number, &mut [0; DIGITS_MAX]), number.to_string().as_bytes());
        }
        assert_eq!(signed_seconds(Timestamp::from_unix_seconds(-1)), 0);
    }

    #[test]
    fn a_signer_prints_no_key() {
        let secret = Secret::new("canary-4711").unwrap();
        let signer = Signer::new(Scheme::live_session(), &SecretSet::of(secret)).unwrap();
        assert!(!format!("{signer:?} {signer:#?}").contains("canary"));
    }
}
