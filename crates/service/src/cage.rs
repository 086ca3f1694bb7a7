//! The state of the sandbox around media parsers, as far as known.

use std::sync::{Arc, OnceLock};

/// The result of its self-test. Clones share it; it is set shortly after the start.
#[derive(Debug, Clone, Default)]
pub struct Cage(Arc<OnceLock<Tried>>);

#[derive(Debug)]
struct Tried {
    holds: bool,
    words: String,
}

impl Cage {
    /// Says what holds, or what is missing, in words. The first word stands.
    pub fn tried(&self, tried: Result<String, String>) {
        let holds = tried.is_ok();
        let words = tried.unwrap_or_else(|missing| missing);
        let _ = self.0.set(Tried { holds, words });
    }

    /// What is known, in words.
    pub fn words(&self) -> Option<&str> {
        self.0.get().map(|tried| tried.words.as_str())
    }

    /// True if it was tried and does not hold entirely.
    pub fn is_open(&self) -> bool {
        self.0.get().is_some_and(|tried| !tried.holds)
    }
}
