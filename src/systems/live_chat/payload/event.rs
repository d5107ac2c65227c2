//! What is said in a chat.

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::systems::body::Json;

use super::chat::{Postback, Properties};

/// One event of a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: String,
    /// The id that its author gave it.
    pub custom_id: Option<String>,
    /// When it came, in RFC 3339 with microseconds.
    pub created_at: Option<String>,
    /// Who wrote it; `None` for the system.
    pub author_id: Option<String>,
    /// `all` or `agents`; older bodies call it `recipients`.
    pub visibility: Option<String>,
    /// What applications keep about it.
    pub properties: Properties,
    /// Its type as it was written, such as `message`.
    pub kind: String,
    /// What it says.
    pub content: EventContent,
}

/// What an event says, by its type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventContent {
    /// `message`
    Message {
        /// Its text.
        text: String,
        /// The button whose press made it.
        postback: Option<Postback>,
    },
    /// `file`
    File(File),
    /// `filled_form`
    FilledForm {
        /// The form.
        form_id: Option<String>,
        /// When it is asked, such as `prechat`.
        form_type: Option<String>,
        /// The answers.
        fields: Vec<FormField>,
    },
    /// `form`, not filled in yet; its fields are open.
    Form {
        /// The form.
        form_id: Option<String>,
    },
    /// `rich_message`
    RichMessage {
        /// How it looks, such as `cards`.
        template_id: Option<String>,
        /// Its elements, as they stand.
        elements: Vec<Json>,
    },
    /// `system_message`
    SystemMessage {
        /// What it is about.
        subject: Option<String>,
        /// Its text.
        text: Option<String>,
    },
    /// `system`
    System {
        /// What it is about.
        subject: Option<String>,
        /// JSON in a text, as it stands.
        details: Option<String>,
    },
    /// `custom`: any JSON, as it stands.
    Custom {
        /// The application's own content.
        content: Option<Json>,
    },
    /// Whatever it was, it was taken back.
    Deleted,
    /// A type that is not known here, or one of another shape than documented.
    Unknown,
}

/// A file that somebody sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct File {
    /// Its name.
    pub name: Option<String>,
    /// Where it is kept.
    pub url: Option<String>,
    /// What it is.
    pub content_type: Option<String>,
    /// How many bytes it has.
    pub size: Option<u64>,
    /// A picture's width in pixels.
    pub width: Option<u32>,
    /// A picture's height in pixels.
    pub height: Option<u32>,
}

/// A field of a filled form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormField {
    /// What it asks for, such as `email`.
    pub kind: Option<String>,
    /// Its id.
    pub id: Option<String>,
    /// Its question.
    pub label: Option<String>,
    /// What was answered: `answer`, each of `answers`, or `value` in older bodies.
    pub answers: Vec<FormAnswer>,
}

/// An answer in a form.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct FormAnswer {
    /// The chosen option.
    pub id: Option<String>,
    /// The group that the option stands for.
    pub group_id: Option<u64>,
    /// The option's text, or what was typed.
    pub label: Option<String>,
}

impl Event {
    /// A message's text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            EventContent::Message { text, .. } => Some(text),
            _ => None,
        }
    }
}

/// The event is read twice, its base first: an opaque part keeps its own text only
/// where serde reads straight from the text.
impl<'de> Deserialize<'de> for Event {
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
            properties: Properties,
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
