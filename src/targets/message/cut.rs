//! Cuts text to a target's limit, in the target's own unit, counting escapes, and never within
//! what a reader sees as one character.

use unicode_segmentation::UnicodeSegmentation;

use super::quiet::{is_blank, quiet};
use super::url::urls;

/// Says that something was cut off.
const MARK: char = '…';

/// The most code points of a cluster that is not cut: a longer one is not a real character.
const CLUSTER_MAX: usize = 32;

/// The number of characters beyond the limit that are read, to decide what is cut and where.
const AHEAD: usize = 64;

/// The unit in which a target counts the length of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unit {
    /// Bytes of UTF-8.
    Bytes,
    /// Unicode code points.
    CodePoints,
    /// UTF-16 code units: two for each code point beyond the first 65,536.
    Utf16,
}

impl Unit {
    /// The length of a text in this unit.
    #[must_use]
    pub fn count(self, text: &str) -> usize {
        match self {
            Self::Bytes => text.len(),
            Self::CodePoints => text.chars().count(),
            Self::Utf16 => text.encode_utf16().count(),
        }
    }
}

/// How a target writes plain text: what it escapes, and how it counts length.
///
/// ```
/// use hookpost::targets::message::{Script, Unit};
///
/// let xml = Script::new(Unit::CodePoints, |character, out| match character {
///     '<' => out.push_str("&lt;"),
///     other => out.push(other),
/// });
/// assert_eq!(xml.fit("1 < 2", 100), "1 &lt; 2");
/// // What is escaped counts as long as it is, and no escape is ever cut in two.
/// assert_eq!(xml.fit("1 < 2", 6), "1 …");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Script {
    unit: Unit,
    escape: fn(char, &mut String),
    urls_whole: bool,
}

impl Script {
    /// A script that writes each character separately, as one or more characters. An `@` that
    /// could mention (ping) somebody has already been made harmless.
    #[must_use]
    pub const fn new(unit: Unit, escape: fn(char, &mut String)) -> Self {
        Self { unit, escape, urls_whole: false }
    }

    /// The same script, but without backslashes in web addresses: for targets that turn
    /// addresses into links, and would make the backslash part of the link.
    #[must_use]
    pub const fn with_urls_whole(self) -> Self {
        Self { urls_whole: true, ..self }
    }

    /// Writes the text in this script, cut to at most `limit`. A cut text ends with `…` if
    /// there is room for it. A text without visible characters becomes empty.
    #[must_use]
    pub fn fit(&self, text: &str, limit: usize) -> String {
        // No character counts for nothing, so none beyond these would fit.
        let text = quiet(text.trim_start(), limit.saturating_add(AHEAD));
        if is_blank(&text) {
            return String::new();
        }
        let mark = self.unit.count(MARK.encode_utf8(&mut [0; 4]));
        let (mut out, mut piece) = (String::new(), String::new());
        let (mut used, mut room_for_mark) = (0, 0);
        let text = text.trim();
        let urls = if self.urls_whole { urls(text) } else { Vec::new() };
        let mut at = 0;
        for cluster in clusters(text) {
            piece.clear();
            cluster.chars().for_each(|character| (self.escape)(character, &mut piece));
            if piece.strip_prefix('\\') == Some(cluster) && urls.iter().any(|url| url.contains(&at)) {
                cluster.clone_into(&mut piece);
            }
            at += cluster.len();
            used += self.unit.count(&piece);
            if used > limit {
                out.truncate(room_for_mark);
                if mark <= limit {
                    out.push(MARK);
                }
                return out;
            }
            out.push_str(&piece);
            if used + mark <= limit {
                room_for_mark = out.len();
            }
        }
        out
    }

    /// The length of an already written text, in this script's unit.
    #[must_use]
    pub fn count(&self, written: &str) -> usize {
        self.unit.count(written)
    }
}

/// What a reader sees as one character each (UAX 29), but for heaps of marks.
fn clusters(text: &str) -> impl Iterator<Item = &str> {
    text.graphemes(true).flat_map(|cluster| {
        let step = if cluster.chars().count() > CLUSTER_MAX { 1 } else { usize::MAX };
        pieces(cluster, step)
    })
}

/// Splits a text into pieces of at most `step` code points.
fn pieces(text: &str, step: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = rest.char_indices().nth(step).map_or(rest.len(), |(at, _)| at);
        let (piece, after) = rest.split_at(end);
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLAIN: fn(char, &mut String) = |character, out| out.push(character);
    const XML: fn(char, &mut String) = |character, out| match character {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        other => out.push(other),
    };
    const UNITS: [Unit; 3] = [Unit::Bytes, Unit::CodePoints, Unit::Utf16];

    /// Texts of one to four bytes a character, families, flags, marks and entities.
    fn texts() -> impl Strategy<Value = String> {
        let pieces = [
            "a",
            "é",
            "漢",
            "🦊",
            "👩‍👩‍👧‍👦",
            "🏳️‍🌈",
            "🇵🇹",
            "👍🏽",
            "e\u{301}",
            "&",
            "<",
            "@everyone",
            " ",
            "\n",
            "\u{200d}",
            "\u{fe0f}",
            "क्षि",
            "\u{1f1e6}",
        ];
        prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..40).prop_map(|pieces| pieces.concat())
    }

    #[test]
    fn no_backslash_gets_into_a_web_address() {
        let marked = |character, out: &mut String| {
            if matches!(character, '_' | '*' | '[') {
                out.push('\\');
            }
            out.push(character);
        };
        let text = "a_b https://a.example/c_d*e[f_g";
        let script = Script::new(Unit::Bytes, marked);
        assert_eq!(script.fit(text, 99), r"a\_b https://a.example/c\_d\*e\[f\_g");
        assert_eq!(script.with_urls_whole().fit(text, 99), r"a\_b https://a.example/c_d*e\[f\_g");
        // Where the text is cut is counted in what is written.
        assert_eq!(script.with_urls_whole().fit("https://a.example/c_d", 21), "https://a.example/c_d");
    }

    proptest! {
        #[test]
        fn no_limit_is_passed_in_any_unit_with_any_escape(text in texts(), limit in 0_usize..60) {
            for unit in UNITS {
                for escape in [PLAIN, XML] {
                    prop_assert!(unit.count(&Script::new(unit, escape).fit(&text, limit)) <= limit);
                }
            }
        }

        #[test]
        fn a_cut_falls_between_two_characters_as_readers_see_them(text in texts(), limit in 0_usize..60) {
            let whole = quiet(&text, usize::MAX);
            let whole = whole.trim();
            let borders: Vec<_> = whole.grapheme_indices(true).map(|(at, _)| at).collect();
            for unit in UNITS {
                let fitted = Script::new(unit, PLAIN).fit(&text, limit);
                let kept = fitted.strip_suffix(MARK).unwrap_or(&fitted);
                prop_assert!(whole.starts_with(kept));
                prop_assert!(is_blank(whole) || kept.len() == whole.len() || borders.contains(&kept.len()), "{kept:?}");
            }
        }

        #[test]
        fn no_entity_is_cut_in_two(text in texts(), limit in 0_usize..60) {
            let fitted = Script::new(Unit::CodePoints, XML).fit(&text, limit);
            let bare = fitted.replace("&amp;", "").replace("&lt;", "");
            prop_assert!(!bare.contains('&') && !bare.contains('<'), "{fitted:?}");
        }

        #[test]
        fn any_text_at_all_fits_without_a_panic(text in any::<String>(), limit in 0_usize..20) {
            for unit in UNITS {
                prop_assert!(unit.count(&Script::new(unit, XML).fit(&text, limit)) <= limit);
            }
        }
    }

    #[test]
    fn limits_from_nought_to_five_cut_what_they_must() {
        let fit = |unit, text: &str, limit| Script::new(unit, PLAIN).fit(text, limit);
        let family = "👩‍👩‍👧‍👦";
        for (unit, text, expected) in [
            (Unit::CodePoints, "abcdef", ["", "…", "a…", "ab…", "abc…", "abcd…"]),
            (Unit::CodePoints, "abcde", ["", "…", "a…", "ab…", "abc…", "abcde"]),
            (Unit::CodePoints, family, ["", "…", "…", "…", "…", "…"]),
            (Unit::Utf16, "🦊🦊🦊", ["", "…", "…", "🦊…", "🦊…", "🦊🦊…"]),
            (Unit::Bytes, "🦊🦊", ["", "", "", "…", "…", "…"]),
            (Unit::Bytes, "ééé", ["", "", "", "…", "…", "é…"]),
            (Unit::CodePoints, "", ["", "", "", "", "", ""]),
        ] {
            for (limit, expected) in expected.into_iter().enumerate() {
                assert_eq!(fit(unit, text, limit), expected, "{text:?} to {limit} {unit:?}");
            }
        }
        assert_eq!(fit(Unit::CodePoints, family, 7), family);
    }

    #[test]
    fn a_heap_of_marks_is_cut_rather_than_lost() {
        let heap = format!("a{}", "\u{301}".repeat(10_000));
        let fitted = Script::new(Unit::CodePoints, PLAIN).fit(&heap, 100);
        assert_eq!(fitted.chars().count(), 100);
    }
}
