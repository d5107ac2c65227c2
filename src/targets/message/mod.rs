//! A message for people about an event: a title, a text, fields and a link.
//!
//! A [`Template`] creates a [`Message`] from an event, and the envelope of a chat target
//! writes it in the target's own format. A message contains plain text: a template escapes
//! nothing, and nothing in a message acts as markup or as a mention.
//!
#![doc = include_str!("../../../docs/messages.md")]

mod cut;
pub(crate) mod json;
pub(crate) mod parts;
mod private;
mod quiet;
mod url;

use crate::event::Event;

pub use cut::{Script, Unit};

pub(crate) use private::is_private;
pub(super) use quiet::is_blank;

/// A message for people about one event. All of it is plain text.
///
/// ```
/// use hookpost::targets::message::Message;
///
/// let message = Message::titled("Order paid")
///     .text("Two books")
///     .field("Customer", "Ada")
///     .link("Order", "https://shop.example/orders/7");
/// assert_eq!(
///     message.fallback(),
///     "Order paid\nTwo books\nCustomer: Ada\nOrder: https://shop.example/orders/7"
/// );
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// A line that says what happened.
    pub title: String,
    /// What a person wrote, or what failed; may be empty.
    pub text: String,
    /// Further details.
    pub fields: Vec<Field>,
    /// A link to more information.
    pub link: Option<Link>,
}

/// One detail, with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name of the detail.
    pub name: String,
    /// The value of the detail.
    pub value: String,
}

/// A web address. It is shown in full, never behind other text, so that readers see where it
/// leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What the address leads to.
    pub label: String,
    /// An absolute http or https URL of plain ASCII.
    pub url: String,
}

impl Message {
    /// Creates a message that has only a title.
    #[must_use]
    pub fn titled(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// Sets the text.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    /// Adds a field. A field without a name or a value is left out.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        if !is_blank(&name) && !is_blank(&value) {
            self.fields.push(Field { name, value });
        }
        self
    }

    /// Sets the link. If `url` is not a plain web address, it becomes a field. Brackets in its
    /// path and query are percent-encoded, as RFC 3986 requires.
    #[must_use]
    pub fn link(mut self, label: impl Into<String>, url: impl Into<String>) -> Self {
        let (label, written) = (label.into(), url.into());
        let label = if is_blank(&label) { "Link".to_owned() } else { label };
        let url = with_brackets_encoded(&written);
        if !is_web_address(&url) {
            return self.field(label, written);
        }
        self.link = Some(Link { label, url });
        self
    }

    /// The whole message as plain lines, for targets that can show nothing else.
    #[must_use]
    pub fn fallback(&self) -> String {
        let text = Some(self.text.as_str()).filter(|text| !is_blank(text)).map(str::to_owned);
        let fields = self.fields.iter().map(|field| format!("{}: {}", field.name, field.value));
        let link = self.link.iter().map(|link| format!("{}: {}", link.label, link.url));
        let lines = std::iter::once(self.title.clone()).chain(text).chain(fields).chain(link);
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// The longest link that every target accepts.
const URL_MAX: usize = 1000;

/// The address without brackets after its host, where every chat gives them a meaning of its
/// own.
fn with_brackets_encoded(url: &str) -> String {
    let host = url.find("://").map_or(0, |colon| colon + 3);
    match url[host..].find(['/', '?', '#']) {
        Some(end) if url.contains(['[', ']']) => {
            let (before, behind) = url.split_at(host + end);
            format!("{before}{}", behind.replace('[', "%5B").replace(']', "%5D"))
        }
        _ => url.to_owned(),
    }
}

/// Whether a text may become a link: no target reads any of its characters as the end of the
/// link or as markup.
fn is_web_address(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"<>|\"'`\\^{}()[]*".contains(&byte);
    let names_a_user = host.contains('@');
    text.len() <= URL_MAX && host.contains('.') && !names_a_user && text.bytes().all(plain)
}

/// Creates a message from an event. It is called with events of any type and any payload.
pub trait Template: Send + Sync {
    /// Creates the message. If its title is blank, the event's type becomes the title.
    fn message(&self, event: &Event) -> Message;
}

/// A function can be a template.
///
/// ```
/// use hookpost::targets::message::{Message, Template};
/// use hookpost::targets::{BuiltIn, Slack};
/// use hookpost::{Event, Profile};
/// use std::sync::Arc;
///
/// let own = |event: &Event| match event.kind.as_str() {
///     "order.paid" => Message::titled("Somebody paid"),
///     _ => BuiltIn.message(event),
/// };
/// let slack = Profile { envelope: Arc::new(Slack::worded_by(own)), ..Profile::slack() };
/// # assert!(slack.check().is_ok());
/// ```
impl<F: Fn(&Event) -> Message + Send + Sync> Template for F {
    fn message(&self, event: &Event) -> Message {
        self(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_web_address_becomes_a_link() {
        for url in [
            "https://cafe.test/menu?x=1&y=2",
            "http://a.example",
            "https://a.example:8443/%20#top",
            "https://social.example/@ada/1",
        ] {
            assert!(Message::titled("t").link("Page", url).link.is_some(), "{url}");
        }
        let long = format!("https://a.example/{}", "a".repeat(URL_MAX));
        for text in [
            "javascript:alert(1)",
            "//a.example/",
            "https://localhost/",
            "https:///x.y",
            "https://a.example/<!channel>",
            "https://a.example/|label",
            "https://bank.example@evil.example/",
            "https://a.example/\u{202e}x",
            "https://a.example/ b",
            &long,
        ] {
            let message = Message::titled("t").link("Page", text);
            assert_eq!((message.link, message.fields.len()), (None, 1), "{text}");
        }
    }
}
