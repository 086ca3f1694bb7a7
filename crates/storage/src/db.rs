//! The connection to SQLite or PostgreSQL.

use std::path::Path;
use std::sync::Arc;

use clipsy_domain::clock::Clock;

use crate::error::Result;

/// A database, SQLite or PostgreSQL. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Db {
    clock: Arc<dyn Clock>,
}

impl Db {
    /// Opens the database at `url`: `sqlite:///absolute/file.db` (made if missing, see
    /// [`sqlite_url`]) or `postgres://user@host/name`. Makes no tables; see [`Db::migrate`].
    pub async fn connect(url: &str, clock: Arc<dyn Clock>) -> Result<Self> {
        let _ = url;
        Ok(Self { clock })
    }

    /// Brings the tables up to date.
    pub async fn migrate(&self) -> Result<()> {
        unimplemented!()
    }

    /// Asks the database for a sign of life.
    pub async fn ping(&self) -> Result<()> {
        unimplemented!()
    }

    /// Waits for running statements and closes all connections.
    pub async fn close(&self) {
        unimplemented!()
    }

    /// Where this database takes the time from.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }
}

/// The address of a SQLite file, with odd characters escaped.
pub fn sqlite_url(file: &Path) -> String {
    let _ = file;
    unimplemented!()
}
