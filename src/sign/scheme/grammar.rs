//! The form of the signature's header.

use crate::error::Invalid;

use super::mac::Mac;
use super::{Algorithm, Encoding};

/// The most signatures that a header may hold. A sender with more secrets in force
/// signs with the newest; a verifier refuses a longer list.
pub(super) const SIGNATURES_MAX: usize = 32;

/// The form of the signature's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Grammar {
    /// One signature after a fixed prefix, such as `sha256=`, or after nothing.
    Bare {
        /// The prefix; empty for none.
        prefix: &'static str,
    },
    /// `version,signature`, several of them separated by one space each. Signatures of other
    /// versions are ignored.
    List {
        /// The version of this scheme.
        version: &'static str,
    },
    /// `key=value`, several of them with separators, such as `t=1700000000,v1=5257a8`. The
    /// signature's key may occur more than once; unknown keys are ignored.
    Pairs {
        /// The separator of two pairs, such as a comma.
        separator: char,
        /// The key of the time of signing, if the header contains it: the content then has
        /// [`ContentPart::ListedTimestamp`](super::ContentPart::ListedTimestamp).
        timestamp: Option<&'static str>,
        /// The key of a signature.
        signature: &'static str,
    },
}

/// A header that no sender of the scheme writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sign) struct Malformed {
    /// The rule it breaks.
    pub(in crate::sign) rule: &'static str,
}

impl Grammar {
    /// The header's text for these codes, of which there are at most `count`.
    pub(super) fn write(
        self,
        (algorithm, encoding): (Algorithm, Encoding),
        timestamp: &[u8],
        count: usize,
        macs: impl Iterator<Item = Mac>,
    ) -> Vec<u8> {
        let (lead, equals, between, most) = match self {
            Self::Bare { prefix } => (prefix, "", ' ', 1),
            Self::List { version } => (version, ",", ' ', SIGNATURES_MAX),
            Self::Pairs { separator, signature, .. } => (signature, "=", separator, SIGNATURES_MAX),
        };
        let mut separator = [0; 4];
        let between = between.encode_utf8(&mut separator).as_bytes();
        let bytes = algorithm.bytes();
        let each = lead.len() + equals.len() + encoding.chars(bytes);
        let head = match self {
            Self::Pairs { timestamp: Some(key), .. } => [key.as_bytes(), b"=", timestamp].concat(),
            _ => Vec::new(),
        };
        let count = count.clamp(1, most);
        let marks = if head.is_empty() { count - 1 } else { count };
        // The very length: a text with room to spare costs its header value an allocation.
        let mut text = Vec::with_capacity(head.len() + count * each + marks * between.len());
        text.extend_from_slice(&head);
        for mac in macs.take(most) {
            if !text.is_empty() {
                text.extend_from_slice(between);
            }
            text.extend_from_slice(lead.as_bytes());
            text.extend_from_slice(equals.as_bytes());
            encoding.write(&mac, bytes, &mut text);
        }
        text
    }

    /// The codes in a header, each of them whole and in its one form.
    pub(in crate::sign) fn read(
        self,
        algorithm: Algorithm,
        encoding: Encoding,
        text: &str,
    ) -> impl Iterator<Item = Result<Mac, Malformed>> {
        let bytes = algorithm.bytes();
        self.items(text).filter_map(move |item| {
            let signature = item.and_then(|item| self.signature(item)).transpose()?;
            let whole = |text: &str| {
                encoding.read(bytes, text.as_bytes()).ok_or(Malformed { rule: encoding.rule(bytes) })
            };
            Some(signature.and_then(whole))
        })
    }

    /// The time of signing in the header; `None` if the grammar has none.
    pub(in crate::sign) fn timestamp(self, text: &str) -> Result<Option<&str>, Malformed> {
        let Self::Pairs { timestamp: Some(key), .. } = self else { return Ok(None) };
        let mut found = None;
        for item in self.items(text) {
            match item?.split_once('=') {
                Some((own, value)) if own == key && found.is_none() => found = Some(value),
                Some((own, _)) if own == key => {
                    return Err(Malformed { rule: "must hold its timestamp once" });
                }
                _ => {}
            }
        }
        found.map(Some).ok_or(Malformed { rule: "must hold its timestamp" })
    }

    /// The parts between the separators, at most one more than a header may contain.
    fn items(self, text: &str) -> impl Iterator<Item = Result<&str, Malformed>> {
        let (separator, most) = match self {
            // One code is all the text, whatever stands in it.
            Self::Bare { .. } => (' ', 1),
            Self::List { .. } => (' ', SIGNATURES_MAX),
            Self::Pairs { separator, .. } => (separator, SIGNATURES_MAX + 1),
        };
        let cut = if most == 1 { 1 } else { most + 1 };
        text.splitn(cut, separator).enumerate().map(move |(at, item)| {
            if at < most { Ok(item) } else { Err(Malformed { rule: "must hold at most 32 signatures" }) }
        })
    }

    /// The signature's text in one item; `None` for one of another version or key.
    fn signature(self, item: &str) -> Result<Option<&str>, Malformed> {
        match self {
            Self::Bare { prefix } => {
                let rest = item.strip_prefix(prefix);
                rest.map(Some).ok_or(Malformed { rule: "must begin with the scheme's prefix" })
            }
            Self::List { version } => match item.split_once(',') {
                Some((found, rest)) if !found.is_empty() => Ok((found == version).then_some(rest)),
                _ => {
                    Err(Malformed { rule: "must be a list of version,signature separated by single spaces" })
                }
            },
            Self::Pairs { signature, .. } => match item.split_once('=') {
                Some((key, value)) if is_visible(key) && is_visible(value) => {
                    Ok((key == signature).then_some(value))
                }
                _ => Err(Malformed { rule: "must be a list of key=value between single separators" }),
            },
        }
    }

    pub(super) fn check(self) -> Result<(), Invalid> {
        let (rule, fits) = match self {
            Self::Bare { prefix } => {
                ("must have a prefix of visible ASCII, or none", prefix.is_empty() || is_visible(prefix))
            }
            Self::List { version } => {
                let fits = is_visible(version) && !version.contains(',');
                ("must have a version of visible ASCII without a comma", fits)
            }
            Self::Pairs { separator, timestamp, signature } => {
                let keys = || timestamp.into_iter().chain([signature]);
                let fits = matches!(separator, ',' | ';' | '&' | '|')
                    && keys().all(|key| is_visible(key) && !key.contains(['=', separator]))
                    && timestamp != Some(signature);
                ("must have two different keys of visible ASCII, separated by one of , ; & |", fits)
            }
        };
        if fits { Ok(()) } else { Err(Invalid { field: "grammar", rule }) }
    }
}

fn is_visible(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: (Algorithm, Encoding) = (Algorithm::HmacSha256, Encoding::Base64);
    const PAIRS: Grammar = Grammar::Pairs { separator: ',', timestamp: Some("t"), signature: "v1" };
    const LIST: Grammar = Grammar::List { version: "v1" };

    fn text(grammar: Grammar, count: usize) -> String {
        let macs = vec![Mac::of(&[7; 32]); count];
        String::from_utf8(grammar.write(FORM, b"1700000000", count, macs.into_iter())).unwrap()
    }

    fn read(grammar: Grammar, text: &str) -> Result<usize, &'static str> {
        let codes: Result<Vec<_>, _> = grammar.read(FORM.0, FORM.1, text).collect();
        codes.map(|codes| codes.len()).map_err(|malformed| malformed.rule)
    }

    #[test]
    fn a_list_reads_back_and_skips_other_versions() {
        for count in [1, 2, 32] {
            assert_eq!(read(LIST, &text(LIST, count)), Ok(count));
        }
        let one = text(LIST, 1);
        assert_eq!(read(LIST, &format!("v1a,abc {one} v2,?,")), Ok(1));
        assert_eq!(read(LIST, "v1a,abc v11,x"), Ok(0));
    }

    #[test]
    fn a_list_that_no_sender_writes_is_refused_as_a_whole() {
        let one = text(LIST, 1);
        for text in [
            "",
            " ",
            ",",
            "v1",
            "v1,",
            "v1,AA",
            ",AA",
            &format!(" {one}"),
            &format!("{one} "),
            &format!("{one}  {one}"),
            &format!("junk {one}"),
            &format!("{one}, {one}"),
            &format!("{one}\t{one}"),
            &one.replace("v1,", "v1,,"),
            &one.replace("v1,", "v1, "),
            &vec!["v9,x"; 33].join(" "),
        ] {
            assert!(read(LIST, text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_bare_value_is_one_signature_after_its_prefix() {
        let (plain, prefixed) = (Grammar::Bare { prefix: "" }, Grammar::Bare { prefix: "sha256=" });
        assert_eq!(read(plain, &text(plain, 1)), Ok(1));
        assert_eq!(read(prefixed, &text(prefixed, 1)), Ok(1));
        assert!(read(plain, &text(prefixed, 1)).is_err());
        assert!(read(prefixed, &text(plain, 1)).is_err());
        assert!(read(plain, &[text(plain, 1), text(plain, 1)].join(" ")).is_err());
    }

    #[test]
    fn pairs_read_back_with_their_timestamp_and_skip_unknown_keys() {
        for count in [1, 2, 32] {
            let text = text(PAIRS, count);
            assert!(text.starts_with("t=1700000000,v1="), "{text}");
            assert_eq!(read(PAIRS, &text), Ok(count));
            assert_eq!(PAIRS.timestamp(&text), Ok(Some("1700000000")));
        }
        let one = text(PAIRS, 1);
        assert_eq!(read(PAIRS, &format!("{one},v0=abc,x=?")), Ok(1));
        assert_eq!(read(PAIRS, "t=1,v0=abc"), Ok(0));
        assert_eq!(read(PAIRS, &one.replace(',', ";")), Ok(0), "one pair, and no signature");
    }

    #[test]
    fn pairs_that_no_sender_writes_are_refused_as_a_whole() {
        let one = text(PAIRS, 1);
        for text in [
            "",
            ",",
            "t",
            "t=1,v1",
            "t=1,v1=",
            "t=1,v1=AA",
            &format!("{one},"),
            &format!(",{one}"),
            &format!("{one},foo"),
            &format!("{one},=x"),
            &one.replace(',', ", "),
            &one.replace("v1=", "v1= "),
            &format!("{one}=junk"),
            &format!("t=1,{}", vec!["x=y"; 33].join(",")),
        ] {
            assert!(read(PAIRS, text).is_err(), "{text:?}");
        }
        for text in ["v1=x", "", "t1=1", "t=1,t=1", &format!("{one},t=1700000000")] {
            assert!(PAIRS.timestamp(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn fixed_texts_that_cannot_stand_in_the_header_are_refused() {
        for version in ["", "v1,", "v 1", "v\n"] {
            assert!(Grammar::List { version }.check().is_err(), "{version:?}");
        }
        assert!(Grammar::Bare { prefix: "sha256= " }.check().is_err());
        assert!(Grammar::Bare { prefix: "" }.check().is_ok());
        assert!(PAIRS.check().is_ok());
        for (separator, timestamp, signature) in [
            (' ', None, "v1"),
            ('=', None, "v1"),
            (',', Some("v1"), "v1"),
            (',', Some(""), "v1"),
            (',', None, "v,1"),
        ] {
            assert!(Grammar::Pairs { separator, timestamp, signature }.check().is_err(), "{signature}");
        }
    }
}
