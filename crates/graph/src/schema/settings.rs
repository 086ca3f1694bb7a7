//! Settings of the server, for admins.

use async_graphql::{Enum, SimpleObject};

use crate::shown::{SettingShown, SettingSource as Source};

/// Where a setting comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "SettingSource")]
pub(crate) enum SettingSource {
    /// Nobody said anything.
    Default,
    /// The settings file.
    File,
    /// A variable of the environment.
    Environment,
    /// The command line.
    Flag,
}

/// A setting of the server that answers. They are changed where they come from, and hold from its next start.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct Setting {
    /// Its name, as in a settings file, e.g. `max_upload_bytes`.
    name: String,
    /// The flag, e.g. `--max-upload-bytes`; null for secrets, which have none.
    flag: Option<String>,
    /// The variable of the environment, e.g. `CLIPSY_MAX_UPLOAD_BYTES`.
    variable: String,
    /// What it does.
    about: String,
    /// What holds, without what is secret in it; null if nothing is set, or all of it is secret.
    value: Option<String>,
    /// True if it is a secret, or may hold one.
    secret: bool,
    /// Where it comes from.
    source: SettingSource,
}

impl From<&SettingShown> for Setting {
    fn from(shown: &SettingShown) -> Self {
        Self {
            name: shown.name.clone(),
            flag: shown.flag.clone(),
            variable: shown.variable.clone(),
            about: shown.about.clone(),
            value: shown.value.clone(),
            secret: shown.secret,
            source: match shown.source {
                Source::Default => SettingSource::Default,
                Source::File => SettingSource::File,
                Source::Environment => SettingSource::Environment,
                Source::Flag => SettingSource::Flag,
            },
        }
    }
}
