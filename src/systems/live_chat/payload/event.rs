//! The events of a chat, such as messages.

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::systems::body::Json;

use super::chat::{ChatProperties, Postback};

/// One event of a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChatEvent {
    /// The id of the event.
    pub id: String,
    /// The id that its author gave the event.
    pub custom_id: Option<String>,
    /// When the event was created, in RFC 3339 with microseconds.
    pub created_at: Option<String>,
    /// The id of the author; `None` for the system.
    pub author_id: Option<String>,
    /// Who can see the event: `all` or `agents`; older bodies call this `recipients`.
    pub visibility: Option<String>,
    /// What applications store about the event.
    pub properties: ChatProperties,
    /// The type of the event as it was written, such as `message`.
    pub kind: String,
    /// The content of the event, by its type.
    pub content: EventContent,
}

/// The content of an event, by its type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventContent {
    /// `message`
    Message {
        /// The text of the message.
        text: String,
        /// The button that the message results from.
        postback: Option<Postback>,
    },
    /// `file`
    File(File),
    /// `filled_form`
    FilledForm {
        /// The id of the form.
        form_id: Option<String>,
        /// When the form is shown, such as `prechat`.
        form_type: Option<String>,
        /// The answers in the form.
        fields: Vec<FormField>,
    },
    /// `form`, not filled in yet; its fields are not read.
    Form {
        /// The id of the form.
        form_id: Option<String>,
    },
    /// `rich_message`
    RichMessage {
        /// The form of display, such as `cards`.
        template_id: Option<String>,
        /// The elements of the message, unchanged.
        elements: Vec<Json>,
    },
    /// `system_message`
    SystemMessage {
        /// The subject of the message.
        subject: Option<String>,
        /// The text of the message.
        text: Option<String>,
    },
    /// `system`
    System {
        /// The subject of the message.
        subject: Option<String>,
        /// The details: a text that contains JSON, unchanged.
        details: Option<String>,
    },
    /// `custom`: any JSON.
    Custom {
        /// The application's own content, unchanged.
        content: Option<Json>,
    },
    /// An event of any type that was deleted.
    Deleted,
    /// An unknown type, or a known type with another shape than documented.
    Unknown,
}

/// A file that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct File {
    /// The name of the file.
    pub name: Option<String>,
    /// The URL of the file.
    pub url: Option<String>,
    /// The content type of the file.
    pub content_type: Option<String>,
    /// The size of the file, in bytes.
    pub size: Option<u64>,
    /// The width of a picture, in pixels.
    pub width: Option<u32>,
    /// The height of a picture, in pixels.
    pub height: Option<u32>,
}

/// A field of a filled form.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FormField {
    /// The type of the field, such as `email`.
    pub kind: Option<String>,
    /// The id of the field.
    pub id: Option<String>,
    /// The question.
    pub label: Option<String>,
    /// The answers, read from `answer`, from `answers`, or from `value` in older bodies.
    pub answers: Vec<FormAnswer>,
}

/// An answer in a form.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct FormAnswer {
    /// The id of the chosen option.
    pub id: Option<String>,
    /// The id of the group that the option stands for.
    pub group_id: Option<u64>,
    /// The text of the option, or the typed text.
    pub label: Option<String>,
}

impl ChatEvent {
    /// The text of a message.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            EventContent::Message { text, .. } => Some(text),
            _ => None,
        }
    }
}

/// The event is read twice, first its common fields: an unread part keeps its own text only if
/// serde reads directly from the text.
impl<'de> Deserialize<'de> for ChatEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Base {
            id: String,
            custom_id: Option<String>,
            created_at: Option<String>,
            author_id: Option<String>,
            visibility: Option<String>,
            recipients: Option<String>,
            #[serde(default)]
            properties: ChatProperties,
            #[serde(rename = "type")]
            kind: String,
            #[serde(default)]
            deleted: bool,
        }
        let json = Json::deserialize(deserializer)?;
        let base: Base = json.parse().map_err(D::Error::custom)?;
        let content = if base.deleted {
            EventContent::Deleted
        } else {
            EventContent::read(&base.kind, &json).unwrap_or(EventContent::Unknown)
        };
        Ok(Self {
            id: base.id,
            custom_id: base.custom_id,
            created_at: base.created_at,
            author_id: base.author_id,
            visibility: base.visibility.or(base.recipients),
            properties: base.properties,
            kind: base.kind,
            content,
        })
    }
}

impl EventContent {
    fn read(kind: &str, json: &Json) -> serde_json::Result<Self> {
        /// Every key that any type documents. One of another shape makes the content unknown.
        #[derive(Deserialize)]
        struct Keys {
            text: Option<String>,
            postback: Option<Postback>,
            form_id: Option<String>,
            form_type: Option<String>,
            #[serde(default)]
            fields: Vec<FormField>,
            template_id: Option<String>,
            #[serde(default)]
            elements: Vec<Json>,
            system_message_type: Option<String>,
            subtype: Option<String>,
            details: Option<String>,
            content: Option<Json>,
        }
        if kind == "file" {
            return json.parse().map(Self::File);
        }
        if kind == "form" {
            let form: FormName = json.parse()?;
            return Ok(Self::Form { form_id: form.form_id });
        }
        let keys: Keys = json.parse()?;
        Ok(match kind {
            "message" => match keys.text {
                Some(text) => Self::Message { text, postback: keys.postback },
                None => Self::Unknown,
            },
            "filled_form" => {
                Self::FilledForm { form_id: keys.form_id, form_type: keys.form_type, fields: keys.fields }
            }
            "rich_message" => Self::RichMessage { template_id: keys.template_id, elements: keys.elements },
            "system_message" => Self::SystemMessage { subject: keys.system_message_type, text: keys.text },
            "system" => Self::System { subject: keys.subtype, details: keys.details },
            "custom" => Self::Custom { content: keys.content },
            _ => Self::Unknown,
        })
    }
}

#[derive(Deserialize)]
struct FormName {
    form_id: Option<String>,
}

impl<'de> Deserialize<'de> for FormField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Keys {
            #[serde(rename = "type")]
            kind: Option<String>,
            id: Option<String>,
            label: Option<String>,
            answer: Option<Json>,
            value: Option<Json>,
            #[serde(default)]
            answers: Vec<Json>,
        }
        let keys = Keys::deserialize(deserializer)?;
        let given = keys.answer.into_iter().chain(keys.answers).chain(keys.value);
        let answers = given.filter_map(|json| FormAnswer::read(&json)).collect();
        Ok(Self { kind: keys.kind, id: keys.id, label: keys.label, answers })
    }
}

impl FormAnswer {
    /// A typed answer is a text, a chosen one an object.
    fn read(json: &Json) -> Option<Self> {
        match json.parse() {
            Ok(label) => Some(Self { label: Some(label), ..Self::default() }),
            Err(_) => json.parse().ok(),
        }
    }
}
