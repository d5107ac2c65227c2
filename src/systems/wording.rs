//! What the three systems' words for people have in common.

use crate::targets::message::json::Object;
use crate::targets::message::{Message, is_private};

/// A field for each of these members that has a text.
pub(crate) fn with_fields(message: Message, data: &Object<'_>, fields: &[(&str, &[&str])]) -> Message {
    fields.iter().fold(message, |message, (name, members)| {
        message.field(*name, data.text(members).unwrap_or_default())
    })
}

/// A field that the payload itself names, unless the name is that of something private.
pub(crate) fn named(message: Message, name: &str, shown_as: String, text: String) -> Message {
    if is_private(name) { message } else { message.field(shown_as, text) }
}

/// A person by name and address, as far as they are known.
pub(crate) fn person(data: &Object<'_>, name: &[&str], address: &[&str]) -> String {
    match (data.text(name), data.text(address)) {
        (Some(name), Some(address)) if name != address => format!("{name} ({address})"),
        (Some(one), _) | (None, Some(one)) => one,
        (None, None) => String::new(),
    }
}
