//! What any HTTP service needs, independent of Clipsy: this crate knows no video, account or upload.
//!
//! [`server`] accepts and closes connections, with limits on their number (`doors`) and on silence ([`peer`], `pace`).
//! [`caller`] identifies the caller and the public URL; [`header`], [`body`] and [`multipart`] read requests;
//! [`ranges`], [`mod@file`] and [`assets`] respond with files; [`measure`] and [`trace`] report requests to operators.

pub mod assets;
pub mod body;
pub mod caller;
pub mod compress;
pub mod cors;
mod doors;
pub mod file;
pub mod header;
pub mod measure;
pub mod multipart;
mod pace;
pub mod peer;
pub mod ranges;
pub mod server;
pub mod trace;

pub use caller::address::Address;
pub use caller::client::{Client, Network, NetworkError};
