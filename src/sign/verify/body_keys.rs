//! Secrets that senders write into the body: LiveChat does so instead of signing.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::secret::{Secret, SecretError};

use super::{Proof, Verified, VerifyError};

/// The secrets that may be in a body's `secret_key`: one set for all actions, or one for each.
/// An application with several client ids needs a verifier for each.
///
/// ```
/// use hookpost::sign::BodyKeys;
/// use hookpost::{Secret, Timestamp, Verifier};
///
/// let keys = BodyKeys::of([Secret::new("of-the-others")?])
///     .for_action("incoming_chat", [Secret::new("of-chats")?]);
/// let verifier = Verifier::live_chat(keys)?;
/// let body = br#"{"action":"incoming_chat","secret_key":"of-chats","payload":{}}"#;
/// let no_headers: [(&str, &str); 0] = [];
/// verifier.verify(&no_headers[..], &body[..], Timestamp::EPOCH)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct BodyKeys {
    of_all: Vec<Secret>,
    of_action: BTreeMap<String, Vec<Secret>>,
}

impl BodyKeys {
    /// These secrets, the current one first, for every action without secrets of its own.
    pub fn of(secrets: impl IntoIterator<Item = Secret>) -> Self {
        Self { of_all: secrets.into_iter().collect(), of_action: BTreeMap::new() }
    }

    /// Only these secrets for this action.
    #[must_use]
    pub fn for_action(
        mut self,
        action: impl Into<String>,
        secrets: impl IntoIterator<Item = Secret>,
    ) -> Self {
        self.of_action.insert(action.into(), secrets.into_iter().collect());
        self
    }

    /// Refuses a set without any secret, which would reject everything; an empty set for an
    /// action, which would reject that action; and a secret of zero bytes only, like a buffer
    /// that was never filled.
    pub(super) fn check(&self) -> Result<(), SecretError> {
        let nothing = self.of_all.is_empty() && self.of_action.is_empty();
        if nothing || self.of_action.values().any(Vec::is_empty) {
            return Err(SecretError::Missing);
        }
        let mut all = self.of_action.values().flatten().chain(&self.of_all);
        if all.any(|secret| secret.expose().iter().all(|byte| *byte == 0)) {
            return Err(SecretError::Zero);
        }
        Ok(())
    }

    /// The body is read before it is trusted, so no further than two of its members, each
    /// once: a second `secret_key` would let two readers see two keys.
    pub(super) fn verify<T: AsRef<[u8]>>(&self, body: T) -> Result<Verified<T>, VerifyError> {
        #[derive(Deserialize)]
        struct Members<'a> {
            #[serde(borrow)]
            secret_key: Option<&'a RawValue>,
            #[serde(borrow)]
            action: Option<&'a RawValue>,
        }
        let refuse = |rule| VerifyError::Body { rule };
        let text = std::str::from_utf8(body.as_ref()).map_err(|_| refuse("must be UTF-8"))?;
        if !text.trim_start().starts_with('{') {
            return Err(refuse("must be a JSON object"));
        }
        let members: Members<'_> = serde_json::from_str(text)
            .map_err(|_| refuse("must be a JSON object with secret_key and action at most once"))?;
        let given = members.secret_key.ok_or(refuse("must have a secret_key"))?;
        let given = text_of(given).ok_or(refuse("must have a text as its secret_key"))?;
        let action = members.action.and_then(text_of).unwrap_or_default();
        let secrets = self.of_action.get(&*action).unwrap_or(&self.of_all);
        let secret = position(secrets, &given).ok_or(VerifyError::Mismatch)?;
        Ok(Verified { body, id: None, timestamp: None, proof: Proof::Key { secret } })
    }
}

/// Shows only the number of secrets.
impl fmt::Debug for BodyKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyKeys")
            .field("of_all", &self.of_all.len())
            .field("of_action", &self.of_action.keys().collect::<Vec<_>>())
            .finish()
    }
}

fn text_of(json: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_str(json.get()).ok().map(|Text(text)| text)
}

/// Compares digests, in full and with every secret, so that the time reveals neither the
/// length of a secret nor how much of it was right.
fn position(secrets: &[Secret], given: &str) -> Option<usize> {
    let given = Sha256::digest(given.as_bytes());
    let mut found = None;
    for (at, secret) in secrets.iter().enumerate() {
        let hit: Choice = Sha256::digest(secret.expose()).as_slice().ct_eq(given.as_slice());
        if bool::from(hit) {
            found = found.or(Some(at));
        }
    }
    found
}
