//! Creates requests as the senders of known systems sign them, for tests of receivers.

use std::borrow::Cow;

use http::HeaderMap;
use serde_json::{Map, Value, json};

use crate::id::EventId;
use crate::secret::{Secret, SecretError, SecretSet};
use crate::sign::{ContentPart, Scheme, SignError, Signer};
use crate::time::Timestamp;

/// The sender of a system, with its secret.
///
/// ```
/// use hookpost::testing::Sender;
/// use hookpost::{Scheme, Secret, Timestamp, Verifier};
///
/// let now = Timestamp::from_unix_seconds(1_772_352_000);
/// let stripe = Sender::new(&Scheme::stripe(), "whsec_test")?;
/// let request = stripe.sign(&"evt-1".parse()?, now, br#"{"type":"charge.succeeded"}"#)?;
///
/// let verifier = Verifier::new(&Scheme::stripe(), [Secret::new("whsec_test")?])?;
/// verifier.verify(&request.headers, &request.body, now)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Sender(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Signing { scheme: Scheme, signer: Box<Signer> },
    LiveChat(Secret),
}

/// A signed request: only the headers of the scheme, and the body.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The headers of the scheme. Add any others that your receiver reads.
    pub headers: HeaderMap,
    /// The exact body to pass to the receiver: two systems write something into it.
    pub body: Vec<u8>,
}

/// Why the system would not send a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SenderError {
    /// The scheme cannot sign the request. If it signs the URL, see [`Sender::at`].
    #[error(transparent)]
    Unsigned(#[from] SignError),
    /// The body is not a JSON object, into which `LiveChat` writes its key.
    #[error("body: must be a JSON object, so that the key can be written into it")]
    Body,
}

impl Sender {
    /// Creates a sender with this scheme. For ed25519 its secret is the private key, in one of
    /// the forms that `Scheme::standard_v1a` and `Scheme::discord` describe; the receiver has
    /// the public key.
    ///
    /// # Errors
    /// If the secret breaks the scheme's rule.
    pub fn new(scheme: &Scheme, secret: impl Into<Vec<u8>>) -> Result<Self, SecretError> {
        let signer = Box::new(Signer::new(scheme, &SecretSet::of(Secret::new(secret)?))?);
        Ok(Self(Kind::Signing { scheme: scheme.clone(), signer }))
    }

    /// Creates a sender for LiveChat, which does not sign and writes this key into the body as
    /// `secret_key`.
    ///
    /// # Errors
    /// If the key is blank or too long.
    pub fn live_chat(secret: impl Into<Vec<u8>>) -> Result<Self, SecretError> {
        Ok(Self(Kind::LiveChat(Secret::new(secret)?)))
    }

    /// The same sender for requests to this URL, which some schemes sign.
    #[must_use]
    pub fn at(mut self, url: &str) -> Self {
        if let Kind::Signing { signer, .. } = &mut self.0 {
            **signer = Signer::clone(signer).at(url);
        }
        self
    }

    /// Creates a request with this body, signed at `now`. Linear's bodies contain their time
    /// of signing: a JSON object without `webhookTimestamp` gets one.
    ///
    /// # Errors
    /// If the scheme signs the URL and none was set, if no receiver could verify the request,
    /// or if `LiveChat`'s body is not an object.
    pub fn sign(&self, id: &EventId, now: Timestamp, body: &[u8]) -> Result<Signed, SenderError> {
        let mut headers = HeaderMap::new();
        match &self.0 {
            Kind::LiveChat(secret) => {
                let key = json!(String::from_utf8_lossy(secret.expose()));
                let body = with_member(body, "secret_key", &key).ok_or(SenderError::Body)?;
                Ok(Signed { headers, body })
            }
            Kind::Signing { scheme, signer } => {
                let body = dated(scheme, now, body);
                signer.sign(id, now, &body, &mut headers)?;
                Ok(Signed { headers, body: body.into_owned() })
            }
        }
    }
}

/// The body with its time of signing, if the scheme reads the time from the body.
fn dated<'a>(scheme: &Scheme, now: Timestamp, body: &'a [u8]) -> Cow<'a, [u8]> {
    let Some(ContentPart::DatedBody { milliseconds }) = scheme.recipe().content.last() else {
        return Cow::Borrowed(body);
    };
    let has_one = |object: Map<String, Value>| object.contains_key(*milliseconds);
    if serde_json::from_slice(body).is_ok_and(has_one) {
        return Cow::Borrowed(body);
    }
    let moment = json!(now.as_micros().div_euclid(1000));
    with_member(body, milliseconds, &moment).map_or(Cow::Borrowed(body), Cow::Owned)
}

/// The same object with this member: in front of its other bytes, or replacing its own. `None`
/// if the body is not a JSON object.
fn with_member(body: &[u8], name: &str, value: &Value) -> Option<Vec<u8>> {
    let mut object: Map<String, Value> = serde_json::from_slice(body).ok()?;
    if let Some(own) = object.get_mut(name) {
        if own == value {
            return Some(body.to_vec());
        }
        *own = value.clone();
        return serde_json::to_vec(&object).ok();
    }
    let inside = body.trim_ascii_start().get(1..)?;
    let comma = if object.is_empty() { "" } else { "," };
    Some([format!("{{{}:{value}{comma}", json!(name)).as_bytes(), inside].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_added_in_front_replaced_or_left_as_it_is() {
        let with = |body: &str| {
            let body = with_member(body.as_bytes(), "k", &json!("a\"b"))?;
            Some(String::from_utf8(body).unwrap())
        };
        for (body, expected) in [
            ("{}", r#"{"k":"a\"b"}"#),
            (r#" { "n":1.50 } "#, r#"{"k":"a\"b", "n":1.50 } "#),
            (r#"{"k":1,"n":2}"#, r#"{"k":"a\"b","n":2}"#),
            (r#"{"n":1, "k":"a\"b"}"#, r#"{"n":1, "k":"a\"b"}"#),
        ] {
            assert_eq!(with(body).as_deref(), Some(expected), "{body}");
        }
        for body in ["", "[]", "{", "\"k\""] {
            assert_eq!(with(body), None, "{body}");
        }
    }

    #[test]
    fn a_url_that_is_signed_has_to_be_told_and_a_key_needs_an_object() {
        let (id, now) = ("e".parse().unwrap(), Timestamp::EPOCH);
        let square = Sender::new(&Scheme::square(), "s").unwrap();
        assert_eq!(square.sign(&id, now, b"{}").unwrap_err(), SignError::NoUrl.into());
        assert!(square.at("https://example.com").sign(&id, now, b"{}").is_ok());
        let live_chat = Sender::live_chat("s").unwrap();
        assert_eq!(live_chat.sign(&id, now, b"[]").unwrap_err(), SenderError::Body);
        assert!(!format!("{live_chat:?} {:?}", Sender::live_chat("canary").unwrap()).contains("canary"));
    }
}
