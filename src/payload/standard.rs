//! The body of Standard Webhooks: type, timestamp and data.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The body that the profile `standard` sends, `{"type", "timestamp", "data"}`, with the
/// event's payload as `data`. It is what the [Standard Webhooks specification] recommends,
/// so it reads events of other senders too.
///
/// Unknown keys are ignored.
///
/// ```
/// use hookpost::payload::StandardEvent;
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
/// Where `data` has another shape for each type, read it as a
/// [`Value`](serde_json::Value) first. An enum that serde tags with the type refuses
/// events of types that it does not know, also with `#[serde(other)]`, and the sender sends
/// what was refused again: new types and test pings arrive one day.
///
/// ```
/// # use hookpost::payload::StandardEvent;
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
    /// `webhook-timestamp` holds the moment of the attempt.
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
