//! The built-in texts about events: a small template for each kind of event of the built-in
//! integrations, and a general one for all others.
//!
//! These templates use only the members that they show, wherever such a member exists and can
//! be shown, and ignore the rest of the payload. They show no phone number, no network address
//! and nothing named like a credential, however the name is written (`message/private.rs`).

use std::fmt;
use std::sync::Arc;

use crate::event::Event;
use crate::profile::Occasion;

use super::anything;
use super::message::json::Json;
use super::message::parts::EventParts;
use super::message::{Message, Template, is_blank};

/// The template of an envelope: the built-in one, or the host's own.
#[derive(Clone)]
pub struct Wording(Arc<dyn Template>);

impl Wording {
    /// Uses the host's own template.
    pub fn by(template: impl Template + 'static) -> Self {
        Self(Arc::new(template))
    }

    /// The message about an event. It is never empty, and a test ping is marked as a test.
    #[must_use]
    pub fn of(&self, event: &Event, occasion: Occasion) -> Message {
        let mut message = self.0.message(event);
        if is_blank(&message.title) {
            event.kind.as_str().clone_into(&mut message.title);
        }
        if occasion == Occasion::Test {
            message.title.insert_str(0, "Test: ");
        }
        message.fields.retain(|field| !is_blank(&field.name) && !is_blank(&field.value));
        match message.link.take() {
            Some(link) => message.link(link.label, link.url),
            None => message,
        }
    }
}

impl Default for Wording {
    fn default() -> Self {
        Self::by(BuiltIn)
    }
}

impl fmt::Debug for Wording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wording").finish_non_exhaustive()
    }
}

/// The built-in template.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BuiltIn;

impl Template for BuiltIn {
    fn message(&self, event: &Event) -> Message {
        let whole = event.is_json().then(|| Json::of(&event.payload)).flatten();
        let Some(whole) = whole else { return anything::without_members(event) };
        let parts = EventParts::of(event.kind.as_str(), &whole.object(), whole);
        of_a_system(&parts).unwrap_or_else(|| anything::message(&parts))
    }
}

#[cfg(feature = "systems")]
fn of_a_system(parts: &EventParts<'_>) -> Option<Message> {
    use crate::systems::{live_chat, live_session, x_webhook};

    live_session::wording::message(parts)
        .or_else(|| x_webhook::wording::message(parts))
        .or_else(|| live_chat::wording::message(parts))
}

#[cfg(not(feature = "systems"))]
const fn of_a_system(_: &EventParts<'_>) -> Option<Message> {
    None
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
}
