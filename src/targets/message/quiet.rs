//! Removes control characters from a text, and makes mentions harmless.

use super::url::urls;

/// Is put after an `@` that a chat could take for a mention: readers do not see it, and no
/// name begins with it.
const APART: char = '\u{200b}';

/// Words that mention (ping) whole groups, whatever precedes them.
const ROOMS: [&str; 5] = ["everyone", "here", "channel", "all", "room"];

/// The text with one kind of line end, at most one blank line in a row, no control characters,
/// nothing that reverses the direction of writing, and no `@` that pings. At most `most`
/// characters are read.
pub(super) fn quiet(text: &str, most: usize) -> String {
    let mut clean = String::with_capacity(text.len().min(most));
    let mut line_ends = 0;
    let mut after_return = false;
    let mut kept = 0;
    for character in text.chars() {
        let shown = match character {
            '\n' if after_return => None,
            '\n' | '\r' | '\u{85}' | '\u{b}' | '\u{c}' | '\u{2028}' | '\u{2029}' => Some('\n'),
            '\t' => Some(' '),
            other if other.is_control() || steers(other) => None,
            other => Some(other),
        };
        after_return = character == '\r';
        let Some(shown) = shown else { continue };
        line_ends = if shown == '\n' { line_ends + 1 } else { 0 };
        if line_ends > 2 {
            continue;
        }
        if kept == most {
            break;
        }
        clean.push(shown);
        kept += 1;
    }
    without_mentions(clean)
}

/// Whether a reader would see nothing of the text.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(|character| {
        character.is_whitespace()
            || character.is_control()
            || steers(character)
            || matches!(
                character,
                '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
                    | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}'
                    | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}'
                    | '\u{e0000}'..='\u{e0fff}'
            )
    })
}

/// Embeddings, overrides and isolates (UAX 9), and the byte order mark.
const fn steers(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// An address such as `ada@shop.test` stays as it is, so that it can be copied.
fn without_mentions(text: String) -> String {
    if !text.contains('@') {
        return text;
    }
    let mut quiet = String::with_capacity(text.len() + APART.len_utf8());
    let urls = urls(&text);
    let mut before = ' ';
    for (at, character) in text.char_indices() {
        if character != '@' {
            quiet.push(character);
        } else if !urls.iter().any(|url| url.contains(&at)) {
            quiet.push('@');
            if !is_of_an_address(before, &text[at + 1..]) {
                quiet.push(APART);
            }
        } else if names_a_room(&text[at + 1..]) {
            // The same address, in which no room is named.
            quiet.push_str("%40");
        } else {
            quiet.push('@');
        }
        before = character;
    }
    quiet
}

/// Whether an `@` between these belongs to an e-mail address. If no host name follows, the `@`
/// may be taken for a mention.
fn is_of_an_address(before: char, rest: &str) -> bool {
    let host = rest.split(|character: char| !character.is_alphanumeric() && !matches!(character, '.' | '-'));
    let host = host.into_iter().next().unwrap_or_default().trim_end_matches('.');
    before.is_alphanumeric() && !host.is_empty() && (host.contains('.') || !names_a_room(rest))
}

fn names_a_room(rest: &str) -> bool {
    ROOMS
        .iter()
        .any(|room| rest.get(..room.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(room)))
}

#[cfg(test)]
mod tests {
    use super::quiet as quiet_up_to;
    use super::*;

    fn quiet(text: &str) -> String {
        quiet_up_to(text, usize::MAX)
    }

    #[test]
    fn what_comes_too_late_is_not_looked_at() {
        assert_eq!(quiet_up_to("@everyone", 2), "@\u{200b}e");
    }

    #[test]
    fn line_ends_are_one_kind_and_blank_lines_do_not_pile_up() {
        assert_eq!(quiet("a\r\nb\rc\u{2028}d\te\n\n\n\n\nf\u{0}\u{7f}g"), "a\nb\nc\nd e\n\nfg");
    }

    #[test]
    fn nothing_reverses_what_follows() {
        assert_eq!(quiet("a \u{202e}evil\u{2066}x\u{2069} ‏"), "a evilx ‏");
    }

    #[test]
    fn a_mention_is_broken_and_an_address_is_not() {
        for address in [
            "ada@shop.test",
            "ada@allianz.example",
            "ada@here.example",
            "x_1@channel-4.example.",
            "see https://social.example/@ada/1 now",
            "(https://maps.example/@52.1,4.2,15z)",
        ] {
            assert_eq!(quiet(address), address);
        }
        assert_eq!(quiet("https://a.example/@everyone/1"), "https://a.example/%40everyone/1");
        for mention in [
            "@everyone",
            "@here",
            "<@U123>",
            "<@&77>",
            "x@Everyone",
            "x@here.",
            "(@ada",
            "@allianz",
            "xhttps://@ada",
            "@\u{202e}everyone",
        ] {
            let quieted = quiet(mention).to_lowercase();
            assert!(quieted.contains("@\u{200b}"), "{mention}");
        }
    }

    #[test]
    fn what_nobody_sees_is_blank() {
        for text in ["", " \n\t", "\u{200b}\u{2060}", "\u{3164}", "\u{feff}", "\u{fe0f}", "\u{202e}"] {
            assert!(is_blank(text), "{text:?}");
        }
        assert!(!is_blank("."));
    }
}
