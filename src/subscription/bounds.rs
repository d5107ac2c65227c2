//! How large a subscription may be. What is stored has to be read back, and routing looks
//! at every filter of every endpoint of a tenant, so one endpoint's part is bounded.

use serde_json::Value;

use super::SubscriptionError;

/// The most patterns that a subscription may have.
pub const PATTERNS_MAX: usize = 256;
/// The most filters that one condition may have: a subscription's own, or one of an interest.
pub const FILTERS_MAX: usize = 64;
/// The most filters of a subscription, those of its interests included.
pub const FILTERS_IN_ALL_MAX: usize = 4096;
/// The most values that a filter may compare with.
pub const FILTER_VALUES_MAX: usize = 1024;
/// How deep arrays and objects may be nested in a filter's value: well below the 128 levels
/// at which JSON is not read back any more.
pub const FILTER_DEPTH_MAX: usize = 32;
/// The longest pointer of a filter, in bytes.
pub const POINTER_LENGTH_MAX: usize = 1024;
/// The most steps of a filter's pointer.
pub const POINTER_STEPS_MAX: usize = 32;
/// The most interests that a subscription may have.
pub const INTERESTS_MAX: usize = 100;
/// The longest name of an interest or of an optional part, in characters.
pub const NAME_LENGTH_MAX: usize = 255;
/// The most optional parts that a subscription may ask for.
pub const PARTS_MAX: usize = 64;
/// The largest subscription, in bytes of the JSON that it is stored as.
pub const SUBSCRIPTION_BYTES_MAX: usize = 256 * 1024;

/// An error unless the rule is kept.
pub(super) fn hold(kept: bool, field: &'static str, rule: &'static str) -> Result<(), SubscriptionError> {
    if kept { Ok(()) } else { Err(SubscriptionError::of(field, rule)) }
}

/// Whether a value is nested at most that deep. It goes no deeper than that itself.
pub(super) fn is_shallow(value: &Value, levels: usize) -> bool {
    let inner = |value| levels.checked_sub(1).is_some_and(|levels| is_shallow(value, levels));
    match value {
        Value::Array(members) => levels > 0 && members.iter().all(inner),
        Value::Object(members) => levels > 0 && members.values().all(inner),
        _ => true,
    }
}

/// How many levels deep a value is nested: a string is no level, an array of strings is one.
pub(super) fn levels(value: &Value) -> usize {
    let inner = match value {
        Value::Array(members) => members.iter().map(levels).max(),
        Value::Object(members) => members.values().map(levels).max(),
        _ => return 0,
    };
    inner.unwrap_or(0) + 1
}

/// About how many bytes a value takes in memory.
pub(super) fn bytes(value: &Value) -> usize {
    let of_member = |(key, value): (&String, &Value)| size_of::<String>() + key.len() + bytes(value);
    let inner: usize = match value {
        Value::Array(members) => members.iter().map(bytes).sum(),
        Value::Object(members) => members.iter().map(of_member).sum(),
        Value::String(text) => text.len(),
        _ => 0,
    };
    size_of::<Value>() + inner
}
