//! What stands at a path of a JSON text, found without reading what stands elsewhere.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// The value that an RFC 6901 pointer names, read level by level, so that neither the depth nor the numbers
/// of what lies beside its way matter. An error is an object whose keys cannot be read.
pub(super) fn pointed<'a>(json: &'a RawValue, pointer: &str) -> serde_json::Result<Option<&'a RawValue>> {
    let mut at = json;
    for key in pointer.split('/').skip(1) {
        let key = key.replace("~1", "/").replace("~0", "~");
        let inner = match at.get().as_bytes().first() {
            Some(b'{') => serde_json::from_str::<BTreeMap<String, &RawValue>>(at.get())?.remove(&key),
            Some(b'[') => {
                let digits =
                    key.bytes().all(|byte| byte.is_ascii_digit()) && !(key.len() > 1 && key.starts_with('0'));
                let index = key.parse::<usize>().ok().filter(|_| digits);
                let items = serde_json::from_str::<Vec<&RawValue>>(at.get())?;
                index.and_then(|index| items.get(index).copied())
            }
            _ => None,
        };
        match inner {
            Some(inner) => at = inner,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

#[cfg(test)]
mod tests {
    use super::*;

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
