//! What happened: once, immutable.

mod json;

use std::fmt;

use bytes::Bytes;
use serde::Serialize;

use crate::id::{EventId, EventType, IdError, IdempotencyKey, OrderingKey, Scope, TenantId};
use crate::time::Timestamp;

pub(crate) use json::check_json;

/// The content type of a payload that nobody said otherwise of.
pub const JSON: &str = "application/json";

/// What happened. Its fields are what a store keeps and gives back byte for byte;
/// a host makes one through [`NewEvent`]. It prints without its payload.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    /// The message id on the wire.
    pub id: EventId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Its type.
    pub kind: EventType,
    /// The payload as it was given; never re-serialised.
    pub payload: Bytes,
    /// What the payload is.
    pub content_type: String,
    /// When it was published.
    pub created_at: Timestamp,
    /// Narrows it inside its tenant.
    pub scope: Option<Scope>,
    /// Publishing again under this key adds nothing.
    pub idempotency_key: Option<IdempotencyKey>,
    /// Delivered in publish order among events of this key.
    pub ordering_key: Option<OrderingKey>,
    /// No attempt before.
    pub not_before: Option<Timestamp>,
    /// No attempt after.
    pub expires_at: Option<Timestamp>,
    /// A W3C `traceparent` to send along.
    pub trace: Option<String>,
}

impl Event {
    /// Whether this is the same event by content: all but id and creation.
    #[must_use]
    pub fn same_content(&self, other: &Self) -> bool {
        let content =
            |event: &Self| Self { id: self.id.clone(), created_at: self.created_at, ..event.clone() };
        content(self) == content(other)
    }

    /// When its deliveries are born: at its creation, or at its not-before if later.
    #[must_use]
    pub fn born_at(&self) -> Timestamp {
        self.created_at.max(self.not_before.unwrap_or(self.created_at))
    }

    /// Whether the payload is meant as JSON.
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

/// What keeps an event from being published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// A name breaks its rule.
    #[error(transparent)]
    Id(#[from] IdError),
    /// The payload says it is JSON and is not.
    #[error("payload: must be valid JSON; reading stopped at byte {at}: expected {expected}")]
    NotJson {
        /// Where reading stopped.
        at: usize,
        /// What was expected there.
        expected: &'static str,
    },
    /// A value could not be written as JSON.
    #[error("payload: must be a value that can be written as JSON")]
    Unwritable,
    /// The payload is over the limit.
    #[error("payload: must be at most {limit} bytes (got {size})")]
    TooLarge {
        /// Its size.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// A field breaks its rule.
    #[error("{field}: {rule}")]
    Field {
        /// The field.
        field: &'static str,
        /// The rule.
        rule: &'static str,
    },
}

/// An event as a host hands it in: the id and the moment of creation are given
/// when it is published, unless it brings its own.
///
/// ```
/// use hookpost::NewEvent;
///
/// let event = NewEvent::json("acme", "order.paid", br#"{"order":7}"#.as_slice())?.scope("shop-1")?;
/// # Ok::<(), hookpost::EventError>(())
/// ```
///
/// It prints without its payload.
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
    /// An event whose payload is this JSON text, sent as it stands.
    ///
    /// # Errors
    /// When a name breaks its rule or the payload is not JSON.
    pub fn json(
        tenant: impl AsRef<str>,
        kind: impl AsRef<str>,
        payload: impl Into<Bytes>,
    ) -> Result<Self, EventError> {
        Self::bytes(tenant, kind, JSON, payload)
    }

    /// An event whose payload is `value`, written as JSON once.
    ///
    /// # Errors
    /// When a name breaks its rule or the value cannot be written.
    pub fn serialize(
        tenant: impl AsRef<str>,
        kind: impl AsRef<str>,
        value: &impl Serialize,
    ) -> Result<Self, EventError> {
        let payload = serde_json::to_vec(value).map_err(|_| EventError::Unwritable)?;
        Self::unchecked(tenant, kind, JSON.to_owned(), payload.into())
    }

    /// An event whose payload is opaque bytes of that content type.
    ///
    /// # Errors
    /// When a name breaks its rule, the content type is no header value, or it says
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

    /// Whose event it is.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Brings its own id. Publishing the same id again adds nothing.
    ///
    /// # Errors
    /// When the id breaks its rule.
    pub fn id(mut self, id: impl AsRef<str>) -> Result<Self, EventError> {
        self.id = Some(EventId::new(id)?);
        Ok(self)
    }

    /// Narrows the event inside its tenant.
    ///
    /// # Errors
    /// When the scope breaks its rule.
    pub fn scope(mut self, scope: impl AsRef<str>) -> Result<Self, EventError> {
        self.scope = Some(Scope::new(scope)?);
        Ok(self)
    }

    /// Publishing again under this key of the tenant adds nothing.
    ///
    /// # Errors
    /// When the key breaks its rule.
    pub fn idempotency_key(mut self, key: impl AsRef<str>) -> Result<Self, EventError> {
        self.idempotency_key = Some(IdempotencyKey::new(key)?);
        Ok(self)
    }

    /// Each endpoint gets the events of one key one at a time, in publish order.
    ///
    /// # Errors
    /// When the key breaks its rule.
    pub fn ordering_key(mut self, key: impl AsRef<str>) -> Result<Self, EventError> {
        self.ordering_key = Some(OrderingKey::new(key)?);
        Ok(self)
    }

    /// No attempt before that moment; its deliveries' age counts from there.
    #[must_use]
    pub const fn not_before(mut self, moment: Timestamp) -> Self {
        self.not_before = Some(moment);
        self
    }

    /// No attempt after that moment.
    #[must_use]
    pub const fn expires_at(mut self, moment: Timestamp) -> Self {
        self.expires_at = Some(moment);
        self
    }

    /// A W3C `traceparent` to send along.
    ///
    /// # Errors
    /// When it is not of the form `00-<32 hex>-<16 hex>-<2 hex>`.
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

    /// The event, with `id` where it brought none, published at `now`.
    ///
    /// # Errors
    /// When the payload is over `limit` bytes, or it would expire before it may start.
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
