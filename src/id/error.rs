//! Why a text is not the id it was meant for.

use std::fmt;

/// A text that breaks the rule of the id it was meant for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: must be {rule}{found}{}", hint(suggestion.as_deref()))]
pub struct IdError {
    /// Which kind of id was refused, such as `event id`.
    pub what: &'static str,
    /// The rule it breaks.
    pub rule: &'static str,
    /// What breaks it.
    pub found: Found,
    /// A text that fits the rule and may have been meant.
    pub suggestion: Option<String>,
}

/// What of a text breaks the rule of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Found {
    /// It is empty.
    Nothing,
    /// It has more than the allowed number of bytes: this many.
    Bytes(usize),
    /// A character that is not allowed.
    Character {
        /// The character.
        character: char,
        /// Its place in the text, counted in characters from 1.
        place: usize,
    },
    /// It has not the form that the rule describes.
    AnotherForm,
}

impl Found {
    /// What breaks the rule of at most `max` bytes, none of which is refused.
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

/// The end of a sentence about the rule.
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
