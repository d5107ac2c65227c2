//! Parts are given by value, or in an `Arc` by a host that keeps a handle on them.

use std::sync::Arc;

use super::{Backend, Cipher, Clock, Directory, Entropy, Observer, Resolver, Transport};

/// A part that a builder takes: a value that implements the trait, or an `Arc` of one.
///
/// `How` says which of the two it is. The compiler finds it, so no caller names it.
///
/// ```
/// use hookpost::backend::{Clock, IntoShared};
/// use hookpost::os::SystemClock;
/// use std::sync::Arc;
///
/// fn takes<How>(clock: impl IntoShared<dyn Clock, How>) -> Arc<dyn Clock> {
///     clock.into_shared()
/// }
///
/// takes(SystemClock::new());
/// takes(Arc::new(SystemClock::new()));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a part that implements this trait nor an `Arc` of one: `{Part}`",
    note = "a closure is an observer if its argument is written as `|notice: &Notice<'_>|`"
)]
pub trait IntoShared<Part: ?Sized, How> {
    /// The part, to be shared by those who use it.
    fn into_shared(self) -> Arc<Part>;
}

/// How a part is given: as a value.
#[derive(Debug)]
pub enum ByValue {}

/// How a part is given: in an `Arc`.
#[derive(Debug)]
pub enum InArc {}

macro_rules! into_shared {
    ($($part:ident)+) => { $(
        impl<P: $part + 'static> IntoShared<dyn $part, ByValue> for P {
            fn into_shared(self) -> Arc<dyn $part> {
                Arc::new(self)
            }
        }

        impl<P: $part + 'static> IntoShared<dyn $part, InArc> for Arc<P> {
            fn into_shared(self) -> Arc<dyn $part> {
                self
            }
        }

        impl IntoShared<dyn $part, InArc> for Arc<dyn $part> {
            fn into_shared(self) -> Arc<dyn $part> {
                self
            }
        }
    )+ };
}

into_shared!(Backend Cipher Clock Directory Entropy Observer Resolver Transport);
