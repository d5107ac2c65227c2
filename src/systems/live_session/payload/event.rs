//! An event of a session, and who it happened to.

use serde::{Deserialize, Serialize};

use crate::systems::body::json::{Json, Object, TEXT};
use crate::systems::body::{Extra, PayloadError};

use super::kind::Kind;

/// What happened in a visitor's session: the payload of a `session.event`.
///
/// It serialises as that payload, so a sender publishes it with
/// [`NewEvent::serialize`](crate::NewEvent::serialize).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Json")]
pub struct SessionEvent {
    /// What it was.
    #[serde(flatten)]
    pub kind: Kind,
    /// When, as the sender counts: the documentation shows seconds in one place and a
    /// number of eleven digits in another, so nothing is converted.
    pub time: Option<i64>,
    /// Who it happened to.
    pub visitor: Option<Visitor>,
    /// Keys that are not documented.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Somebody on a website.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Visitor {
    /// Their id.
    pub id: Option<String>,
    /// Their name, where they gave one.
    pub name: Option<String>,
    /// Their address, where they gave one. It may be empty.
    pub email: Option<String>,
    /// What the website says of them.
    pub params: Vec<Param>,
    /// Where they seem to be.
    pub geolocation: Option<Geolocation>,
    /// Keys that are not documented.
    #[serde(flatten)]
    pub extra: Extra,
}

/// One thing that a website says of a visitor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Param {
    /// What is said.
    pub name: Option<String>,
    /// Its value.
    pub value: Option<String>,
    /// Keys that are not documented.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Where a visitor seems to be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Geolocation {
    /// The country, in two letters.
    pub country_code: Option<String>,
    /// The city.
    pub city: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// Keys that are not documented.
    #[serde(flatten)]
    pub extra: Extra,
}

impl SessionEvent {
    /// Reads a payload by itself, such as an event's before it is sent.
    ///
    /// # Errors
    /// As for [`Body::read`](super::Body::read).
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
            kind: Kind::take(name, &mut event)?,
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
