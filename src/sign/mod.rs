//! Signs requests and verifies their signatures.
//!
//! A scheme is described once, as data. Signing and verifying read the same description, so
//! they cannot differ. Nothing here waits, reads a clock or opens a socket.
//!
//! * A [`Scheme`] is a preset, found by its name or its own function, or built from your own
//!   [`Recipe`]. A [`Signer`] and a [`Verifier`] accept both.
//! * A [`Verifier`] takes the bytes of the body as they were received, before anything parsed
//!   them, and returns them as [`Verified`]. Detection of repeated requests and support for
//!   web frameworks are in [`receive`](mod@crate::receive).
//!
#![doc = include_str!("../../docs/schemes.md")]

mod frame;
mod scheme;
mod verify;

pub use scheme::{
    Algorithm, ContentPart, Encoding, Grammar, KeyForm, Recipe, Scheme, Schemes, SignError, Signer,
};
pub use verify::{BodyKeys, HeaderLookup, Proof, Tolerance, Verified, Verifier, VerifyError};

pub(crate) use frame::FRAME;
