//! The signed bytes, part by part, and the order in which parts may follow each other.

use http::HeaderName;

use crate::error::Invalid;

use super::Grammar;

/// A part of the signed bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContentPart {
    /// The event's id, which is sent in this header.
    Id(HeaderName),
    /// The time of signing in whole seconds since the epoch, which is sent in this header.
    /// Exactly the header's text is signed.
    Timestamp(HeaderName),
    /// The time of signing in whole seconds since the epoch, which is listed in the
    /// signature's own header: see [`Grammar::Pairs`].
    ListedTimestamp,
    /// A fixed text.
    Literal(&'static str),
    /// The URL that the request is sent to, as configured on both sides.
    Url,
    /// The request's body.
    Body,
    /// The request's body, a JSON object that contains its own time of signing.
    DatedBody {
        /// The member that contains it, in milliseconds since the epoch.
        milliseconds: &'static str,
    },
    /// The sorted names and values of a form; nothing if the URL contains `bodySHA256`, which
    /// the body is then compared with. Only for the preset of Twilio: names and values are
    /// joined without a separator.
    FormPairs,
}

impl ContentPart {
    /// The header that carries this part.
    pub(super) const fn header(&self) -> Option<&HeaderName> {
        match self {
            Self::Id(header) | Self::Timestamp(header) => Some(header),
            _ => None,
        }
    }

    /// Whether the part contains the time of signing.
    pub(super) const fn tells_time(&self) -> bool {
        matches!(self, Self::Timestamp(_) | Self::ListedTimestamp | Self::DatedBody { .. })
    }

    const fn is_body(&self) -> bool {
        matches!(self, Self::Body | Self::DatedBody { .. })
    }
}

/// Parts are joined without lengths, so a part must not be able to contain what follows it:
/// ids contain no dot, timestamps are digits, URLs use few characters, and the body, which may
/// contain anything, is last. Both sides check the URL's characters, and the beginning of a
/// body right after a timestamp or a URL, by [`check_body`] and [`check_url`].
pub(super) fn check(content: &[ContentPart]) -> Result<(), Invalid> {
    let refuse = |rule| Err(Invalid { field: "content", rule });
    let before = match content.split_last() {
        Some((last, before)) if last.is_body() => before,
        _ => return refuse("must end with the body"),
    };
    if content.contains(&ContentPart::FormPairs) {
        return refuse("must hold no form pairs, which only presets may name");
    }
    let count = |of: fn(&ContentPart) -> bool| content.iter().filter(|part| of(part)).count();
    if before.iter().any(ContentPart::is_body)
        || count(|part| matches!(part, ContentPart::Id(_))) > 1
        || count(|part| *part == ContentPart::Url) > 1
        || count(ContentPart::tells_time) > 1
    {
        return refuse("must hold id, timestamp, URL and body once at most");
    }
    for pair in content.windows(2) {
        let next = if let ContentPart::Literal(text) = pair[1] { text.bytes().next() } else { None };
        match pair[0] {
            ContentPart::Id(_) if next != Some(b'.') => return refuse("must have a dot after the id"),
            ContentPart::Timestamp(_) | ContentPart::ListedTimestamp
                if pair[1] != ContentPart::Body && next.is_none_or(|byte| byte.is_ascii_digit()) =>
            {
                return refuse(
                    "must have the body, or a fixed text that begins with no digit, after the timestamp",
                );
            }
            ContentPart::Url if pair[1] != ContentPart::Body && next.is_none_or(may_be_in_url) => {
                return refuse("must have the body, or a fixed text that no URL goes on with, after the URL");
            }
            _ => {}
        }
    }
    Ok(())
}

/// Refuses a body whose beginning could be read as the end of what is signed right before it.
pub(in crate::sign) fn check_body(content: &[ContentPart], body: &[u8]) -> Result<(), &'static str> {
    let (&[.., ref before, ContentPart::Body], Some(first)) = (content, body.first()) else { return Ok(()) };
    match before {
        ContentPart::Timestamp(_) | ContentPart::ListedTimestamp if first.is_ascii_digit() => {
            Err("must begin with no digit, which could be the timestamp's")
        }
        ContentPart::Url if may_be_in_url(*first) => {
            Err("must begin with what no URL goes on with, as an object does, right after the URL")
        }
        _ => Ok(()),
    }
}

/// Refuses a URL whose end is ambiguous. Forms follow their URL without a separator anyway:
/// see [`ContentPart::FormPairs`].
pub(in crate::sign) fn check_url(content: &[ContentPart], url: &str) -> Result<(), &'static str> {
    if content.contains(&ContentPart::FormPairs) || url.bytes().all(may_be_in_url) {
        Ok(())
    } else {
        Err("must hold no other characters than RFC 3986 has for URLs")
    }
}

/// The characters of a URI: RFC 3986, section 2.
fn may_be_in_url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte)
}

/// Refuses a time that is sent with the request but not signed, since anyone could set it.
pub(super) fn check_listed(content: &[ContentPart], grammar: Grammar) -> Result<(), Invalid> {
    let carried = matches!(grammar, Grammar::Pairs { timestamp: Some(_), .. });
    match (carried, content.contains(&ContentPart::ListedTimestamp)) {
        (true, false) => Err(Invalid {
            field: "content",
            rule: "must sign the timestamp that the signature's header lists",
        }),
        (false, true) => {
            Err(Invalid { field: "grammar", rule: "must list the timestamp that the content signs" })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_that_could_be_cut_in_two_ways_or_leaves_the_body_out_is_refused() {
        let id = || ContentPart::Id(HeaderName::from_static("x-id"));
        let time = || ContentPart::Timestamp(HeaderName::from_static("x-time"));
        let dated = || ContentPart::DatedBody { milliseconds: "at" };
        let text = ContentPart::Literal;
        for content in [
            vec![],
            vec![text("v0:")],
            vec![time(), text(".")],
            vec![ContentPart::Url],
            vec![ContentPart::Body, text(".")],
            vec![ContentPart::Body, ContentPart::Body],
            vec![ContentPart::Body, dated()],
            vec![id(), ContentPart::Body],
            vec![id(), text(":"), ContentPart::Body],
            vec![id(), text(""), ContentPart::Body],
            vec![id(), time(), text("."), ContentPart::Body],
            vec![time(), text("0."), ContentPart::Body],
            vec![time(), text(""), ContentPart::Body],
            vec![time(), ContentPart::Url, ContentPart::Body],
            vec![time(), text("."), time(), text("."), ContentPart::Body],
            vec![time(), text("."), ContentPart::ListedTimestamp, text("."), ContentPart::Body],
            vec![time(), text("."), dated()],
            vec![time(), dated()],
            vec![ContentPart::Url, ContentPart::Url, ContentPart::Body],
            vec![ContentPart::Url, text("."), ContentPart::Body],
            vec![ContentPart::Url, text(""), ContentPart::Body],
            vec![ContentPart::Url, id(), text("."), ContentPart::Body],
            vec![ContentPart::Url, ContentPart::FormPairs],
        ] {
            assert_eq!(check(&content).unwrap_err().field, "content", "{content:?}");
        }
        for content in [
            vec![text("v0:"), time(), text(":"), ContentPart::Body],
            vec![time(), ContentPart::Body],
            vec![ContentPart::Url, ContentPart::Body],
            vec![ContentPart::Url, text("\n"), time(), ContentPart::Body],
            vec![id(), text("."), dated()],
        ] {
            assert_eq!(check(&content), Ok(()), "{content:?}");
        }
    }

    #[test]
    fn a_body_begins_with_what_cannot_belong_to_the_part_right_before_it() {
        let time = || ContentPart::Timestamp(HeaderName::from_static("x-time"));
        let after_time = [time(), ContentPart::Body];
        let after_url = [ContentPart::Url, ContentPart::Body];
        let after_text = [ContentPart::Url, ContentPart::Literal("\n"), ContentPart::Body];
        for (body, with_time, with_url) in [
            ("", true, true),
            ("{}", true, true),
            ("\"text\"", true, true),
            (" ", true, true),
            ("\u{e9}", true, true),
            ("5", false, false),
            ("[]", true, false),
            ("/x", true, false),
            ("true", true, false),
        ] {
            let fits = |content: &[ContentPart]| check_body(content, body.as_bytes()).is_ok();
            assert_eq!((fits(&after_time), fits(&after_url)), (with_time, with_url), "{body}");
            assert!(fits(&after_text) && fits(&[ContentPart::Body]), "{body}");
        }
        let url = "https://shop.example/a/b?c=%20d&e=[1]#f";
        assert_eq!(check_url(&after_url, url), Ok(()));
        for odd in ["{", "\"", " ", "\n", "\u{e9}"] {
            assert!(check_url(&after_url, &format!("{url}{odd}")).is_err(), "{odd:?}");
            assert!(
                check_url(&[ContentPart::Url, ContentPart::FormPairs], &format!("{url}{odd}")).is_ok(),
                "{odd:?}"
            );
        }
    }

    #[test]
    fn a_timestamp_that_the_header_lists_is_signed_and_a_signed_one_is_listed() {
        let pairs = |timestamp| Grammar::Pairs { separator: ',', timestamp, signature: "v1" };
        let signed = [ContentPart::ListedTimestamp, ContentPart::Literal("."), ContentPart::Body];
        assert_eq!(check_listed(&[ContentPart::Body], pairs(Some("t"))).unwrap_err().field, "content");
        assert_eq!(check_listed(&signed, pairs(None)).unwrap_err().field, "grammar");
        assert_eq!(check_listed(&signed, Grammar::Bare { prefix: "" }).unwrap_err().field, "grammar");
        assert_eq!(check_listed(&signed, pairs(Some("t"))), Ok(()));
        assert_eq!(check_listed(&[ContentPart::Body], pairs(None)), Ok(()));
    }
}
