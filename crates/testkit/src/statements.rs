//! How many statements a program of tests sends to its database, as `sqlx` tells its log.

use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Counts from now on every `SELECT` of this process.
///
/// # Panics
///
/// If something else takes the log already.
pub fn count() {
    tracing::subscriber::set_global_default(Counter).unwrap();
}

/// How many there were since the last time this was asked.
pub fn take() -> usize {
    COUNT.swap(0, Ordering::SeqCst)
}

/// Hears of all statements.
struct Counter;

/// Looks for the statement among the fields of an event.
struct Select;

impl Visit for Select {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "summary" && value.starts_with("SELECT") {
            COUNT.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

impl Subscriber for Counter {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Select);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
