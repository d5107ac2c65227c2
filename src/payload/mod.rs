//! What the carried systems say in their payloads, typed: views over bytes that stay as they came.

pub mod live_chat;
