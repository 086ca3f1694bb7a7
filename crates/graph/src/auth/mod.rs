//! Who asks: passwords, tokens, limits.

pub(crate) mod cookie;
pub mod keys;
pub(crate) mod limit;
pub mod password;
pub mod token;
pub(crate) mod viewer;
mod weak;
