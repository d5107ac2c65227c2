//! The carried systems' own HTTP APIs, as functions from request to response: a host
//! calls them from whatever server it has.

pub mod live_chat;
