//! JSON text that is kept unchanged, and objects of it.
//!
//! serde's own way to keep unknown keys uses a value that does not preserve how numbers are
//! written and rejects `1e400`, so objects are read key by key here.

use std::fmt;

use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::event::{EventError, check_json};

use super::PayloadError;

/// The deepest nesting of a body: the limit of `serde_json`, so that code which reads a
/// [`Json`] further reaches no limit.
pub const DEPTH_MAX: usize = 128;

/// One JSON value exactly as its sender wrote it, including white space, escapes and digits.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json(Box<RawValue>);

impl Json {
    /// The JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Deserialises the value as a type of your choice.
    ///
    /// # Errors
    /// If the value does not have that type.
    pub fn parse<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(self.as_str())
    }

    pub(in crate::systems) fn is_null(&self) -> bool {
        self.as_str() == "null"
    }
}

impl From<Box<RawValue>> for Json {
    fn from(text: Box<RawValue>) -> Self {
        Self(text)
    }
}

impl PartialEq for Json {
    /// By text: `1.0` is not `1.00`.
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Json {}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The undocumented keys of an object, in the order in which they were received.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extra(Vec<(String, Json)>);

impl Extra {
    /// The first value of a key; `None` if the key is absent.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.iter().find(|(own, _)| *own == key).map(|(_, value)| value)
    }

    /// All keys with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Whether there are no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Extra {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        self.0.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
        map.end()
    }
}

/// An object that is being converted to a type: the keys that are taken out are known, the
/// rest is extra.
pub(in crate::systems) struct Object(Vec<(String, Json)>);

impl Object {
    /// The whole body.
    pub(in crate::systems) fn of_body(body: &[u8]) -> Result<Self, PayloadError> {
        check_json(body).map_err(|error| match error {
            EventError::NotJson { at, expected } => PayloadError::NotJson { at, expected },
            _ => PayloadError::NotJson { at: 0, expected: "valid JSON" },
        })?;
        if depth(body) > DEPTH_MAX {
            return Err(PayloadError::TooDeep);
        }
        serde_json::from_slice(body).map_err(|_| PayloadError::field("body", OBJECT))
    }

    /// Takes the value of a key; `None` if it is null or absent.
    pub(in crate::systems) fn take<T: DeserializeOwned>(
        &mut self,
        key: &'static str,
        rule: &'static str,
    ) -> Result<Option<T>, PayloadError> {
        let Some(at) = self.0.iter().position(|(own, _)| own == key) else { return Ok(None) };
        let (_, value) = self.0.remove(at);
        if self.has(key) {
            return Err(PayloadError::field(key, "must occur once"));
        }
        if value.is_null() {
            return Ok(None);
        }
        value.parse().map(Some).map_err(|_| PayloadError::field(key, rule))
    }

    /// Takes the value of a key that must be present.
    pub(in crate::systems) fn need<T: DeserializeOwned>(
        &mut self,
        key: &'static str,
        rule: &'static str,
    ) -> Result<T, PayloadError> {
        self.take(key, rule)?.ok_or_else(|| PayloadError::field(key, rule))
    }

    pub(in crate::systems) fn text(&mut self, key: &'static str) -> Result<Option<String>, PayloadError> {
        self.take(key, TEXT)
    }

    pub(in crate::systems) fn integer(&mut self, key: &'static str) -> Result<Option<i64>, PayloadError> {
        self.take(key, INTEGER)
    }

    /// Takes an object inside this one and reads it with `read`.
    pub(in crate::systems) fn object<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(Self) -> Result<T, PayloadError>,
    ) -> Result<Option<T>, PayloadError> {
        let inner = self.take::<Self>(key, OBJECT)?;
        inner.map(read).transpose().map_err(|error| error.inside(key))
    }

    pub(in crate::systems) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(own, _)| own == key)
    }

    pub(in crate::systems) fn rest(self) -> Extra {
        Extra(self.0)
    }

    pub(in crate::systems) fn into_entries(self) -> Vec<(String, Json)> {
        self.0
    }
}

pub(in crate::systems) const TEXT: &str = "must be text";
pub(in crate::systems) const INTEGER: &str = "must be an integer of 64 bits";
pub(in crate::systems) const OBJECT: &str = "must be an object";

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Object;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Object(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// How deep a valid JSON text is nested; brackets in strings are text.
fn depth(json: &[u8]) -> usize {
    let (mut now, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                now += 1;
                deepest = deepest.max(now);
            }
            b']' | b'}' => now = now.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_of_strings() {
        for (text, expected) in [
            ("1", 0),
            ("{}", 1),
            (r#"{"a":[{}],"b":{}}"#, 3),
            (r#"["[[[\"[[", "\\"]"#, 1),
            (r#"["\\",[[]]]"#, 3),
        ] {
            assert_eq!(depth(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn the_deepest_body_that_is_read_can_be_read_on_to_its_end() {
        let nested =
            |levels: usize| format!("{{\"a\":{}1{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
        // What `serde_json` refuses at 128 is the 128th level below its own.
        let object = Object::of_body(nested(DEPTH_MAX).as_bytes()).unwrap();
        assert!(object.into_entries()[0].1.parse::<serde_json::Value>().is_ok());
        assert_eq!(Object::of_body(nested(DEPTH_MAX + 1).as_bytes()).err(), Some(PayloadError::TooDeep));
    }

    #[test]
    fn a_documented_key_that_comes_twice_is_refused_and_an_unknown_one_is_kept_twice() {
        let mut object = Object::of_body(br#"{"a":1,"b":2,"a":null,"b": 1e400}"#).unwrap();
        assert_eq!(object.integer("a").unwrap_err().to_string(), "a: must occur once");
        let mut object = Object::of_body(br#"{"b":2,"a":null,"b": 1e400}"#).unwrap();
        assert_eq!(object.integer("a"), Ok(None));
        let rest = serde_json::to_string(&object.rest()).unwrap();
        assert_eq!(rest, r#"{"b":2,"b":1e400}"#);
    }
}
