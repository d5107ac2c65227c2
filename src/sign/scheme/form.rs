//! Forms as Twilio signs them: names and values in order, each pair once; or, if the body is
//! not a form, its hash in the URL's query.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

/// The query parameter in which Twilio carries the body's SHA-256.
const BODY_HASH: &str = "bodySHA256";

/// The pairs of a form, sorted by name and value, without repetitions.
pub(super) fn pairs(body: &[u8]) -> BTreeSet<(Vec<u8>, Vec<u8>)> {
    let items = body.split(|byte| *byte == b'&').filter(|item| !item.is_empty());
    items
        .map(|item| {
            let equals = item.iter().position(|byte| *byte == b'=').unwrap_or(item.len());
            (decoded(&item[..equals]), decoded(item.get(equals + 1..).unwrap_or_default()))
        })
        .collect()
}

/// The body's hash in the URL's query, if there is one.
pub(super) fn body_hash(url: &str) -> Option<&str> {
    let (_, query) = url.split_once('?')?;
    let query = query.split('#').next().unwrap_or(query);
    query.split('&').find_map(|item| item.strip_prefix(BODY_HASH)?.strip_prefix('='))
}

/// Whether this hexadecimal text is the body's SHA-256. The hash is public, as the URL is.
pub(super) fn is_hash_of(text: &str, body: &[u8]) -> bool {
    let mut hash = [0_u8; 32];
    hex::decode_to_slice(text, &mut hash).is_ok() && hash[..] == Sha256::digest(body)[..]
}

/// Percent escapes and plus signs undone; an escape that is none stays as it is.
fn decoded(text: &[u8]) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some((first, after)) = rest.split_first() {
        let escaped = after.get(..2).filter(|_| *first == b'%').and_then(|digits| {
            let mut byte = [0];
            hex::decode_to_slice(digits, &mut byte).ok().map(|()| byte[0])
        });
        bytes.push(escaped.unwrap_or(if *first == b'+' { b' ' } else { *first }));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(body: &str) -> String {
        let parts = pairs(body.as_bytes()).into_iter().flat_map(|(name, value)| [name, value]);
        String::from_utf8(parts.flatten().collect()).unwrap()
    }

    #[test]
    fn pairs_are_decoded_sorted_and_joined_each_once() {
        for (body, expected) in [
            ("", ""),
            ("b=2&a=1", "a1b2"),
            ("a=2&a=1&a=2", "a1a2"),
            ("a=x+y%2Bz%c3%A9", "ax y+zé"),
            ("a=100%&b=%zz&c=%4", "a100%b%zzc%4"),
            ("&a&&b=1=2&", "ab1=2"),
        ] {
            assert_eq!(joined(body), expected, "{body}");
        }
    }

    #[test]
    fn a_hash_of_the_body_is_found_in_the_query_alone() {
        let hash = hex::encode(Sha256::digest(b"{}"));
        assert!(is_hash_of(&hash, b"{}") && !is_hash_of(&hash, b"{ }") && !is_hash_of("", b"{}"));
        assert_eq!(body_hash(&format!("https://a.test/x?a=1&bodySHA256={hash}#f")), Some(&*hash));
        for url in ["https://a.test/bodySHA256=1", "https://a.test/?xbodySHA256=1", "https://a.test/?a=1"] {
            assert_eq!(body_hash(url), None, "{url}");
        }
    }
}
