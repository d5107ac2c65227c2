//! The five documented kinds of session events, and all others.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::systems::body::PayloadError;
use crate::systems::body::json::{OBJECT, Object};

use super::properties::Properties;

/// The kind of an event, by its `event_name`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionEventKind {
    /// A script threw an error.
    JsError {
        /// Which of its two names the event has.
        name: ErrorName,
        /// The text of the error.
        value: Option<String>,
        /// The number of times it was thrown.
        count: Option<i64>,
    },
    /// A request of the page failed.
    NetError {
        /// The method of the request.
        method: Option<String>,
        /// The URL of the request.
        url: Option<String>,
        /// The status of the response.
        status: Option<i64>,
    },
    /// A click that led to an error.
    ErrorClick {
        /// The text of the error. It is also read from `messsage`, as a sample in the
        /// documentation has it, and written as `message`.
        message: Option<String>,
    },
    /// Many quick clicks.
    RageClick {
        /// The number of clicks.
        clicks: Option<i64>,
    },
    /// An event that the website defines.
    Custom {
        /// The name that the website gave it.
        name: Option<String>,
        /// The properties that the website set.
        properties: Properties,
    },
    /// An unknown kind; its fields are in the event's extra keys.
    Unknown {
        /// The name of the kind.
        event_name: String,
    },
}

/// The two names of an error event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorName {
    /// `JSError`, as in the list of event types.
    #[default]
    JsError,
    /// `Error`, as in the example of the introduction.
    Error,
}

impl ErrorName {
    /// The name as text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::JsError => "JSError",
            Self::Error => "Error",
        }
    }
}

impl SessionEventKind {
    /// The event's name as its sender wrote it.
    #[must_use]
    pub fn event_name(&self) -> &str {
        match self {
            Self::JsError { name, .. } => name.as_str(),
            Self::NetError { .. } => "NetError",
            Self::ErrorClick { .. } => "ErrorClick",
            Self::RageClick { .. } => "RageClick",
            Self::Custom { .. } => "Custom",
            Self::Unknown { event_name } => event_name,
        }
    }

    /// Takes the fields of its kind out of an event.
    pub(super) fn take(event_name: String, event: &mut Object) -> Result<Self, PayloadError> {
        Ok(match event_name.as_str() {
            "JSError" => Self::js_error(ErrorName::JsError, event)?,
            "Error" => Self::js_error(ErrorName::Error, event)?,
            "NetError" => Self::NetError {
                method: event.text("method")?,
                url: event.text("url")?,
                status: event.integer("status")?,
            },
            "ErrorClick" => {
                let key = if event.has("message") { "message" } else { "messsage" };
                Self::ErrorClick { message: event.text(key)? }
            }
            "RageClick" => Self::RageClick { clicks: event.integer("clicks")? },
            "Custom" => Self::Custom {
                name: event.text("name")?,
                properties: event
                    .take("properties", OBJECT)?
                    .map(Properties::from_object)
                    .unwrap_or_default(),
            },
            _ => Self::Unknown { event_name },
        })
    }

    fn js_error(name: ErrorName, event: &mut Object) -> Result<Self, PayloadError> {
        Ok(Self::JsError { name, value: event.text("value")?, count: event.integer("count")? })
    }
}

impl Serialize for SessionEventKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("event_name", self.event_name())?;
        match self {
            Self::JsError { value, count, .. } => {
                map.serialize_entry("value", value)?;
                map.serialize_entry("count", count)?;
            }
            Self::NetError { method, url, status } => {
                map.serialize_entry("method", method)?;
                map.serialize_entry("url", url)?;
                map.serialize_entry("status", status)?;
            }
            Self::ErrorClick { message } => map.serialize_entry("message", message)?,
            Self::RageClick { clicks } => map.serialize_entry("clicks", clicks)?,
            Self::Custom { name, properties } => {
                map.serialize_entry("name", name)?;
                map.serialize_entry("properties", properties)?;
            }
            Self::Unknown { .. } => {}
        }
        map.end()
    }
}
