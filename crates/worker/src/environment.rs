//! What of this process's environment children get. The binary reads it; nothing here does.

use std::ffi::OsString;
use std::path::PathBuf;

/// The variable by which CUDA sees only some cards.
pub const VISIBLE_CARDS: &str = "CUDA_VISIBLE_DEVICES";

/// The environment of child processes, which parse media: nothing that they do not need.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Variables of every child.
    pub variables: Vec<(OsString, OsString)>,
    /// Folders of plugins and libraries that they may read besides those of the system.
    pub plugins: Vec<PathBuf>,
}
