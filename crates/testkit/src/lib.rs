//! What tests of several crates share: the service itself ([`service`]) and the servers it needs, each of a
//! test's own, a client of HTTP ([`http`]), a small disk, a count of statements. No binary contains it. It
//! depends on no other crate of ours, so that a change to one of them rebuilds none of this.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "tests may panic, also in what they share"
)]

pub mod http;
mod nats;
mod port;
mod postgres;
pub mod service;
mod small_disk;
pub mod statements;
mod wait;
pub mod weed;

pub use nats::Nats;
pub use port::{free_port, free_ports};
pub use postgres::Postgres;
pub use small_disk::SmallDisk;
pub use wait::{until, wait_until};
pub use weed::Weed;
