//! What can go wrong with the database.

/// Shorthand.
pub type Result<T> = std::result::Result<T, Error>;

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database refused, failed, or could not be reached.
    #[error("the database failed: {0}")]
    Database(#[source] sqlx::Error),
    /// The tables could not be brought up to date.
    #[error("the database could not be brought up to date: {0}")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// A newer version of this program has changed the tables.
    #[error(
        "the database has migration {version}, which this version of Clipsy does not know: start a newer Clipsy"
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
    /// The caller no longer holds the job: another attempt has begun, or it was stopped.
    #[error("this attempt no longer holds the job")]
    Stale,
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
        unimplemented!()
    }
}
