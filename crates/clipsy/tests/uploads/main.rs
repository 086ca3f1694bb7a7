//! Tests of uploads with other people's clients: the real binary, real networks' faults.
//!
//! `tus-js-client` runs under Node.js, `@uppy/tus` in Chromium and `tuspy` under Python; what they
//! are told to do is in `tools/js` and `tools/py`. All tests are one program, as those of the
//! service are. `cargo test -p clipsy --test uploads cuts::` runs those of one file.
#![cfg(test)]

mod faults;
mod proxy;
#[expect(dead_code, reason = "the tests of the service use more of it")]
#[path = "../service/support/mod.rs"]
mod support;
