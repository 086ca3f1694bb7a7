//! The HTTP face as clients see it: a real server on a free port, `SQLite` and media in a temporary
//! folder, and requests over real sockets.
#![expect(
    clippy::unwrap_used,
    reason = "tests may panic, also in what they share"
)]

mod accounts;
mod caching;
mod compression;
mod connections;
mod contract;
mod database;
mod description;
mod disk;
mod errors;
mod holding;
mod links;
mod lists;
mod media;
mod origins;
mod plays;
mod prefix;
mod steering;
mod stream;
mod support;
mod tokens;
mod uploads;
mod visibility;
