//! The API as clients see it: a real server on a free port, `SQLite` and media in a temporary folder, and
//! requests over real sockets.
//!
//! All of it is one program, which is linked once. `cargo test -p clipsy-graph --test api tus::heal` runs
//! those of one file.
#![expect(
    clippy::unwrap_used,
    reason = "tests may panic, also in what they share"
)]

mod http;
mod player;
mod programs;
mod schema;
mod support;
mod tus;
