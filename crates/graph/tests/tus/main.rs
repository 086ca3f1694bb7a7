//! Uploads that can be resumed, over raw sockets: every MUST of tus 1.0.0 by name, and what goes
//! wrong with networks, senders and disks.
#![expect(
    clippy::unwrap_used,
    reason = "tests may panic, also in what they share"
)]

mod accounts;
mod checksum;
mod client;
mod concatenation;
mod core;
mod creation;
mod disk;
mod expiration;
mod finish;
mod heal;
mod interrupted;
mod json;
mod proxies;
mod race;
#[expect(dead_code, reason = "shared with the other tests, which need more")]
#[path = "../http/support.rs"]
mod support;
mod termination;
