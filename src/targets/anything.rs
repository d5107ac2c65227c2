//! Messages for events of which only the type is known.

use crate::event::Event;

use super::message::parts::{EventParts, in_words};
use super::message::{Message, is_private};

/// How many members are shown.
const FIELDS: usize = 10;

/// As much of a plain text as is read.
const TEXT_MAX: usize = 16 * 1024;

/// The names of members by which people recognise an object.
const CALLED: [&str; 6] = ["name", "title", "message", "label", "email", "id"];

/// The members that have a text, or an object with a name, in their order.
pub(super) fn message(parts: &EventParts<'_>) -> Message {
    let titled = Message::titled(in_words(&parts.kind));
    let message = if parts.items > 0 { titled.field("Items", parts.items.to_string()) } else { titled };
    let shown = parts.data.iter().filter(|(name, _)| !is_private(name));
    let texts = shown.filter_map(|(name, value)| {
        let text = value.text().or_else(|| value.object().text(&CALLED))?;
        Some((in_words(name), text))
    });
    texts.take(FIELDS).fold(message, |message, (name, text)| message.field(name, text))
}

/// An event that is not JSON: its text, as far as it has one.
pub(super) fn without_members(event: &Event) -> Message {
    let message = Message::titled(in_words(event.kind.as_str()));
    let is_text = event.content_type.trim_start().to_ascii_lowercase().starts_with("text/plain");
    match std::str::from_utf8(&event.payload) {
        Ok(text) if is_text => message.text(text.chars().take(TEXT_MAX).collect::<String>()),
        _ => message.field("Content", format!("{} bytes of {}", event.payload.len(), event.content_type)),
    }
}
