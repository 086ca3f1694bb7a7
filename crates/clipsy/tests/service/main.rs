//! Tests of the service: the real binary on a folder of its own, real videos, real signals.
//!
//! All of them are one program, so that they share helpers and take turns at the processor.
//! `cargo test -p clipsy --test service crash::` runs those of one file.
#![cfg(test)]

use clipsy_testkit::service as support;

mod accounts;
mod attack;
mod backup;
mod captions;
mod cards;
mod clocks;
#[expect(dead_code, reason = "the tests of several processes use the rest")]
mod collector;
mod crash;
mod fair;
mod flow;
mod hold;
mod metrics;
mod proxy;
mod revisions;
mod s3;
mod s3_large;
mod s3_play;
mod sandbox;
mod settings;
mod steer;
mod stop;
mod thumbnail;
mod traces;
mod tus;
