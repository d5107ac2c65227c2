//! How a request is signed, and how its signature is verified.
//!
//! A scheme is described once, as data: signing and verifying read the same description,
//! so they cannot drift apart. Nothing here waits, reads a clock or opens a socket.
//!
//! * A [`Scheme`] is a preset, found by its name or its own function, or a [`Recipe`] of
//!   yours. A [`Signer`] and a [`Verifier`] take either.
//! * A [`Verifier`] takes the body's bytes as they came, before anybody parsed them, and
//!   gives them back as [`Verified`]. What remembers requests or knows a web framework is
//!   in [`receive`](mod@crate::receive).
//!
#![doc = include_str!("../../docs/schemes.md")]

mod frame;
mod scheme;
mod verify;

pub use scheme::{
    Algorithm, Encoding, Grammar, KeyForm, Part, Recipe, Scheme, SchemeError, Schemes, SignError, Signer,
};
pub use verify::{BodyKeys, HeaderLookup, Proof, Tolerance, Verified, Verifier, VerifierError, VerifyError};

pub(crate) use frame::FRAME;
