//! Bringing a backup back into a new, empty place.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use clipsy_domain::media_key;
use clipsy_storage::media::MediaStore;
use clipsy_storage::{DatabaseKind, Db, restore_postgres};

use super::copy::copy_all;
use super::save::fresh;
use super::{Error, Folder, KEYS, Manifest, failed};

/// Where a backup is brought back to.
#[derive(Debug, Clone, Copy)]
pub struct BringBack<'a> {
    /// The database.
    pub database: Place<'a>,
    /// The media store.
    pub media: &'a dyn MediaStore,
    /// The folder of secrets.
    pub keys: &'a Path,
}

/// A database to bring back.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    /// The file of a `SQLite` database. It must not be there.
    Sqlite(&'a Path),
    /// A `PostgreSQL` database and its address. It must hold no accounts.
    Postgres(&'a Db, &'a str),
}

/// Brings the backup in the folder `from` back. The database comes last: what was broken off can be
/// done again.
pub async fn bring_back(what: &BringBack<'_>, from: &Path) -> Result<Manifest, Error> {
    let folder = Folder::open(from)?;
    let manifest = folder.manifest()?;
    refuse_full(what, &manifest).await?;
    let store = folder.media()?;
    let entries = folder.entries(&manifest.videos())?;
    refuse_foreign(what.media, &store).await?;
    let scratch = fresh(&folder.file("scratch"))?;
    for entry in &entries {
        let copied = copy_all(&store, what.media, entry, &scratch).await?;
        // What was missing already when it was backed up was not counted.
        if copied.files < entry.files {
            let key = copied.gone.first().or(entry.output.as_ref());
            let key = key.cloned().unwrap_or_default();
            return Err(Error::Damaged { key });
        }
    }
    fs::remove_dir_all(&scratch).map_err(|error| failed(&scratch, error))?;
    bring_back_keys(&folder, what.keys)?;
    let snapshot = folder.file(&manifest.snapshot());
    // Copying may have taken hours, in which somebody began to use it.
    refuse_full(what, &manifest).await?;
    match what.database {
        Place::Sqlite(file) => copy_whole(&snapshot, file)?,
        Place::Postgres(_, url) => restore_postgres(url, &snapshot).await?,
    }
    Ok(manifest)
}

async fn refuse_full(what: &BringBack<'_>, manifest: &Manifest) -> Result<(), Error> {
    let wanted = match what.database {
        Place::Sqlite(_) => DatabaseKind::Sqlite,
        Place::Postgres(..) => DatabaseKind::Postgres,
    };
    let made_of = manifest.database;
    if made_of != wanted {
        return Err(Error::OtherDatabase { made_of, wanted });
    }
    let new = match what.database {
        Place::Sqlite(file) => !file.exists(),
        Place::Postgres(db, _) => db.is_new().await?,
    };
    new.then_some(()).ok_or(Error::DatabaseNotEmpty)
}

/// Refuses a media store that holds what the backup does not: numbers of videos would mean other
/// files.
async fn refuse_foreign(media: &dyn MediaStore, store: &dyn MediaStore) -> Result<(), Error> {
    for key in media.list(media_key::VIDEOS).await? {
        if store.head(&key).await?.is_none() {
            return Err(Error::MediaNotEmpty { key });
        }
    }
    Ok(())
}

fn bring_back_keys(folder: &Folder, to: &Path) -> Result<(), Error> {
    let from = folder.file(KEYS);
    let mut new = fs::DirBuilder::new();
    new.recursive(true).mode(0o700);
    new.create(to).map_err(|error| failed(to, error))?;
    let entries = fs::read_dir(&from).map_err(|error| failed(&from, error))?;
    for entry in entries {
        let entry = entry.map_err(|error| failed(&from, error))?;
        copy_whole(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Copies a file whole or not at all, with its mode.
fn copy_whole(from: &Path, to: &Path) -> Result<(), Error> {
    let mut name = to.as_os_str().to_owned();
    name.push(".part");
    let part = Path::new(&name);
    let copy = || -> io::Result<()> {
        fs::copy(from, part)?;
        fs::File::open(part)?.sync_all()?;
        fs::rename(part, to)?;
        match to.parent() {
            Some(folder) => fs::File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    };
    copy().map_err(|error| failed(to, error))
}
