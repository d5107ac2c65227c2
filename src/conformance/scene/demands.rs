//! Assertions of the cases: each returns the sentence that does not hold as an error.

use std::fmt::Debug;

use crate::conformance::{Breach, CaseResult};

/// Ends the case with that sentence unless the condition holds.
macro_rules! demand {
    ($holds:expr, $($sentence:tt)+) => {
        if !$holds {
            return Err($crate::conformance::Breach::new(format!($($sentence)+)));
        }
    };
}
pub(in crate::conformance) use demand;

/// Ends the case unless both values are equal.
#[allow(clippy::needless_pass_by_value, reason = "it reads as assert_eq does")]
pub(in crate::conformance) fn same<A: PartialEq<B> + Debug, B: Debug>(
    what: &str,
    found: A,
    expected: B,
) -> CaseResult {
    demand!(found == expected, "{what}: found {found:?}, expected {expected:?}");
    Ok(())
}

/// Returns the only element. Ends the case unless there is exactly one.
pub(in crate::conformance) fn the_only<T: Debug>(mut things: Vec<T>) -> Result<T, Breach> {
    demand!(things.len() == 1, "one was expected, found {things:?}");
    things.pop().ok_or_else(|| Breach::new("one was expected"))
}
