//! Identifiers, each with its own type.

mod error;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::as_text::serialize_as_text;
use crate::time::Timestamp;

pub use error::{Found, IdError};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal, $refuses:expr, $rule:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            #[doc = concat!("Accepts a text that fits the rule: ", $rule, ".")]
            ///
            /// # Errors
            /// Names the rule that the text breaks.
            pub fn new(text: impl AsRef<str>) -> Result<Self, IdError> {
                let text = text.as_ref();
                let refuses: fn(u8) -> bool = $refuses;
                // To the end of the text: without a way out, many bytes are judged at once.
                let refused = |text: &str| text.bytes().fold(false, |found, byte| found | refuses(byte));
                if text.is_empty() || text.len() > $max || refused(text) {
                    return Err(IdError {
                        what: $what,
                        rule: $rule,
                        found: Found::of(text, $max, refuses),
                        suggestion: None,
                    });
                }
                Ok(Self(Arc::from(text)))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = IdError;
            fn try_from(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().to_owned()
            }
        }
    };
}

const fn not_visible_ascii(byte: u8) -> bool {
    !byte.is_ascii_graphic()
}

text_id!(
    /// The id of an event, which is the message id in the requests of every profile. It is the
    /// same for all endpoints, retries and replays.
    ///
    /// It holds no `.`, because schemes join id and timestamp with one.
    EventId, "event id", 128, |byte| not_visible_ascii(byte) || byte == b'.',
    "1 to 128 visible ASCII characters, none of them a dot"
);
text_id!(
    /// The id of a tenant: its events are isolated from other tenants', get a fair share, and
    /// count against its account limits.
    TenantId, "tenant", 128, not_visible_ascii, "1 to 128 visible ASCII characters"
);
text_id!(
    /// The id of an endpoint, unique among all tenants.
    EndpointId, "endpoint id", 128, not_visible_ascii, "1 to 128 visible ASCII characters"
);
text_id!(
    /// The type of an event, such as `order.paid`.
    EventType, "event type", 128, |byte| not_visible_ascii(byte) || byte == b'*',
    "1 to 128 visible ASCII characters, none of them an asterisk"
);
text_id!(
    /// The scope of an event or subscription within its tenant, such as a website id.
    Scope, "scope", 128, not_visible_ascii, "1 to 128 visible ASCII characters"
);
text_id!(
    /// A key for ordering: an endpoint gets the events of one key one at a time, in publish
    /// order.
    OrderingKey, "ordering key", 128, not_visible_ascii, "1 to 128 visible ASCII characters"
);
text_id!(
    /// A key for publishing once: publishing twice under one key of a tenant stores one event.
    IdempotencyKey, "idempotency key", 128, not_visible_ascii, "1 to 128 visible ASCII characters"
);
text_id!(
    /// The id of a replay. Requesting a replay twice under one id creates its deliveries once.
    ReplayId, "replay id", 128, not_visible_ascii, "1 to 128 visible ASCII characters"
);
text_id!(
    /// The name of a profile, such as `live_session`.
    ProfileName, "profile name", 128,
    |byte| !(byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'),
    "1 to 128 of a-z, 0-9 and underscore"
);
text_id!(
    /// The host of an endpoint's URL, as written there, in lower case.
    HostName, "host", 253, not_visible_ascii, "1 to 253 visible ASCII characters"
);

impl ProfileName {
    /// The name of a built-in profile. A test holds it against the rule above.
    pub(crate) fn preset(name: &'static str) -> Self {
        Self(Arc::from(name))
    }
}

#[cfg(feature = "tokio")]
impl HostName {
    /// The placeholder for the host of a URL that cannot be read: a name that never resolves
    /// (RFC 6761, 6.4) and that no lane of a readable endpoint shares.
    pub(crate) fn of_unreadable() -> Self {
        Self(Arc::from("unreadable.invalid"))
    }
}

impl EventId {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    /// Where a UUID's text has the digits of each byte.
    const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

    /// Creates an id in the text form of a version 7 UUID: it sorts by `now`, to the
    /// millisecond, and the rest is `random`.
    #[must_use]
    pub fn from_parts(now: Timestamp, random: [u8; 10]) -> Self {
        let millis = u64::try_from(now.as_micros().div_euclid(1000)).unwrap_or(0);
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&random);
        bytes[6] = bytes[6] & 0x0f | 0x70;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let mut text = [b'-'; 36];
        for (byte, at) in bytes.into_iter().zip(Self::PLACES) {
            text[at] = Self::DIGITS[usize::from(byte >> 4)];
            text[at + 1] = Self::DIGITS[usize::from(byte & 0x0f)];
        }
        // It is ASCII throughout, so it always is text.
        Self(Arc::from(std::str::from_utf8(&text).unwrap_or_default()))
    }
}

/// The reason why an event is delivered to an endpoint: its routing, or a replay.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Round {
    /// The routing of the event.
    Routing,
    /// A replay that was requested.
    Replay(ReplayId),
    /// The routing of the event, to an endpoint that could not be read then. Whether the
    /// endpoint wants the event is decided when it can be read again.
    Unjudged,
}

/// How stores keep [`Round::Unjudged`]: no replay has an id with a space in it.
const UNJUDGED: &str = " unjudged";

impl Round {
    /// The form in which stores keep it: empty for the routing, a fixed text for `Unjudged`,
    /// and otherwise the replay's id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Routing => "",
            Self::Replay(id) => id.as_str(),
            Self::Unjudged => UNJUDGED,
        }
    }

    /// Reads the form in which stores keep it.
    ///
    /// # Errors
    /// If the text is not a replay id.
    pub fn from_stored(text: &str) -> Result<Self, IdError> {
        match text {
            "" => Ok(Self::Routing),
            UNJUDGED => Ok(Self::Unjudged),
            text => ReplayId::new(text).map(Self::Replay),
        }
    }
}

/// The id of a delivery: one event to one endpoint in one round.
///
/// It is derived, not random: routing the same event again creates the same ids, so nothing is
/// routed twice. The first six bytes are the creation time of the event in milliseconds, so
/// that neighbouring deliveries are close together in an index.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId([u8; 16]);

impl DeliveryId {
    /// The id of the delivery of this event to this endpoint in this round.
    #[must_use]
    pub fn derive(
        tenant: &TenantId,
        event: &EventId,
        created_at: Timestamp,
        endpoint: &EndpointId,
        round: &Round,
    ) -> Self {
        // Ids hold no control character, so a NUL between them cannot be moved.
        let mut digest = Sha256::new();
        for part in [tenant.as_str(), event.as_str(), endpoint.as_str(), round.as_str()] {
            digest.update(part.as_bytes());
            digest.update([0]);
        }
        let digest = digest.finalize();
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&Self::first_bytes(created_at));
        bytes[6..].copy_from_slice(&digest[..10]);
        Self(bytes)
    }

    /// The first bytes of the ids of all deliveries whose events were created in that
    /// millisecond.
    pub(crate) fn first_bytes(created_at: Timestamp) -> [u8; 6] {
        let millis = u64::try_from(created_at.as_micros().div_euclid(1000)).unwrap_or(0);
        let mut bytes = [0; 6];
        bytes.copy_from_slice(&millis.min(0xffff_ffff_ffff).to_be_bytes()[2..]);
        bytes
    }

    /// The id with these stored bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes that stores keep.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// `dlv_` and 32 hexadecimal digits.
impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dlv_{}", hex::encode(self.0))
    }
}

serialize_as_text!(DeliveryId);

impl fmt::Debug for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for DeliveryId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let error = IdError {
            what: "delivery id",
            rule: "dlv_ and 32 hexadecimal digits",
            found: Found::AnotherForm,
            suggestion: None,
        };
        let digits = text.strip_prefix("dlv_").ok_or_else(|| error.clone())?;
        let mut bytes = [0; 16];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| error)?;
        Ok(Self(bytes))
    }
}

/// The right to settle what one claim call claimed: 128 random bits, drawn by the caller.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token([u8; 16]);

impl Token {
    /// The token made of these bytes, which must come from the operating system's random
    /// numbers: if another claim draws the same token, it gives no protection.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes that stores keep.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// The generation of an endpoint that an answer is about: which registration of its id was
/// sent to, and how often it had begun anew. An answer to an older generation does not affect
/// the endpoint that is registered now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation {
    /// The number of the registration, greater than that of every earlier one of the id. A
    /// [`Registry`](crate::backend::Registry) takes the next number of the store's order. Zero
    /// if a host's own directory does not count registrations.
    pub registration: u64,
    /// How often the endpoint has begun anew since then: with a new URL, a new secret, or by
    /// being enabled.
    pub renewal: u64,
}

impl Generation {
    /// The generation of a lane that nothing was learned of, and of the endpoints of a
    /// directory that does not count registrations.
    pub const UNKNOWN: Self = Self { registration: 0, renewal: 0 };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_refuse_what_could_break_a_header_or_a_signature() {
        for text in ["", "a b", "a\r\nb", "a\0", "é", &"x".repeat(129)] {
            assert!(EventId::new(text).is_err(), "{text:?}");
            assert!(TenantId::new(text).is_err(), "{text:?}");
        }
        assert!(EventId::new("a.1").is_err());
        assert!(TenantId::new("a.1").is_ok());
        assert!(EventType::new("order.*").is_err());
    }

    #[test]
    fn a_delivery_id_differs_with_each_of_its_parts() {
        let tenant = |text| TenantId::new(text).unwrap();
        let of = |t, e, p, round: &Round| {
            DeliveryId::derive(
                &tenant(t),
                &EventId::new(e).unwrap(),
                Timestamp::EPOCH,
                &EndpointId::new(p).unwrap(),
                round,
            )
        };
        let replay = Round::Replay(ReplayId::new("r").unwrap());
        let ids = [
            of("t", "e", "p", &Round::Routing),
            of("te", "e", "p", &Round::Routing),
            of("t", "ee", "p", &Round::Routing),
            of("t", "e", "ep", &Round::Routing),
            of("t", "e", "p", &replay),
        ];
        for (i, a) in ids.iter().enumerate() {
            assert!(ids[i + 1..].iter().all(|b| a != b));
            assert_eq!(a.to_string().parse::<DeliveryId>().as_ref(), Ok(a));
        }
    }

    #[test]
    fn a_fresh_event_id_has_the_form_of_a_version_7_uuid() {
        let id = EventId::from_parts(Timestamp::from_unix_seconds(1_700_000_000), [0xff; 10]);
        assert_eq!(id.as_str(), "018bcfe5-6800-7fff-bfff-ffffffffffff");
    }
}
