//! What a template reads of an event: its type, its data, and the texts in them.

use super::json::{Json, Object};

/// The data of an event, taken out of the body in which one of the integrations sends it, so
/// that an event reads the same whether it was received or published here.
pub(crate) struct EventParts<'a> {
    pub(crate) kind: String,
    pub(crate) data: Object<'a>,
    /// The number of items, if the data is an array.
    pub(crate) items: usize,
}

impl<'a> EventParts<'a> {
    pub(crate) fn of(kind: &str, whole: &Object<'a>, value: Json<'a>) -> Self {
        let carried = [("webhook_type", "payload"), ("event", "data"), ("action", "payload")]
            .into_iter()
            .find_map(|(name, data)| Some((whole.text(&[name])?, whole.get(data)?)));
        let (kind, value) = carried.unwrap_or_else(|| (kind.to_owned(), value));
        Self { kind, data: value.object(), items: if value.is_object() { 0 } else { value.items().len() } }
    }
}

/// `incoming_chat`, `order.paid` and `DeadClick` as people write them.
pub(crate) fn in_words(kind: &str) -> String {
    let mut words = String::with_capacity(kind.len() + 4);
    let mut before = ' ';
    let mut rest = kind.chars().peekable();
    while let Some(character) = rest.next() {
        let starts_word = character.is_uppercase() && before.is_lowercase();
        if starts_word {
            words.push(' ');
        }
        match character {
            '_' | '.' | '-' | '/' | ':' => words.push(' '),
            other if starts_word && rest.peek().is_some_and(|next| next.is_lowercase()) => {
                words.extend(other.to_lowercase());
            }
            other => words.push(other),
        }
        before = character;
    }
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_reads_as_words() {
        for (kind, words) in [
            ("incoming_chat", "Incoming chat"),
            ("order.paid", "Order paid"),
            ("DeadClick", "Dead click"),
            ("JSError", "JSError"),
            ("applicationID", "Application ID"),
            ("", ""),
            ("ß", "SS"),
        ] {
            assert_eq!(in_words(kind), words);
        }
    }
}
