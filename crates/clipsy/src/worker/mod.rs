//! Does the jobs.

pub(crate) mod protocol;
