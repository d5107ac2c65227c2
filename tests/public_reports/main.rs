//! What public bug reports of other webhook senders and receivers are about, by kind: each is
//! tried here through the public API.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../targets/scene.rs"]
#[allow(dead_code, reason = "the scene of all targets, of which some are tried here")]
mod scene;
#[path = "../sqlite_file/mod.rs"]
mod sqlite_file;
#[path = "../world/mod.rs"]
mod world;

mod answers;
mod guards;
mod hosts_of_sqlite;
mod kinds;
mod messages;
mod odd_responses;
mod signatures;
