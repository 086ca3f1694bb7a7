//! What tests of several crates need. Nothing of it is in a binary.

mod port;

pub use port::{free_port, free_ports};
