//! What can go wrong with the database.

use std::io;

use sqlx::migrate::MigrateError;

/// Shorthand.
pub type Result<T> = std::result::Result<T, Error>;

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database rejected the statement, failed, or is unavailable.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The tables could not be brought up to date.
    #[error("the database could not be migrated: {0}")]
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
    /// The tables are those of an older version, or there are none.
    #[error(
        "the database has migration {version}, this version of Clipsy needs a newer one: use the \
         Clipsy that runs on it, or bring it up to date with `clipsy migrate`"
    )]
    TooOld {
        /// The newest migration that it has; 0 for none.
        version: i64,
    },
    /// The URL is not that of a supported database.
    #[error("not a database URL: {0}")]
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
    /// A row contains a value that no version of this program writes.
    #[error("the database contains an invalid {what}: {value:?}")]
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

    /// True if the database is unavailable or temporarily unable; a retry may succeed.
    pub fn is_unavailable(&self) -> bool {
        !self.is_out_of_disk() && matches!(self, Self::Database(error) if is_away(error))
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

fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(refusal) => refusal.code().is_some_and(|code| is_passing(&code)),
        _ => false,
    }
}

/// True for refusals that have nothing to do with the statement. `PostgreSQL` (appendix A of its
/// manual): connections that fail (class 08), too many of them (53300), shutting down, crashed or
/// starting (57P01 to 57P03), a standby that takes no changes yet (25006). `SQLite`: locked by another
/// process for too long (5), input and output (10), a file that is not there (14), each with details
/// above the low byte.
fn is_passing(code: &str) -> bool {
    match code.parse::<u32>() {
        // PostgreSQL's codes have five characters, of which some are only digits, too.
        Ok(number) if code.len() < 5 => matches!(number & 0xff, 5 | 10 | 14),
        _ => {
            code.starts_with("08")
                || matches!(code, "53300" | "57P01" | "57P02" | "57P03" | "25006")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_told_apart() {
        for code in ["5", "261", "10", "266", "14", "08006", "57P01", "53300"] {
            assert!(is_passing(code), "{code}");
        }
        // A syntax error, a broken rule of uniqueness, a full disk, a file that is no database.
        for code in ["1", "42601", "2067", "23505", "13", "53100", "26"] {
            assert!(!is_passing(code), "{code}");
        }
        let away = |error| Error::from(error).is_unavailable();
        assert!(away(sqlx::Error::PoolTimedOut));
        assert!(away(sqlx::Error::Io(
            io::ErrorKind::ConnectionRefused.into()
        )));
        assert!(!away(sqlx::Error::Io(io::ErrorKind::StorageFull.into())));
        assert!(!away(sqlx::Error::RowNotFound));
    }

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
