//! Web addresses within texts. A chat recognises them itself and makes links of their exact
//! text.

use std::ops::Range;

const SCHEMES: [&str; 2] = ["https://", "http://"];

/// The positions of the web addresses in a text, in order.
pub(super) fn urls(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = next_start(text, from) {
        let length = length_of(&text[start..]);
        found.push(start..start + length);
        from = start + length;
    }
    found
}

/// The next beginning of an address that is not the end of another word.
fn next_start(text: &str, from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    let colons = rest.match_indices("://").map(|(at, _)| from + at);
    colons
        .flat_map(|colon| SCHEMES.iter().filter_map(move |scheme| (colon + 3).checked_sub(scheme.len())))
        .filter(|start| *start >= from && text.is_char_boundary(*start))
        .find(|start| {
            let is_scheme = SCHEMES.iter().any(|scheme| {
                text[*start..]
                    .get(..scheme.len())
                    .is_some_and(|beginning| beginning.eq_ignore_ascii_case(scheme))
            });
            is_scheme && !text[..*start].ends_with(char::is_alphanumeric)
        })
}

/// How much of a text, which begins with an address, belongs to it.
fn length_of(text: &str) -> usize {
    let (mut length, mut in_query) = (0, false);
    while let Some(byte) = text.as_bytes().get(length) {
        length += match byte {
            b'[' if in_query => match bracketed(&text[length..]) {
                Some(group) => group,
                None => break,
            },
            byte if belongs_to_url(*byte) => 1,
            _ => break,
        };
        in_query |= *byte == b'?';
    }
    length
}

/// The length of `[name]`, as queries have it: `?filter[status]=open`. Before a `(` it is how
/// Markdown begins a link.
fn bracketed(text: &str) -> Option<usize> {
    let end = text.find(']')?;
    let is_name =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':' | b'%' | b'$');
    let is_group = text.bytes().take(end).skip(1).all(is_name) && text.as_bytes().get(end + 1) != Some(&b'(');
    is_group.then_some(end + 1)
}

/// The characters of RFC 3986, but for the brackets of numeric hosts, which are marks of
/// every chat's own.
const fn belongs_to_url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b':'
                | b'/'
                | b'?'
                | b'#'
                | b'@'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b'%'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_wherever_they_stand() {
        for (text, found) in [
            ("see https://a.example/@ada/1 now", vec!["https://a.example/@ada/1"]),
            ("(HTTP://a.example/a_b)", vec!["HTTP://a.example/a_b)"]),
            ("https://a.example/x https://b.example/y", vec!["https://a.example/x", "https://b.example/y"]),
            (
                "https://a.example/[x](https://evil.example)",
                vec!["https://a.example/", "https://evil.example)"],
            ),
            (
                "https://a.example/?f[a_b]=1&s[]=x[ https://a.example/?x[y](https://evil.example)",
                vec!["https://a.example/?f[a_b]=1&s[]=x", "https://a.example/?x", "https://evil.example)"],
            ),
            ("漢https://a.example", vec![]),
            ("漢 https://a.example/é", vec!["https://a.example/"]),
            ("xhttps://a.example ftp://b.example ://", vec![]),
            ("://x https://", vec!["https://"]),
        ] {
            let urls: Vec<_> = urls(text).into_iter().map(|range| &text[range]).collect();
            assert_eq!(urls, found, "{text}");
        }
    }
}
