//! The values that a filter compares with, exactly as they were given.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, SerializeSeq as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::bounds::FILTER_DEPTH_MAX;
use super::identity::Identity;
use super::scan::identity;

/// Up to here, which is 2^53, each integer is an `f64` of its own.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Values, with the JSON text of those that a [`Value`] does not hold exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Literals {
    values: Vec<Value>,
    texts: BTreeMap<usize, String>,
}

impl Literals {
    pub(super) fn values(&self) -> &[Value] {
        &self.values
    }

    /// What the values are compared by; `None` where one holds a number that cannot be read.
    pub(super) fn identities(&self) -> Option<Vec<Identity>> {
        let each = self.values.iter().enumerate().map(|(number, value)| match self.texts.get(&number) {
            Some(text) => identity(text, FILTER_DEPTH_MAX).map(|one| vec![one]),
            None => identities_of(value),
        });
        each.collect::<Option<Vec<_>>>().map(|each| each.concat())
    }

    fn push(&mut self, json: &RawValue) -> serde_json::Result<()> {
        let value = serde_json::from_str(json.get())?;
        if may_be_inexact(&value) && !is_held(&value, json.get()) {
            self.texts.insert(self.values.len(), json.get().to_owned());
        }
        self.values.push(value);
        Ok(())
    }
}

/// Whether a part of a value may be another number than the text that it was read from: a
/// `Value` holds integers up to 64 bits exactly, and all else that is no number.
fn may_be_inexact(value: &Value) -> bool {
    match value {
        Value::Array(members) => members.iter().any(may_be_inexact),
        Value::Object(members) => members.values().any(may_be_inexact),
        _ => value.is_f64(),
    }
}

/// Whether a value is what the text says that it was read from.
fn is_held(value: &Value, text: &str) -> bool {
    let exact = identity(text, FILTER_DEPTH_MAX);
    exact.is_some_and(|exact| identities_of(value).is_some_and(|of| of.contains(&exact)))
}

/// What a value is compared by: an `f64` is the decimal that JSON writes it as and, where it
/// is a large integer, that integer.
fn identities_of(value: &Value) -> Option<Vec<Identity>> {
    let as_written = identity(&value.to_string(), FILTER_DEPTH_MAX);
    let float = value.as_f64().filter(|float| value.is_f64() && float.abs() >= EXACT_MAX);
    let as_integer = float.map(|float| identity(&format!("{float:.0}"), 0));
    [Some(as_written), as_integer].into_iter().flatten().collect()
}

impl From<Vec<Value>> for Literals {
    fn from(values: Vec<Value>) -> Self {
        Self { values, texts: BTreeMap::new() }
    }
}

impl Serialize for Literals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all = serializer.serialize_seq(Some(self.values.len()))?;
        for (number, value) in self.values.iter().enumerate() {
            match self.texts.get(&number) {
                Some(text) => {
                    let json: &RawValue = serde_json::from_str(text).map_err(S::Error::custom)?;
                    all.serialize_element(json)?;
                }
                None => all.serialize_element(value)?,
            }
        }
        all.end()
    }
}

impl<'de> Deserialize<'de> for Literals {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;

        impl<'de> Visitor<'de> for All {
            type Value = Literals;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of values")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<Literals, A::Error> {
                let mut literals = Literals::from(Vec::new());
                while let Some(json) = members.next_element_seed(Written)? {
                    literals.push(&json).map_err(A::Error::custom)?;
                }
                Ok(literals)
            }
        }

        deserializer.deserialize_seq(All)
    }
}

/// A value as JSON text: the text itself, or where another format gives no text, that of the
/// value which it gives.
struct Written;

impl<'de> DeserializeSeed<'de> for Written {
    type Value = Box<RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Box<RawValue>, D::Error> {
        Box::deserialize(TextOrValue(deserializer))
    }
}

/// A deserializer that a [`RawValue`] can be read from, whatever its format. A `RawValue` asks
/// for a newtype of a name that only the deserializers of `serde_json` know.
struct TextOrValue<T>(T);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for TextOrValue<D> {
    type Error = D::Error;

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_newtype_struct(name, TextOrNewtype { name, visitor })
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Takes the text of a `serde_json` deserializer, or the newtype of any other.
struct TextOrNewtype<V> {
    name: &'static str,
    visitor: V,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for TextOrNewtype<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, text: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(text)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        let value = Value::deserialize(value)?;
        value.deserialize_newtype_struct(self.name, self.visitor).map_err(D::Error::custom)
    }
}
