//! What we sign, the libraries that others wrote verify, and the other way round; what
//! somebody changed on the way, both refuse.
//!
//! `tests/interop/run` installs the libraries and plays all of this. `cargo test` alone
//! plays what needs none, `recomputed`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
#![allow(unreachable_pub, reason = "a module of a test has no other way to say what it offers")]

mod cases;
mod changes;
mod comparison;
mod findings;
mod library;
mod recomputed;
mod request;
mod stated;

use comparison::compare;
use library::{Foreign, NODE, PYTHON};

#[test]
#[ignore = "tests/interop/run installs the libraries"]
fn python_libraries_and_we_take_and_refuse_the_same() {
    compare(PYTHON, &mut Foreign::python());
}

#[test]
#[ignore = "tests/interop/run installs the libraries"]
fn npm_libraries_and_we_take_and_refuse_the_same() {
    compare(NODE, &mut Foreign::node());
}
