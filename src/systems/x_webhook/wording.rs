//! Texts about what visitors of a site's chat wrote.

use crate::systems::wording::{person, with_fields};
use crate::targets::message::Message;
use crate::targets::message::parts::{EventParts, in_words};

pub(crate) fn message(parts: &EventParts<'_>) -> Option<Message> {
    let (data, kind) = (&parts.data, parts.kind.as_str());
    data.get("conversation_id").or_else(|| data.get("visitor_name"))?;
    let visitor = data.text(&["visitor_name", "visitor_email"]).unwrap_or_else(|| "a visitor".to_owned());
    let from_admin = data.text(&["is_from_admin"]).is_some_and(|answer| answer == "yes");
    let message = match kind {
        "conversation.started" => Message::titled(format!("New conversation with {visitor}")),
        "message.received" if from_admin => {
            let admin = data.text(&["admin_name"]).unwrap_or_else(|| "An admin".to_owned());
            Message::titled(format!("{admin} answered {visitor}"))
        }
        "message.received" => Message::titled(format!("New message from {visitor}")),
        other => Message::titled(format!("{}: {visitor}", in_words(other))),
    };
    let message = message
        .text(data.text(&["content"]).unwrap_or_default())
        .field("Visitor", person(data, &["visitor_name"], &["visitor_email"]));
    let message =
        with_fields(message, data, &[("Conversation", &["conversation_id"]), ("Status", &["status"])]);
    Some(message.link("Page", data.text(&["current_url"]).unwrap_or_default()))
}
