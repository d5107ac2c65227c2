//! Managing endpoints as the carried systems do it: their calls, their rules, their words.

pub mod live_chat;
