//! Decodes Punycode (RFC 3492). An endpoint's URL contains its host as it is sent, and a label
//! that is not the encoding of a name is refused.

const BASE: u32 = 36;
const T_MIN: u32 = 1;
const T_MAX: u32 = 26;
const SKEW: u32 = 38;
const DAMP: u32 = 700;

/// Whether a label without its `xn--` can encode a name: it can be decoded, it needs the
/// encoding, and it contains nothing that a name never contains.
///
/// The tables of IDNA are far larger than this crate. A label that passes here and breaks them
/// is refused by the transport, which must read the host in exactly the same way.
pub(super) fn is_name(encoded: &str) -> bool {
    let Some(decoded) = decode(encoded) else {
        return false;
    };
    !decoded.iter().all(char::is_ascii) && !decoded.iter().copied().any(is_odd)
}

/// Whether no name holds that character. Names are compared in lower case, but for
/// Cherokee, which IDNA keeps in capitals.
fn is_odd(character: char) -> bool {
    let capital = !character.to_lowercase().eq([character]);
    character.is_control()
        || character.is_whitespace()
        || (capital && !('\u{13a0}'..='\u{13f5}').contains(&character))
}

fn decode(encoded: &str) -> Option<Vec<char>> {
    let (basic, extended) = encoded.rsplit_once('-').unwrap_or(("", encoded));
    let mut output: Vec<char> = basic.chars().collect();
    let (mut code, mut index, mut bias) = (128_u32, 0_u32, 72_u32);
    let mut digits = extended.bytes().peekable();
    while digits.peek().is_some() {
        let before = index;
        let (mut weight, mut threshold_at) = (1_u32, BASE);
        loop {
            let digit = match digits.next()? {
                letter @ b'a'..=b'z' => u32::from(letter - b'a'),
                number @ b'0'..=b'9' => u32::from(number - b'0') + 26,
                _ => return None,
            };
            index = index.checked_add(digit.checked_mul(weight)?)?;
            let threshold = threshold_at.saturating_sub(bias).clamp(T_MIN, T_MAX);
            if digit < threshold {
                break;
            }
            weight = weight.checked_mul(BASE - threshold)?;
            threshold_at = threshold_at.checked_add(BASE)?;
        }
        let length = u32::try_from(output.len()).ok()?.checked_add(1)?;
        bias = adapt(index - before, length, before == 0);
        code = code.checked_add(index / length)?;
        index %= length;
        output.insert(usize::try_from(index).ok()?, char::from_u32(code)?);
        index += 1;
    }
    Some(output)
}

const fn adapt(delta: u32, length: u32, first: bool) -> u32 {
    let mut delta = if first { delta / DAMP } else { delta / 2 };
    delta += delta / length;
    let mut bias = 0;
    while delta > (BASE - T_MIN) * T_MAX / 2 {
        delta /= BASE - T_MIN;
        bias += BASE;
    }
    bias + (BASE - T_MIN + 1) * delta / (delta + SKEW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_decode_as_the_standard_says() {
        // RFC 3492, 7.1 (lower-cased), and three of everyday use.
        let rows = [
            ("bcher-kva", "bücher"),
            ("mnchen-3ya", "münchen"),
            ("f9dt7l", "ᏣᎳᎩ"),
            ("egbpdaj6bu4bxfgehfvwxn", "ليهمابتكلموشعربي؟"),
            ("ihqwcrb4cv8a8dqg056pqjye", "他们为什么不说中文"),
            ("n8jok5ay5dzabd5bym9f0cm5685rrjetr6pdxa", "なぜみんな日本語を話してくれないのか"),
            ("i1baa7eci9glrd9b2ae1bj0hfcgg6iyaf8o0a1dig0cd", "यहलोगहिन्दीक्योंनहींबोलसकतेहैं"),
        ];
        for (encoded, name) in rows {
            assert_eq!(decode(encoded).map(String::from_iter).as_deref(), Some(name));
            assert!(is_name(encoded), "{name}");
        }
    }

    #[test]
    fn what_no_name_encodes_to_is_refused() {
        for encoded in ["", "a", "ascii-", "bcher-k!a", "99999999999", "Bcher-kva", "bcher-KVA"] {
            assert!(!is_name(encoded), "{encoded}");
        }
        for odd in ["bÜcher", "a\u{85}b", "a\u{3000}b"].into_iter().zip(["bcher-2pa", "ab-qa", "ab-l13a"]) {
            assert_eq!(decode(odd.1).map(String::from_iter).as_deref(), Some(odd.0));
            assert!(!is_name(odd.1), "{odd:?}");
        }
    }
}
