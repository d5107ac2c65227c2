//! A condition on a JSON payload.

use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::SubscriptionError;
use super::bounds::{
    FILTER_DEPTH_MAX, FILTER_VALUES_MAX, POINTER_LENGTH_MAX, POINTER_STEPS_MAX, bytes, hold, is_shallow,
    levels,
};
use super::identity::Identities;
use super::literals::Literals;
use super::places::Places;
use super::wanted::Asked;

/// A condition on a JSON payload: what stands at a path, held against a list of values.
///
/// * A payload that is not JSON passes no filter. Nothing else of it is read than what
///   stands on the way, so no depth and no number elsewhere in it keeps it from passing.
/// * A value of which a part cannot be read passes no filter that asks for absence. Such a
///   part is a string with half a surrogate pair, or a number that is compared and has an
///   exponent of more than 18 digits. What stands behind an object with such a key passes no
///   filter at all.
/// * Where a key comes twice, its last value counts.
/// * Numbers are compared by their value, however large they are and however they are
///   written: 10, 10.0 and 1e1 are one number, 2^64 and 2^64 + 1 are two. A `Value` that
///   holds an `f64` stands for the decimal that JSON writes it as (0.1 is one tenth), and
///   from 2^53 on for the integer that it is as well. A filter that is read from JSON text
///   compares with the numbers of that text, digit by digit, and is written with them again.
///
/// A clone shares the values, however many there are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "StoredFilter")]
pub struct Filter(Arc<Comparison>);

/// What a filter compares, and with what.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Comparison {
    pointer: String,
    any_of: Literals,
    #[serde(skip_serializing_if = "Relation::is_equals")]
    relation: Relation,
    /// What `any_of` is compared by.
    #[serde(skip)]
    identities: Identities,
    /// How deep the deepest of `any_of` is nested.
    #[serde(skip)]
    levels: usize,
    /// About how many bytes it takes in memory.
    #[serde(skip)]
    bytes: usize,
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// A filter as it is stored, which may break a rule.
#[derive(Deserialize)]
struct StoredFilter {
    pointer: String,
    any_of: Literals,
    #[serde(default)]
    relation: Relation,
}

impl TryFrom<StoredFilter> for Filter {
    type Error = SubscriptionError;
    fn try_from(stored: StoredFilter) -> Result<Self, SubscriptionError> {
        Self::new(stored.pointer, stored.any_of, stored.relation)
    }
}

/// How the value at a filter's path stands to the filter's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Relation {
    /// It is one of them.
    #[default]
    Equals,
    /// It is an array, and one of its members is one of them.
    Holds,
    /// Neither it nor, of an array, a member of it is one of them.
    Lacks,
}

impl Relation {
    /// What a stored filter without a relation means.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_equals(&self) -> bool {
        *self == Self::Equals
    }
}

impl Filter {
    /// The value at `pointer` (RFC 6901, such as `/visitor/plan`) is one of `any_of`.
    ///
    /// # Errors
    /// When the pointer does not begin with `/` or has a `~` without `0` or `1` after it, no
    /// value is given, or one of the bounds of [`subscription`](crate::subscription) is passed.
    pub fn equals(
        pointer: impl Into<String>,
        any_of: impl Into<Vec<serde_json::Value>>,
    ) -> Result<Self, SubscriptionError> {
        Self::new(pointer.into(), any_of.into().into(), Relation::Equals)
    }

    /// The value at `pointer` is an array that holds one of `any_of`.
    ///
    /// # Errors
    /// As for [`equals`](Self::equals).
    pub fn holds(
        pointer: impl Into<String>,
        any_of: impl Into<Vec<serde_json::Value>>,
    ) -> Result<Self, SubscriptionError> {
        Self::new(pointer.into(), any_of.into().into(), Relation::Holds)
    }

    /// The value at `pointer` is none of `none_of`, nor, if it is an array, holds one of
    /// them. Where nothing stands, nothing is one of them.
    ///
    /// # Errors
    /// As for [`equals`](Self::equals).
    pub fn lacks(
        pointer: impl Into<String>,
        none_of: impl Into<Vec<serde_json::Value>>,
    ) -> Result<Self, SubscriptionError> {
        Self::new(pointer.into(), none_of.into().into(), Relation::Lacks)
    }

    fn new(pointer: String, any_of: Literals, relation: Relation) -> Result<Self, SubscriptionError> {
        let values = any_of.values();
        if !pointer.starts_with('/') {
            return Err(SubscriptionError::found("filter.pointer", "must begin with /", &pointer));
        }
        if has_another_escape(&pointer) {
            let rule = "must have ~ only in ~0, which means ~, and ~1, which means / (RFC 6901)";
            return Err(SubscriptionError::found("filter.pointer", rule, &pointer));
        }
        if values.is_empty() {
            return Err(SubscriptionError::of("filter.any_of", "must hold at least one value"));
        }
        let short = pointer.len() <= POINTER_LENGTH_MAX;
        hold(short, "filter.pointer", "must be at most 1024 bytes long")?;
        let few_steps = pointer.matches('/').count() <= POINTER_STEPS_MAX;
        hold(few_steps, "filter.pointer", "must have at most 32 steps")?;
        let few = values.len() <= FILTER_VALUES_MAX;
        hold(few, "filter.any_of", "must hold at most 1024 values")?;
        let shallow = values.iter().all(|value| is_shallow(value, FILTER_DEPTH_MAX));
        hold(shallow, "filter.any_of", "must hold values that are nested at most 32 levels deep")?;
        let Some(identities) = any_of.identities() else {
            let rule = "must hold numbers with exponents of at most 18 digits";
            return Err(SubscriptionError::of("filter.any_of", rule));
        };
        let levels = values.iter().map(levels).max().unwrap_or(0);
        let of_values: usize = values.iter().map(bytes).sum();
        let bytes = size_of::<Comparison>() + pointer.len() + of_values + size_of_val(&*identities);
        let identities = identities.into();
        Ok(Self(Arc::new(Comparison { pointer, any_of, relation, identities, levels, bytes })))
    }

    /// Where it looks.
    #[must_use]
    pub fn pointer(&self) -> &str {
        &self.0.pointer
    }

    /// What it compares with: of a number that was read from JSON text and that a `Value`
    /// cannot hold exactly, the nearest that it can.
    #[must_use]
    pub fn values(&self) -> &[serde_json::Value] {
        self.0.any_of.values()
    }

    /// About how many bytes it takes in memory. Its clones share them.
    #[cfg(feature = "tokio")]
    pub(super) fn bytes(&self) -> usize {
        self.0.bytes
    }

    /// What it has to know of the value at its pointer.
    pub(super) fn asked(&self) -> Asked {
        let levels = Some(self.0.levels);
        match self.0.relation {
            Relation::Equals => Asked { value: levels, members: None },
            Relation::Holds => Asked { value: None, members: levels },
            Relation::Lacks => Asked { value: levels, members: levels },
        }
    }

    fn passes(&self, payload: &Places<'_>) -> bool {
        // An object whose keys cannot be read may hold anything.
        let Some(place) = payload.at(&self.0.pointer) else { return false };
        let values = &self.0.identities;
        match self.0.relation {
            Relation::Equals => place.is_one_of(values),
            Relation::Holds => place.holds_one_of(values),
            Relation::Lacks => {
                !place.is_unreadable() && !place.is_one_of(values) && !place.holds_one_of(values)
            }
        }
    }
}

pub(super) fn all_pass(filters: &[Filter], payload: &Places<'_>) -> bool {
    filters.iter().all(|filter| filter.passes(payload))
}

/// Whether a tilde stands before anything but the 0 or 1 of an escape.
fn has_another_escape(pointer: &str) -> bool {
    pointer.split('~').skip(1).any(|after| !after.starts_with(['0', '1']))
}

#[cfg(test)]
mod tests {
    use super::super::Subscription;
    use super::*;

    #[test]
    fn filters_see_the_payload_and_fail_closed() {
        let filtered = |filter| Subscription::to_all().filtered(filter);
        let vip = filtered(Filter::equals("/visitor/plan", ["pro".into()]).unwrap());
        let others = filtered(Filter::lacks("/visitor/plan", ["pro".into()]).unwrap());
        for (payload, is_vip, is_other) in [
            (&br#"{"visitor":{"plan":"pro"}}"#[..], true, false),
            (br#"{"visitor":{"plan":"free"}}"#, false, true),
            (br#"{"visitor":["pro"]}"#, false, true),
            (br"{}", false, true),
            (br"7", false, true),
            (br#"{"visitor":{"\ud800":1,"plan":"free"}}"#, false, false),
            (b"{\"a\":\"\xff\"}", false, false),
            (b"\xff", false, false),
        ] {
            let text = String::from_utf8_lossy(payload);
            assert_eq!(
                (vip.takes_payload(payload), others.takes_payload(payload)),
                (is_vip, is_other),
                "{text}"
            );
        }
    }

    #[test]
    fn a_filter_looks_into_an_array_and_may_ask_for_absence() {
        let lists = ["a".into(), "b".into()];
        let rows = [
            (r#"{"ids":["a","c"]}"#, true, false),
            (r#"{"ids":["c"]}"#, false, true),
            (r#"{"ids":[]}"#, false, true),
            (r#"{"ids":"a"}"#, false, false),
            (r#"{"ids":null}"#, false, true),
            ("{}", false, true),
            ("no json", false, false),
        ];
        for (payload, holds, lacks) in rows {
            let passes =
                |filter: Filter| Subscription::to_all().filtered(filter).takes_payload(payload.as_bytes());
            assert_eq!(passes(Filter::holds("/ids", lists.clone()).unwrap()), holds, "{payload}");
            assert_eq!(passes(Filter::lacks("/ids", lists.clone()).unwrap()), lacks, "{payload}");
        }
    }

    #[test]
    fn depth_and_numbers_beside_the_way_do_not_matter() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let payload = format!(r#"{{"huge":1e999,"deep":{deep},"name":"x"}}"#);
        let named = Subscription::to_all().filtered(Filter::equals("/name", ["x".into()]).unwrap());
        assert!(named.takes_payload(payload.as_bytes()));
    }
}
