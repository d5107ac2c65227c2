//! A body for people's eyes: the secret key stands in every one.

use std::borrow::Cow;

const MEMBER: &[u8] = b"\"secret_key\"";
const MASK: &[u8] = b"\"***\"";

/// The body with the value of every `secret_key` masked, at any depth, whether it is a
/// text or not, and whether the body is JSON or was cut off in the middle of it.
#[must_use]
pub fn masked(body: &[u8]) -> Cow<'_, [u8]> {
    let mut shown = Vec::new();
    let mut rest = body;
    while let Some(at) = position(rest, MEMBER) {
        let after = at + MEMBER.len();
        let blank = rest[after..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let (kept, value) = rest.split_at(after + blank);
        shown.extend_from_slice(kept);
        rest = value;
        if let [b':', value @ ..] = value {
            let blank = value.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            shown.push(b':');
            shown.extend_from_slice(&value[..blank]);
            shown.extend_from_slice(MASK);
            rest = &value[blank + length_of_value(&value[blank..])..];
        }
    }
    if shown.is_empty() {
        return Cow::Borrowed(body);
    }
    shown.extend_from_slice(rest);
    Cow::Owned(shown)
}

/// How far the value reaches: a text to its closing quote, anything else to what ends a
/// member. What has no end reaches to the end.
fn length_of_value(value: &[u8]) -> usize {
    if value.first() != Some(&b'"') {
        return value.iter().position(|byte| b",}]".contains(byte)).unwrap_or(value.len());
    }
    let mut escaped = false;
    let end = value.iter().skip(1).position(|byte| {
        let closes = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        closes
    });
    end.map_or(value.len(), |end| end + 2)
}

fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_key_is_masked_and_nothing_else_changes() {
        for (body, shown) in [
            (r#"{"a":1}"#, r#"{"a":1}"#),
            (r#"{"secret_key":"s","a":1}"#, r#"{"secret_key":"***","a":1}"#),
            ("{\"secret_key\" :\t\"s\"}", "{\"secret_key\" :\t\"***\"}"),
            (r#"{"secret_key":"s\"t\\","a":1}"#, r#"{"secret_key":"***","a":1}"#),
            (
                r#"{"secret_key":12,"b":{"secret_key":"t"}}"#,
                r#"{"secret_key":"***","b":{"secret_key":"***"}}"#,
            ),
            (r#"{"secret_key":"cut of"#, r#"{"secret_key":"***""#),
            (r#"{"a":"secret_key"}"#, r#"{"a":"secret_key"}"#),
            (r#"{"secret_key""#, r#"{"secret_key""#),
        ] {
            assert_eq!(String::from_utf8_lossy(&masked(body.as_bytes())), shown, "{body}");
        }
    }
}
