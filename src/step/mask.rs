//! Masking: a text in which values must not show, in whatever form somebody wrote them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// A value shorter than this is not masked: it would be found in most texts.
pub(super) const LEAST: usize = 6;
/// How much of a value may stand at the end of a text that was cut.
const LEAST_AT_A_CUT: usize = 3;
const MASK: &[u8] = b"***";

/// Marks where one of these values stands in a text. A value is found as it is, escaped for
/// URLs, JSON and HTML, in hexadecimal, and in base64 of any text that contains it.
///
/// The text may end within a value. `cut` says that it was longer: then a shorter beginning
/// of a value is marked too.
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

/// The text with each run of marked bytes replaced; `None` if nothing is marked.
pub(super) fn masked(text: &[u8], marked: &[bool]) -> Option<Vec<u8>> {
    let is_marked = |at: usize| marked.get(at).copied().unwrap_or(false);
    if !(0..text.len()).any(is_marked) {
        return None;
    }
    let mut shown = Vec::with_capacity(text.len());
    for (at, byte) in text.iter().enumerate() {
        if !is_marked(at) {
            shown.push(*byte);
        } else if at == 0 || !is_marked(at - 1) {
            shown.extend_from_slice(MASK);
        }
    }
    Some(shown)
}

/// One way in which a value may be written.
struct Form {
    text: Vec<u8>,
    alphabet: Alphabet,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Alphabet {
    Bytes,
    Hex,
    /// Either alphabet of base64.
    Base64,
}

fn forms(value: &[u8]) -> Vec<Form> {
    let hex = Form { text: hex::encode(value).into_bytes(), alphabet: Alphabet::Hex };
    let mut forms = vec![Form { text: value.to_vec(), alphabet: Alphabet::Bytes }, hex];
    forms.extend((0..3).map(|before| Form { text: in_base64(value, before), alphabet: Alphabet::Base64 }));
    forms
}

/// The characters that base64 has for these bytes alone, where so many others (modulo three)
/// stand before them.
fn in_base64(value: &[u8], before: usize) -> Vec<u8> {
    let padded = [&[0; 3][..before.min(3)], value].concat();
    let text = STANDARD_NO_PAD.encode(&padded).into_bytes();
    let shared_with_before = if before == 0 { 0 } else { before + 1 };
    let shared_with_after = usize::from(padded.len() % 3 != 0);
    text.get(shared_with_before..text.len().saturating_sub(shared_with_after)).unwrap_or_default().to_vec()
}

impl Form {
    fn mark(&self, text: &[u8], cut: bool, marked: &mut [bool]) {
        let least = if cut { LEAST_AT_A_CUT } else { LEAST };
        // What stands there raw may itself look like an escape, so both are tried.
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

    /// How much of the form stands at this place, and where that ends.
    fn found_at(&self, text: &[u8], start: usize, prefer_raw: bool) -> (usize, usize) {
        let mut at = start;
        for (found, expected) in self.text.iter().enumerate() {
            let Some(raw) = text.get(at) else { return (found, at) };
            let step = if self.is_same(*raw, *expected) && prefer_raw {
                1
            } else {
                match escaped(&text[at..]) {
                    Some((byte, length)) if self.is_same(byte, *expected) => length,
                    // An escape that the cut has split.
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

/// The byte that an escape at the beginning of this text stands for, and its length.
fn escaped(text: &[u8]) -> Option<(u8, usize)> {
    match text {
        [b'%', high, low, ..] => digits([*high, *low]).map(|byte| (byte, 3)),
        [b'\\', b'u', b'0', b'0', high, low, ..] => digits([*high, *low]).map(|byte| (byte, 6)),
        [b'\\', b'x', high, low, ..] => digits([*high, *low]).map(|byte| (byte, 4)),
        [b'\\', plain @ (b'"' | b'\'' | b'\\' | b'/'), ..] => Some((*plain, 2)),
        [b'\\', b'n', ..] => Some((b'\n', 2)),
        [b'\\', b'r', ..] => Some((b'\r', 2)),
        [b'\\', b't', ..] => Some((b'\t', 2)),
        [b'&', rest @ ..] => entity(rest),
        _ => None,
    }
}

fn digits(two: [u8; 2]) -> Option<u8> {
    let mut byte = [0];
    hex::decode_to_slice(two, &mut byte).ok()?;
    Some(byte[0])
}

/// What an entity of HTML stands for, from behind its ampersand on.
fn entity(rest: &[u8]) -> Option<(u8, usize)> {
    let end = rest.iter().take(ENTITY_MAX).position(|byte| *byte == b';')?;
    let name = std::str::from_utf8(&rest[..end]).ok()?;
    let byte = match name {
        "amp" => b'&',
        "lt" => b'<',
        "gt" => b'>',
        "quot" => b'"',
        "apos" => b'\'',
        _ => {
            let number = name.strip_prefix('#')?;
            match number.strip_prefix(['x', 'X']) {
                Some(hex) => u8::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            }
        }
    };
    Some((byte, end + 2))
}

/// The longest entity that is read, with its semicolon.
const ENTITY_MAX: usize = 6;

/// Whether the text ends within an escape.
fn is_cut_escape(text: &[u8]) -> bool {
    match text {
        [b'\\', b'u', rest @ ..] => rest.len() < 4,
        [b'%', rest @ ..] | [b'\\', b'x', rest @ ..] => rest.len() < 2,
        [b'\\'] => true,
        [b'&', rest @ ..] => rest.len() < ENTITY_MAX && !rest.contains(&b';'),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::*;

    fn shown(text: &str, cut: bool, value: &str) -> String {
        let marked = marks(text.as_bytes(), cut, &[value.as_bytes().to_vec()]);
        masked(text.as_bytes(), &marked)
            .map_or_else(|| text.to_owned(), |shown| String::from_utf8(shown).unwrap())
    }

    #[test]
    fn a_value_is_found_in_every_form_that_receivers_write() {
        let value = r#"c/4n+a"r=y?"#;
        for (form, expected) in [
            (format!("<{value}>"), "<***>"),
            (r#"{"echo":"c/4n+a\"r=y?"}"#.to_owned(), r#"{"echo":"***"}"#),
            (r#"{"echo":"c\/4n+a\"r=y?"}"#.to_owned(), r#"{"echo":"***"}"#),
            ("{\"echo\":\"c/4n\\u002ba\\u0022r\\u003Dy?\"}".to_owned(), r#"{"echo":"***"}"#),
            ("a=c%2F4n%2ba%22r%3dy%3F&b".to_owned(), "a=***&b"),
            ("<p>c/4n+a&quot;r=y?</p>".to_owned(), "<p>***</p>"),
            ("<p>c/4n+a&#34;r&#x3d;y?</p>".to_owned(), "<p>***</p>"),
            (format!("[{}]", hex::encode(value)), "[***]"),
            (format!("[{}]", hex::encode_upper(value)), "[***]"),
        ] {
            assert_eq!(shown(&form, false, value), expected, "{form}");
        }
    }

    #[test]
    fn a_value_is_found_in_base64_of_whatever_contains_it() {
        let value = "canary-4711?>canary";
        for before in ["", "u", "us", "usr", "a long user:"] {
            for after in ["", "!", "!!", " and more"] {
                for text in [
                    STANDARD.encode(format!("{before}{value}{after}")),
                    URL_SAFE.encode(format!("{before}{value}{after}")),
                ] {
                    let shown = shown(&format!("<{text}>"), false, value);
                    assert!(shown.contains("***"), "{before} {after}: {shown}");
                    // At its ends a group of four holds bits of both.
                    let rest = text.len() - shown.len().saturating_sub("<***>".len());
                    assert!(rest * 3 / 4 >= value.len() - 2, "{before} {after}: {shown}");
                }
            }
        }
    }

    #[test]
    fn a_value_that_the_end_of_the_text_cuts_is_found_by_its_beginning() {
        let value = "canary/4711";
        for (text, cut, expected) in [
            ("said can", true, "said ***"),
            ("said ca", true, "said ca"),
            ("said canary", false, "said ***"),
            ("said canar", false, "said canar"),
            ("said canary%2", true, "said ***"),
            (r"said canary\u00", true, "said ***"),
            (r"said canary\", true, "said ***"),
            ("said canary&#4", true, "said ***"),
            ("said canaries", true, "said canaries"),
            ("63616e61", true, "***"),
        ] {
            assert_eq!(shown(text, cut, value), expected, "{text}");
        }
    }

    #[test]
    fn what_is_short_or_another_value_stays() {
        assert_eq!(shown("true story", false, "true"), "true story");
        assert_eq!(shown("no canary here", false, "canary-4711"), "no canary here");
        assert_eq!(shown("", true, "canary-4711"), "");
    }

    #[test]
    fn values_that_overlap_leave_nothing_of_either() {
        let values = [b"abcdefgh".to_vec(), b"efghijkl".to_vec()];
        let marked = marks(b"<abcdefghijkl>", false, &values);
        assert_eq!(masked(b"<abcdefghijkl>", &marked).unwrap(), b"<***>");
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics_and_no_plain_value_gets_through(
            before in "\\PC*", value in "[a-z%&\\\\]{6,12}", after in "\\PC*", cut in proptest::bool::ANY,
        ) {
            let text = format!("{before}{value}{after}");
            proptest::prop_assert!(!shown(&text, cut, &value).contains(&value));
            for end in 0..text.len() {
                marks(&text.as_bytes()[..end], cut, &[value.clone().into_bytes()]);
            }
        }
    }
}
