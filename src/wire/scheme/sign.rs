//! Signing a body.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

use crate::id::EventId;
use crate::secret::{SecretError, SecretSet};
use crate::time::Timestamp;

use super::sides::SigningKey;
use super::{Message, Part, Recipe, Scheme};

/// A scheme with the keys of one endpoint: each key is hashed once, here.
#[derive(Clone)]
pub struct Signer {
    scheme: Scheme,
    /// The newest first; empty where nothing is to be signed.
    keys: Vec<KeyInForce>,
    /// Where the requests go, where the scheme signs that.
    url: Option<Arc<str>>,
}

#[derive(Clone)]
struct KeyInForce {
    key: SigningKey,
    /// `None` for the current key.
    until: Option<Timestamp>,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

impl Signer {
    /// A signer for these secrets. Without a current secret it signs nothing.
    ///
    /// # Errors
    /// When a secret, current or retiring, breaks the scheme's rule.
    pub fn new(scheme: &Scheme, secrets: &SecretSet) -> Result<Self, SecretError> {
        let current = secrets.current.iter().map(|secret| (secret, None));
        let retiring = secrets.retiring.iter().map(|old| (&old.secret, Some(old.until)));
        let keys = current
            .chain(retiring)
            .map(|(secret, until)| Ok(KeyInForce { key: scheme.signing_key(secret)?, until }))
            .collect::<Result<Vec<_>, _>>()?;
        let keys = if secrets.current.is_some() { keys } else { Vec::new() };
        Ok(Self { scheme: scheme.clone(), keys, url: None })
    }

    /// The same signer for requests to this URL, for schemes that sign it.
    #[must_use]
    pub fn at(mut self, url: &str) -> Self {
        self.url = Some(Arc::from(url));
        self
    }

    /// Sets the scheme's headers for this body, signed at `now`. Without a current
    /// secret, or without the URL that the scheme signs, it sets none of them.
    pub fn sign(&self, id: &EventId, now: Timestamp, body: &[u8], headers: &mut HeaderMap) {
        let moment = Decimal::of(signed_seconds(now));
        let message = self.message(id, &moment, body);
        let Some(signature) = self.signature_of(&message, now) else { return };
        let recipe = self.scheme.recipe();
        for part in &recipe.content {
            match part {
                Part::Id(header) => headers.insert(header.clone(), visible(message.id)),
                Part::Timestamp(header) => headers.insert(header.clone(), visible(message.timestamp)),
                _ => None,
            };
        }
        headers.insert(recipe.header.clone(), signature);
    }

    /// The signature header's whole value: by all secrets in force at `now` where
    /// the header holds a list, else by the current one. `None` where [`Signer::sign`]
    /// sets nothing.
    #[must_use]
    pub fn signature(&self, id: &EventId, now: Timestamp, body: &[u8]) -> Option<HeaderValue> {
        let moment = Decimal::of(signed_seconds(now));
        let message = self.message(id, &moment, body);
        self.signature_of(&message, now)
    }

    fn message<'a>(&'a self, id: &'a EventId, moment: &'a Decimal, body: &'a [u8]) -> Message<'a> {
        let url = self.url.as_deref().unwrap_or_default();
        Message { url, id: id.as_str().as_bytes(), timestamp: moment.as_bytes(), body }
    }

    fn signature_of(&self, message: &Message<'_>, now: Timestamp) -> Option<HeaderValue> {
        let Recipe { content, algorithm, encoding, grammar, .. } = self.scheme.recipe();
        if self.keys.is_empty() || (self.url.is_none() && self.scheme.signs_url()) {
            return None;
        }
        let signing = self.keys.iter().filter(|held| held.until.is_none_or(|until| now < until));
        let macs = signing.map(|held| held.key.sign(content, message));
        let text = grammar.write((*algorithm, *encoding), message.timestamp, self.keys.len(), macs);
        Some(header_value(Bytes::from(text)))
    }
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

/// A number's decimal digits, without an allocation.
struct Decimal {
    digits: [u8; Self::MAX],
    start: usize,
}

impl Decimal {
    const MAX: usize = 20;

    fn of(mut number: u64) -> Self {
        let mut decimal = Self { digits: [b'0'; Self::MAX], start: Self::MAX };
        for (at, digit) in decimal.digits.iter_mut().enumerate().rev() {
            // The remainder of ten fits a byte.
            *digit += (number % 10) as u8;
            decimal.start = at;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        decimal
    }

    fn as_bytes(&self) -> &[u8] {
        &self.digits[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use crate::secret::Secret;

    use super::*;

    #[test]
    fn seconds_are_plain_decimal_digits_and_never_below_zero() {
        for number in [0, 9, 10, 1_700_000_000, u64::MAX] {
            assert_eq!(Decimal::of(number).as_bytes(), number.to_string().as_bytes());
        }
        assert_eq!(signed_seconds(Timestamp::from_unix_seconds(-1)), 0);
    }

    #[test]
    fn a_signer_prints_no_key() {
        let secret = Secret::new("canary-4711").unwrap();
        let signer = Signer::new(&Scheme::live_session(), &SecretSet::of(secret)).unwrap();
        assert!(!format!("{signer:?} {signer:#?}").contains("canary"));
    }
}
