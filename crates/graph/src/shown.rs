//! Settings as they are shown to admins. The binary fills them in, since only it knows where they come from.

/// A setting of the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingShown {
    /// Its name, as in a settings file, e.g. `max_upload_bytes`.
    pub name: String,
    /// The flag, e.g. `--max-upload-bytes`, if there is one: secrets have none.
    pub flag: Option<String>,
    /// The variable of the environment, e.g. `CLIPSY_MAX_UPLOAD_BYTES`.
    pub variable: String,
    /// What it does, in English.
    pub about: String,
    /// What holds, without what is secret in it; `None` if nothing is set, or all of it is secret.
    pub value: Option<String>,
    /// True if it is a secret, or may hold one.
    pub secret: bool,
    /// Where it comes from.
    pub source: SettingSource,
}

/// Where a setting comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingSource {
    /// Nobody said anything.
    Default,
    /// The settings file.
    File,
    /// A variable of the environment.
    Environment,
    /// The command line.
    Flag,
}
