//! Verifying what was received.
