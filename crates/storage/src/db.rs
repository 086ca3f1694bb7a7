//! The connection to `SQLite` or `PostgreSQL`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clipsy_domain::clock::Clock;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::pool::PoolConnectionMetadata;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{
    Any, AnyConnection, AnyPool, AssertSqlSafe, ConnectOptions, Connection, Executor, Row,
    Transaction,
};

use crate::error::{Error, Result};

/// Connections that read at the same time.
const READERS: u32 = 8;

/// How long a statement waits for a lock that another process holds on a `SQLite` file.
const BUSY_MS: u64 = 10_000;
/// How long a statement waits for a connection to `PostgreSQL`. An unavailable server refuses at
/// once and is retried until then; users should get an error soon.
const PATIENCE: Duration = Duration::from_secs(5);

/// A transaction.
pub(crate) type Tx = Transaction<'static, Any>;

/// A database, `SQLite` or `PostgreSQL`. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Db {
    pub(crate) kind: Kind,
    read: AnyPool,
    write: AnyPool,
    clock: Arc<dyn Clock>,
    /// The file, if it is one.
    file: Option<Arc<Path>>,
}

/// Connections of one pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// What they are for: `read`, `write`, or `all` where one pool does both.
    pub pool: &'static str,
    /// Those that run statements.
    pub in_use: usize,
    /// Those that wait for work.
    pub idle: usize,
    /// How many there may be.
    pub most: usize,
}

/// The kind of database. Only this file and the migrations may depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

impl Db {
    /// Opens the database at `url`: `sqlite:///absolute/file.db` (made if missing, see
    /// [`sqlite_url`]) or `postgres://user@host/name`. Creates no tables; see [`Db::migrate`].
    /// `clock` provides the time for everything that is stored or compared.
    pub async fn connect(url: &str, clock: Arc<dyn Clock>) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let scheme = url.split_once(':').map_or(url, |(scheme, _)| scheme);
        match scheme {
            "sqlite" => open_sqlite(url, clock).await,
            "postgres" | "postgresql" => open_postgres(url, clock).await,
            _ => Err(Error::Url(
                "it begins with neither sqlite:// nor postgres://".to_owned(),
            )),
        }
    }

    /// Asks the database for a sign of life.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT 1").fetch_all(&self.read).await?;
        Ok(())
    }

    /// Waits for running statements and closes all connections.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }

    /// What the connections do at the moment.
    pub fn connections(&self) -> Vec<Connections> {
        let count = |name, pool: &AnyPool| {
            let (open, idle) = (pool.size() as usize, pool.num_idle());
            Connections {
                pool: name,
                in_use: open.saturating_sub(idle),
                idle,
                most: pool.options().get_max_connections() as usize,
            }
        };
        match self.kind {
            Kind::Sqlite => vec![count("read", &self.read), count("write", &self.write)],
            Kind::Postgres => vec![count("all", &self.read)],
        }
    }

    /// The file of a `SQLite` database.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Where this database takes the time from.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Now in milliseconds.
    pub(crate) fn now(&self) -> i64 {
        self.clock.now().timestamp_millis()
    }

    /// For statements that change nothing.
    pub(crate) fn read(&self) -> &AnyPool {
        &self.read
    }

    /// For statements that are a whole change.
    pub(crate) fn write(&self) -> &AnyPool {
        &self.write
    }

    /// Begins a transaction. A caller must not begin a second one while holding it: `SQLite` has
    /// one writer.
    pub(crate) async fn begin(&self) -> Result<Tx> {
        // A plain BEGIN of SQLite takes the lock with the first change, and fails at once if
        // somebody else changed anything since; this one takes its turn.
        let begin = match self.kind {
            Kind::Sqlite => "BEGIN IMMEDIATE",
            Kind::Postgres => "BEGIN",
        };
        Ok(self.write.begin_with(begin).await?)
    }
}

/// The address of a `SQLite` file, with odd characters escaped. `file` must be absolute and UTF-8 to
/// be accepted by [`Db::connect`].
pub fn sqlite_url(file: &Path) -> String {
    use std::fmt::Write as _;

    let mut url = String::from("sqlite://");
    for byte in file.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'_' | b'-' => url.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => url.push(char::from(*byte)),
            byte => {
                // Writing to a string cannot fail.
                let _ = write!(url, "%{byte:02X}");
            }
        }
    }
    url
}

async fn open_sqlite(url: &str, clock: Arc<dyn Clock>) -> Result<Db> {
    let file = sqlite_file(url)?;
    make_private(&file).map_err(sqlx::Error::Io)?;
    let options = any_options(&sqlite_url(&file))?;
    turn_on_wal(&options).await?;
    // SQLite has one writer at a time. A pool of one makes the tasks of this process queue for it
    // in order, instead of sleeping and trying again; other processes still have to.
    let pool = |connections: u32, only_reads: bool| {
        AnyPoolOptions::new()
            .max_connections(connections)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .after_connect(move |connection, _: PoolConnectionMetadata| {
                Box::pin(set_up_sqlite(connection, only_reads))
            })
            .after_release(|connection, _| Box::pin(is_at_rest(connection)))
            .connect_with(options.clone())
    };
    Ok(Db {
        kind: Kind::Sqlite,
        write: pool(1, false).await?,
        read: pool(READERS, true).await?,
        clock,
        file: Some(file.into()),
    })
}

async fn open_postgres(url: &str, clock: Arc<dyn Clock>) -> Result<Db> {
    let pool = AnyPoolOptions::new()
        .max_connections(READERS * 2)
        .acquire_timeout(PATIENCE)
        .after_connect(|connection, _: PoolConnectionMetadata| {
            Box::pin(async move {
                // A process that is stopped in mid-change must not hold its locks for ever.
                connection
                    .execute("SET idle_in_transaction_session_timeout = '30s'")
                    .await?;
                Ok(())
            })
        })
        .connect_with(any_options(url)?)
        .await?;
    Ok(Db {
        kind: Kind::Postgres,
        write: pool.clone(),
        read: pool,
        clock,
        file: None,
    })
}

fn any_options(url: &str) -> Result<AnyConnectOptions> {
    url.parse()
        .map_err(|error: sqlx::Error| Error::Url(error.to_string()))
}

/// The file of a database's address; `None` if it is not a `SQLite` database.
pub fn sqlite_file_of(url: &str) -> Result<Option<PathBuf>> {
    if url.starts_with("sqlite:") {
        return sqlite_file(url).map(Some);
    }
    Ok(None)
}

/// The file that a `sqlite:` address names.
fn sqlite_file(url: &str) -> Result<PathBuf> {
    let options: SqliteConnectOptions = url
        .parse()
        .map_err(|error: sqlx::Error| Error::Url(error.to_string()))?;
    let file = options.get_filename().to_owned();
    if file.is_absolute() {
        Ok(file)
    } else {
        Err(Error::Url(
            "a SQLite file needs its absolute path, as in sqlite:///var/lib/clipsy.db".to_owned(),
        ))
    }
}

/// Creates the file if missing, readable by its owner only: it will hold password hashes.
fn make_private(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;

    let made = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file);
    match made {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Lets readers and the writer work at the same time. The file remembers it. While another process
/// does the same, `SQLite` answers "busy" without waiting.
async fn turn_on_wal(options: &AnyConnectOptions) -> Result<()> {
    const PAUSE_MS: u64 = 20;

    let mut connection = options.connect().await?;
    let mut tries_left = BUSY_MS / PAUSE_MS;
    let answer = loop {
        let answer = sqlx::query("PRAGMA journal_mode = WAL")
            .fetch_one(&mut connection)
            .await;
        match answer {
            Err(error) if is_busy(&error) && tries_left > 0 => {
                tries_left -= 1;
                tokio::time::sleep(Duration::from_millis(PAUSE_MS)).await;
            }
            answer => break answer?,
        }
    };
    let mode: String = answer.try_get(0)?;
    connection.close().await?;
    if mode == "wal" {
        Ok(())
    } else {
        Err(Error::Url(format!(
            "this file cannot have a write-ahead log (its journal mode is {mode})"
        )))
    }
}

fn is_busy(error: &sqlx::Error) -> bool {
    // SQLITE_BUSY in the low byte, with or without details above it.
    error
        .as_database_error()
        .and_then(|refusal| refusal.code()?.parse::<i32>().ok())
        .is_some_and(|code| code & 0xff == 5)
}

async fn set_up_sqlite(connection: &mut AnyConnection, only_reads: bool) -> sqlx::Result<()> {
    let busy = format!("PRAGMA busy_timeout = {BUSY_MS}");
    connection.execute(AssertSqlSafe(busy)).await?;
    for pragma in [
        "PRAGMA foreign_keys = ON",
        "PRAGMA synchronous = FULL",
        "PRAGMA journal_size_limit = 67108864",
        // What a statement puts aside must not need a disk that may be full.
        "PRAGMA temp_store = MEMORY",
    ] {
        connection.execute(pragma).await?;
    }
    if only_reads {
        connection.execute("PRAGMA query_only = ON").await?;
    }
    Ok(())
}

/// False if the connection believes to be in the middle of a change, and cannot be used again.
///
/// When a disk is full `SQLite` takes back the whole change by itself. The driver then fails to do the
/// same once more, and from then on would refuse to begin another one.
async fn is_at_rest(connection: &mut AnyConnection) -> sqlx::Result<bool> {
    // Answered after what was begun before it.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_file_names_survive_the_address() {
        for name in ["/a/b.db", "/a b/ü?#%41&=+.db", "/x/..y/~'\"\\.db"] {
            let file = Path::new(name);
            assert_eq!(sqlite_file(&sqlite_url(file)).unwrap(), file, "{name}");
        }
    }

    #[test]
    fn addresses_without_an_absolute_file_are_refused() {
        for url in [
            "sqlite::memory:",
            "sqlite://a.db",
            "sqlite:",
            "sqlite:///a?mode=x",
        ] {
            assert!(matches!(sqlite_file(url), Err(Error::Url(_))), "{url}");
        }
    }
}
