//! Signature schemes, described as data.

mod content;
#[cfg(feature = "ed25519")]
mod ed25519;
mod encoding;
mod form;
mod grammar;
mod key;
mod mac;
mod message;
mod presets;
mod schemes;
mod sides;
mod sign;

use std::sync::Arc;

use http::HeaderName;

use crate::error::Invalid;
use crate::secret::{Secret, SecretError};

use super::frame::FRAME;

pub use content::ContentPart;
pub use encoding::Encoding;
pub use grammar::Grammar;
pub use key::KeyForm;
pub use mac::Algorithm;
pub use schemes::Schemes;
pub use sign::{SignError, Signer};

pub(super) use content::{check_body, check_url};
#[cfg(all(test, feature = "ed25519"))]
pub(super) use ed25519::hashed;
pub(super) use message::Message;
pub(super) use sides::VerifyingKey;

/// A signature scheme: a [`Recipe`] that was checked. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheme(Arc<Recipe>);

/// What a scheme signs, with which key, and where the signature is sent.
///
/// ```
/// use hookpost::Scheme;
/// use hookpost::sign::{Algorithm, Encoding, Grammar, KeyForm, ContentPart, Recipe};
/// use http::HeaderName;
///
/// // GitHub's, were there no preset of it.
/// let github = Scheme::new(Recipe {
///     algorithm: Algorithm::HmacSha256,
///     key: KeyForm::AsGiven,
///     content: vec![ContentPart::Body],
///     encoding: Encoding::Hex,
///     header: HeaderName::from_static("x-hub-signature-256"),
///     grammar: Grammar::Bare { prefix: "sha256=" },
/// })?;
/// assert_eq!(github, Scheme::github());
///
/// // One that is like another but for a header.
/// let like_slack = Recipe {
///     header: HeaderName::from_static("x-acme-signature"),
///     ..Scheme::slack().recipe().clone()
/// };
/// Scheme::new(like_slack)?;
/// # Ok::<(), hookpost::Invalid>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// The algorithm of the signature.
    pub algorithm: Algorithm,
    /// How a configured secret becomes a key.
    pub key: KeyForm,
    /// The signed bytes, part by part.
    pub content: Vec<ContentPart>,
    /// The encoding of the signature.
    pub encoding: Encoding,
    /// The header that contains the signature.
    pub header: HeaderName,
    /// The form of that header.
    pub grammar: Grammar,
}

impl Scheme {
    /// Creates a scheme from this recipe.
    ///
    /// # Errors
    /// If the body is not signed, or a timestamp that is sent with the request is not; if the
    /// signed bytes could be split into parts in two ways; if a header would have two meanings
    /// or belongs to the request's frame; if a fixed text cannot be part of a header; if the
    /// key does not fit the algorithm; or if the algorithm is SHA-1, which only presets may
    /// use.
    pub fn new(recipe: Recipe) -> Result<Self, Invalid> {
        if recipe.algorithm == Algorithm::HmacSha1 {
            return Err(Invalid {
                field: "algorithm",
                rule: "must not be SHA-1, which only presets may name",
            });
        }
        content::check(&recipe.content)?;
        recipe.grammar.check()?;
        content::check_listed(&recipe.content, recipe.grammar)?;
        recipe.key.check(recipe.algorithm)?;
        let scheme = Self(Arc::new(recipe));
        let names: Vec<_> = scheme.header_names().collect();
        if names.iter().enumerate().any(|(at, name)| names[..at].contains(name)) {
            return Err(Invalid { field: "header", rule: "must stand for one thing" });
        }
        if names.iter().any(|name| FRAME.contains(name)) {
            return Err(Invalid { field: "header", rule: "must be none of the request's frame" });
        }
        Ok(scheme)
    }

    /// The recipe.
    #[must_use]
    pub fn recipe(&self) -> &Recipe {
        &self.0
    }

    /// The headers that signing writes and verifying reads.
    pub fn header_names(&self) -> impl Iterator<Item = &HeaderName> {
        self.0.content.iter().filter_map(ContentPart::header).chain([&self.0.header])
    }

    /// Creates a new secret in the scheme's form from 32 bytes, which must come from the
    /// system's source of random numbers, such as `OsEntropy`. For ed25519 it is the private
    /// key.
    ///
    /// # Errors
    /// If all bytes are zero, as in a buffer that was never filled, or if the form does not
    /// allow that length.
    pub fn new_secret(&self, random: &[u8; 32]) -> Result<Secret, SecretError> {
        self.0.key.write(random)
    }

    /// Whether a signature covers the time at which it was made.
    #[must_use]
    pub fn signs_timestamp(&self) -> bool {
        self.0.content.iter().any(ContentPart::tells_time)
    }

    /// Whether the body itself says when it was signed.
    pub(crate) fn dates_body(&self) -> bool {
        self.0.content.iter().any(|part| matches!(part, ContentPart::DatedBody { .. }))
    }

    /// Whether a signature covers the URL that the request is sent to. Signer and verifier
    /// must then be given this URL.
    #[must_use]
    pub fn signs_url(&self) -> bool {
        self.0.content.iter().any(|part| matches!(part, ContentPart::Url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_stands_for_one_thing() {
        let x_webhook = Scheme::x_webhook().recipe().clone();
        let content =
            vec![ContentPart::Id(x_webhook.header.clone()), ContentPart::Literal("."), ContentPart::Body];
        assert_eq!(Scheme::new(Recipe { content, ..x_webhook }).unwrap_err().field, "header");
    }

    #[test]
    fn a_header_of_the_requests_frame_carries_no_signature_and_no_part_of_one() {
        for name in FRAME {
            let bare = Recipe { header: name.clone(), ..Scheme::github().recipe().clone() };
            let content =
                vec![ContentPart::Timestamp(name.clone()), ContentPart::Literal("."), ContentPart::Body];
            let dated = Recipe { content, ..Scheme::github().recipe().clone() };
            for recipe in [bare, dated] {
                assert_eq!(Scheme::new(recipe).unwrap_err().field, "header", "{name}");
            }
        }
    }

    #[test]
    fn sha_1_is_for_presets_alone() {
        let recipe = Recipe { algorithm: Algorithm::HmacSha1, ..Scheme::github().recipe().clone() };
        assert_eq!(Scheme::new(recipe).unwrap_err().field, "algorithm");
    }

    #[cfg(feature = "ed25519")]
    #[test]
    fn a_pair_of_keys_is_for_ed25519_and_ed25519_for_a_pair() {
        let (pair, plain) = (Scheme::discord().recipe().clone(), Scheme::github().recipe().clone());
        for recipe in [
            Recipe { algorithm: Algorithm::HmacSha256, ..pair },
            Recipe { algorithm: Algorithm::Ed25519, ..plain },
        ] {
            assert_eq!(Scheme::new(recipe).unwrap_err().field, "key");
        }
    }
}
