//! The properties of an event that the website defines.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::to_raw_value;

use crate::systems::body::PayloadError;
use crate::systems::body::json::{Json, Object};

/// The most properties of an event, by the documentation.
pub const PROPERTIES_MAX: usize = 50;
/// The most characters of a text property, by the documentation.
pub const PROPERTY_TEXT_MAX: usize = 256;

/// The properties of a custom event, in the order in which they were received.
///
/// Everything received is kept. Only [`problems`](Self::problems) checks what the
/// documentation requires of a sender.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Properties(Vec<Property>);

/// One property: a name, whose ending may state a type, and a value as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    name: String,
    value: Json,
}

/// The type that a property's name states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PropertyType {
    /// `_str`.
    Text,
    /// `_int`.
    Integer,
    /// `_float`.
    Float,
    /// `_bool`.
    Flag,
}

impl Properties {
    /// The first property of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Property> {
        self.iter().find(|property| property.name == name)
    }

    /// All properties.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Property> {
        self.0.iter()
    }

    /// Adds a property.
    ///
    /// # Errors
    /// If the value cannot be serialised as JSON.
    pub fn with(mut self, name: impl Into<String>, value: &impl Serialize) -> Result<Self, PayloadError> {
        let name = name.into();
        let written = to_raw_value(value).map(Json::from);
        let value = written.map_err(|_| PayloadError::field("properties", "can be written as JSON"))?;
        self.0.push(Property { name, value });
        Ok(self)
    }

    /// What breaks the rules of LiveSession's documentation: more than [`PROPERTIES_MAX`]
    /// properties, a value whose type differs from the one in its name, or a text over
    /// [`PROPERTY_TEXT_MAX`].
    #[must_use]
    pub fn problems(&self) -> Vec<PayloadError> {
        let too_many =
            (self.0.len() > PROPERTIES_MAX).then(|| PayloadError::field("properties", "must be at most 50"));
        let unfit = self.0.iter().filter(|property| !property.fits()).map(|property| {
            let rule = "must be what its name's ending says, a text of at most 256 characters";
            PayloadError::field(format!("properties.{:.64}", property.name), rule)
        });
        too_many.into_iter().chain(unfit).collect()
    }

    pub(super) fn from_object(object: Object) -> Self {
        let entries = object.into_entries().into_iter();
        Self(entries.map(|(name, value)| Property { name, value }).collect())
    }
}

impl Serialize for Properties {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        self.0.iter().try_for_each(|property| map.serialize_entry(&property.name, &property.value))?;
        map.end()
    }
}

impl Property {
    /// The whole name of the property.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type in the property's name; `None` if it states none.
    #[must_use]
    pub fn stated_type(&self) -> Option<PropertyType> {
        let (_, ending) = self.name.rsplit_once('_')?;
        match ending {
            "str" => Some(PropertyType::Text),
            "int" => Some(PropertyType::Integer),
            "float" => Some(PropertyType::Float),
            "bool" => Some(PropertyType::Flag),
            _ => None,
        }
    }

    /// The value as it was written: `1.10` and `1e400` are kept unchanged.
    #[must_use]
    pub const fn value(&self) -> &Json {
        &self.value
    }

    /// The value, if it is a text.
    #[must_use]
    pub fn as_text(&self) -> Option<String> {
        self.value.parse().ok()
    }

    /// The value, if it is an integer of 64 bits, without loss.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        self.value.parse().ok()
    }

    /// The value, if it is a number within the range of a finite float, rounded.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        self.value.parse().ok()
    }

    /// The value, if it is true or false.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        self.value.parse().ok()
    }

    fn fits(&self) -> bool {
        let text = self.value.as_str();
        let number = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        match self.stated_type() {
            Some(PropertyType::Text) => {
                self.as_text().is_some_and(|text| text.chars().count() <= PROPERTY_TEXT_MAX)
            }
            Some(PropertyType::Integer) => number && !text.contains(['.', 'e', 'E']),
            Some(PropertyType::Float) => number,
            Some(PropertyType::Flag) => self.as_bool().is_some(),
            None => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_names_ending_states_a_type_and_the_value_is_held_against_it() {
        for (name, value, stated, fits) in [
            ("code_str", r#""x""#, Some(PropertyType::Text), true),
            ("code_str", "1", Some(PropertyType::Text), false),
            ("uses_int", "123456789012345678901234567890", Some(PropertyType::Integer), true),
            ("uses_int", "1.0", Some(PropertyType::Integer), false),
            ("uses_int", r#""1""#, Some(PropertyType::Integer), false),
            ("d_float", "1e400", Some(PropertyType::Float), true),
            ("d_float", "-1", Some(PropertyType::Float), true),
            ("d_float", "null", Some(PropertyType::Float), false),
            ("first_bool", "false", Some(PropertyType::Flag), true),
            ("first_bool", "0", Some(PropertyType::Flag), false),
            ("legacy", "[{}]", None, true),
            ("str", "1", None, true),
            ("a_string", "1", None, true),
        ] {
            let property = Property { name: name.to_owned(), value: serde_json::from_str(value).unwrap() };
            assert_eq!((property.stated_type(), property.fits()), (stated, fits), "{name}: {value}");
        }
    }

    #[test]
    fn what_a_sender_should_not_send_is_told_all_at_once() {
        let mut properties = Properties::default().with("long_str", &"é".repeat(256)).unwrap();
        assert_eq!(properties.problems(), []);
        properties = properties.with("longer_str", &"é".repeat(257)).unwrap();
        for n in 0..49 {
            properties = properties.with(format!("p{n}"), &n).unwrap();
        }
        let problems: Vec<_> = properties.problems().iter().map(ToString::to_string).collect();
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(
            problems[0].starts_with("properties: ") && problems[1].starts_with("properties.longer_str: ")
        );
    }
}
