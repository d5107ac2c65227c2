//! Masking: hides values in a text, in whatever form they are written there.

mod escape;
mod forms;
#[cfg(test)]
mod one_by_one;
mod search;

use self::forms::{Alphabet, Forms};
use self::search::Search;

/// A value shorter than this is not masked: it would be found in most texts.
pub(super) const LEAST: usize = 6;
/// The shortest beginning of a value that is masked at the end of a text that was cut.
const LEAST_AT_A_CUT: usize = 3;
/// How many more bytes are read than are masked. If a value begins in the masked part and
/// continues to the end of what was read, more than `LEAST_AT_A_CUT` of its bytes are in these
/// bytes, even if each character of an escape is escaped itself.
const READ_BEHIND: usize = 256;
/// The most bytes that are compared for each byte of the text. A text that was not written to
/// exceed this stays far below: each alphabet takes one or two comparisons.
const COMPARED_PER_BYTE: usize = 32;
const MASK: &[u8] = b"***";

/// Marks these values in the first `length` bytes of a text. A value is found as plain text, in
/// hexadecimal, and in base64 of any text that contains it. In hexadecimal, `:`, `-`, spaces or
/// line breaks may separate the bytes; in base64 there may be line breaks. Each of these forms is
/// found even if it is escaped for URLs, JSON or HTML, up to three times over.
///
/// A value is not found in any other encoding: in base64 of base64 or of hexadecimal, reversed,
/// compressed, as a list of numbers, or in pieces.
///
/// The text may end within a value. `cut` says that the original text was longer: then a shorter
/// beginning of a value is marked too.
///
/// The work is bounded by the length of the text, plus the length of the values once. A text that
/// needs more work, because it contains the beginnings of values very often, is marked completely.
pub(super) fn marks(text: &[u8], length: usize, cut: bool, values: Vec<Vec<u8>>) -> Vec<bool> {
    let read = text.len().min(length.saturating_add(READ_BEHIND));
    let cut = cut || read < text.len();
    let mut marked = search(&text[..read], cut, values).unwrap_or_else(|TooMuchWork| vec![true; read]);
    marked.truncate(length);
    marked
}

/// The search needs more comparisons than the limit.
#[derive(Debug)]
struct TooMuchWork;

fn search(text: &[u8], cut: bool, values: Vec<Vec<u8>>) -> Result<Vec<bool>, TooMuchWork> {
    let values = searchable(text, cut, values);
    let mut search = Search::new(text, cut);
    for alphabet in [Alphabet::Bytes, Alphabet::Hex, Alphabet::Base64] {
        search.mark(&Forms::new(&values, alphabet))?;
    }
    Ok(search.marked)
}

/// The distinct values that this text may contain, each cut to the length that it can contain.
fn searchable(text: &[u8], cut: bool, mut values: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let longest = text.len() + LEAST;
    values.retain(|value| value.len() >= LEAST && (cut || value.len() <= longest));
    for value in &mut values {
        value.truncate(longest);
    }
    values.sort_unstable();
    values.dedup();
    values
}

/// Replaces each run of marked bytes in the text; `None` if no byte is marked.
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

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::*;

    fn shown(text: &str, cut: bool, value: &str) -> String {
        let marked = marks(text.as_bytes(), text.len(), cut, vec![value.as_bytes().to_vec()]);
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
            (r#"{"echo":"{\"key\":\"c/4n+a\\\"r=y?\"}"}"#.to_owned(), r#"{"echo":"{\"key\":\"***\"}"}"#),
            (r#"{"echo":"c\\\/4n+a\\u0022r\\u003dy?"}"#.to_owned(), r#"{"echo":"***"}"#),
            ("a=c%252F4n%252ba%2522r%253dy%253F&b".to_owned(), "a=***&b"),
            ("<p>c&sol;4n&plus;a&#0034;r&equals;y&#x0003f;</p>".to_owned(), "<p>***</p>"),
            ("<p>c/4n+a&amp;quot;r=y?</p>".to_owned(), "<p>***</p>"),
            ("[63:2f:34:6e:2b:61:22:72:3d:79:3f]".to_owned(), "[***]"),
            ("[63 2F 34 6E 2B 61 22 72\r\n3D 79 3F]".to_owned(), "[***]"),
            ("[63-2f-34-6e-2b-61-22-72-3d-79-3f]".to_owned(), "[***]"),
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
                    // The first and last groups of four also encode bits of the text before and after.
                    let rest = text.len() - shown.len().saturating_sub("<***>".len());
                    assert!(rest * 3 / 4 >= value.len() - 2, "{before} {after}: {shown}");
                }
            }
        }
    }

    #[test]
    fn a_value_is_found_in_base64_that_is_broken_into_lines() {
        let value = "canary-4711?>canary";
        let text = STANDARD.encode(format!("a long user:{value} and more"));
        for line in [4, 7, 13, 20] {
            for end in ["\n", "\r\n", r"\n", r"\r\n", r"\\n", "%0D%0A", "&#13;&#10;"] {
                let lines: Vec<_> =
                    text.as_bytes().chunks(line).map(|line| String::from_utf8_lossy(line)).collect();
                let shown = shown(&format!("<{}>", lines.join(end)), false, value);
                let (before, after) = shown.split_once("***").unwrap_or_default();
                assert!(text.starts_with("YSBsb25nIHVzZXI6") && !shown.contains("Y2FuYXJ5"), "{shown}");
                assert!(before.contains('Y') && after.ends_with('>') && !after.contains("***"), "{shown}");
            }
        }
        let cut = shown("<Y2Fu\r\n", true, value);
        assert_eq!(cut, "<***");
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
        let values = vec![b"abcdefgh".to_vec(), b"efghijkl".to_vec()];
        let marked = marks(b"<abcdefghijkl>", 14, false, values);
        assert_eq!(masked(b"<abcdefghijkl>", &marked).unwrap(), b"<***>");
    }

    /// How many bytes a search compared until it ended or gave up.
    fn compared(text: &[u8], values: &[Vec<u8>]) -> usize {
        let mut search = Search::new(text, true);
        let before = search.left;
        let values = searchable(text, true, values.to_vec());
        for alphabet in [Alphabet::Bytes, Alphabet::Hex, Alphabet::Base64] {
            if search.mark(&Forms::new(&values, alphabet)).is_err() {
                break;
            }
        }
        before - search.left
    }

    #[test]
    fn more_values_do_not_make_a_text_more_work_without_bound() {
        let text = [b"%".to_vec(), vec![b'a'; 1023]].concat();
        let twice = [b"%".to_vec(), vec![b'a'; 2047]].concat();
        let near = |values: usize| -> Vec<Vec<u8>> {
            (0..values)
                .map(|number| format!("{}b{number}", "a".repeat(number % 200 + 5)).into_bytes())
                .collect()
        };
        let bound = text.len() * COMPARED_PER_BYTE;
        assert!(compared(&text, &near(1)) <= text.len() * 10);
        assert!(compared(&text, &near(1000)) <= bound);
        assert!(compared(&twice, &near(1000)) <= 2 * bound);
        let mut same = near(1);
        same.extend(vec![same[0].clone(); 1000]);
        assert_eq!(compared(&text, &same), compared(&text, &near(1)));
    }

    #[test]
    fn a_text_that_takes_too_much_work_shows_nothing() {
        let text = "a".repeat(1024);
        let value = format!("{}b", "a".repeat(1000));
        assert_eq!(shown(&text, true, &value), "***");
        assert_eq!(shown(&text, false, &value), "***");
    }

    #[test]
    fn a_long_answer_of_an_endpoint_with_many_values_is_masked_where_they_stand() {
        let values: Vec<Vec<u8>> =
            (0..1000).map(|number| format!("token-{number:04}-{number}").into_bytes()).collect();
        let line = "{\"error\":\"the key token-0421-421 is \\u0022unknown\\u0022 here\"}\n";
        let text = line.repeat(60).into_bytes();
        let shown = masked(&text, &marks(&text, text.len(), true, values)).unwrap();
        let expected = line.replace("token-0421-421", "***").repeat(60);
        assert_eq!(String::from_utf8(shown).unwrap(), expected);
    }

    #[test]
    fn a_value_that_begins_in_what_is_kept_is_masked_to_its_end() {
        let value = "canary-4711".repeat(30);
        let text = format!("said {value} and {}", "more ".repeat(100_000));
        let marked = marks(text.as_bytes(), 9, false, vec![value.into_bytes()]);
        assert_eq!(masked(&text.as_bytes()[..9], &marked).unwrap(), b"said ***");
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics_and_no_plain_value_gets_through(
            before in "\\PC*", value in "[a-z%&\\\\]{6,12}", after in "\\PC*", cut in proptest::bool::ANY,
        ) {
            let text = format!("{before}{value}{after}");
            proptest::prop_assert!(!shown(&text, cut, &value).contains(&value));
            for end in 0..text.len() {
                marks(&text.as_bytes()[..end], end, cut, vec![value.clone().into_bytes()]);
            }
        }

        #[test]
        fn a_value_is_found_however_it_is_written_and_escaped_up_to_three_times(
            value in "[a-z+/%&=\"\\\\?:<]{8,16}", form in 0_usize..5, depth in 0_usize..4,
            escapes in proptest::collection::vec(0_usize..6, 3),
        ) {
            let written = match form {
                0 => value.clone(),
                1 => hex::encode(&value),
                2 => value.bytes().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":"),
                3 => STANDARD.encode(&value),
                _ => {
                    let text = STANDARD.encode(&value);
                    let lines = text.as_bytes().chunks(5).map(String::from_utf8_lossy);
                    lines.collect::<Vec<_>>().join("\r\n")
                }
            };
            let escaped = escapes.iter().take(depth).fold(written, |text, kind| escaped_for(*kind, &text));
            let shown = shown(&format!("<<{escaped}>>"), false, &value);
            let left = shown.strip_prefix("<<***").and_then(|rest| rest.strip_suffix(">>"));
            // The last character of base64 and its padding remain: they may hold bits of the next byte.
            let is_left = |left: &str| left.is_empty() || (form >= 3 && left.len() <= 600);
            proptest::prop_assert!(left.is_some_and(is_left), "{escaped} is shown as {shown}");
        }

        #[test]
        fn whatever_is_found_one_by_one_is_marked(
            values in proptest::collection::vec("[ab+/%2&;x\\\\]{6,9}", 1..4),
            pieces in proptest::collection::vec((0_usize..9, 0_usize..4, 0_usize..12), 0..8),
            end in 0_usize..200, length in 0_usize..200, cut in proptest::bool::ANY,
        ) {
            let values: Vec<Vec<u8>> = values.into_iter().map(String::into_bytes).collect();
            let mut text = Vec::new();
            for (form, value, until) in pieces {
                let value = &values[value % values.len()];
                let part = &value[..until.min(value.len())];
                text.extend(written(form, part));
            }
            text.truncate(end);
            let slow = one_by_one::marks(&text, cut, &values);
            let fast = marks(&text, length, cut, values);
            for (at, marked) in slow.iter().enumerate().take(length) {
                proptest::prop_assert!(!marked || fast[at], "{at} of {}", String::from_utf8_lossy(&text));
            }
        }
    }

    /// A text, escaped for use within another text.
    fn escaped_for(kind: usize, text: &str) -> String {
        let each = |write: &dyn Fn(char) -> String| text.chars().map(write).collect::<String>();
        let unless_plain = |write: &dyn Fn(u32) -> String| {
            each(&|of| if of.is_ascii_alphanumeric() { of.into() } else { write(of.into()) })
        };
        match kind {
            0 => {
                let quoted = serde_json::to_string(text).unwrap();
                quoted[1..quoted.len() - 1].to_owned()
            }
            1 => unless_plain(&|code| format!("\\u{code:04x}")),
            2 => unless_plain(&|code| format!("%{code:02X}")),
            3 => unless_plain(&|code| format!("&#{code:05};")),
            4 => unless_plain(&|code| format!("&#x{code:X};")),
            _ => each(&|of| match of {
                '&' => "&amp;".to_owned(),
                '<' => "&lt;".to_owned(),
                '"' => "&quot;".to_owned(),
                '+' => "&plus;".to_owned(),
                '/' => "&sol;".to_owned(),
                '=' => "&equals;".to_owned(),
                plain => plain.into(),
            }),
        }
    }

    /// A value in one of the forms that receivers write.
    fn written(form: usize, value: &[u8]) -> Vec<u8> {
        let each = |write: fn(&u8) -> String| value.iter().map(write).collect::<String>();
        match form {
            0 => value.to_vec(),
            1 => hex::encode(value).into_bytes(),
            2 => hex::encode_upper(value).into_bytes(),
            3 => STANDARD.encode(value).into_bytes(),
            4 => URL_SAFE.encode([b"x", value].concat()).into_bytes(),
            5 => each(|byte| format!("%{byte:02x}")).into_bytes(),
            6 => each(|byte| format!("\\u{byte:04X}")).into_bytes(),
            7 => each(|byte| format!("&#{byte};")).into_bytes(),
            _ => each(
                |byte| if byte % 2 == 0 { format!("%{byte:02X}") } else { char::from(*byte).to_string() },
            )
            .into_bytes(),
        }
    }
}
