//! The forms in which a value may be written.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// The alphabet of a form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Alphabet {
    Bytes,
    Hex,
    /// The standard and the URL-safe alphabet of base64.
    Base64,
}

impl Alphabet {
    /// Converts a byte that was found to the notation of the forms.
    pub(super) fn normal(self, found: u8) -> u8 {
        match (self, found) {
            (Self::Hex, _) => found.to_ascii_lowercase(),
            (Self::Base64, b'-') => b'+',
            (Self::Base64, b'_') => b'/',
            _ => found,
        }
    }

    /// Whether this byte may separate two bytes of a form after `found` of them: a line break in
    /// base64, and the usual separators of bytes in hexadecimal.
    pub(super) fn may_separate(self, byte: u8, found: usize) -> bool {
        match self {
            Self::Bytes => false,
            Self::Hex => {
                found > 0 && found.is_multiple_of(2) && matches!(byte, b':' | b' ' | b'-' | b'\r' | b'\n')
            }
            Self::Base64 => found > 0 && matches!(byte, b'\r' | b'\n'),
        }
    }
}

/// The forms of all values in one alphabet, sorted, so that forms with the same beginning are
/// adjacent.
pub(super) struct Forms {
    pub(super) alphabet: Alphabet,
    sorted: Vec<Vec<u8>>,
}

impl Forms {
    pub(super) fn new(values: &[Vec<u8>], alphabet: Alphabet) -> Self {
        let mut sorted: Vec<Vec<u8>> = match alphabet {
            Alphabet::Bytes => values.to_vec(),
            Alphabet::Hex => values.iter().map(|value| hex::encode(value).into_bytes()).collect(),
            Alphabet::Base64 => {
                values.iter().flat_map(|value| (0..3).map(|before| in_base64(value, before))).collect()
            }
        };
        sorted.sort_unstable();
        sorted.dedup();
        Self { alphabet, sorted }
    }

    /// The empty beginning, which all forms share.
    pub(super) fn all(&self) -> Beginning<'_> {
        Beginning { forms: &self.sorted, length: 0 }
    }
}

/// A beginning that one or more forms share.
#[derive(Clone, Copy)]
pub(super) struct Beginning<'a> {
    forms: &'a [Vec<u8>],
    pub(super) length: usize,
}

impl Beginning<'_> {
    /// The beginning that is one byte longer; `None` if no form has it.
    pub(super) fn then(self, byte: u8) -> Option<Self> {
        let next = |form: &Vec<u8>| form.get(self.length).copied();
        let from = self.forms.partition_point(|form| next(form) < Some(byte));
        let to = self.forms.partition_point(|form| next(form) <= Some(byte));
        let forms = self.forms.get(from..to).filter(|forms| !forms.is_empty())?;
        Some(Self { forms, length: self.length + 1 })
    }

    /// Whether this beginning is a complete form.
    pub(super) fn is_whole(self) -> bool {
        self.forms.first().is_some_and(|shortest| shortest.len() == self.length)
    }

    /// Whether a form is longer than this beginning.
    pub(super) fn goes_on(self) -> bool {
        self.forms.last().is_some_and(|last| last.len() > self.length)
    }
}

/// The base64 characters that depend on these bytes alone, if `before` bytes (modulo three) precede
/// them.
pub(super) fn in_base64(value: &[u8], before: usize) -> Vec<u8> {
    let padded = [&[0; 3][..before.min(3)], value].concat();
    let text = STANDARD_NO_PAD.encode(&padded).into_bytes();
    let shared_with_before = if before == 0 { 0 } else { before + 1 };
    let shared_with_after = usize::from(padded.len() % 3 != 0);
    text.get(shared_with_before..text.len().saturating_sub(shared_with_after)).unwrap_or_default().to_vec()
}
