//! How much was done to read payloads on this thread, for tests of its bound.

use std::cell::Cell;

/// The work of reading payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Work {
    /// How often a JSON text was gone through.
    pub(crate) passes: usize,
    /// How many bytes were looked at, each as often as it was.
    pub(crate) bytes: usize,
    /// How many bytes of identities were kept of what stands at the places.
    pub(crate) kept: usize,
}

thread_local! {
    static WORK: Cell<Work> = const { Cell::new(Work { passes: 0, bytes: 0, kept: 0 }) };
}

pub(super) fn pass() {
    add(Work { passes: 1, ..Work::default() });
}

pub(super) fn bytes(bytes: usize) {
    add(Work { bytes, ..Work::default() });
}

pub(super) fn kept(kept: usize) {
    add(Work { kept, ..Work::default() });
}

/// The work since it was asked last.
pub(crate) fn taken() -> Work {
    WORK.take()
}

fn add(more: Work) {
    let Work { passes, bytes, kept } = WORK.get();
    WORK.set(Work { passes: passes + more.passes, bytes: bytes + more.bytes, kept: kept + more.kept });
}
