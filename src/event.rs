//! Events: something that happened, recorded once and never changed.

mod json;

use std::fmt;

use bytes::Bytes;
use serde::Serialize;

use crate::id::{EventId, EventType, IdError, IdempotencyKey, OrderingKey, Scope, TenantId};
use crate::time::Timestamp;

pub use json::check_json;

/// The content type of a payload for which none was given.
pub const JSON: &str = "application/json";

/// Something that happened in the host's application. A store keeps its fields and returns
/// them byte for byte. A host creates one with [`NewEvent`]. `Debug` does not show the
/// payload.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    /// The message id on the wire.
    pub id: EventId,
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// The type of the event, such as `order.paid`.
    pub kind: EventType,
    /// The payload exactly as it was given; it is never re-serialised.
    pub payload: Bytes,
    /// The content type of the payload.
    pub content_type: String,
    /// When it was published.
    pub created_at: Timestamp,
    /// Selects endpoints within the tenant, such as a website id; `None` for no scope.
    pub scope: Option<Scope>,
    /// The key under which publishing twice adds nothing.
    pub idempotency_key: Option<IdempotencyKey>,
    /// Events with the same key are delivered in publish order.
    pub ordering_key: Option<OrderingKey>,
    /// The time before which no attempt is made; `None` for no limit.
    pub not_before: Option<Timestamp>,
    /// The time after which no attempt is made; `None` for no limit.
    pub expires_at: Option<Timestamp>,
    /// The W3C `traceparent` to send with the event.
    pub trace: Option<String>,
}

impl Event {
    /// Whether both events have the same content: all fields but the id and the creation time.
    #[must_use]
    pub fn same_content(&self, other: &Self) -> bool {
        let content =
            |event: &Self| Self { id: self.id.clone(), created_at: self.created_at, ..event.clone() };
        content(self) == content(other)
    }

    /// The time from which its deliveries' age counts: its creation, or its `not_before` if
    /// that is later.
    #[must_use]
    pub fn born_at(&self) -> Timestamp {
        self.created_at.max(self.not_before.unwrap_or(self.created_at))
    }

    /// Whether the content type is JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        is_json(&self.content_type)
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("id", &self.id)
            .field("tenant", &self.tenant)
            .field("kind", &self.kind)
            .field("payload_bytes", &self.payload.len())
            .field("content_type", &self.content_type)
            .field("created_at", &self.created_at)
            .field("scope", &self.scope)
            .field("ordering_key", &self.ordering_key)
            .finish_non_exhaustive()
    }
}

/// Why an event cannot be published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// A name breaks its rule.
    #[error(transparent)]
    Id(#[from] IdError),
    /// The content type is JSON, but the payload is not valid JSON.
    #[error("payload: must be valid JSON; reading stopped at byte {at}: expected {expected}")]
    NotJson {
        /// The byte at which reading stopped.
        at: usize,
        /// What was expected at that byte.
        expected: &'static str,
    },
    /// A value could not be written as JSON.
    #[error("payload: must be a value that can be written as JSON")]
    Unwritable,
    /// The payload exceeds the limit.
    #[error("payload: must be at most {limit} bytes (got {size})")]
    TooLarge {
        /// The size of the payload, in bytes.
        size: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// A field breaks its rule.
    #[error("{field}: {rule}")]
    Field {
        /// The name of the field.
        field: &'static str,
        /// The rule that the field breaks.
        rule: &'static str,
    },
}

/// An event that a host is about to publish. Its creation time, and its id unless it has one,
/// are set when it is published.
///
/// ```
/// use hookpost::NewEvent;
///
/// let event = NewEvent::json("acme", "order.paid", br#"{"order":7}"#.as_slice())?.scope("shop-1")?;
/// # Ok::<(), hookpost::EventError>(())
/// ```
///
/// `Debug` does not show the payload.
#[derive(Clone, PartialEq, Eq)]
pub struct NewEvent {
    id: Option<EventId>,
    tenant: TenantId,
    kind: EventType,
    payload: Bytes,
    content_type: String,
    scope: Option<Scope>,
    idempotency_key: Option<IdempotencyKey>,
    ordering_key: Option<OrderingKey>,
    not_before: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    trace: Option<String>,
}

impl fmt::Debug for NewEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewEvent")
            .field("id", &self.id)
            .field("tenant", &self.tenant)
            .field("kind", &self.kind)
            .field("payload_bytes", &self.payload.len())
            .field("content_type", &self.content_type)
            .field("scope", &self.scope)
            .field("ordering_key", &self.ordering_key)
            .finish_non_exhaustive()
    }
}

impl NewEvent {
    /// Creates an event whose payload is this JSON text, sent unchanged.
    ///
    /// # Errors
    /// If a name breaks its rule or the payload is not valid JSON.
    pub fn json(
        tenant: impl AsRef<str>,
        kind: impl AsRef<str>,
        payload: impl Into<Bytes>,
    ) -> Result<Self, EventError> {
        Self::bytes(tenant, kind, JSON, payload)
    }

    /// Creates an event whose payload is `value`, serialised to JSON once.
    ///
    /// # Errors
    /// If a name breaks its rule or the value cannot be serialised.
    pub fn serialize(
        tenant: impl AsRef<str>,
        kind: impl AsRef<str>,
        value: &impl Serialize,
    ) -> Result<Self, EventError> {
        let payload = serde_json::to_vec(value).map_err(|_| EventError::Unwritable)?;
        Self::unchecked(tenant, kind, JSON.to_owned(), payload.into())
    }

    /// Creates an event whose payload is any bytes of the given content type.
    ///
    /// # Errors
    /// If a name breaks its rule, if the content type is not a valid header value, or if it is
    /// JSON and the payload is not.
    pub fn bytes(
        tenant: impl AsRef<str>,
        kind: impl AsRef<str>,
        content_type: impl Into<String>,
        payload: impl Into<Bytes>,
    ) -> Result<Self, EventError> {
        let new = Self::unchecked(tenant, kind, content_type.into(), payload.into())?;
        if is_json(&new.content_type) {
            check_json(&new.payload)?;
        }
        Ok(new)
    }

    /// The tenant of the event.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Sets the event's id. Publishing the same id again adds nothing.
    ///
    /// # Errors
    /// If the id breaks its rule.
    pub fn id(mut self, id: impl AsRef<str>) -> Result<Self, EventError> {
        self.id = Some(EventId::new(id)?);
        Ok(self)
    }

    /// Sets the scope, which selects endpoints within the tenant.
    ///
    /// # Errors
    /// If the scope breaks its rule.
    pub fn scope(mut self, scope: impl AsRef<str>) -> Result<Self, EventError> {
        self.scope = Some(Scope::new(scope)?);
        Ok(self)
    }

    /// Sets the idempotency key. Publishing again under the same key of the tenant adds
    /// nothing.
    ///
    /// # Errors
    /// If the key breaks its rule.
    pub fn idempotency_key(mut self, key: impl AsRef<str>) -> Result<Self, EventError> {
        self.idempotency_key = Some(IdempotencyKey::new(key)?);
        Ok(self)
    }

    /// Sets the ordering key. Each endpoint gets the events of one key one at a time, in
    /// publish order.
    ///
    /// # Errors
    /// If the key breaks its rule.
    pub fn ordering_key(mut self, key: impl AsRef<str>) -> Result<Self, EventError> {
        self.ordering_key = Some(OrderingKey::new(key)?);
        Ok(self)
    }

    /// Sets the time before which no attempt is made. The age of its deliveries counts from
    /// there.
    #[must_use]
    pub const fn not_before(mut self, moment: Timestamp) -> Self {
        self.not_before = Some(moment);
        self
    }

    /// Sets the time after which no attempt is made.
    #[must_use]
    pub const fn expires_at(mut self, moment: Timestamp) -> Self {
        self.expires_at = Some(moment);
        self
    }

    /// Sets a W3C `traceparent` to send with the event.
    ///
    /// # Errors
    /// If it is not of the form `00-<32 hex>-<16 hex>-<2 hex>`.
    pub fn trace(mut self, traceparent: impl Into<String>) -> Result<Self, EventError> {
        let text = traceparent.into();
        let groups: Vec<_> = text.split('-').collect();
        let lengths_fit = groups.iter().map(|group| group.len()).eq([2, 32, 16, 2]);
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if !lengths_fit || !groups.concat().bytes().all(hex) {
            return Err(EventError::Field { field: "trace", rule: "must be a W3C traceparent" });
        }
        self.trace = Some(text);
        Ok(self)
    }

    /// Converts it to an event that is published at `now`. The event gets `id` unless one was
    /// set.
    ///
    /// # Errors
    /// If the payload exceeds `limit` bytes, or if the event would expire before it may be
    /// sent.
    pub fn into_event(self, id: EventId, now: Timestamp, limit: usize) -> Result<Event, EventError> {
        let event = Event {
            id: self.id.unwrap_or(id),
            tenant: self.tenant,
            kind: self.kind,
            payload: self.payload,
            content_type: self.content_type,
            created_at: now,
            scope: self.scope,
            idempotency_key: self.idempotency_key,
            ordering_key: self.ordering_key,
            not_before: self.not_before,
            expires_at: self.expires_at,
            trace: self.trace,
        };
        if event.payload.len() > limit {
            return Err(EventError::TooLarge { size: event.payload.len(), limit });
        }
        if event.expires_at.is_some_and(|end| end <= event.born_at()) {
            return Err(EventError::Field {
                field: "expires_at",
                rule: "must be after the event may first be sent",
            });
        }
        Ok(event)
    }

    fn unchecked(
        tenant: impl AsRef<str>,
        kind: impl AsRef<str>,
        content_type: String,
        payload: Bytes,
    ) -> Result<Self, EventError> {
        let printable = !content_type.is_empty()
            && content_type.len() <= 128
            && content_type.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if !printable {
            return Err(EventError::Field {
                field: "content_type",
                rule: "must be 1 to 128 printable ASCII characters",
            });
        }
        Ok(Self {
            id: None,
            tenant: TenantId::new(tenant)?,
            kind: EventType::new(kind)?,
            payload,
            content_type,
            scope: None,
            idempotency_key: None,
            ordering_key: None,
            not_before: None,
            expires_at: None,
            trace: None,
        })
    }
}

/// Whether a content type means JSON.
fn is_json(content_type: &str) -> bool {
    if content_type == JSON {
        return true;
    }
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case(JSON)
        || essence.rsplit_once('+').is_some_and(|(_, suffix)| suffix.eq_ignore_ascii_case("json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_of_any_depth_and_any_number_passes_and_broken_json_names_its_byte() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for text in [
            deep.as_str(),
            "1e400",
            "-0.0",
            "123456789012345678901234567890",
            "{\"a\":1,\"a\":2}",
            " null\r\n",
        ] {
            assert_eq!(check_json(text.as_bytes()), Ok(()));
        }
        let at = |text: &[u8]| match check_json(text) {
            Err(EventError::NotJson { at, .. }) => Some(at),
            _ => None,
        };
        for (text, stopped) in [("{\"a\":}", 5), ("{}\n{", 3), ("", 0), ("nul", 2)] {
            assert_eq!(at(text.as_bytes()), Some(stopped), "{text}");
        }
        assert_eq!(at(b"[\"\xff\"]"), Some(2));
    }

    #[test]
    fn nonsense_is_refused_by_field() {
        let event = || NewEvent::json("t", "k", "{}").unwrap();
        assert!(NewEvent::json("", "k", "{}").is_err());
        assert!(NewEvent::bytes("t", "k", "text/plain\r\nX: y", "x").is_err());
        assert!(event().trace("00-abc").is_err());
        assert!(event().trace(format!("00-{}-{}-01", "a".repeat(32), "b".repeat(16))).is_ok());
        let publish = |event: NewEvent, limit| {
            event.into_event(EventId::new("e").unwrap(), Timestamp::from_unix_seconds(10), limit)
        };
        assert_eq!(publish(event(), 1).unwrap_err(), EventError::TooLarge { size: 2, limit: 1 });
        assert!(publish(event().expires_at(Timestamp::from_unix_seconds(10)), 9).is_err());
        assert_eq!(publish(event().id("own").unwrap(), 9).unwrap().id.as_str(), "own");
    }
}
