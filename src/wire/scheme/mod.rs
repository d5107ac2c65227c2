//! How a request is signed, as data: signing and verifying read the same
//! description, so they cannot drift apart.
//!
//! A scheme of another system is one more [`Recipe`] in `presets.rs`; what no part
//! can say yet (another algorithm, a timestamp inside the signature's header) is one
//! more variant beside the others.

mod encoding;
mod grammar;
mod key;
mod mac;
mod presets;
mod sign;

use std::sync::Arc;

use http::HeaderName;

pub use encoding::Encoding;
pub use grammar::Grammar;
pub use key::KeyForm;
pub use mac::Algorithm;
pub use sign::Signer;

pub(super) use mac::{Key, Message};

/// A signature scheme: a [`Recipe`] that was checked. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheme(Arc<Recipe>);

/// What a scheme signs, with which key, and where the signature stands.
///
/// ```
/// use hookpost::Scheme;
/// use hookpost::wire::scheme::{Algorithm, Encoding, Grammar, KeyForm, Part, Recipe};
/// use http::HeaderName;
///
/// let github = Scheme::new(Recipe {
///     algorithm: Algorithm::HmacSha256,
///     key: KeyForm::AsGiven,
///     content: vec![Part::Body],
///     encoding: Encoding::Hex,
///     header: HeaderName::from_static("x-hub-signature-256"),
///     grammar: Grammar::Bare { prefix: "sha256=" },
/// })?;
/// # Ok::<(), hookpost::wire::scheme::SchemeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// How a signature is computed.
    pub algorithm: Algorithm,
    /// How a configured secret becomes a key.
    pub key: KeyForm,
    /// The signed bytes, part after part.
    pub content: Vec<Part>,
    /// How a signature is written.
    pub encoding: Encoding,
    /// The header that holds it.
    pub header: HeaderName,
    /// What that header looks like.
    pub grammar: Grammar,
}

/// A part of the signed bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The event's id, which this header carries.
    Id(HeaderName),
    /// The moment of signing in whole seconds since the epoch, which this header
    /// carries. It is hashed as the header has it.
    Timestamp(HeaderName),
    /// A fixed text.
    Literal(&'static str),
    /// The request's body.
    Body,
}

/// A recipe by which two different messages could have one signature, or none could.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule}")]
pub struct SchemeError {
    /// The part of the recipe that is wrong.
    pub field: &'static str,
    /// The rule it breaks.
    pub rule: &'static str,
}

impl Scheme {
    /// A scheme of this recipe.
    ///
    /// # Errors
    /// When the signed bytes could be cut into parts in two ways, a header would
    /// stand for two things, or a fixed text cannot stand in a header.
    pub fn new(recipe: Recipe) -> Result<Self, SchemeError> {
        check_content(&recipe.content)?;
        recipe.grammar.check()?;
        recipe.key.check()?;
        let scheme = Self(Arc::new(recipe));
        let names: Vec<_> = scheme.header_names().collect();
        if names.iter().enumerate().any(|(at, name)| names[..at].contains(name)) {
            return Err(SchemeError { field: "header", rule: "stands for one thing" });
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
        let carried = self.0.content.iter().filter_map(|part| match part {
            Part::Id(header) | Part::Timestamp(header) => Some(header),
            Part::Literal(_) | Part::Body => None,
        });
        carried.chain([&self.0.header])
    }

    /// Whether a signature covers the moment at which it was made.
    #[must_use]
    pub fn signs_timestamp(&self) -> bool {
        self.0.content.iter().any(|part| matches!(part, Part::Timestamp(_)))
    }
}

/// Parts are joined without lengths, so what follows one must be unable to belong to
/// it: ids hold no dot, timestamps are digits, and the body, which may hold anything,
/// comes last.
fn check_content(content: &[Part]) -> Result<(), SchemeError> {
    let refuse = |rule| Err(SchemeError { field: "content", rule });
    let Some((Part::Body, before)) = content.split_last() else {
        return refuse("ends with the body");
    };
    let count = |of: fn(&Part) -> bool| before.iter().filter(|part| of(part)).count();
    if count(|part| matches!(part, Part::Body)) > 0
        || count(|part| matches!(part, Part::Id(_))) > 1
        || count(|part| matches!(part, Part::Timestamp(_))) > 1
    {
        return refuse("holds id, timestamp and body once at most");
    }
    for pair in content.windows(2) {
        let next = if let Part::Literal(text) = pair[1] { text.bytes().next() } else { None };
        match pair[0] {
            Part::Id(_) if next != Some(b'.') => return refuse("has a dot after the id"),
            Part::Timestamp(_) if next.is_none_or(|byte| byte.is_ascii_digit()) => {
                return refuse("has a fixed text that begins with no digit after the timestamp");
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(content: Vec<Part>) -> Recipe {
        Recipe { content, ..Scheme::x_webhook().recipe().clone() }
    }

    #[test]
    fn content_that_could_be_cut_in_two_ways_is_refused() {
        let id = || Part::Id(HeaderName::from_static("x-id"));
        let time = || Part::Timestamp(HeaderName::from_static("x-time"));
        let text = Part::Literal;
        for content in [
            vec![],
            vec![text("v0:")],
            vec![Part::Body, text(".")],
            vec![Part::Body, Part::Body],
            vec![id(), Part::Body],
            vec![id(), text(":"), Part::Body],
            vec![id(), text(""), Part::Body],
            vec![id(), time(), text("."), Part::Body],
            vec![time(), Part::Body],
            vec![time(), text("0."), Part::Body],
            vec![time(), text("."), time(), text("."), Part::Body],
        ] {
            let refused = Scheme::new(recipe(content.clone())).unwrap_err();
            assert_eq!(refused.field, "content", "{content:?}");
        }
        assert!(Scheme::new(recipe(vec![text("v0:"), time(), text(":"), Part::Body])).is_ok());
    }

    #[test]
    fn a_header_stands_for_one_thing() {
        let header = Scheme::x_webhook().recipe().header.clone();
        let content = vec![Part::Id(header), Part::Literal("."), Part::Body];
        assert_eq!(Scheme::new(recipe(content)).unwrap_err().field, "header");
    }
}
