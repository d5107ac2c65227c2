//! The five documented kinds of session events, and all others.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::systems::body::PayloadError;
use crate::systems::body::json::{OBJECT, Object};

use super::properties::Properties;

/// The kind of an event, by its `event_name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A script threw an error.
    JsError(JsError),
    /// A request of the page failed.
    NetError(NetError),
    /// A click that led to an error.
    ErrorClick(ErrorClick),
    /// Many quick clicks.
    RageClick(RageClick),
    /// An event that the website defines.
    Custom(Custom),
    /// An unknown kind; its fields are in the event's extra keys.
    Unknown {
        /// The name of the kind.
        event_name: String,
    },
}

/// A script threw an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JsError {
    /// Which of its two names the event has.
    pub name: ErrorName,
    /// The text of the error.
    pub value: Option<String>,
    /// The number of times it was thrown.
    pub count: Option<i64>,
}

/// The two names of an error event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ErrorName {
    /// `JSError`, as in the list of event types.
    #[default]
    JsError,
    /// `Error`, as in the example of the introduction.
    Error,
}

/// A request of the page failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetError {
    /// The method of the request.
    pub method: Option<String>,
    /// The URL of the request.
    pub url: Option<String>,
    /// The status of the response.
    pub status: Option<i64>,
}

/// A click that led to an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorClick {
    /// The text of the error. It is also read from `messsage`, as a sample in the
    /// documentation has it, and written as `message`.
    pub message: Option<String>,
}

/// Many quick clicks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RageClick {
    /// The number of clicks.
    pub clicks: Option<i64>,
}

/// An event that the website defines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Custom {
    /// The name that the website gave it.
    pub name: Option<String>,
    /// The properties that the website set.
    pub properties: Properties,
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

impl Kind {
    /// The event's name as its sender wrote it.
    #[must_use]
    pub fn event_name(&self) -> &str {
        match self {
            Self::JsError(error) => error.name.as_str(),
            Self::NetError(_) => "NetError",
            Self::ErrorClick(_) => "ErrorClick",
            Self::RageClick(_) => "RageClick",
            Self::Custom(_) => "Custom",
            Self::Unknown { event_name } => event_name,
        }
    }

    /// Takes the fields of its kind out of an event.
    pub(super) fn take(event_name: String, event: &mut Object) -> Result<Self, PayloadError> {
        Ok(match event_name.as_str() {
            "JSError" => Self::JsError(JsError::take(ErrorName::JsError, event)?),
            "Error" => Self::JsError(JsError::take(ErrorName::Error, event)?),
            "NetError" => Self::NetError(NetError {
                method: event.text("method")?,
                url: event.text("url")?,
                status: event.integer("status")?,
            }),
            "ErrorClick" => {
                let key = if event.has("message") { "message" } else { "messsage" };
                Self::ErrorClick(ErrorClick { message: event.text(key)? })
            }
            "RageClick" => Self::RageClick(RageClick { clicks: event.integer("clicks")? }),
            "Custom" => Self::Custom(Custom {
                name: event.text("name")?,
                properties: event
                    .take("properties", OBJECT)?
                    .map(Properties::from_object)
                    .unwrap_or_default(),
            }),
            _ => Self::Unknown { event_name },
        })
    }
}

impl JsError {
    fn take(name: ErrorName, event: &mut Object) -> Result<Self, PayloadError> {
        Ok(Self { name, value: event.text("value")?, count: event.integer("count")? })
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("event_name", self.event_name())?;
        match self {
            Self::JsError(JsError { value, count, .. }) => {
                map.serialize_entry("value", value)?;
                map.serialize_entry("count", count)?;
            }
            Self::NetError(NetError { method, url, status }) => {
                map.serialize_entry("method", method)?;
                map.serialize_entry("url", url)?;
                map.serialize_entry("status", status)?;
            }
            Self::ErrorClick(ErrorClick { message }) => map.serialize_entry("message", message)?,
            Self::RageClick(RageClick { clicks }) => map.serialize_entry("clicks", clicks)?,
            Self::Custom(Custom { name, properties }) => {
                map.serialize_entry("name", name)?;
                map.serialize_entry("properties", properties)?;
            }
            Self::Unknown { .. } => {}
        }
        map.end()
    }
}
