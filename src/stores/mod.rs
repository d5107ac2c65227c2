//! The built-in stores: implementations of the traits in `backend`. They never import each
//! other; all must pass the conformance suite.

pub mod memory;
#[cfg(feature = "sqlite")]
pub mod sqlite;
