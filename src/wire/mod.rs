//! Bytes on the wire: what a body looks like, how it is signed, and how a
//! signature is verified. Nothing here waits, reads a clock or opens a socket.

pub mod envelope;
pub mod message;
pub mod profile;
pub mod request;
pub mod scheme;
pub mod verify;
