//! Reads JSON leniently: one level at a time, at any depth, with any number, and without what
//! cannot be read.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::quiet::is_blank;

/// A JSON value that has not been parsed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Json<'a>(&'a str);

/// The members of an object in their order.
#[derive(Debug, Default)]
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

impl<'a> Json<'a> {
    /// The value of a whole payload, if it is one.
    pub(crate) fn of(payload: &'a [u8]) -> Option<Self> {
        serde_json::from_slice::<&RawValue>(payload).ok().map(Self::from)
    }

    /// The members of the value; empty if it is not an object.
    pub(crate) fn object(self) -> Object<'a> {
        serde_json::from_str::<Members<'a>>(self.0).map(|members| Object(members.0)).unwrap_or_default()
    }

    /// The items of the value; empty if it is not an array.
    pub(crate) fn items(self) -> Vec<Self> {
        serde_json::from_str::<Items<'a>>(self.0).map(|items| items.0).unwrap_or_default()
    }

    pub(crate) fn is_object(self) -> bool {
        self.0.starts_with('{')
    }

    /// The text of the value for a reader: a string that is not blank, or a number or truth
    /// value as written.
    pub(crate) fn text(self) -> Option<String> {
        let text = match self.0.as_bytes().first()? {
            b'{' | b'[' | b'n' => return None,
            // A string of which half a surrogate pair is missing is shown as it stands.
            b'"' => {
                serde_json::from_str::<String>(self.0).unwrap_or_else(|_| self.0.trim_matches('"').to_owned())
            }
            b't' => "yes".to_owned(),
            b'f' => "no".to_owned(),
            _ => self.0.to_owned(),
        };
        (!is_blank(&text)).then_some(text)
    }
}

impl<'a> From<&'a RawValue> for Json<'a> {
    fn from(raw: &'a RawValue) -> Self {
        Self(raw.get())
    }
}

impl<'a> Object<'a> {
    /// The last member of that name, as JSON readers take it.
    pub(crate) fn get(&self, name: &str) -> Option<Json<'a>> {
        self.0.iter().rev().find(|(own, _)| own == name).map(|(_, value)| *value)
    }

    /// The text of the first of these members that has one.
    pub(crate) fn text(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.get(name)?.text())
    }

    /// The members of a member.
    #[cfg(feature = "systems")]
    pub(crate) fn object(&self, name: &str) -> Object<'a> {
        self.get(name).map(Json::object).unwrap_or_default()
    }

    /// The items of a member.
    #[cfg(feature = "systems")]
    pub(crate) fn items(&self, name: &str) -> Vec<Json<'a>> {
        self.get(name).map(Json::items).unwrap_or_default()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Json<'a>)> {
        self.0.iter().map(|(name, value)| (&**name, *value))
    }
}

struct Members<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
                    members.push((name.0, Json::from(value)));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Read)
    }
}

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

struct Items<'a>(Vec<Json<'a>>);

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Items<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element::<&'de RawValue>()? {
                    items.push(Json::from(item));
                }
                Ok(Items(items))
            }
        }
        deserializer.deserialize_seq(Read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_read_whatever_lies_below_it() {
        let deep =
            format!(r#"{{"deep":{}1{},"n":1e400,"s":"\ud83e\udd8a"}}"#, "[".repeat(9000), "]".repeat(9000));
        let object = Json::of(deep.as_bytes()).unwrap().object();
        assert_eq!(object.text(&["n"]), Some("1e400".to_owned()));
        assert_eq!(object.text(&["deep", "s"]), Some("🦊".to_owned()));
        assert_eq!(object.items("deep").len(), 1);
    }

    #[test]
    fn what_is_no_value_reads_as_nothing() {
        for payload in [&b""[..], b"{", b"{\"a\":1}}", b"\xff", b"nul", b"{\"a\":\"\xff\"}"] {
            assert!(Json::of(payload).is_none());
        }
        let half = Json::of(br#"{"a":"x\ud83e","b":[],"c":null,"d":"","e":true,"a":"last"}"#).unwrap();
        let object = half.object();
        assert_eq!(object.text(&["a"]), Some("last".to_owned()));
        assert_eq!(object.text(&["b", "c", "d"]), None);
        assert_eq!(object.text(&["c", "e"]), Some("yes".to_owned()));
        assert_eq!(Json::of(br#""x\ud83e""#).unwrap().text(), Some(r"x\ud83e".to_owned()));
    }
}
