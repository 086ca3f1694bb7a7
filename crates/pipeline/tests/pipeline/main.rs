//! The pipeline against real elements of `GStreamer`, in one binary: each links all of it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod facts;
mod fallback;
mod photo;
mod still;
mod support;
