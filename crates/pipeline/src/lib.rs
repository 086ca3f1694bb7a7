//! One `GStreamer` pipeline from a source file to an HLS ladder.
//!
//! [`probe::probe`] tells what a file is, [`transcode::transcode`] decodes it once and writes
//! every rendition, and [`doctor::examine`] tells which encoders and decoders work on this
//! machine. Nothing here knows of databases, HTTP, jobs or queues; files are given by path.
//! Only `builder` makes `GStreamer` elements.
//!
//! Media is untrusted: call this from a process of its own that can be killed.

mod builder;
pub mod catalog;
pub mod decoders;
pub mod doctor;
pub mod encoder;
pub mod error;
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "types of boxes are written as b\"moov\""
)]
mod front;
mod measure;
mod output;
pub mod photo;
pub mod plugins;
pub mod probe;
mod run;
pub mod still;
pub mod transcode;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub use error::Error;

/// Starts `GStreamer` and registers the elements of this crate. Safe to call more than once.
pub fn init() -> Result<(), Error> {
    // Two threads that register one element at the same time would pull it from under each other.
    static STARTING: Mutex<()> = Mutex::new(());
    let _guard = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    gstreamer::init().map_err(|e| Error::Internal(format!("GStreamer does not start: {e}")))?;
    builder::remarks::listen();
    builder::register_elements()
}

/// Asks a running transcode to stop; clones share one state.
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// A token that nobody has cancelled yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels; there is no way back.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether somebody cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// The flag itself, for signal handlers.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}
