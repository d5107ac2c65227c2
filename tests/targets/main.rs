//! The targets that people read or build upon: what they are sent, how their answers
//! are read, and that a URL which is a credential never shows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "../world/mod.rs"]
mod world;

mod alerts;
mod answers;
mod automations;
mod custom;
mod detection;
mod discord;
mod hostile;
mod oversize;
mod reach;
mod redaction;
mod scene;
mod slack;
mod snapshots;
mod teams;
mod telegram;
mod whose_word;
