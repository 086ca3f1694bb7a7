//! What people do with videos, accounts and uploads, and the state behind it.
//!
//! This crate knows nothing of HTTP, GraphQL or `GStreamer`: the API translates for it, and workers use
//! what they have in common with the API.

pub mod cage;
pub mod still;
pub mod tickets;
pub mod trace;

pub use still::{StillError, StillMaker};
