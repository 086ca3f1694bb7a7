//! Tests of a service of several processes: two `clipsy serve` and two `clipsy work` on a `PostgreSQL`, a
//! NATS server and a media folder that they share, and what happens when one of them goes away.
//!
//! All of them are one program, as those of the service are, and take turns.
//! `cargo test -p clipsy --test scale killed::` runs those of one file.
#![cfg(test)]

use clipsy_testkit::service as support;

mod bucket;
#[path = "../service/collector.rs"]
mod collector;
mod crowd;
mod cut;
mod doors;
mod fair;
mod figures;
mod frozen;
mod killed;
mod lost;
mod measured;
mod namespace;
mod poison;
mod proxy;
mod restart;
mod sender;
mod single;
mod traces;
