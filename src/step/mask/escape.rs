//! The escapes of URLs, JSON and HTML.

/// The byte that an escape at the beginning of this text stands for, and its length.
pub(super) fn escaped(text: &[u8]) -> Option<(u8, usize)> {
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
pub(super) fn is_cut_escape(text: &[u8]) -> bool {
    match text {
        [b'\\', b'u', rest @ ..] => rest.len() < 4,
        [b'%', rest @ ..] | [b'\\', b'x', rest @ ..] => rest.len() < 2,
        [b'\\'] => true,
        [b'&', rest @ ..] => rest.len() < ENTITY_MAX && !rest.contains(&b';'),
        _ => false,
    }
}
