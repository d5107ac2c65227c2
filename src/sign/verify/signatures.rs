//! The comparison of signatures: parses strictly, hashes what was received, and compares in
//! constant time.

use std::sync::Arc;

use http::HeaderName;
use subtle::Choice;

use crate::id::EventId;
use crate::sign::scheme::{Message, VerifyingKey, check_body, check_url};
use crate::sign::{ContentPart, Recipe, Scheme};
use crate::time::Timestamp;

use super::body_time::milliseconds_in;
use super::sent_to::SentTo;
use super::{HeaderLookup, Proof, Tolerance, Verified, VerifyError};

/// The longest signature header that is read: room for 32 signatures of the usual length.
const SIGNATURE_BYTES_MAX: usize = 4096;

/// A scheme, and the secrets that may have signed by it.
#[derive(Clone)]
pub(super) struct Signatures {
    pub(super) scheme: Scheme,
    /// The same scheme under other header names, which are read if none of its own names
    /// occurs.
    pub(super) unbranded: Option<Scheme>,
    /// The keys; at least one.
    pub(super) keys: Vec<VerifyingKey>,
    pub(super) tolerance: Tolerance,
    /// A prefix that the signature may have although the scheme defines none.
    pub(super) other_prefix: Option<&'static str>,
    /// The URL that requests are sent to, unless the request has its own.
    pub(super) url: Option<Arc<str>>,
}

impl Signatures {
    /// The age is checked after the signature, so that only a holder of the secret learns
    /// anything about the receiver's clock.
    pub(super) fn verify<T: AsRef<[u8]>>(
        &self,
        sent_to: SentTo<'_>,
        headers: &(impl HeaderLookup + ?Sized),
        body: T,
        now: Timestamp,
    ) -> Result<Verified<T>, VerifyError> {
        let recipe = self.scheme_of(headers).recipe();
        let urls = if self.scheme.signs_url() { self.urls(recipe, sent_to)? } else { Vec::new() };
        check_body(&recipe.content, body.as_ref()).map_err(|rule| VerifyError::Body { rule })?;
        let (mut id_text, mut timestamp_text) = (None, None);
        let (mut id, mut timestamp) = (None, None);
        for part in &recipe.content {
            match part {
                ContentPart::Id(header) => {
                    let text = id_text.insert(only(headers, header)?);
                    id = Some(read_id(text.as_ref()).ok_or_else(|| malformed(header, ID_RULE))?);
                }
                ContentPart::Timestamp(header) => {
                    let text = timestamp_text.insert(only(headers, header)?);
                    let seconds = read_seconds(text.as_ref());
                    timestamp = Some(seconds.ok_or_else(|| malformed(header, SECONDS_RULE))?);
                }
                _ => {}
            }
        }
        let signature = only(headers, &recipe.header)?;
        let signature = self.signature_text(recipe, signature.as_ref())?;
        let listed =
            recipe.grammar.timestamp(signature).map_err(|why| malformed(&recipe.header, why.rule))?;
        if let Some(text) = listed {
            let seconds = read_seconds(text.as_bytes());
            timestamp = Some(seconds.ok_or_else(|| malformed(&recipe.header, LISTED_SECONDS_RULE))?);
        }
        let message = |url| Message {
            url,
            id: id_text.as_ref().map_or(&[], AsRef::as_ref),
            timestamp: match (&timestamp_text, listed) {
                (Some(text), _) => text.as_ref(),
                (None, text) => text.unwrap_or_default().as_bytes(),
            },
            body: body.as_ref(),
        };
        self.check_count(recipe, signature)?;
        let (first, others) =
            urls.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
        let mut secret = self.secret_that_signed(recipe, &message(first), signature);
        for url in others {
            if matches!(secret, Err(VerifyError::Mismatch)) {
                secret = self.secret_that_signed(recipe, &message(url), signature);
            }
        }
        let secret = secret?;
        self.check_age(timestamp, Timestamp::from_unix_seconds(now.unix_seconds()))?;
        if let Some(ContentPart::DatedBody { milliseconds }) = recipe.content.last() {
            timestamp = self.moment_in(body.as_ref(), milliseconds)?;
            self.check_age(timestamp, now)?;
        }
        Ok(Verified { body, id, timestamp, proof: Proof::Signed { secret } })
    }

    /// The scheme under the header names that were received. A single header with one of its
    /// own names decides, so that headers of two sets are never combined.
    fn scheme_of(&self, headers: &(impl HeaderLookup + ?Sized)) -> &Scheme {
        let came = |name| headers.values(name).next().is_some();
        match &self.unbranded {
            Some(unbranded) if !self.scheme.header_names().any(came) => {
                // Where none came at all, the missing header is one of its own.
                if unbranded.header_names().any(came) { unbranded } else { &self.scheme }
            }
            _ => &self.scheme,
        }
    }

    /// The URLs that may have been signed, at least one.
    fn urls(&self, recipe: &Recipe, sent_to: SentTo<'_>) -> Result<Vec<String>, VerifyError> {
        // Twilio signs without user and password, and with a port or without one:
        // <https://github.com/twilio/twilio-php/issues/448>.
        let any_form = recipe.content.contains(&ContentPart::FormPairs);
        let urls = sent_to.urls(self.url.as_deref(), any_form);
        if urls.is_empty() {
            return Err(VerifyError::NoUrl);
        }
        for url in &urls {
            check_url(&recipe.content, url).map_err(|rule| VerifyError::Url { rule })?;
        }
        Ok(urls)
    }

    fn signature_text<'h>(&self, recipe: &Recipe, value: &'h [u8]) -> Result<&'h str, VerifyError> {
        let header = &recipe.header;
        if value.len() > SIGNATURE_BYTES_MAX {
            return Err(malformed(header, "must be at most 4096 bytes long"));
        }
        let text = std::str::from_utf8(value).map_err(|_| malformed(header, "must be ASCII"))?;
        Ok(self.other_prefix.and_then(|prefix| text.strip_prefix(prefix)).unwrap_or(text))
    }

    /// Refuses a header with more signatures than are worth trying.
    fn check_count(&self, recipe: &Recipe, text: &str) -> Result<(), VerifyError> {
        let Some(most) = recipe.algorithm.signatures_tried(self.keys.len()) else { return Ok(()) };
        let mut listed = recipe.grammar.read(recipe.algorithm, recipe.encoding, text);
        if listed.nth(most).is_some() { Err(malformed(&recipe.header, TOO_MANY_RULE)) } else { Ok(()) }
    }

    /// Every key meets every signature of the header, whatever matched before.
    fn secret_that_signed(
        &self,
        recipe: &Recipe,
        message: &Message<'_>,
        text: &str,
    ) -> Result<usize, VerifyError> {
        let header = &recipe.header;
        let mut signer = None;
        for (at, key) in self.keys.iter().enumerate() {
            let expected = key.expects(&recipe.content, message);
            let (mut hit, mut signatures) = (Choice::from(0), 0_usize);
            for signature in recipe.grammar.read(recipe.algorithm, recipe.encoding, text) {
                let signature = signature.map_err(|why| malformed(header, why.rule))?;
                hit |= expected.fits(&signature);
                signatures += 1;
            }
            if signatures == 0 {
                return Err(VerifyError::OtherVersion { header: header.clone() });
            }
            if bool::from(hit) {
                signer = signer.or(Some(at));
            }
        }
        if recipe.content.iter().any(|part| matches!(part, ContentPart::FormPairs))
            && !message.body_fits_url()
        {
            signer = None;
        }
        signer.ok_or(VerifyError::Mismatch)
    }

    /// The time in a signed body; needed only if its age is checked.
    fn moment_in(&self, body: &[u8], member: &str) -> Result<Option<Timestamp>, VerifyError> {
        match (milliseconds_in(body, member), self.tolerance) {
            (None, Tolerance::Within(_)) => Err(VerifyError::Body {
                rule: "must be a JSON object that has its moment of signing, once, in whole milliseconds",
            }),
            (moment, _) => Ok(moment),
        }
    }

    fn check_age(&self, signed_at: Option<Timestamp>, now: Timestamp) -> Result<(), VerifyError> {
        let (Some(signed_at), Tolerance::Within(tolerance)) = (signed_at, self.tolerance) else {
            return Ok(());
        };
        if signed_at.distance(now) <= tolerance {
            Ok(())
        } else if signed_at < now {
            Err(VerifyError::TooOld)
        } else {
            Err(VerifyError::TooNew)
        }
    }
}

const TOO_MANY_RULE: &str =
    "must hold at most 4 ed25519 signatures, and at most 2 where the verifier has several keys";
const ID_RULE: &str = "must be 1 to 128 visible ASCII characters, none of them a dot";
const LISTED_SECONDS_RULE: &str = "must have a timestamp of 1 to 19 decimal digits without a leading zero";
const SECONDS_RULE: &str = "must be 1 to 19 decimal digits without a leading zero";

/// The header's only value.
fn only<'h>(
    headers: &'h (impl HeaderLookup + ?Sized),
    header: &'h HeaderName,
) -> Result<impl AsRef<[u8]>, VerifyError> {
    let mut values = headers.values(header);
    let first = values.next().ok_or_else(|| VerifyError::Missing { header: header.clone() })?;
    if values.next().is_some() {
        return Err(VerifyError::Repeated { header: header.clone() });
    }
    Ok(first)
}

fn malformed(header: &HeaderName, rule: &'static str) -> VerifyError {
    VerifyError::Malformed { header: header.clone(), rule }
}

/// An id by the sender's own rule: with a dot in it, id and timestamp could be cut in
/// two ways.
fn read_id(text: &[u8]) -> Option<EventId> {
    EventId::new(std::str::from_utf8(text).ok()?).ok()
}

/// Accepts only ASCII digits: no sign, space, fraction, exponent, leading zero or digit of
/// another script, each of which some library reads as the same number.
fn read_seconds(text: &[u8]) -> Option<Timestamp> {
    let canonical = matches!(text, [b'0'] | [b'1'..=b'9', ..]) && text.len() <= 19;
    if !canonical || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let seconds = text.iter().fold(0_u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    Some(Timestamp::from_unix_seconds(i64::try_from(seconds).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Public keys that sign nothing here (RFC 8032, section 7.1).
    #[cfg(feature = "ed25519")]
    const KEYS: [&str; 3] = [
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    ];

    #[cfg(feature = "ed25519")]
    #[test]
    fn a_stranger_has_a_body_hashed_four_times_at_most_or_twice_for_each_key() {
        use base64::Engine as _;
        use base64::engine::general_purpose::STANDARD;

        use crate::secret::Secret;
        use crate::sign::Verifier;
        use crate::sign::scheme::hashed;

        let body = vec![b'x'; 1 << 16];
        for keys in 1..=KEYS.len() {
            let key = |hex: &&str| {
                Secret::new(format!("whpk_{}", STANDARD.encode(hex::decode(hex).unwrap()))).unwrap()
            };
            let verifier = Verifier::new(&Scheme::standard_v1a(), KEYS[..keys].iter().map(key)).unwrap();
            let most = (1..=45)
                .map(|count| {
                    let forged = format!("v1a,{}", STANDARD.encode([1; 64]));
                    let mut headers = http::HeaderMap::new();
                    headers.insert("webhook-id", "evt-1".parse().unwrap());
                    headers.insert("webhook-timestamp", "1700000000".parse().unwrap());
                    headers.insert("webhook-signature", vec![forged; count].join(" ").parse().unwrap());
                    let now = Timestamp::from_unix_seconds(1_700_000_000);
                    hashed::by(|| assert!(verifier.verify(&headers, &body, now).is_err()))
                })
                .max()
                .unwrap();
            let times = if keys == 1 { 4 } else { 2 * keys };
            assert_eq!(most / body.len(), times, "{keys} keys");
        }
    }

    #[test]
    fn timestamps_are_read_in_one_form() {
        let seconds = |text: &str| read_seconds(text.as_bytes()).map(Timestamp::unix_seconds);
        assert_eq!(seconds("0"), Some(0));
        assert_eq!(seconds("1700000000"), Some(1_700_000_000));
        assert_eq!(read_seconds(b"9999999999999999999"), Some(Timestamp::MAX));
        for text in [
            "",
            "00",
            "01",
            "+1",
            "-1",
            " 1",
            "1 ",
            "1.0",
            "1e3",
            "0x1",
            "1_0",
            "1\n",
            "NaN",
            "\u{661}",
            "10000000000000000000",
        ] {
            assert_eq!(read_seconds(text.as_bytes()), None, "{text:?}");
        }
    }
}
