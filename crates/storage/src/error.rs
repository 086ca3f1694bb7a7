//! What can go wrong with the database.

use std::io;

use sqlx::migrate::MigrateError;

/// Shorthand.
pub type Result<T> = std::result::Result<T, Error>;

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database refused, failed, or could not be reached.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The tables could not be brought up to date.
    #[error("the database could not be brought up to date: {0}")]
    Migration(#[source] MigrateError),
    /// A newer version of this program has changed the tables.
    #[error(
        "the database has migration {version}, which this version of Clipsy does not know: \
         start a newer Clipsy"
    )]
    TooNew {
        /// The migration that is not known.
        version: i64,
    },
    /// The address names no database that this program can use.
    #[error("not a database address: {0}")]
    Url(String),
    /// Something with that name is there already.
    #[error("the {what} is taken")]
    Taken {
        /// What must be unique, e.g. `"username"`.
        what: &'static str,
    },
    /// What the change refers to is not there.
    #[error("there is no such {what}")]
    Missing {
        /// What is missing, e.g. `"upload"`.
        what: &'static str,
    },
    /// A row holds something that no version of this program writes.
    #[error("the database holds an unusable {what}: {value:?}")]
    Unreadable {
        /// What was read, e.g. `"asset state"`.
        what: &'static str,
        /// What was found.
        value: String,
    },
}

impl Error {
    /// True if the disk under the database is full.
    pub fn is_out_of_disk(&self) -> bool {
        match self {
            Self::Database(error)
            | Self::Migration(
                MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _),
            ) => is_full(error),
            _ => false,
        }
    }

    /// Names what a broken rule of uniqueness is about.
    pub(crate) fn taken(error: sqlx::Error, what: &'static str) -> Self {
        match error.as_database_error() {
            Some(refusal) if refusal.is_unique_violation() => Self::Taken { what },
            _ => Self::Database(error),
        }
    }
}

impl From<MigrateError> for Error {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(version) => Self::TooNew { version },
            error => Self::Migration(error),
        }
    }
}

fn is_full(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => matches!(
            error.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        ),
        // SQLITE_FULL; SQLITE_IOERR_SHMSIZE, which is how SQLite says that the index of its log
        // could not grow; and PostgreSQL's disk_full.
        sqlx::Error::Database(refusal) => {
            matches!(refusal.code().as_deref(), Some("13" | "4874" | "53100"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_apart() {
        let full = |kind: io::ErrorKind| Error::from(sqlx::Error::Io(kind.into())).is_out_of_disk();
        assert!(full(io::ErrorKind::StorageFull));
        assert!(full(io::ErrorKind::QuotaExceeded));
        assert!(!full(io::ErrorKind::ConnectionRefused));
        let migration = MigrateError::Execute(sqlx::Error::Io(io::ErrorKind::StorageFull.into()));
        assert!(Error::from(migration).is_out_of_disk());
    }
}
