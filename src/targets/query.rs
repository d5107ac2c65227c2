//! What a URL's query says, read as a form writes it (WHATWG URL, 5.1).

use std::borrow::Cow;

/// The first parameter of that name in a request target; `None` where there is none, or
/// where it is not UTF-8.
pub(super) fn parameter<'a>(target: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let (_, query) = target.split_once('?')?;
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let (_, value) = pairs.into_iter().find(|(own, _)| decoded(own).is_some_and(|own| own == name))?;
    decoded(value)
}

/// A plus is a space, and `%40` an `@`; a percent sign before anything else is itself.
fn decoded(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains(['%', '+']) {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        bytes.push(match (first, after) {
            (b'+', _) => b' ',
            (b'%', [high, low, after @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    rest = after;
                    high << 4 | low
                }
                _ => b'%',
            },
            (other, _) => *other,
        });
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_as_a_form_writes_it() {
        for (target, value) in [
            ("/x?chat=1", Some("1")),
            ("/x?chat=%40news&chat=2", Some("@news")),
            ("/x?%63hat=a%2Bb+c", Some("a+b c")),
            ("/x?a&chat", Some("")),
            ("/x?chat=%4", Some("%4")),
            ("/x?chat=%zz%E6%BC%A2", Some("%zz漢")),
            ("/x?chat=%ff", None),
            ("/x?chats=1", None),
            ("/x", None),
        ] {
            assert_eq!(parameter(target, "chat").as_deref(), value, "{target}");
        }
    }
}
