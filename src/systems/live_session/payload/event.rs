//! An event of a session, and the visitor it happened to.

use serde::{Deserialize, Serialize};

use crate::systems::body::json::{Json, Object, TEXT};
use crate::systems::body::{Extra, PayloadError};

use super::kind::SessionEventKind;

/// An event of a visitor's session: the payload of a `session.event`.
///
/// It serialises as that payload, so a sender publishes it with
/// [`NewEvent::serialize`](crate::NewEvent::serialize).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Json")]
pub struct SessionEvent {
    /// The kind of the event, with its own fields.
    #[serde(flatten)]
    pub kind: SessionEventKind,
    /// The time, in the sender's unit: the documentation shows seconds in one place and a
    /// number with eleven digits in another, so nothing is converted.
    pub time: Option<i64>,
    /// The visitor it happened to.
    pub visitor: Option<Visitor>,
    /// The keys that are not documented.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A visitor of a website.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Visitor {
    /// The id of the visitor.
    pub id: Option<String>,
    /// The name of the visitor, if given.
    pub name: Option<String>,
    /// The e-mail address of the visitor, if given. It may be empty.
    pub email: Option<String>,
    /// What the website states about the visitor.
    pub params: Vec<Param>,
    /// The estimated location of the visitor.
    pub geolocation: Option<Geolocation>,
    /// The keys that are not documented.
    #[serde(flatten)]
    pub extra: Extra,
}

/// One statement of a website about a visitor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Param {
    /// The name of the parameter.
    pub name: Option<String>,
    /// The value of the parameter.
    pub value: Option<String>,
    /// The keys that are not documented.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The estimated location of a visitor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Geolocation {
    /// The code of the country, two letters.
    pub country_code: Option<String>,
    /// The city.
    pub city: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// The keys that are not documented.
    #[serde(flatten)]
    pub extra: Extra,
}

impl SessionEvent {
    /// Reads a payload by itself, such as that of an event before it is sent.
    ///
    /// # Errors
    /// Those of [`LiveSessionBody::read`](super::LiveSessionBody::read).
    pub fn read(payload: &[u8]) -> Result<Self, PayloadError> {
        Object::of_body(payload).and_then(Self::from_object)
    }

    /// The event's name as its sender wrote it.
    #[must_use]
    pub fn event_name(&self) -> &str {
        self.kind.event_name()
    }

    pub(super) fn from_object(mut event: Object) -> Result<Self, PayloadError> {
        let name: String = event.need("event_name", TEXT)?;
        Ok(Self {
            kind: SessionEventKind::take(name, &mut event)?,
            time: event.integer("time")?,
            visitor: event.object("visitor", Visitor::from_object)?,
            extra: event.rest(),
        })
    }
}

impl TryFrom<Json> for SessionEvent {
    type Error = PayloadError;
    fn try_from(json: Json) -> Result<Self, PayloadError> {
        Self::read(json.as_str().as_bytes())
    }
}

impl Visitor {
    fn from_object(mut visitor: Object) -> Result<Self, PayloadError> {
        let params: Vec<Object> = visitor.take("params", "must be a list of objects")?.unwrap_or_default();
        Ok(Self {
            id: visitor.text("id")?,
            name: visitor.text("name")?,
            email: visitor.text("email")?,
            params: params
                .into_iter()
                .map(Param::from_object)
                .collect::<Result<_, _>>()
                .map_err(|error| error.inside("params"))?,
            geolocation: visitor.object("geolocation", Geolocation::from_object)?,
            extra: visitor.rest(),
        })
    }
}

impl Param {
    fn from_object(mut param: Object) -> Result<Self, PayloadError> {
        Ok(Self { name: param.text("name")?, value: param.text("value")?, extra: param.rest() })
    }
}

impl Geolocation {
    fn from_object(mut place: Object) -> Result<Self, PayloadError> {
        Ok(Self {
            country_code: place.text("country_code")?,
            city: place.text("city")?,
            region: place.text("region")?,
            extra: place.rest(),
        })
    }
}
