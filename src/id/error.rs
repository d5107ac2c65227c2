//! The errors of texts that are not valid ids.

use std::fmt;

/// A text that breaks the rule for its kind of id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: must be {rule}{found}{}", hint(suggestion.as_deref()))]
pub struct IdError {
    /// The kind of id, such as `event id`.
    pub what: &'static str,
    /// The rule that the text breaks.
    pub rule: &'static str,
    /// What in the text breaks the rule.
    pub found: Found,
    /// A similar text that keeps the rule and may have been meant.
    pub suggestion: Option<String>,
}

/// What in a text breaks the rule of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Found {
    /// The text is empty.
    Nothing,
    /// The text has too many bytes: this many.
    Bytes(usize),
    /// The text has a character that is not allowed.
    Character {
        /// The character.
        character: char,
        /// The position of the character in the text, counted in characters from 1.
        place: usize,
    },
    /// The text does not have the form that the rule describes.
    AnotherForm,
}

impl Found {
    /// What breaks the rule of at most `max` bytes, none of which `refuses` rejects.
    pub(super) fn of(text: &str, max: usize, refuses: fn(u8) -> bool) -> Self {
        let is_refused =
            |character: char| u8::try_from(character).map_or(true, |byte| refuses(byte) || byte > 127);
        let mut characters = text.chars().zip(1..);
        match characters.find(|(character, _)| is_refused(*character)) {
            _ if text.is_empty() => Self::Nothing,
            Some((character, place)) => Self::Character { character, place },
            None if text.len() > max => Self::Bytes(text.len()),
            None => Self::AnotherForm,
        }
    }
}

/// Completes a sentence about the rule.
impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnotherForm => Ok(()),
            Self::Nothing => f.write_str(" (found no character)"),
            Self::Bytes(bytes) => write!(f, " (found {bytes} bytes)"),
            Self::Character { character: ' ', place } => write!(f, " (found a space at character {place})"),
            Self::Character { character: '\n', place } => {
                write!(f, " (found a line feed at character {place})")
            }
            Self::Character { character, place } => write!(f, " (found {character:?} at character {place})"),
        }
    }
}

fn hint(suggestion: Option<&str>) -> String {
    suggestion.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default()
}
