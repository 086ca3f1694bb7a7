//! Who asks, by what a request carries.

pub(crate) mod cookie;
pub(crate) mod viewer;
