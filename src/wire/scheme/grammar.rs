//! What the signature's header looks like.

use super::mac::Mac;
use super::{Encoding, SchemeError};

/// The most signatures that a header may hold. A sender with more secrets in force
/// signs with the newest; a verifier refuses a longer list.
const SIGNATURES_MAX: usize = 32;

/// What the signature's header looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Grammar {
    /// One signature after a fixed prefix, such as `sha256=`, or after nothing.
    Bare {
        /// The prefix; empty for none.
        prefix: &'static str,
    },
    /// `version,signature`, several of them separated by one space each. Signatures
    /// of other versions are skipped.
    List {
        /// The version that this scheme is.
        version: &'static str,
    },
}

/// A header that no sender of the scheme writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::wire) struct Malformed {
    /// The rule it breaks.
    pub(in crate::wire) rule: &'static str,
}

impl Grammar {
    /// The header's text for these codes, of which there are about `count`.
    pub(super) fn write(self, encoding: Encoding, count: usize, macs: impl Iterator<Item = Mac>) -> Vec<u8> {
        let (lead, separator, most) = match self {
            Self::Bare { prefix } => (prefix, "", 1),
            Self::List { version } => (version, ",", SIGNATURES_MAX),
        };
        let each = lead.len() + separator.len() + encoding.chars();
        let count = count.clamp(1, most);
        let mut text = Vec::with_capacity(count * each + (count - 1));
        for mac in macs.take(most) {
            if !text.is_empty() {
                text.push(b' ');
            }
            text.extend_from_slice(lead.as_bytes());
            text.extend_from_slice(separator.as_bytes());
            encoding.write(&mac, &mut text);
        }
        text
    }

    /// The codes in a header, each of them whole and in its one form.
    pub(in crate::wire) fn read(
        self,
        encoding: Encoding,
        text: &str,
    ) -> impl Iterator<Item = Result<Mac, Malformed>> {
        let items = match self {
            Self::Bare { .. } => 1,
            Self::List { .. } => SIGNATURES_MAX + 1,
        };
        text.splitn(items, ' ').enumerate().filter_map(move |(at, item)| {
            if at >= SIGNATURES_MAX {
                return Some(Err(Malformed { rule: "holds at most 32 signatures" }));
            }
            let signature = self.signature(item).transpose()?;
            let whole =
                |text: &str| encoding.read(text.as_bytes()).ok_or(Malformed { rule: encoding.rule() });
            Some(signature.and_then(whole))
        })
    }

    /// The signature's text in one item; `None` for one of another version.
    fn signature(self, item: &str) -> Result<Option<&str>, Malformed> {
        match self {
            Self::Bare { prefix } => {
                let rest = item.strip_prefix(prefix);
                rest.map(Some).ok_or(Malformed { rule: "begins with the scheme's prefix" })
            }
            Self::List { version } => match item.split_once(',') {
                Some((found, rest)) if !found.is_empty() => Ok((found == version).then_some(rest)),
                _ => Err(Malformed { rule: "is a list of version,signature separated by single spaces" }),
            },
        }
    }

    pub(super) fn check(self) -> Result<(), SchemeError> {
        let (text, rule, fits) = match self {
            Self::Bare { prefix } => (prefix, "has a prefix of visible ASCII, or none", true),
            Self::List { version } => {
                let fits = !version.is_empty() && !version.contains(',');
                (version, "has a version of visible ASCII without a comma", fits)
            }
        };
        if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(());
        }
        Err(SchemeError { field: "grammar", rule })
    }
}

impl Encoding {
    const fn rule(self) -> &'static str {
        match self {
            Self::Hex => "holds 64 hexadecimal digits",
            Self::Base64 => "holds 44 characters of canonical base64",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: Grammar = Grammar::List { version: "v1" };

    fn text(grammar: Grammar, count: usize) -> String {
        let macs = vec![Mac([7; 32]); count];
        String::from_utf8(grammar.write(Encoding::Base64, count, macs.into_iter())).unwrap()
    }

    fn read(grammar: Grammar, text: &str) -> Result<usize, &'static str> {
        let codes: Result<Vec<_>, _> = grammar.read(Encoding::Base64, text).collect();
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
    fn fixed_texts_that_cannot_stand_in_the_header_are_refused() {
        for version in ["", "v1,", "v 1", "v\n"] {
            assert!(Grammar::List { version }.check().is_err(), "{version:?}");
        }
        assert!(Grammar::Bare { prefix: "sha256= " }.check().is_err());
        assert!(Grammar::Bare { prefix: "" }.check().is_ok());
    }
}
