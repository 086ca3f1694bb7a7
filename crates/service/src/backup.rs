//! Backups: a folder with a snapshot of the database, what signs tokens, and the media that the
//! snapshot names.
//!
//! The folder holds
//!
//! - `backup.json`, which says which of the next two belong to it; what was broken off has not changed it;
//! - `clipsy-N.db` or `clipsy-N.dump`, the snapshot;
//! - `videos-N.jsonl`, a line for each video with its store keys;
//! - `keys/`, the secrets of the state folder;
//! - `media/`, a media store in a folder;
//! - `begun.jsonl`, what a backup that was broken off may have left in it.
//!
//! Media never change once they are written, but for playlists of a video in the making. So a second
//! backup into the same folder copies only what is new.

mod bring_back;
mod check;
mod copy;
mod save;

use std::io;
use std::path::{Path, PathBuf};

use clipsy_domain::asset::AssetId;
use clipsy_domain::clock::Timestamp;
use clipsy_storage::{DatabaseKind, SnapshotError, VideoFiles, media};
use serde::{Deserialize, Serialize};

pub use bring_back::{BringBack, Place, bring_back};
pub use check::{Fault, Report, Trouble, check, check_backup};
pub use save::{Save, Saved, save};

/// The form of the folder. Another one is refused.
const FORMAT: u32 = 1;

/// Why a backup was not made or not brought back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database.
    #[error(transparent)]
    Database(#[from] clipsy_storage::Error),
    /// The snapshot of the database.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The media store, here or in the backup.
    #[error(transparent)]
    Media(#[from] media::Error),
    /// A file of the backup.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// Another program works on the backup.
    #[error("another backup or restore works in {0}")]
    Busy(String),
    /// There is no whole backup in the folder.
    #[error("{0} holds no whole backup: backup.json is missing")]
    NoBackup(String),
    /// A backup by a newer version, or no backup at all.
    #[error("backup.json cannot be used: {0}")]
    Form(String),
    /// A backup of the other kind of database.
    #[error("the backup is of {made_of}, the database to restore to is {wanted}")]
    OtherDatabase {
        /// What the backup holds.
        made_of: DatabaseKind,
        /// What was asked for.
        wanted: DatabaseKind,
    },
    /// The database to restore to holds accounts.
    #[error("the database holds accounts: restore into a new one")]
    DatabaseNotEmpty,
    /// The media store to restore to holds something else.
    #[error("the media store holds {key}, which is not of this backup: restore into an empty one")]
    MediaNotEmpty {
        /// The first such key.
        key: String,
    },
    /// Videos were deleted faster than they could be copied.
    #[error("videos were changed again and again while they were copied; try again later")]
    NoRest,
    /// The backup has lost files.
    #[error("the backup is damaged: {key} is missing")]
    Damaged {
        /// The first such key.
        key: String,
    },
}

impl Error {
    /// A stable name, for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Database(_) => "database",
            Self::Snapshot(SnapshotError::NoProgram { .. }) => "program_missing",
            Self::Snapshot(_) => "snapshot",
            Self::Media(_) => "media",
            Self::File { .. } => "file",
            Self::Busy(_) => "busy",
            Self::NoBackup(_) => "no_backup",
            Self::Form(_) => "backup_form",
            Self::OtherDatabase { .. } => "other_database",
            Self::DatabaseNotEmpty => "database_not_empty",
            Self::MediaNotEmpty { .. } => "media_not_empty",
            Self::NoRest => "no_rest",
            Self::Damaged { .. } => "damaged",
        }
    }
}

/// What `backup.json` says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manifest {
    format: u32,
    /// The version of Clipsy that made it.
    pub clipsy: String,
    /// Which of the folder's backups it is; each next one has the next number.
    number: u64,
    /// What the snapshot is of.
    pub database: DatabaseKind,
    /// When the snapshot was made.
    pub made_at: Timestamp,
    /// Videos in it.
    pub videos: u64,
    /// Files of media in it.
    pub files: u64,
    /// Their size in bytes.
    pub bytes: u64,
}

impl Manifest {
    /// The name of the snapshot's file.
    fn snapshot(&self) -> String {
        format!("{SNAPSHOT}{}.{}", self.number, self.database.extension())
    }

    /// The name of the file with a line for each video.
    fn videos(&self) -> String {
        format!("{VIDEOS}{}.jsonl", self.number)
    }
}

/// A line of `videos-N.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    video: AssetId,
    /// Store keys.
    keys: Vec<String>,
    /// Store prefix of the output.
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    /// How many files all of that is.
    files: u64,
    /// Their size in bytes.
    bytes: u64,
}

impl Entry {
    fn of(video: &VideoFiles) -> Self {
        let keys = std::iter::once(&video.original).chain(video.brought());
        Self {
            video: video.video,
            keys: keys.cloned().collect(),
            output: video.output.clone(),
            files: 0,
            bytes: 0,
        }
    }
}

/// The folder of a backup, which nobody else works in.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    _lock: std::fs::File,
}

impl Folder {
    fn open(path: &Path) -> Result<Self, Error> {
        use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};

        let lock = path.join("lock");
        let take = || -> io::Result<_> {
            // It holds password hashes and what signs tokens.
            let mut folder = std::fs::DirBuilder::new();
            folder.recursive(true).mode(0o700).create(path)?;
            let mut options = std::fs::File::options();
            options.write(true).create(true).truncate(false).mode(0o600);
            options.open(&lock)
        };
        let file = take().map_err(|error| failed(&lock, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(Error::Busy(path.display().to_string()));
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(failed(&lock, error)),
        }
        Ok(Self {
            path: path.to_owned(),
            _lock: file,
        })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn media(&self) -> Result<media::LocalStore, Error> {
        Ok(media::LocalStore::open(self.file("media"))?)
    }

    /// What the backup says of itself.
    fn manifest(&self) -> Result<Manifest, Error> {
        let file = self.file(MANIFEST);
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::NoBackup(self.path.display().to_string()));
            }
            Err(error) => return Err(failed(&file, error)),
        };
        let manifest: Manifest =
            serde_json::from_str(&text).map_err(|error| Error::Form(error.to_string()))?;
        if manifest.format != FORMAT {
            let form = format!(
                "it has the form {}, this Clipsy knows {FORMAT}",
                manifest.format
            );
            return Err(Error::Form(form));
        }
        Ok(manifest)
    }

    /// The entries of a file.
    fn entries(&self, name: &str) -> Result<Vec<Entry>, Error> {
        let file = self.file(name);
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(&file, error)),
        };
        // A crash may have cut the last line: its video was not copied yet.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let read = |line: &str| {
            serde_json::from_str(line).map_err(|error| Error::Form(format!("{name}: {error}")))
        };
        whole.lines().map(read).collect()
    }

    /// Writes a file whole or not at all, for its owner only.
    fn write(&self, name: &str, text: &[u8]) -> Result<(), Error> {
        use std::io::Write as _;
        use std::os::unix::fs::OpenOptionsExt as _;

        let (file, part) = (self.file(name), self.file(&format!("{name}.part")));
        let write = || -> io::Result<()> {
            let mut options = std::fs::File::options();
            let mut new = options
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&part)?;
            new.write_all(text)?;
            new.sync_all()?;
            std::fs::rename(&part, &file)?;
            std::fs::File::open(&self.path)?.sync_all()
        };
        write().map_err(|error| failed(&file, error))
    }
}

const MANIFEST: &str = "backup.json";
const SNAPSHOT: &str = "clipsy-";
const VIDEOS: &str = "videos-";
const BEGUN: &str = "begun.jsonl";
/// Secrets of the state folder, in it and in the backup.
pub const KEYS: &str = "keys";

fn failed(path: &Path, source: io::Error) -> Error {
    Error::File {
        path: path.display().to_string(),
        source,
    }
}
