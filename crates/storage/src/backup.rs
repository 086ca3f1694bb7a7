//! What a backup is made of: the database as it is at one moment, and the files that its rows name.

use std::ffi::OsStr;
use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use clipsy_domain::asset::AssetId;
use clipsy_domain::media_key;
use sqlx::any::AnyRow;
use sqlx::{Any, Executor, Row as _};
use tokio::process::Command;
use url::Url;

use crate::assets::captions_from;
use crate::cells::Cells;
use crate::db::{Db, Kind, sqlite_url};
use crate::error::{Error, Result};

/// The files in the media store that belong to one video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoFiles {
    /// The video.
    pub video: AssetId,
    /// Store key of the original.
    pub original: String,
    /// Size of the original in bytes.
    pub original_bytes: u64,
    /// SHA-256 of the original in hexadecimal, once it was computed.
    pub original_sha256: Option<String>,
    /// Store prefix of the output on show.
    pub output: Option<String>,
    /// Whether it can be played.
    pub playable: bool,
    /// Whether the output has a poster picture.
    pub has_thumbnail: bool,
    /// Whether the output has a storyboard.
    pub has_storyboard: bool,
    /// Store key of the poster picture that somebody chose.
    pub chosen_thumbnail: Option<String>,
    /// Store keys of captions, and the sizes of those files in bytes.
    pub captions: Vec<(String, u64)>,
}

impl VideoFiles {
    /// Store keys of what people brought along besides the original.
    pub fn brought(&self) -> impl Iterator<Item = &String> {
        let captions = self.captions.iter().map(|(key, _)| key);
        self.chosen_thumbnail.iter().chain(captions)
    }
}

const FILES: &str = "SELECT id, source_key, source_bytes, source_sha256, output_attempt, playable, \
                     has_thumbnail, has_storyboard, chosen_thumbnail, captions FROM assets ORDER BY id";

fn read(row: &AnyRow) -> Result<VideoFiles> {
    let mut cells = Cells::new(row);
    let video = cells.int()?;
    Ok(VideoFiles {
        video,
        original: cells.text()?,
        original_bytes: cells.int()?.unsigned_abs(),
        original_sha256: cells.maybe_text()?,
        output: cells
            .maybe_int()?
            .map(|attempt| media_key::output_prefix(video, attempt)),
        playable: cells.flag()?,
        has_thumbnail: cells.flag()?,
        has_storyboard: cells.flag()?,
        chosen_thumbnail: cells
            .maybe_text()?
            .map(|name| media_key::chosen_thumbnail(video, &name)),
        captions: captions_from(&cells.text()?)
            .iter()
            .map(|track| {
                let key = media_key::captions(video, &track.name);
                (key, track.bytes.unsigned_abs())
            })
            .collect(),
    })
}

async fn files<'c>(from: impl Executor<'c, Database = Any>) -> Result<Vec<VideoFiles>> {
    let rows = sqlx::query(FILES).fetch_all(from).await?;
    rows.iter().map(read).collect()
}

impl Db {
    /// The files of all videos, by number.
    pub async fn video_files(&self) -> Result<Vec<VideoFiles>> {
        files(self.read()).await
    }

    /// Store keys, and prefixes that end with `/`, of files that belong to no row of a video but have
    /// a reason to be there: jobs that run write them, or they are about to be deleted or kept.
    pub async fn passing_files(&self) -> Result<Vec<String>> {
        let running = "SELECT asset_id, attempt FROM jobs WHERE state = 'running'";
        let rows = sqlx::query(running).fetch_all(self.read()).await?;
        let mut keys = Vec::new();
        for row in &rows {
            let mut cells = Cells::new(row);
            keys.push(media_key::output_prefix(cells.int()?, cells.int()?));
        }
        let garbage = sqlx::query("SELECT key_or_prefix FROM garbage");
        for row in garbage.fetch_all(self.read()).await? {
            keys.push(row.try_get(0)?);
        }
        Ok(keys)
    }

    /// Which database it is.
    pub fn kind(&self) -> DatabaseKind {
        match self.kind {
            Kind::Sqlite => DatabaseKind::Sqlite,
            Kind::Postgres => DatabaseKind::Postgres,
        }
    }

    /// Writes the database as it is at one moment to the new file `to`, while others go on changing
    /// it, and gives back what its rows name. `url` is the address that was connected to. For
    /// `PostgreSQL` the program `pg_dump` of the server's version or a newer one does it.
    pub async fn snapshot(
        &self,
        url: &str,
        to: &Path,
    ) -> std::result::Result<Vec<VideoFiles>, SnapshotError> {
        let files = match self.kind {
            Kind::Sqlite => self.snapshot_sqlite(to).await?,
            Kind::Postgres => self.snapshot_postgres(url, to).await?,
        };
        let file = File::options().write(true).open(to)?;
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.sync_all()?;
        Ok(files)
    }

    async fn snapshot_sqlite(
        &self,
        to: &Path,
    ) -> std::result::Result<Vec<VideoFiles>, SnapshotError> {
        let name = to
            .to_str()
            .ok_or_else(|| io::Error::other("the file's name is not UTF-8"))?;
        sqlx::query("VACUUM INTO $1")
            .bind(name)
            .execute(self.write())
            .await
            .map_err(Error::from)?;
        let copy = Self::connect(&sqlite_url(to), self.clock().clone()).await?;
        let files = copy.video_files().await;
        copy.close().await;
        Ok(files?)
    }

    async fn snapshot_postgres(
        &self,
        url: &str,
        to: &Path,
    ) -> std::result::Result<Vec<VideoFiles>, SnapshotError> {
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ";
        let mut tx = self.read().begin_with(begin).await.map_err(Error::from)?;
        // It has nothing to do while the other program reads.
        let patient = "SET LOCAL idle_in_transaction_session_timeout = 0";
        tx.execute(patient).await.map_err(Error::from)?;
        let snapshot: String = sqlx::query_scalar("SELECT pg_export_snapshot()")
            .fetch_one(&mut *tx)
            .await
            .map_err(Error::from)?;
        let files = files(&mut *tx).await?;
        let mut dump = postgres_tool("pg_dump", url)?;
        dump.args(["--format=custom", "--no-owner", "--no-privileges"])
            .arg(format!("--snapshot={snapshot}"))
            .arg("--file")
            .arg(to);
        run("pg_dump", dump).await?;
        tx.rollback().await.map_err(Error::from)?;
        Ok(files)
    }

    /// True if there are no tables yet, or no account. A database that cannot be asked is an error: what
    /// it holds must not be replaced.
    pub async fn is_new(&self) -> Result<bool> {
        if !self.has_table("users").await? {
            return Ok(true);
        }
        let user = sqlx::query("SELECT id FROM users LIMIT 1");
        Ok(user.fetch_optional(self.read()).await?.is_none())
    }
}

/// What a snapshot is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DatabaseKind {
    /// A `SQLite` database; the snapshot is one, too.
    Sqlite,
    /// A `PostgreSQL` database; the snapshot is an archive of `pg_dump`.
    Postgres,
}

impl DatabaseKind {
    /// What the names of snapshots end with.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Sqlite => "db",
            Self::Postgres => "dump",
        }
    }
}

impl std::fmt::Display for DatabaseKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// Makes the `PostgreSQL` database at `url`, which has none of our tables, what it was when the
/// snapshot `from` was made: all of it or nothing. The program `pg_restore` does it.
pub async fn restore_postgres(url: &str, from: &Path) -> std::result::Result<(), SnapshotError> {
    let mut restore = postgres_tool("pg_restore", url)?;
    // Without the address it would write a script.
    restore
        .args([
            "--single-transaction",
            "--exit-on-error",
            "--no-owner",
            "--no-privileges",
        ])
        // Tables without rows may have been made by a start that came before.
        .args(["--clean", "--if-exists"])
        .arg(from);
    run("pg_restore", restore).await
}

/// Why there is no snapshot, or it could not be brought back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The database.
    #[error(transparent)]
    Database(#[from] Error),
    /// The snapshot's file.
    #[error("the file of the snapshot: {0}")]
    File(#[from] io::Error),
    /// A program of `PostgreSQL` is not there.
    #[error("{program} is missing: install PostgreSQL's client programs (postgresql-client)")]
    NoProgram {
        /// Which.
        program: &'static str,
    },
    /// A program of `PostgreSQL` failed.
    #[error("{program}: {said}")]
    Program {
        /// Which.
        program: &'static str,
        /// What it wrote.
        said: String,
    },
}

/// A program of `PostgreSQL` that connects to `url`. Other users of the machine can read its
/// arguments, so the password is not among them.
fn postgres_tool(program: &'static str, url: &str) -> Result<Command> {
    let mut url = Url::parse(url).map_err(|error| Error::Url(error.to_string()))?;
    let mut command = Command::new(program);
    if let Some(password) = url.password().map(decoded) {
        command.env("PGPASSWORD", OsStr::new(&password));
        url.set_password(None)
            .map_err(|()| Error::Url("it has a password but no host".to_owned()))?;
    }
    command
        .arg(format!("--dbname={url}"))
        .arg("--no-password")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    Ok(command)
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

async fn run(
    program: &'static str,
    mut command: Command,
) -> std::result::Result<(), SnapshotError> {
    let done = command.output().await.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => SnapshotError::NoProgram { program },
        _ => error.into(),
    })?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
    Err(SnapshotError::Program { program, said })
}
