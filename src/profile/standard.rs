//! Standard Webhooks: the profile, the two forms of its body, and the type for receivers.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::endpoint::Endpoint;
use crate::event::{Event, JSON, check_json};
use crate::id::ProfileName;
use crate::policy::egress::SchemePolicy;
use crate::policy::outcome::ByStatus;
use crate::policy::retry::{RetryPolicy, Schedule};
use crate::sign::Scheme;
use crate::time::Timestamp;

use super::{
    Envelope, HOOKPOST, Occasion, OnEnable, OnRecovery, PROBE_GAP_MAX, Profile, RenderError, Rendered,
    Sample, Signing, WIDTH, hours, minutes, payload_json, user_agent, web,
};

impl Profile {
    /// Standard Webhooks: only https, a body of type, timestamp and data, always signed, eight
    /// attempts over about 28 hours, disabled after five days with failures only.
    ///
    /// The payload becomes `data` exactly as it was published, so it must be JSON: an event of
    /// another content type fails as `unrenderable`. [`standard_raw`](Self::standard_raw)
    /// sends any bytes. Receivers read the body as a [`StandardEvent`].
    #[must_use]
    pub fn standard() -> Self {
        let schedule = Schedule::preset_list(vec![
            Duration::from_secs(5),
            minutes(5),
            minutes(30),
            hours(2),
            hours(5),
            hours(10),
            hours(10),
        ]);
        Self {
            name: ProfileName::preset("standard"),
            envelope: Arc::new(Standard),
            schemes: Scheme::standard().into(),
            signing: Signing::Required,
            headers: user_agent(HOOKPOST),
            classifier: Arc::new(ByStatus::any_2xx()),
            retry: RetryPolicy::preset(schedule, 20, None, None),
            limits: Vec::new(),
            service: Vec::new(),
            urls: web(SchemePolicy::HttpsOnly),
            url_of_another: None,
            unique_urls: false,
            timeout: Duration::from_secs(15),
            width: WIDTH,
            keep_body: 1024,
            probe_gap_max: PROBE_GAP_MAX,
            disable_after: Some(hours(5 * 24)),
            on_enable: OnEnable::Send,
            on_recovery: OnRecovery::CatchUp,
        }
    }

    /// [`standard`](Self::standard), but the body is the payload itself, under its own content
    /// type. No header contains the event's type: put the type into the payload if the
    /// receiver needs it.
    #[must_use]
    pub fn standard_raw() -> Self {
        Self::raw(Self::standard())
    }

    /// The profile `standard_raw` that belongs to a host's own `standard`.
    pub(crate) fn raw(standard: Self) -> Self {
        Self { name: ProfileName::preset("standard_raw"), envelope: Arc::new(Verbatim), ..standard }
    }
}

/// Writes `{"type", "timestamp", "data"}`, which the Standard Webhooks specification
/// recommends, since its headers carry no type. `data` is the payload as published, and
/// `timestamp` is the event's creation, the same at each retry.
///
/// A receiver reads it as a [`StandardEvent`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standard;

impl Envelope for Standard {
    fn render(&self, event: &Event, _: &Endpoint, _: Occasion) -> Result<Rendered, RenderError> {
        let kind = event.kind.as_str().to_owned();
        Rendered::json(&StandardEvent { kind, timestamp: event.created_at, data: payload_json(event)? })
    }

    fn header_names(&self) -> &[HeaderName] {
        &[]
    }

    fn sample(&self, _: &Endpoint) -> Sample {
        Sample::webhook_test(r#"{"test":true}"#)
    }
}

/// Sends the payload's bytes under the event's content type. The receiver learns the event's
/// type only if the payload contains it; [`Standard`] adds it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verbatim;

impl Envelope for Verbatim {
    fn render(&self, event: &Event, _: &Endpoint, _: Occasion) -> Result<Rendered, RenderError> {
        // Publishing checks this too, but not what a host's own SQL writes.
        if event.is_json() && check_json(&event.payload).is_err() {
            return Err(RenderError {
                rule: "payload: must be one JSON value in UTF-8, as its content type says",
            });
        }
        let content_type = if event.content_type == JSON {
            HeaderValue::from_static(JSON)
        } else {
            HeaderValue::from_str(&event.content_type)
                .map_err(|_| RenderError { rule: "content_type: must be printable ASCII" })?
        };
        Ok(Rendered { body: event.payload.clone(), content_type, headers: HeaderMap::new() })
    }

    fn header_names(&self) -> &[HeaderName] {
        &[]
    }

    fn sample(&self, _: &Endpoint) -> Sample {
        Sample::webhook_test(r#"{"type":"webhook.test","data":{"test":true}}"#)
    }
}

/// The body that the profile `standard` sends: `{"type", "timestamp", "data"}`, with the
/// event's payload as `data`. The [Standard Webhooks specification] recommends this form, so
/// the type can read events of other senders too.
///
/// Unknown keys are ignored.
///
/// ```
/// use hookpost::profile::StandardEvent;
///
/// #[derive(serde::Deserialize)]
/// struct Order { order: u64 }
///
/// let body = r#"{"type":"order.paid","timestamp":"2026-01-01T00:00:00.000000Z","data":{"order":7}}"#;
/// let event: StandardEvent<Order> = serde_json::from_str(body)?;
/// assert_eq!((event.kind.as_str(), event.data.order), ("order.paid", 7));
/// assert_eq!(event.timestamp.unix_seconds(), 1_767_225_600);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// If `data` has a different shape for each type, read it as a [`Value`](serde_json::Value)
/// first. An enum that serde tags with the type rejects events of unknown types, even with
/// `#[serde(other)]`. The sender then retries what was rejected, and new types and test pings
/// are bound to arrive.
///
/// ```
/// # use hookpost::profile::StandardEvent;
/// # #[derive(serde::Deserialize)]
/// # struct Order { order: u64 }
/// fn order_of(event: StandardEvent<serde_json::Value>) -> serde_json::Result<Option<u64>> {
///     match event.kind.as_str() {
///         "order.paid" => serde_json::from_value(event.data).map(|data: Order| Some(data.order)),
///         // Accepted and ignored.
///         _ => Ok(None),
///     }
/// }
///
/// let paid = r#"{"type":"order.paid","timestamp":"2026-01-01T00:00:00Z","data":{"order":7}}"#;
/// let ping = r#"{"type":"webhook.test","timestamp":"2026-01-01T00:00:00Z","data":{"test":true}}"#;
/// assert_eq!(order_of(serde_json::from_str(paid)?)?, Some(7));
/// assert_eq!(order_of(serde_json::from_str(ping)?)?, None);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// [Standard Webhooks specification]: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandardEvent<T> {
    /// The event's type, such as `order.paid`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When the event happened. It is the same in each attempt, while the header
    /// `webhook-timestamp` has the time of the attempt.
    #[serde(with = "rfc3339")]
    pub timestamp: Timestamp,
    /// The event's payload.
    pub data: T,
}

/// A moment as a text of RFC 3339.
mod rfc3339 {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::time::Timestamp;

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
    pub(super) fn serialize<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(moment)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
