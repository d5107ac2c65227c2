//! Who hears what happens.

use crate::notice::Notice;

/// Hears what happens, as it happens.
///
/// It is called on the engine's task and on publishers' tasks: return quickly and do not
/// block, since nothing is sent meanwhile. Panics are caught and ignored.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn notice(&self, notice: &Notice<'_>);
}

/// A closure hears too.
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
/// # fn hears(_: impl Observer) {}
/// # hears(log);
/// ```
impl<F: Fn(&Notice<'_>) + Send + Sync> Observer for F {
    fn notice(&self, notice: &Notice<'_>) {
        self(notice);
    }
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silence;

impl Observer for Silence {
    fn notice(&self, _: &Notice<'_>) {}
}
