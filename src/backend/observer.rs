//! Observes what the engine does.

use crate::notice::Notice;

/// Receives a notice of everything that happens, as it happens.
///
/// It is called on the engine's task and on publishers' tasks: return quickly and do not
/// block, since nothing is sent meanwhile. Panics are caught and ignored.
pub trait Observer: Send + Sync {
    /// Called when something happened.
    fn notice(&self, notice: &Notice<'_>);
}

/// A closure can be an observer.
///
/// ```
/// use hookpost::backend::Observer;
/// use hookpost::notice::Notice;
///
/// let log = |notice: &Notice<'_>| {
///     if let Notice::DeadLetter { delivery, reason, .. } = notice {
///         eprintln!("{delivery} was given up: {reason}");
///     }
/// };
/// # fn observer(_: impl Observer) {}
/// # observer(log);
/// ```
impl<F: Fn(&Notice<'_>) + Send + Sync> Observer for F {
    fn notice(&self, notice: &Notice<'_>) {
        self(notice);
    }
}

/// An observer that ignores all notices.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silence;

impl Observer for Silence {
    fn notice(&self, _: &Notice<'_>) {}
}
