//! How a code is written, and the one form in which it is read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::mac::{MAC_BYTES, Mac};

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// Hexadecimal: written in lower case, read in either.
    Hex,
    /// Base64 in the standard alphabet with padding: one text for each code.
    Base64,
}

impl Encoding {
    /// How many characters a code takes.
    pub(super) const fn chars(self) -> usize {
        match self {
            Self::Hex => MAC_BYTES * 2,
            Self::Base64 => MAC_BYTES.div_ceil(3) * 4,
        }
    }

    /// Appends the code's text.
    pub(super) fn write(self, mac: &Mac, text: &mut Vec<u8>) {
        let start = text.len();
        text.resize(start + self.chars(), b'=');
        let fits = match self {
            Self::Hex => hex::encode_to_slice(mac.0, &mut text[start..]).is_ok(),
            Self::Base64 => STANDARD.encode_slice(mac.0, &mut text[start..]).is_ok(),
        };
        // It always fits. Were it otherwise, nothing would stand here, which no verifier takes.
        if !fits {
            text.truncate(start);
        }
    }

    /// The code that this text stands for; `None` unless it is the whole of one.
    pub(super) fn read(self, text: &[u8]) -> Option<Mac> {
        match self {
            Self::Hex => {
                let mut code = [0; MAC_BYTES];
                hex::decode_to_slice(text, &mut code).ok().map(|()| Mac(code))
            }
            Self::Base64 => {
                // The decoder asks for room for whole groups of three.
                let mut groups = [0; MAC_BYTES.next_multiple_of(3)];
                let length = STANDARD.decode_slice(text, &mut groups).ok()?;
                groups[..length].try_into().ok().map(Mac)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(encoding: Encoding, mac: &Mac) -> String {
        let mut text = Vec::new();
        encoding.write(mac, &mut text);
        String::from_utf8(text).unwrap()
    }

    proptest::proptest! {
        #[test]
        fn every_code_reads_back_from_its_text_and_from_no_other(code: [u8; 32], at in 0_usize..64, byte: u8) {
            for encoding in [Encoding::Hex, Encoding::Base64] {
                let text = written(encoding, &Mac(code));
                proptest::prop_assert_eq!(encoding.read(text.as_bytes()).map(|mac| mac.0), Some(code));
                let mut other = text.clone().into_bytes();
                let at = at % other.len();
                other[at] = byte;
                let same_text = other.eq_ignore_ascii_case(text.as_bytes())
                    && (encoding == Encoding::Hex || other == text.as_bytes());
                let read = encoding.read(&other).map(|mac| mac.0);
                proptest::prop_assert_eq!(read == Some(code), same_text);
            }
        }
    }

    #[test]
    fn base64_has_one_form() {
        let text = written(Encoding::Base64, &Mac([0xff; 32]));
        assert_eq!(text, "//////////////////////////////////////////8=");
        for other in [
            text.trim_end_matches('=').to_owned(),
            format!("{text}="),
            text.replace('/', "_"),
            text.replace("8=", "9="),
            format!("{text}\n"),
            format!(" {text}"),
            text.replacen("//", "\n/", 1),
        ] {
            assert!(Encoding::Base64.read(other.as_bytes()).is_none(), "{other}");
        }
    }

    #[test]
    fn only_a_whole_code_is_read() {
        for bytes in [0, 1, 31, 33, 64] {
            assert!(Encoding::Hex.read("ab".repeat(bytes).as_bytes()).is_none());
            assert!(Encoding::Base64.read(STANDARD.encode(vec![1; bytes]).as_bytes()).is_none());
        }
        assert!(Encoding::Hex.read(&[b'g'; 64]).is_none());
        assert!(Encoding::Hex.read("AB".repeat(32).as_bytes()).is_some());
    }
}
