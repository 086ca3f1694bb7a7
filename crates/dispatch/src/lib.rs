//! Queue and event bus.
