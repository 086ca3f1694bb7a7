//! The service behind real proxies, with the very blocks that OPERATIONS.md shows: nginx over TLS with
//! HTTP/2, without TLS, below a path and in front of two servers; Caddy with a name of its own and
//! below a path. `clipsy doctor --proxy` finds nothing there, and each fault that is made on purpose.
#![cfg(test)]

use clipsy_testkit::service as support;

mod blocks;
mod caddy;
mod certificates;
mod faults;
mod nginx;
mod visit;
