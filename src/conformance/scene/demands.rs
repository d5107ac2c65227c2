//! What a case may ask of what it finds: each answers with the sentence that did not hold.

use std::fmt::Debug;

use crate::conformance::{Breach, CaseResult};

/// The case ends with that sentence unless the condition holds.
macro_rules! demand {
    ($holds:expr, $($sentence:tt)+) => {
        if !$holds {
            return Err($crate::conformance::Breach::new(format!($($sentence)+)));
        }
    };
}
pub(in crate::conformance) use demand;

/// The case ends unless both are the same.
#[allow(clippy::needless_pass_by_value, reason = "it reads as assert_eq does")]
pub(in crate::conformance) fn same<A: PartialEq<B> + Debug, B: Debug>(
    what: &str,
    found: A,
    expected: B,
) -> CaseResult {
    demand!(found == expected, "{what}: found {found:?}, expected {expected:?}");
    Ok(())
}

/// The one thing there is.
pub(in crate::conformance) fn the_only<T: Debug>(mut things: Vec<T>) -> Result<T, Breach> {
    demand!(things.len() == 1, "one was expected, found {things:?}");
    things.pop().ok_or_else(|| Breach::new("one was expected"))
}
