//! The escapes of URLs, JSON and HTML, also within each other.

/// How many levels of escapes are read: for example a JSON text within a JSON text within a URL.
const DEPTH: usize = 3;
/// The longest entity that is read, with its semicolon.
const ENTITY_MAX: usize = 16;

/// The possible meanings of one place in a text.
#[derive(Debug)]
pub(super) struct Place {
    raw: u8,
    /// The bytes that an escape at this place may mean, each with the length of the escape.
    escapes: Vec<(u8, usize)>,
    /// Whether the text ends within an escape that begins here.
    pub(super) is_cut: bool,
}

impl Place {
    /// All places of a text.
    pub(super) fn all(text: &[u8]) -> Vec<Self> {
        let rest = |at| text.get(at..).unwrap_or_default();
        text.iter().enumerate().map(|(at, raw)| Self::of(*raw, rest(at))).collect()
    }

    /// The place at the beginning of this text, whose first byte is `raw`.
    fn of(raw: u8, text: &[u8]) -> Self {
        let mut place = Self { raw, escapes: Vec::new(), is_cut: false };
        let depths = if begins_escape(text) { DEPTH } else { 0 };
        for within in 0..depths {
            match escape(text, within) {
                Ok(read) => place.escapes.push(read),
                Err(NotRead::Cut) => place.is_cut = true,
                Err(NotRead::Other) => {}
            }
        }
        place
    }

    /// The possible bytes, each with its length: the byte itself, because a plain text may look
    /// like an escape, and the bytes that escapes stand for.
    pub(super) fn readings(&self) -> impl Iterator<Item = (u8, usize)> + '_ {
        std::iter::once((self.raw, 1)).chain(self.escapes.iter().copied())
    }
}

fn begins_escape(text: &[u8]) -> bool {
    matches!(text.first(), Some(b'%' | b'\\' | b'&'))
}

/// Why a text was not read as an escape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NotRead {
    /// The text is something else.
    Other,
    /// The text ends before the escape does.
    Cut,
}

/// The byte that an escape at the beginning of this text stands for, and the length of the
/// escape. Its own characters may be escaped themselves, `within` times.
fn escape(text: &[u8], within: usize) -> Result<(u8, usize), NotRead> {
    let mut characters = Characters { text, at: 0, escaped: within };
    let byte = match characters.next()? {
        b'%' => characters.digits()?,
        b'\\' => match characters.next()? {
            b'u' => {
                for _ in 0..2 {
                    characters.must_be(b'0')?;
                }
                characters.digits()?
            }
            b'x' => characters.digits()?,
            plain @ (b'"' | b'\'' | b'\\' | b'/') => plain,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            _ => return Err(NotRead::Other),
        },
        b'&' => entity(&characters.up_to(b';')?)?,
        _ => return Err(NotRead::Other),
    };
    Ok((byte, characters.at))
}

/// Reads a text character by character, and undoes `escaped` levels of escapes.
struct Characters<'a> {
    text: &'a [u8],
    at: usize,
    escaped: usize,
}

impl Characters<'_> {
    fn next(&mut self) -> Result<u8, NotRead> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let (byte, length) = read(rest, self.escaped)?;
        self.at += length;
        Ok(byte)
    }

    fn must_be(&mut self, expected: u8) -> Result<(), NotRead> {
        if self.next()? == expected { Ok(()) } else { Err(NotRead::Other) }
    }

    /// Reads two hexadecimal digits.
    fn digits(&mut self) -> Result<u8, NotRead> {
        let digits = [self.next()?, self.next()?];
        let mut byte = [0];
        hex::decode_to_slice(digits, &mut byte).map_err(|_| NotRead::Other)?;
        Ok(byte[0])
    }

    /// Reads the name or number of an entity, up to its end.
    fn up_to(&mut self, end: u8) -> Result<Vec<u8>, NotRead> {
        let mut name = Vec::with_capacity(ENTITY_MAX);
        while name.len() < ENTITY_MAX {
            match self.next()? {
                byte if byte == end => return Ok(name),
                byte if byte.is_ascii_alphanumeric() || byte == b'#' => name.push(byte),
                _ => return Err(NotRead::Other),
            }
        }
        Err(NotRead::Other)
    }
}

/// The first character of a text after undoing `escaped` levels of escapes, and its length.
fn read(text: &[u8], escaped: usize) -> Result<(u8, usize), NotRead> {
    let raw = *text.first().ok_or(NotRead::Cut)?;
    let Some(within) = escaped.checked_sub(1).filter(|_| begins_escape(text)) else {
        return Ok((raw, 1));
    };
    match escape(text, within) {
        Err(NotRead::Other) => read(text, within),
        found => found,
    }
}

/// The byte that an HTML entity stands for.
fn entity(name: &[u8]) -> Result<u8, NotRead> {
    let name = std::str::from_utf8(name).map_err(|_| NotRead::Other)?;
    let number = name.strip_prefix('#').map(|number| match number.strip_prefix(['x', 'X']) {
        Some(hex) => u8::from_str_radix(hex, 16).ok(),
        None => number.parse().ok(),
    });
    let named = || NAMES.iter().find(|(known, _)| *known == name).map(|(_, byte)| *byte);
    number.unwrap_or_else(named).ok_or(NotRead::Other)
}

/// The HTML entities for ASCII characters other than letters:
/// <https://html.spec.whatwg.org/multipage/named-characters.html>
const NAMES: [(&str, u8); 44] = [
    ("Tab", b'\t'),
    ("NewLine", b'\n'),
    ("excl", b'!'),
    ("quot", b'"'),
    ("QUOT", b'"'),
    ("num", b'#'),
    ("dollar", b'$'),
    ("percnt", b'%'),
    ("amp", b'&'),
    ("AMP", b'&'),
    ("apos", b'\''),
    ("lpar", b'('),
    ("rpar", b')'),
    ("ast", b'*'),
    ("midast", b'*'),
    ("plus", b'+'),
    ("comma", b','),
    ("period", b'.'),
    ("sol", b'/'),
    ("colon", b':'),
    ("semi", b';'),
    ("lt", b'<'),
    ("LT", b'<'),
    ("equals", b'='),
    ("gt", b'>'),
    ("GT", b'>'),
    ("quest", b'?'),
    ("commat", b'@'),
    ("lsqb", b'['),
    ("lbrack", b'['),
    ("bsol", b'\\'),
    ("rsqb", b']'),
    ("rbrack", b']'),
    ("Hat", b'^'),
    ("lowbar", b'_'),
    ("UnderBar", b'_'),
    ("grave", b'`'),
    ("lcub", b'{'),
    ("lbrace", b'{'),
    ("verbar", b'|'),
    ("vert", b'|'),
    ("VerticalLine", b'|'),
    ("rcub", b'}'),
    ("rbrace", b'}'),
];

#[cfg(test)]
pub(super) fn escaped(text: &[u8]) -> Option<(u8, usize)> {
    escape(text, 0).ok()
}

#[cfg(test)]
pub(super) fn is_cut_escape(text: &[u8]) -> bool {
    Place::all(text).first().is_some_and(|place| place.is_cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(text: &[u8]) -> Vec<(u8, usize)> {
        Place::all(text)[0].readings().collect()
    }

    #[test]
    fn escapes_within_escapes_are_read_to_their_end() {
        for (text, byte) in [
            (r#"\""#, b'"'),
            (r#"\\\""#, b'"'),
            (r#"\\\\\\\""#, b'"'),
            (r"\\\/", b'/'),
            (r"\\u002f", b'/'),
            (r"\\\\u002F", b'/'),
            (r"\u005cu002f", b'/'),
            ("%2f", b'/'),
            ("%252F", b'/'),
            ("%25252F", b'/'),
            ("%25%32%46", b'/'),
            ("%5C%22", b'"'),
            ("&#47;", b'/'),
            ("&#0000047;", b'/'),
            ("&#x0000002F;", b'/'),
            ("&amp;#47;", b'/'),
            ("&amp;amp;sol;", b'/'),
            ("&plus;", b'+'),
            ("&equals;", b'='),
            (r"\u0026#x2f;", b'/'),
        ] {
            let read = readings(text.as_bytes());
            assert!(read.contains(&(byte, text.len())), "{text}: {read:?}");
            for end in 1..text.len() {
                let cut = &text.as_bytes()[..end];
                let is_whole = readings(cut).iter().any(|read| read.1 == end && end > 1);
                assert!(is_whole || is_cut_escape(cut), "{text} cut at {end}");
            }
        }
    }

    #[test]
    fn what_is_no_escape_is_read_as_it_is() {
        for text in ["a", "%zz", r"\q", "& more", "&nothing;", "&#300;", "&#x;", r"\u1234"] {
            assert_eq!(readings(text.as_bytes()), [(text.as_bytes()[0], 1)], "{text}");
        }
    }
}
