//! A JSON text, which is known to be one, by the places of its bytes.

use std::borrow::Cow;

/// A JSON text.
#[derive(Clone, Copy)]
pub(super) struct Text<'a>(pub(super) &'a str);

/// What was passed over.
#[derive(Clone, Copy)]
pub(super) struct Passed {
    /// The place after it.
    pub(super) end: usize,
    /// Whether each string in it is Unicode: JSON allows escapes of half a character.
    pub(super) is_unicode: bool,
}

impl<'a> Text<'a> {
    /// Passes over a value that nobody looks into.
    pub(super) fn skip(self, start: usize) -> Passed {
        let (mut at, mut depth, mut is_unicode) = (start, 0_usize, true);
        while at < self.0.len() {
            match self.byte(at) {
                b'"' => {
                    let string = self.string(at);
                    (at, is_unicode) = (string.end, is_unicode && string.is_unicode);
                }
                b'{' | b'[' => (at, depth) = (at + 1, depth + 1),
                b'}' | b']' if depth > 0 => (at, depth) = (at + 1, depth - 1),
                b'}' | b']' | b',' | b' ' | b'\t' | b'\n' | b'\r' if depth == 0 => break,
                _ => {
                    at += 1;
                    continue;
                }
            }
            if depth == 0 {
                break;
            }
        }
        Passed { end: at, is_unicode }
    }

    /// Passes over the string that begins here.
    pub(super) fn string(self, start: usize) -> Passed {
        let (mut at, mut is_unicode) = (start + 1, true);
        while at < self.0.len() {
            match self.byte(at) {
                b'"' => return Passed { end: at + 1, is_unicode },
                b'\\' => {
                    let escape = self.escape(at);
                    (at, is_unicode) = (escape.end, is_unicode && escape.is_unicode);
                }
                _ => at += 1,
            }
        }
        Passed { end: at, is_unicode }
    }

    /// Passes over the escape that begins here, or over two that make one character.
    fn escape(self, at: usize) -> Passed {
        let (end, is_unicode) = match self.code_unit(at) {
            None => (at + 2, true),
            Some(0xD800..=0xDBFF) => match self.code_unit(at + 6) {
                Some(0xDC00..=0xDFFF) => (at + 12, true),
                _ => (at + 6, false),
            },
            Some(unit) => (at + 6, !matches!(unit, 0xDC00..=0xDFFF)),
        };
        Passed { end, is_unicode }
    }

    /// The unit of UTF-16 whose escape begins here.
    fn code_unit(self, at: usize) -> Option<u16> {
        if self.byte(at) != b'\\' || self.byte(at + 1) != b'u' {
            return None;
        }
        u16::from_str_radix(self.between(at + 2, at + 6), 16).ok()
    }

    pub(super) fn after_space(self, mut at: usize) -> usize {
        while matches!(self.byte(at), b' ' | b'\t' | b'\n' | b'\r') {
            at += 1;
        }
        at
    }

    /// The byte there; past the end there is none, and nothing matches.
    pub(super) fn byte(self, at: usize) -> u8 {
        #[cfg(test)]
        super::work::bytes(1);
        self.0.as_bytes().get(at).copied().unwrap_or(0)
    }

    /// The text from one place to another.
    pub(super) fn between(self, start: usize, end: usize) -> &'a str {
        #[cfg(test)]
        super::work::bytes(end.saturating_sub(start));
        self.0.get(start..end).unwrap_or_default()
    }
}

/// What a string in quotes says; `None` where that is not Unicode.
pub(super) fn content(quoted: &str) -> Option<Cow<'_, str>> {
    if quoted.contains('\\') {
        return serde_json::from_str(quoted).ok().map(Cow::Owned);
    }
    quoted.get(1..quoted.len().saturating_sub(1)).map(Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_passed_over_and_known_to_be_unicode_as_serde_json_reads_it() {
        for quoted in [
            r#""""#,
            r#""a\"b\\""#,
            r#""\\ud83d""#,
            r#""\ud83d""#,
            r#""\ud83d\ude00""#,
            r#""\uD83D\uDE00\udbff\udfff""#,
            r#""\ud83d\ud83d\ude00""#,
            r#""\ude00\ud83d""#,
            r#""\ud83dx\ude00""#,
            r#""\ud83d\\ude00""#,
            r#""\ud83d\n""#,
            r#""\ud7ff\ue000\u0041""#,
            "\"\u{1F600}\\u00e9\u{7f}\"",
        ] {
            let passed = Text(quoted).string(0);
            assert_eq!(passed.end, quoted.len(), "{quoted}");
            assert_eq!(passed.is_unicode, content(quoted).is_some(), "{quoted}");
            let inside = format!(r#"[0,{{"a":{quoted}}}],1"#);
            let passed = Text(&inside).skip(0);
            assert_eq!((passed.end, passed.is_unicode), (inside.len() - 2, content(quoted).is_some()));
        }
    }
}
