//! The check that a payload is JSON.

use serde::de::IgnoredAny;

use super::EventError;

/// Checks that bytes are one JSON value, as publishing checks a JSON payload. Only the syntax
/// is checked: any depth and any number are allowed, but all text must be UTF-8 (RFC 8259,
/// 8.1).
///
/// ```
/// use hookpost::event::check_json;
///
/// assert!(check_json(br#"{"order":7}"#).is_ok());
/// let stopped = check_json(br#"{"order":}"#).map_err(|error| error.to_string());
/// assert!(stopped.is_err_and(|why| why.contains("at byte 9: expected a value")));
/// ```
///
/// # Errors
/// Names the byte at which reading stopped, and what was expected there.
pub fn check_json(payload: &[u8]) -> Result<(), EventError> {
    // Skipped strings are not read, so the reader would let any bytes stand in them.
    std::str::from_utf8(payload)
        .map_err(|error| EventError::NotJson { at: error.valid_up_to(), expected: "UTF-8" })?;
    // `IgnoredAny` skips without recursion, so depth costs no stack.
    let mut reader = serde_json::Deserializer::from_slice(payload);
    let read = <IgnoredAny as serde::Deserialize>::deserialize(&mut reader).and_then(|_| reader.end());
    read.map_err(|error| EventError::NotJson {
        at: byte_offset(payload, &error),
        expected: expected(&error.to_string()),
    })
}

fn byte_offset(payload: &[u8], error: &serde_json::Error) -> usize {
    let lines_before = error.line().saturating_sub(1);
    let line_start: usize =
        payload.split_inclusive(|byte| *byte == b'\n').take(lines_before).map(<[u8]>::len).sum();
    line_start + error.column().saturating_sub(1)
}

/// The parser's error texts, and what it expected in each case, which it does not always name.
const EXPECTED: [(&str, &str); 15] = [
    ("EOF while parsing a value", VALUE),
    ("EOF while parsing a list", "a comma or a closing bracket"),
    ("EOF while parsing an object", "a comma or a closing brace"),
    ("EOF while parsing a string", "the closing quote of a string"),
    ("expected value", VALUE),
    ("expected ident", "null, true or false"),
    ("expected `:`", "a colon"),
    ("expected `,` or `}`", "a comma or a closing brace"),
    ("expected `,` or `]`", "a comma or a closing bracket"),
    ("key must be a string", "a key in double quotes"),
    ("trailing comma", "a value after the comma"),
    ("trailing characters", "the end of the text"),
    ("invalid escape", "an escape that JSON has"),
    ("invalid number", "a number without leading zeros, with a digit after its sign, dot and exponent"),
    ("control character", "control characters to be escaped"),
];
const VALUE: &str = "a value: an object, an array, a string in double quotes, a number, true, false or null";

fn expected(said: &str) -> &'static str {
    let known = EXPECTED.into_iter().find(|(begin, _)| said.starts_with(begin));
    known.map_or("valid JSON", |(_, expected)| expected)
}
