//! Uploads that can be resumed, over raw sockets: every MUST of tus 1.0.0 by name, and what goes
//! wrong with networks, senders and disks.

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
mod termination;
