//! Alerts, which select the events of a website that an endpoint gets.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::endpoint::{Endpoint, EndpointError};
use crate::id::{EndpointId, Found, IdError};
use crate::subscription::{Filter, Interest};

use crate::systems::settings::{AdminError, Problems};

/// The most alerts of an endpoint.
pub const ALERTS_MAX: usize = 100;
/// The most kinds of events in one alert.
pub const CONDITIONS_MAX: usize = 50;
const NAME_MAX: usize = 255;

/// The kinds of events that LiveSession's webhooks carry: its number for the kind, the
/// names of such events, and where such an event says what a `value` is compared with.
const KINDS: [(u32, &[&str], Option<&str>); 5] = [
    (20, &["ErrorClick"], Some("/message")),
    (21, &["RageClick"], None),
    (25, &["JSError", "Error"], Some("/value")),
    (26, &["Custom"], Some("/name")),
    (30, &["NetError"], Some("/url")),
];

/// An alert of an endpoint. It serialises to the form of LiveSession's REST API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Alert {
    /// The id of the alert.
    pub alert_id: AlertId,
    /// A label for people.
    pub name: String,
    /// The events that the alert selects.
    pub events: Vec<AlertEvent>,
    /// The kind of target.
    pub provider: AlertProvider,
    /// The id of the endpoint that gets the events.
    pub webhook_id: EndpointId,
}

/// A kind of events in an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertEvent {
    /// LiveSession's number of the kind: 20 `ErrorClick`, 21 `RageClick`, 25 `JSError`, 26
    /// `Custom`, 30 `NetError`.
    pub kind: u32,
    /// What such an event must contain: the name of a custom event, the text of an error, or
    /// the URL of a request. If empty, all events of the kind are selected.
    #[serde(default)]
    pub value: String,
}

/// The kind of target that an alert sends to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum AlertProvider {
    /// An endpoint.
    Webhooks,
    /// A Slack channel, by LiveSession's own app in Slack.
    Slack,
}

/// The form in which an alert is entered, with the fields of LiveSession's REST API.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AlertForm {
    /// A label for people: 1 to 255 characters.
    pub name: String,
    /// The events to select: at least one.
    pub events: Vec<AlertEvent>,
    /// The kind of target. hookpost supports only endpoints: for a Slack channel, create an
    /// endpoint.
    pub provider: AlertProvider,
    /// The id of the channel, for Slack.
    #[serde(default)]
    pub slack_channel_id: Option<String>,
    /// The id of the endpoint, for webhooks.
    #[serde(default)]
    pub webhook_id: Option<String>,
}

/// The id of an alert: its endpoint, and a number that the endpoint never uses twice.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AlertId {
    pub(super) endpoint: EndpointId,
    pub(super) number: u64,
}

impl AlertForm {
    /// A form for an alert that selects these events for an endpoint.
    #[must_use]
    pub fn new(name: impl Into<String>, endpoint: &EndpointId, events: impl Into<Vec<AlertEvent>>) -> Self {
        Self {
            name: name.into(),
            events: events.into(),
            provider: AlertProvider::Webhooks,
            slack_channel_id: None,
            webhook_id: Some(endpoint.as_str().to_owned()),
        }
    }

    /// Checks the form and returns its endpoint.
    pub(super) fn check(&self) -> Result<EndpointId, AdminError> {
        let mut problems = Problems::default();
        let name = self.name.trim();
        let plain = !name.chars().any(char::is_control) && name.chars().count() <= NAME_MAX;
        let rule = "must be 1 to 255 characters, none of them a control character";
        problems.hold(plain && !name.is_empty(), "name", rule);
        problems.hold(!self.events.is_empty(), "events", "must name at least one kind of events");
        problems.hold(self.events.len() <= CONDITIONS_MAX, "events", "must name at most 50 kinds of events");
        for (at, event) in self.events.iter().enumerate() {
            event.check(at, &mut problems);
        }
        let id = EndpointId::new(self.webhook_id.as_deref().unwrap_or_default());
        match self.provider {
            AlertProvider::Webhooks => {
                problems.hold(id.is_ok(), "webhook_id", "must be the id of an endpoint");
            }
            AlertProvider::Slack
                if self.slack_channel_id.as_deref().is_none_or(|id| id.trim().is_empty()) =>
            {
                problems.hold(false, "slack_channel_id", "must be set with the provider slack");
            }
            AlertProvider::Slack => {
                let rule = "must be webhooks: a channel of Slack is reached by an endpoint of its own";
                problems.hold(false, "provider", rule);
            }
        }
        problems.none()?;
        Ok(id.map_err(EndpointError::from)?)
    }

    /// The part of the alert that routing needs.
    pub(super) fn interest(&self, number: u64) -> Result<Interest, AdminError> {
        let conditions = self.events.iter().map(AlertEvent::condition).collect::<Result<Vec<_>, _>>()?;
        Ok(Interest::new(number, self.name.trim(), conditions).map_err(EndpointError::from)?)
    }
}

impl Alert {
    /// The alerts of an endpoint, as its subscription has them.
    pub(super) fn all_of(endpoint: &Endpoint) -> Vec<Self> {
        let interests = endpoint.subscription.interests().unwrap_or_default().iter();
        interests
            .map(|interest| Self {
                alert_id: AlertId { endpoint: endpoint.id.clone(), number: interest.number() },
                name: interest.name().to_owned(),
                events: interest.any_of().iter().filter_map(|it| AlertEvent::of_condition(it)).collect(),
                provider: AlertProvider::Webhooks,
                webhook_id: endpoint.id.clone(),
            })
            .collect()
    }
}

impl AlertEvent {
    /// All events of a kind.
    #[must_use]
    pub const fn all_of(kind: u32) -> Self {
        Self { kind, value: String::new() }
    }

    /// The events of a kind that contain this value.
    #[must_use]
    pub fn saying(kind: u32, value: impl Into<String>) -> Self {
        Self { kind, value: value.into() }
    }

    fn check(&self, at: usize, problems: &mut Problems) {
        match KINDS.iter().find(|(kind, ..)| *kind == self.kind) {
            None => problems.hold(false, format!("events[{at}].kind"), "must be 20, 21, 25, 26 or 30"),
            Some((.., None)) => {
                let rule = "must be empty, since such events have nothing to compare it with";
                problems.hold(self.value.is_empty(), format!("events[{at}].value"), rule);
            }
            Some(_) => {
                let rule = "must be at most 2048 bytes long";
                problems.hold(self.value.len() <= 2048, format!("events[{at}].value"), rule);
            }
        }
    }

    fn condition(&self) -> Result<Vec<Filter>, AdminError> {
        let (_, names, says) = KINDS
            .iter()
            .find(|(kind, ..)| *kind == self.kind)
            .ok_or(EndpointError::Field { field: "events", rule: "must be of a kind that webhooks carry" })?;
        let names: Vec<serde_json::Value> = names.iter().map(|name| (*name).into()).collect();
        let is_named = Filter::equals("/event_name", names).map_err(EndpointError::from)?;
        match says.filter(|_| !self.value.is_empty()) {
            None => Ok(vec![is_named]),
            Some(pointer) => {
                let says = Filter::equals(pointer, [self.value.as_str().into()]);
                Ok(vec![is_named, says.map_err(EndpointError::from)?])
            }
        }
    }

    /// What [`condition`](Self::condition) was made of; `None` for a host's own.
    fn of_condition(condition: &[Filter]) -> Option<Self> {
        let (name, rest) = condition.split_first()?;
        let first = name.values().first()?.as_str()?;
        let (kind, ..) = KINDS.iter().find(|(_, names, _)| names.contains(&first))?;
        let value = rest.first().and_then(|says| says.values().first()?.as_str()).unwrap_or_default();
        Some(Self { kind: *kind, value: value.to_owned() })
    }
}

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.endpoint, self.number)
    }
}

impl FromStr for AlertId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let refused = IdError {
            what: "alert id",
            rule: "an endpoint's id, a slash and a number",
            found: Found::AnotherForm,
            suggestion: None,
        };
        let (endpoint, number) = text.rsplit_once('/').ok_or_else(|| refused.clone())?;
        Ok(Self { endpoint: EndpointId::new(endpoint)?, number: number.parse().map_err(|_| refused)? })
    }
}

impl TryFrom<String> for AlertId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<AlertId> for String {
    fn from(id: AlertId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_subscription_keeps_of_an_alert_gives_the_alert_back() {
        for (kind, names, says) in KINDS {
            for value in ["", "Coupon \"é\" applied"] {
                let event = AlertEvent::saying(kind, if says.is_some() { value } else { "" });
                let condition = event.condition().unwrap();
                assert_eq!(AlertEvent::of_condition(&condition), Some(event), "{names:?}");
            }
        }
        assert_eq!(AlertEvent::of_condition(&[]), None);
    }

    #[test]
    fn an_alert_id_is_read_as_it_is_written() {
        for text in ["e1/7", "a/b/0", "e/18446744073709551615"] {
            assert_eq!(text.parse::<AlertId>().unwrap().to_string(), text);
        }
        for text in ["", "e1", "/7", "e1/", "e1/-1", "e1/x", "e\n/1"] {
            assert!(text.parse::<AlertId>().is_err(), "{text}");
        }
    }
}
