//! LiveChat's body, by API version: the secret key, the registration and the payload.

use http::HeaderName;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::endpoint::Endpoint;
use crate::event::Event;
use crate::profile::{Envelope, Occasion, RenderError, Rendered, Sample, payload_json};
use crate::secret::Secrets;

use super::payload::{ApiVersion, CHAT_PRESENCE_USER_IDS, CHAT_PROPERTIES, Recorded, RecordedParts};

/// Writes the body of one version of LiveChat's API: with the license's number up to 3.3, with
/// the organization since 3.4, and with the requester since 3.6.
///
/// The event's payload is an [`Occurrence`](crate::systems::live_chat::payload::Occurrence),
/// its tenant is the organization, and its scope is the license. The endpoint's current secret
/// is part of the body: **anyone who sees a body knows the key.** What the subscription
/// [includes](crate::Subscription::including) is sent as additional data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LiveChat {
    /// The version of the bodies.
    pub(super) version: ApiVersion,
}

#[derive(Serialize)]
struct Body<'a> {
    webhook_id: &'a str,
    secret_key: &'a str,
    action: &'a str,
    #[serde(flatten)]
    place: Place<'a>,
    payload: &'a RawValue,
    additional_data: RecordedParts<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requester: Option<&'a RawValue>,
}

/// Exactly one of the two, never both.
#[derive(Serialize)]
enum Place<'a> {
    #[serde(rename = "license_id")]
    License(u64),
    #[serde(rename = "organization_id")]
    Organization(&'a str),
}

impl Envelope for LiveChat {
    fn render(&self, event: &Event, endpoint: &Endpoint, _: Occasion) -> Result<Rendered, RenderError> {
        let recorded = occurrence(event)?;
        let includes = |part| endpoint.subscription.includes(part);
        let parts = recorded.additional_data;
        Rendered::json(&Body {
            webhook_id: registration(endpoint),
            secret_key: secret_key(endpoint)?,
            action: event.kind.as_str(),
            place: self.place(event, endpoint)?,
            payload: recorded.payload,
            additional_data: RecordedParts {
                chat_properties: parts.chat_properties.filter(|_| includes(CHAT_PROPERTIES)),
                chat_presence_user_ids: parts
                    .chat_presence_user_ids
                    .filter(|_| includes(CHAT_PRESENCE_USER_IDS)),
            },
            requester: recorded.requester.filter(|_| self.version >= ApiVersion::V3_6),
        })
    }

    fn header_names(&self) -> &[HeaderName] {
        &[]
    }

    fn sample(&self, endpoint: &Endpoint) -> Sample {
        Sample::of_first_type(endpoint, "chat_deactivated", SAMPLE)
    }

    fn carries_secret(&self) -> bool {
        true
    }
}

impl LiveChat {
    /// A test ping has no scope of its own: its license is the one that the endpoint is for.
    fn place<'a>(self, event: &'a Event, endpoint: &'a Endpoint) -> Result<Place<'a>, RenderError> {
        if self.version > ApiVersion::V3_3 {
            return Ok(Place::Organization(event.tenant.as_str()));
        }
        let scope = event.scope.as_ref().or(endpoint.subscription.scope());
        let license = scope.and_then(|scope| scope.as_str().parse().ok());
        license.map(Place::License).ok_or(RenderError { rule: "scope: must be the number of the license" })
    }
}

/// An object: serde would read a struct from a list of its fields too.
fn occurrence(event: &Event) -> Result<Recorded<'_>, RenderError> {
    let refused = RenderError { rule: "payload: must be a JSON object with a member payload" };
    let json = payload_json(event)?.get();
    if !json.starts_with('{') {
        return Err(refused);
    }
    serde_json::from_str(json).map_err(|_| refused)
}

/// One registration has an endpoint on each license, named by both with a colon between.
fn registration(endpoint: &Endpoint) -> &str {
    let id = endpoint.id.as_str();
    id.split_once(':').map_or(id, |(registration, _)| registration)
}

fn secret_key(endpoint: &Endpoint) -> Result<&str, RenderError> {
    let Secrets::Open(secrets) = &endpoint.secrets else {
        return Err(RenderError { rule: "secret_key: must be open (it is sealed)" });
    };
    let key =
        secrets.current.first().ok_or(RenderError { rule: "secret_key: must be set for this profile" })?;
    std::str::from_utf8(key.expose()).map_err(|_| RenderError { rule: "secret_key: must be UTF-8" })
}

const SAMPLE: &str = r#"{"payload":{"chat_id":"TEST","thread_id":"TEST"}}"#;
