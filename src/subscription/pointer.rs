//! What stands at a path of a JSON text, found by walking there: what one pass for all
//! paths is held against in tests.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The value that an RFC 6901 pointer names; of a key that comes twice, the last one. An
/// error is an object whose keys cannot be read.
pub(super) fn pointed<'a>(json: &'a RawValue, pointer: &str) -> serde_json::Result<Option<&'a RawValue>> {
    let mut at = json;
    for token in pointer.split('/').skip(1) {
        let name = token.replace("~1", "/").replace("~0", "~");
        if !at.get().starts_with(['{', '[']) {
            return Ok(None);
        }
        match serde_json::Deserializer::from_str(at.get()).deserialize_any(Member(&name))? {
            Some(inner) => at = inner,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

/// Looks for one member of an object, or of an array by its number.
struct Member<'n>(&'n str);

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Visitor<'a> for Member<'_> {
    type Value = Option<&'a RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut members: M) -> Result<Self::Value, M::Error> {
        let mut found = None;
        while let Some(Name(name)) = members.next_key()? {
            if name == self.0 {
                found = Some(members.next_value()?);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut members: S) -> Result<Self::Value, S::Error> {
        let canonical = self.0 == "0" || !self.0.starts_with(['0', '+']);
        let wanted = self.0.parse::<usize>().ok().filter(|_| canonical);
        let (mut found, mut at) = (None, 0_usize);
        while let Some(member) = members.next_element()? {
            if wanted == Some(at) {
                found = Some(member);
            }
            at = at.saturating_add(1);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_finds_what_the_whole_value_has_there() {
        let json = r#"{"a":{"b/c":[10,{"~d":null}],"":1},"x":"y","x":"z","0":{"\u0061":2}}"#;
        let whole: serde_json::Value = serde_json::from_str(json).unwrap();
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        for pointer in [
            "/a",
            "/a/b~1c",
            "/a/b~1c/0",
            "/a/b~1c/1/~0d",
            "/a/b~1c/2",
            "/a/b~1c/01",
            "/a/b~1c/+1",
            "/a/b~1c/-1",
            "/a/",
            "/x",
            "/x/y",
            "/0/a",
            "/no",
            "/",
            "/a/b/c",
        ] {
            let found =
                pointed(raw, pointer).unwrap().map(|found| serde_json::from_str(found.get()).unwrap());
            assert_eq!(found, whole.pointer(pointer).cloned(), "{pointer}");
        }
    }

    #[test]
    fn depth_and_numbers_elsewhere_do_not_matter() {
        let deep = format!(r#"{{"x":{}{},"n":1e400,"a":"b"}}"#, "[".repeat(50_000), "]".repeat(50_000));
        let raw: &RawValue = serde_json::from_str(&deep).unwrap();
        assert_eq!(pointed(raw, "/a").unwrap().map(RawValue::get), Some(r#""b""#));
    }

    #[test]
    fn a_pointer_is_that_of_rfc_6901() {
        let json = r#"{"a/b":{"~":[10,[11]],"":1},"01":[5]}"#;
        let json: &RawValue = serde_json::from_str(json).unwrap();
        for (pointer, found) in [
            ("/a~1b/~0/0", Some("10")),
            ("/a~1b/~0/1/0", Some("11")),
            ("/a~1b/", Some("1")),
            ("/a~1b/~0/2", None),
            ("/a~1b/~0/-", None),
            ("/a~1b/~0/00", None),
            ("/a~1b/~0/+0", None),
            ("/01/0", Some("5")),
            ("/01/0/x", None),
            ("/absent/0", None),
        ] {
            let at = pointed(json, pointer).unwrap();
            assert_eq!(at.map(RawValue::get), found, "{pointer}");
        }
    }
}
