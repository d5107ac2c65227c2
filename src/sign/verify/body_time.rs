//! Reads the time of signing from a signed body.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::time::Timestamp;

/// The value of this member of a JSON object, in milliseconds since the epoch. `None` for
/// anything else: not an object, no such member or two of them, or not a plain whole number.
pub(super) fn milliseconds_in(body: &[u8], member: &str) -> Option<Timestamp> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let moment = json.deserialize_map(Member(member)).ok()?;
    json.end().ok()?;
    moment
}

struct Member<'a>(&'a str);

impl<'de> Visitor<'de> for Member<'_> {
    type Value = Option<Timestamp>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let (mut found, mut times) = (None, 0_usize);
        while let Some(name) = members.next_key::<String>()? {
            if name == self.0 {
                times += 1;
                found = milliseconds(members.next_value::<&RawValue>()?);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found.filter(|_| times == 1))
    }
}

fn milliseconds(number: &RawValue) -> Option<Timestamp> {
    let text = number.get();
    let number: u64 = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())??;
    Some(Timestamp::from_micros(i64::try_from(number).ok()?.saturating_mul(1000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_whole_number_that_stands_once_on_the_top() {
        let of = |body: &str| milliseconds_in(body.as_bytes(), "at").map(Timestamp::as_micros);
        assert_eq!(of(r#"{"a":{"at":1},"at":1772352000123}"#), Some(1_772_352_000_123_000));
        assert_eq!(of(r#"{"\u0061t":0}"#), Some(0));
        assert_eq!(of(r#"{"at":9223372036854775807}"#), Some(i64::MAX));
        for body in [
            "",
            "[]",
            "{}",
            r#"{"a":{"at":1}}"#,
            r#"{"at":"1"}"#,
            r#"{"at":-1}"#,
            r#"{"at":1.0}"#,
            r#"{"at":1e3}"#,
            r#"{"at":null}"#,
            r#"{"at":18446744073709551615}"#,
            r#"{"at":1,"at":1}"#,
            r#"{"at":1} x"#,
        ] {
            assert_eq!(of(body), None, "{body}");
        }
    }
}
