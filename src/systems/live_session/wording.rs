//! Texts about events of a recorded session.

use crate::systems::wording::{named, person, with_fields};
use crate::targets::message::Message;
use crate::targets::message::json::Object;
use crate::targets::message::parts::{EventParts, in_words};

/// How many of a visitor's or an event's own properties are shown.
const PROPERTIES: usize = 8;

/// The types that LiveSession adds to a property's name.
const SUFFIXES: [&str; 4] = ["_str", "_int", "_float", "_bool"];

pub(crate) fn message(parts: &EventParts<'_>) -> Option<Message> {
    let data = &parts.data;
    let name = data.text(&["event_name"]).filter(|_| parts.kind.starts_with("session."))?;
    let text = |members: &[&str]| data.text(members).unwrap_or_default();
    let message = match name.as_str() {
        "JSError" | "Error" => Message::titled("JavaScript error").text(text(&["value"])),
        "NetError" => Message::titled(format!("Network error {}", text(&["status"]))).text(format!(
            "{} {}",
            text(&["method"]),
            text(&["url"])
        )),
        // The documentation's own sample misspells the member.
        "ErrorClick" => Message::titled("A click that failed").text(text(&["message", "messsage"])),
        "RageClick" => with_fields(Message::titled("Rage click"), data, &[("Clicks", &["clicks"])]),
        "Custom" => Message::titled(data.text(&["name"]).unwrap_or_else(|| "Custom event".to_owned())),
        other => Message::titled(in_words(other)).text(text(&["value", "message"])),
    };
    let message = match name.as_str() {
        "Custom" => with_properties(message, &data.object("properties")),
        "JSError" | "Error" => with_fields(message, data, &[("Count", &["count"])]),
        _ => message,
    };
    Some(with_visitor(message, &data.object("visitor")))
}

fn with_properties(message: Message, properties: &Object<'_>) -> Message {
    properties.iter().take(PROPERTIES).fold(message, |message, (name, value)| {
        let bare = SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
        named(message, name, in_words(bare), value.text().unwrap_or_default())
    })
}

fn with_visitor(message: Message, visitor: &Object<'_>) -> Message {
    let message = message.field(
        "Visitor",
        match person(visitor, &["name"], &["email"]) {
            unknown if unknown.is_empty() => visitor.text(&["id"]).unwrap_or_default(),
            known => known,
        },
    );
    let place = visitor.object("geolocation");
    let parts = [place.text(&["city"]), place.text(&["country_code"])];
    let message = message.field("Place", parts.into_iter().flatten().collect::<Vec<_>>().join(", "));
    visitor.items("params").into_iter().take(PROPERTIES).fold(message, |message, param| {
        let param = param.object();
        let text = |member| param.text(&[member]).unwrap_or_default();
        named(message, &text("name"), text("name"), text("value"))
    })
}
