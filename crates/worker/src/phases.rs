//! Spans for the work of a child. It can only talk to its parent, which emits the spans from its
//! events.

use clipsy_service::trace;
use tracing::Span;

/// Where a child is. A phase ends when the next one begins, and the last with this.
#[derive(Debug)]
pub(super) struct Phases(Span);

impl Phases {
    /// A child that has been started, as a part of the current span.
    pub(super) fn start() -> Self {
        Self(tracing::info_span!("start"))
    }

    /// It has locked itself in and opens the original.
    pub(super) fn probe(&mut self) {
        self.0 = tracing::info_span!("probe");
    }

    /// It tries encoders and plans the renditions.
    pub(super) fn plan(&mut self) {
        self.0 = tracing::info_span!("plan");
    }

    /// It makes all renditions, perhaps once more.
    pub(super) fn encode(&mut self, encoder: &str, renditions: usize) {
        self.0 = tracing::info_span!("encode", encoder, renditions);
    }

    /// It is done; what it made last is published.
    pub(super) fn publish(&mut self) {
        self.0 = tracing::info_span!("publish");
    }

    /// Runs `tell` in the phase, so that what it logs belongs there.
    pub(super) fn within(&self, tell: impl FnOnce()) {
        self.0.in_scope(tell);
    }

    /// The phase did not work, or not with that encoder.
    pub(super) fn failed(&self, code: &str) {
        trace::failed(&self.0, code);
    }
}
