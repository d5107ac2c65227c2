//! The stores that come with the crate: implementations of the traits in `backend`. They never import
//! each other; what they have in common is the conformance suite.

pub mod memory;
#[cfg(feature = "sqlite")]
pub mod sqlite;
