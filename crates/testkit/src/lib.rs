//! What tests of several crates need: servers of a test's own, a small disk, a count of statements. Nothing
//! of it is in a binary.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests may panic, also in what they share"
)]

mod nats;
mod port;
mod postgres;
mod small_disk;
pub mod statements;
mod wait;
pub mod weed;

pub use nats::Nats;
pub use port::{free_port, free_ports};
pub use postgres::Postgres;
pub use small_disk::SmallDisk;
pub use wait::until;
pub use weed::Weed;
