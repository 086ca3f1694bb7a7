//! What any HTTP service needs, and nothing of ours: this crate knows no video, account or upload.
//!
//! [`server`] accepts connections and ends them, with limits on how many there are (`doors`) and on
//! how long they may be silent ([`peer`], `pace`). [`caller`] says who asks and how the server was
//! called; [`body`] and [`multipart`] read what is sent; [`ranges`], [`mod@file`] and [`assets`] answer with
//! files; [`measure`] and [`trace`] tell operators about requests.

pub mod assets;
pub mod body;
pub mod caller;
pub mod compress;
pub mod cors;
mod doors;
pub mod file;
pub mod measure;
pub mod multipart;
mod pace;
pub mod peer;
pub mod ranges;
pub mod server;
pub mod trace;

pub use caller::address::Address;
pub use caller::client::{Client, Network, NetworkError};
