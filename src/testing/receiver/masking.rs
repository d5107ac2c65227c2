//! What may be shown of received text: no credentials, and nothing that controls a terminal.

use std::fmt::Write as _;
use std::ops::Range;

/// Words in names whose values are credentials.
const CREDENTIALS: [&str; 9] =
    ["authen", "authoriz", "cookie", "credential", "key", "password", "secret", "signature", "token"];

/// Whether the value of this header or JSON key is a credential.
pub(super) fn is_credential(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.ends_with("auth") || CREDENTIALS.iter().any(|word| lower.contains(word))
}

/// The text with every control character, and everything that changes the direction of
/// writing, as an escape. Line ends and tabs are kept.
pub(super) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        let turns =
            matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if turns || character.is_control() && !matches!(character, '\n' | '\t') {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// The text without the values of credentials, if it is the beginning of a JSON text, which
/// may be cut anywhere. Other text has no keys by which credentials could be recognised.
pub(super) fn masked(text: &str) -> String {
    let (mut shown, mut at) = (String::with_capacity(text.len()), 0);
    while let Some(key) = next_string(text, at) {
        let value = value_after(text, key.end).filter(|_| names_credential(&text[key.clone()]));
        shown.push_str(&text[at..value.as_ref().map_or(key.end, |value| value.start)]);
        at = key.end;
        if let Some(value) = value {
            // Writing to a String does not fail.
            write!(shown, "… ({} bytes)", value.len()).ok();
            at = value.end;
        }
    }
    shown + &text[at..]
}

/// A key may be written with escapes.
fn names_credential(quoted: &str) -> bool {
    let plain = serde_json::from_str::<String>(quoted);
    is_credential(plain.as_deref().unwrap_or(quoted))
}

/// The next string at or after `from`, with its quotes.
fn next_string(text: &str, from: usize) -> Option<Range<usize>> {
    let start = from + text[from..].find('"')?;
    Some(start..string_end(text, start))
}

/// Behind the string that begins at `start`; the text's end if it is cut.
fn string_end(text: &str, start: usize) -> usize {
    let mut escaped = false;
    let closing = text[start + 1..].find(|character| {
        let closes = character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
        closes
    });
    closing.map_or(text.len(), |closing| start + closing + 2)
}

/// The value behind a key's colon, if what ended at `end` was a key.
fn value_after(text: &str, end: usize) -> Option<Range<usize>> {
    let colon = end + skip_space(&text[end..]);
    let start = colon + 1 + skip_space(text[colon..].strip_prefix(':')?);
    let rest = &text[start..];
    let end = match rest.as_bytes().first()? {
        b'"' => string_end(text, start),
        b'{' | b'[' => container_end(text, start),
        _ => start + rest.find([',', '}', ']']).unwrap_or(rest.len()),
    };
    Some(start..end)
}

/// Behind the object or list that begins at `start`; the text's end if it is cut.
fn container_end(text: &str, start: usize) -> usize {
    let (mut at, mut open) = (start, 0_usize);
    while let Some(byte) = text.as_bytes().get(at) {
        match byte {
            b'"' => {
                at = string_end(text, at);
                continue;
            }
            b'{' | b'[' => open += 1,
            b'}' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
        at += 1;
        if open == 0 {
            return at;
        }
    }
    text.len()
}

fn skip_space(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_credentials_are_left_out_whatever_they_are() {
        for (text, shown) in [
            (r#"{"secret_key":"abc","a":1}"#, r#"{"secret_key":… (5 bytes),"a":1}"#),
            (r#"{"a":{"Access_Token" : 12 , "b":"c"}}"#, r#"{"a":{"Access_Token" : … (3 bytes), "b":"c"}}"#),
            (r#"{"tokens":["x","]",{"y":"}"}],"z":0}"#, r#"{"tokens":… (19 bytes),"z":0}"#),
            (r#"{"secret":"a\"b\\","c":"d"}"#, r#"{"secret":… (8 bytes),"c":"d"}"#),
            (r#"{"\u0073ecret":"abc"}"#, r#"{"\u0073ecret":… (5 bytes)}"#),
            (r#"{"say":"secret","password":null}"#, r#"{"say":"secret","password":… (4 bytes)}"#),
            (r#"["secret","key"]"#, r#"["secret","key"]"#),
            (r#"{"secret_key":"cut off in the mid"#, r#"{"secret_key":… (19 bytes)"#),
            (r#"{"secret_key":["cut","off"#, r#"{"secret_key":… (11 bytes)"#),
            (r#"{"secret_key""#, r#"{"secret_key""#),
            (r#"{"secret_key":"#, r#"{"secret_key":"#),
            (r#"{"author_id":"ana","X-Auth":"b"}"#, r#"{"author_id":"ana","X-Auth":… (3 bytes)}"#),
            ("no JSON at all", "no JSON at all"),
            ("", ""),
        ] {
            assert_eq!(masked(text), shown);
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown_as_an_escape() {
        assert_eq!(printable("a\u{1b}[2J\r\n\tb\u{202e}c\0é"), "a\\u{1b}[2J\\u{d}\n\tb\\u{202e}c\\u{0}é");
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics_and_no_value_of_a_key_gets_through(
            before in "[\\PC\"{}\\[\\]:,\\\\]*", value in "[a-z]{8,12}", after in "[\\PC\"{}\\[\\]:,\\\\]*"
        ) {
            masked(&format!("{before}{after}"));
            let text = format!("{{\"token\":\"canary{value}\"{after}");
            proptest::prop_assert!(!masked(&text).contains("canary"), "{}", masked(&text));
        }
    }
}
