//! What hookpost says of an event when nobody says otherwise: a small template for
//! each kind that the carried systems know, and one that reads well for the rest.
//!
//! These read narrowly: the members that they show, wherever one is there and is of
//! a kind that can be shown. Nothing else of a payload matters to them. They show no
//! phone number, no network address and nothing that is named like a credential, in
//! whatever way it is written (`private`).

mod anything;
mod live_chat;
mod live_session;
mod private;
mod x_webhook;

use crate::event::Event;

use self::private::is_private;
use super::json::{Json, Object};
use super::{Message, Template};

/// The built-in template.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BuiltIn;

impl Template for BuiltIn {
    fn message(&self, event: &Event) -> Message {
        let whole = event.is_json().then(|| Json::of(&event.payload)).flatten();
        let Some(whole) = whole else { return anything::without_members(event) };
        let happening = Happening::of(event.kind.as_str(), &whole.object(), whole);
        live_session::message(&happening)
            .or_else(|| x_webhook::message(&happening))
            .or_else(|| live_chat::message(&happening))
            .unwrap_or_else(|| anything::message(&happening))
    }
}

/// What happened, taken out of the body in which one of the systems sends it, so
/// that an event reads the same whether it was received there or published here.
struct Happening<'a> {
    kind: String,
    data: Object<'a>,
    /// An array of what changed, where the data is one.
    items: usize,
}

impl<'a> Happening<'a> {
    fn of(kind: &str, whole: &Object<'a>, value: Json<'a>) -> Self {
        let carried = [("webhook_type", "payload"), ("event", "data"), ("action", "payload")]
            .into_iter()
            .find_map(|(name, data)| Some((whole.text(&[name])?, whole.get(data)?)));
        let (kind, value) = carried.unwrap_or_else(|| (kind.to_owned(), value));
        Self { kind, data: value.object(), items: if value.is_object() { 0 } else { value.items().len() } }
    }
}

/// `incoming_chat`, `order.paid` and `DeadClick` as people write them.
fn in_words(kind: &str) -> String {
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

/// A field for each of these members that has a text.
fn with_fields(message: Message, data: &Object<'_>, fields: &[(&str, &[&str])]) -> Message {
    fields.iter().fold(message, |message, (name, members)| {
        message.field(*name, data.text(members).unwrap_or_default())
    })
}

/// A field that the payload itself names, unless the name is that of something private.
fn named(message: Message, name: &str, shown_as: String, text: String) -> Message {
    if is_private(name) { message } else { message.field(shown_as, text) }
}

/// A person by name and address, as far as they are known.
fn person(data: &Object<'_>, name: &[&str], address: &[&str]) -> String {
    match (data.text(name), data.text(address)) {
        (Some(name), Some(address)) if name != address => format!("{name} ({address})"),
        (Some(one), _) | (None, Some(one)) => one,
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::NewEvent;
    use crate::time::Timestamp;

    /// What is said of a payload, all of it as text.
    fn told(kind: &str, payload: &str) -> String {
        let event = NewEvent::json("t", kind, payload.to_owned()).unwrap();
        let event = event.into_event("evt".parse().unwrap(), Timestamp::EPOCH, usize::MAX).unwrap();
        BuiltIn.message(&event).fallback()
    }

    #[test]
    fn nothing_private_is_shown_by_any_template() {
        for (kind, payload) in [
            ("user.signed_in", r#"{"apiKey":"CANARY","plan":"SHOWN"}"#),
            (
                "Custom",
                r#"{"webhook_type":"session.event","payload":{"event_name":"Custom","properties":{"ip-address_str":"CANARY","plan_str":"SHOWN"}}}"#,
            ),
            (
                "Custom",
                r#"{"webhook_type":"session.event","payload":{"event_name":"Custom","visitor":{"params":[{"name":"mobileNumber","value":"CANARY"},{"name":"plan","value":"SHOWN"}]}}}"#,
            ),
            (
                "incoming_event",
                r#"{"action":"incoming_event","payload":{"chat_id":"C","event":{"type":"filled_form","fields":[{"label":"Your phone:","answer":"CANARY"},{"label":"Plan","answer":"SHOWN"}]}}}"#,
            ),
        ] {
            let told = told(kind, payload);
            assert!(!told.contains("CANARY"), "{told}");
            assert!(told.contains("SHOWN"), "{payload}: {told}");
        }
    }

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
