//! Tests of uploads with other people's clients: the real binary, real networks' faults.
//!
//! `tus-js-client` runs under Node.js, `@uppy/tus` in Chromium and `tuspy` under Python; what they
//! are told to do is in `tools/js` and `tools/py`. All tests are one program, as those of the
//! service are. `cargo test -p clipsy --test uploads cuts::` runs those of one file.
//!
//! Faults are drawn from a seed. A failed test prints its proxy's plan; with `CLIPSY_TEST_SEED=N` in
//! the environment, others are drawn.
#![cfg(test)]

use clipsy_testkit::service as support;

mod clients;
mod cuts;
mod faults;
mod full_disk;
mod full_state;
mod parallel;
mod proxy;
mod restart;
mod resume;
mod site;
mod very_large;
mod whole;

/// A seed for one test: the same in every run, unless somebody asks for others.
#[expect(
    clippy::disallowed_methods,
    reason = "it says what the test does, not what Clipsy does"
)]
fn seed(of_test: u64) -> u64 {
    let asked = std::env::var("CLIPSY_TEST_SEED").ok();
    asked.map_or(of_test, |asked| {
        let asked: u64 = asked.parse().unwrap();
        asked.wrapping_mul(1000) + of_test
    })
}
