//! How a signature is encoded, and the one form in which it is read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::mac::{MAC_BYTES_MAX, Mac};

/// The encoding of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// Hexadecimal: written in lower case, read in either case.
    Hex,
    /// Base64 in the standard alphabet with padding, in canonical form only.
    Base64,
}

impl Encoding {
    /// The number of characters of a code of that many bytes.
    pub(super) const fn chars(self, bytes: usize) -> usize {
        match self {
            Self::Hex => bytes * 2,
            Self::Base64 => bytes.div_ceil(3) * 4,
        }
    }

    /// Appends the text of a code of that many bytes.
    pub(super) fn write(self, mac: &Mac, bytes: usize, text: &mut Vec<u8>) {
        let (start, code) = (text.len(), &mac.0[..bytes]);
        text.resize(start + self.chars(bytes), b'=');
        let fits = match self {
            Self::Hex => hex::encode_to_slice(code, &mut text[start..]).is_ok(),
            Self::Base64 => STANDARD.encode_slice(code, &mut text[start..]).is_ok(),
        };
        // It always fits. Were it otherwise, nothing would stand here, which no verifier takes.
        if !fits {
            text.truncate(start);
        }
    }

    /// The code of that many bytes that this text encodes; `None` unless the text is exactly
    /// one code.
    pub(super) fn read(self, bytes: usize, text: &[u8]) -> Option<Mac> {
        if text.len() != self.chars(bytes) {
            return None;
        }
        // Base64's decoder asks for room for whole groups of three.
        let mut room = [0; MAC_BYTES_MAX.next_multiple_of(3)];
        let length = match self {
            Self::Hex => hex::decode_to_slice(text, &mut room[..bytes]).ok().map(|()| bytes),
            Self::Base64 => STANDARD.decode_slice(text, &mut room).ok(),
        };
        (length? == bytes).then(|| Mac::of(&room[..bytes]))
    }

    /// The form of a signature of that many bytes.
    pub(super) const fn rule(self, bytes: usize) -> &'static str {
        match (self, bytes) {
            (Self::Hex, 20) => "must hold 40 hexadecimal digits",
            (Self::Hex, 64) => "must hold 128 hexadecimal digits",
            (Self::Hex, _) => "must hold 64 hexadecimal digits",
            (Self::Base64, 20) => "must hold 28 characters of canonical base64",
            (Self::Base64, 64) => "must hold 88 characters of canonical base64",
            (Self::Base64, _) => "must hold 44 characters of canonical base64",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(encoding: Encoding, mac: &Mac) -> String {
        let mut text = Vec::new();
        encoding.write(mac, 32, &mut text);
        String::from_utf8(text).unwrap()
    }

    fn code_of(mac: Mac) -> [u8; 32] {
        mac.0[..32].try_into().unwrap()
    }

    proptest::proptest! {
        #[test]
        fn every_code_reads_back_from_its_text_and_from_no_other(code: [u8; 32], at in 0_usize..64, byte: u8) {
            for encoding in [Encoding::Hex, Encoding::Base64] {
                let text = written(encoding, &Mac::of(&code));
                proptest::prop_assert_eq!(encoding.read(32, text.as_bytes()).map(code_of), Some(code));
                let mut other = text.clone().into_bytes();
                let at = at % other.len();
                other[at] = byte;
                let same_text = other.eq_ignore_ascii_case(text.as_bytes())
                    && (encoding == Encoding::Hex || other == text.as_bytes());
                let read = encoding.read(32, &other).map(code_of);
                proptest::prop_assert_eq!(read == Some(code), same_text);
            }
        }
    }

    #[test]
    fn base64_has_one_form() {
        let text = written(Encoding::Base64, &Mac::of(&[0xff; 32]));
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
            assert!(Encoding::Base64.read(32, other.as_bytes()).is_none(), "{other}");
        }
    }

    #[test]
    fn only_a_whole_code_is_read() {
        for bytes in [0, 1, 31, 33, 64] {
            assert!(Encoding::Hex.read(32, "ab".repeat(bytes).as_bytes()).is_none());
            assert!(Encoding::Base64.read(32, STANDARD.encode(vec![1; bytes]).as_bytes()).is_none());
        }
        assert!(Encoding::Hex.read(32, &[b'g'; 64]).is_none());
        assert!(Encoding::Hex.read(32, "AB".repeat(32).as_bytes()).is_some());
    }
}
