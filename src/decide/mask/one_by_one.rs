//! A search for one form of one value at a time. It is slow and simple; tests compare the other
//! search with it.

use super::escape::{escaped, is_cut_escape};
use super::forms::in_base64;
use super::{LEAST, LEAST_AT_A_CUT};

pub(super) fn marks(text: &[u8], cut: bool, values: &[Vec<u8>]) -> Vec<bool> {
    let mut marked = vec![false; text.len()];
    let fits = |value: &&Vec<u8>| value.len() >= LEAST && (cut || value.len() <= text.len() + LEAST);
    for value in values.iter().filter(fits) {
        for form in forms(value) {
            form.mark(text, cut, &mut marked);
        }
    }
    marked
}

/// One of the ways to write a value.
struct Form {
    text: Vec<u8>,
    alphabet: Alphabet,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Alphabet {
    Bytes,
    Hex,
    /// The standard and the URL-safe alphabet of base64.
    Base64,
}

fn forms(value: &[u8]) -> Vec<Form> {
    let hex = Form { text: hex::encode(value).into_bytes(), alphabet: Alphabet::Hex };
    let mut forms = vec![Form { text: value.to_vec(), alphabet: Alphabet::Bytes }, hex];
    forms.extend((0..3).map(|before| Form { text: in_base64(value, before), alphabet: Alphabet::Base64 }));
    forms
}

impl Form {
    fn mark(&self, text: &[u8], cut: bool, marked: &mut [bool]) {
        let least = if cut { LEAST_AT_A_CUT } else { LEAST };
        // A plain text may look like an escape, so both readings are tried.
        let has_escapes = text.iter().any(|byte| matches!(byte, b'%' | b'\\' | b'&'));
        let readings: &[bool] = if has_escapes { &[true, false] } else { &[true] };
        for at in 0..text.len() {
            for &prefer_raw in readings {
                let (found, end) = self.found_at(text, at, prefer_raw);
                if found == self.text.len() || (end == text.len() && found >= least) {
                    marked[at..end].fill(true);
                }
            }
        }
    }

    /// How much of the form is found at this place, and where that part ends.
    fn found_at(&self, text: &[u8], start: usize, prefer_raw: bool) -> (usize, usize) {
        let mut at = start;
        for (found, expected) in self.text.iter().enumerate() {
            let Some(raw) = text.get(at) else { return (found, at) };
            let step = if self.is_same(*raw, *expected) && prefer_raw {
                1
            } else {
                match escaped(&text[at..]) {
                    Some((byte, length)) if self.is_same(byte, *expected) => length,
                    // An escape that is incomplete because the text was cut.
                    None if is_cut_escape(&text[at..]) => return (found, text.len()),
                    _ if self.is_same(*raw, *expected) => 1,
                    _ => return (found, at),
                }
            };
            at += step;
        }
        (self.text.len(), at)
    }

    fn is_same(&self, found: u8, expected: u8) -> bool {
        match self.alphabet {
            Alphabet::Bytes => found == expected,
            Alphabet::Hex => found.eq_ignore_ascii_case(&expected),
            Alphabet::Base64 => match found {
                b'-' => expected == b'+',
                b'_' => expected == b'/',
                _ => found == expected,
            },
        }
    }
}
