//! Making a backup while the service runs.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::Write as _;
use std::path::Path;

use clipsy_domain::asset::AssetId;
use clipsy_storage::media::MediaStore;
use clipsy_storage::{Db, VideoFiles};

use super::copy::{Tally, copy_all};
use super::{
    BEGUN, Entry, Error, FORMAT, Folder, KEYS, MANIFEST, Manifest, SNAPSHOT, VIDEOS, failed,
};

/// How often a snapshot is made anew because videos of it went away before they were copied.
const ROUNDS: usize = 10;

/// What is backed up.
#[derive(Debug, Clone, Copy)]
pub struct Save<'a> {
    /// The database.
    pub db: &'a Db,
    /// Its address.
    pub url: &'a str,
    /// The media store.
    pub media: &'a dyn MediaStore,
    /// The folder of secrets.
    pub keys: &'a Path,
    /// The file with the keys that tokens are signed with, if it lies elsewhere.
    pub key_file: Option<&'a Path>,
}

/// What a backup came to.
#[derive(Debug, serde::Serialize)]
pub struct Saved {
    /// What the folder holds.
    #[serde(flatten)]
    pub manifest: Manifest,
    /// Files that were not in it before.
    pub new_files: u64,
    /// Their size in bytes.
    pub new_bytes: u64,
    /// Store keys that rows name but that are not there: the service itself has lost them.
    pub missing: Vec<String>,
}

/// Backs up into the folder `to`, which is new or holds an earlier backup of the same service. That one
/// stays whole until the new one is.
pub async fn save(what: &Save<'_>, to: &Path) -> Result<Saved, Error> {
    let folder = Folder::open(to)?;
    let store = folder.media()?;
    let scratch = fresh(&folder.file("scratch"))?;
    let before = match folder.manifest() {
        Ok(before) => Some(before),
        Err(Error::NoBackup(_)) => None,
        Err(error) => return Err(error),
    };
    let mut known = folder.entries(BEGUN)?;
    if let Some(before) = &before {
        known.extend(folder.entries(&before.videos())?);
    }
    let mut manifest = Manifest {
        format: FORMAT,
        number: before.map_or(1, |before| before.number + 1),
        clipsy: env!("CARGO_PKG_VERSION").to_owned(),
        database: what.db.kind(),
        made_at: what.db.clock().now(),
        videos: 0,
        files: 0,
        bytes: 0,
    };
    let snapshot = folder.file(&manifest.snapshot());
    let mut rounds = 0;
    let (entries, tally) = loop {
        rounds += 1;
        if rounds > ROUNDS {
            return Err(Error::NoRest);
        }
        remove_database(&snapshot)?;
        manifest.made_at = what.db.clock().now();
        let videos = what.db.snapshot(what.url, &snapshot).await?;
        known.extend(note(&folder, &known, &videos)?);
        let mut tally = Tally::default();
        let mut entries = BTreeMap::new();
        for video in &videos {
            let mut entry = Entry::of(video);
            let copied = copy_all(what.media, &store, &entry, &scratch).await?;
            (entry.files, entry.bytes) = (copied.files, copied.bytes);
            entries.insert(entry.video, entry);
            tally.add(copied);
        }
        if tally.gone.is_empty() || !went_away(what.db, &videos, &tally.gone).await? {
            break (entries, tally);
        }
    };
    save_keys(what, &folder)?;
    (manifest.videos, manifest.files, manifest.bytes) =
        (entries.len() as u64, tally.files, tally.bytes);
    write_entries(&folder, &manifest, &entries)?;
    let text =
        serde_json::to_vec_pretty(&manifest).map_err(|error| Error::Form(error.to_string()))?;
    folder.write(MANIFEST, &text)?;
    // Only now is the earlier backup no longer needed.
    forget(&store, &known, &entries).await?;
    tidy(&folder, &manifest)?;
    fs::remove_dir_all(&scratch).map_err(|error| failed(&scratch, error))?;
    Ok(Saved {
        manifest,
        new_files: tally.new_files,
        new_bytes: tally.new_bytes,
        missing: tally.gone,
    })
}

/// A new folder.
pub(super) fn fresh(path: &Path) -> Result<std::path::PathBuf, Error> {
    gone(path, fs::remove_dir_all(path))?;
    fs::create_dir(path).map_err(|error| failed(path, error))?;
    Ok(path.to_owned())
}

/// Deletes a snapshot that was not finished.
fn remove_database(path: &Path) -> Result<(), Error> {
    for end in ["", "-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        gone(Path::new(&name), fs::remove_file(&name))?;
    }
    Ok(())
}

/// What came of deleting something that may not have been there.
fn gone(path: &Path, removed: std::io::Result<()>) -> Result<(), Error> {
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(path, error)),
        _ => Ok(()),
    }
}

/// Notes what is about to be copied, so that a later backup knows what a broken-off one has left. Gives
/// back what is new.
fn note(folder: &Folder, known: &[Entry], videos: &[VideoFiles]) -> Result<Vec<Entry>, Error> {
    let known: HashSet<_> = known
        .iter()
        .map(|had| (had.video, &had.keys, &had.output))
        .collect();
    let file = folder.file(BEGUN);
    let new: Vec<Entry> = videos
        .iter()
        .map(Entry::of)
        .filter(|entry| !known.contains(&(entry.video, &entry.keys, &entry.output)))
        .collect();
    let mut lines = Vec::new();
    for entry in &new {
        line(&mut lines, entry)?;
    }
    let write = || -> std::io::Result<()> {
        let mut open = fs::File::options().append(true).create(true).open(&file)?;
        open.write_all(&lines)?;
        open.sync_all()
    };
    write().map_err(|error| failed(&file, error))?;
    Ok(new)
}

/// Deletes snapshots and lists of earlier backups.
fn tidy(folder: &Folder, manifest: &Manifest) -> Result<(), Error> {
    let keep = [manifest.snapshot(), manifest.videos()];
    let clear = || -> std::io::Result<()> {
        for entry in fs::read_dir(&folder.path)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let ours = name.starts_with(SNAPSHOT) || name.starts_with(VIDEOS) || name == BEGUN;
            if ours && !keep.contains(&name) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    };
    clear().map_err(|error| failed(&folder.path, error))
}

fn write_entries(
    folder: &Folder,
    manifest: &Manifest,
    entries: &BTreeMap<AssetId, Entry>,
) -> Result<(), Error> {
    let mut lines = Vec::new();
    for entry in entries.values() {
        line(&mut lines, entry)?;
    }
    folder.write(&manifest.videos(), &lines)
}

fn line(to: &mut Vec<u8>, entry: &Entry) -> Result<(), Error> {
    serde_json::to_writer(&mut *to, entry).map_err(|error| Error::Form(error.to_string()))?;
    to.push(b'\n');
    Ok(())
}

/// Whether videos of a snapshot were deleted or made anew since: what is gone is then no loss.
async fn went_away(db: &Db, videos: &[VideoFiles], gone: &[String]) -> Result<bool, Error> {
    let now: BTreeMap<AssetId, VideoFiles> = db
        .video_files()
        .await?
        .into_iter()
        .map(|video| (video.video, video))
        .collect();
    let of = |video: &VideoFiles, key: &str| {
        let output = video.output.as_deref();
        video.original == key
            || video.brought().any(|brought| brought == key)
            || output.is_some_and(|output| key.starts_with(output))
    };
    // Few are gone, so each may look for its video.
    Ok(gone.iter().any(|key| {
        let video = videos.iter().find(|video| of(video, key));
        video.is_none_or(|video| !now.get(&video.video).is_some_and(|now| of(now, key)))
    }))
}

/// The secrets take the place of the earlier ones as a whole.
fn save_keys(what: &Save<'_>, folder: &Folder) -> Result<(), Error> {
    let (target, new) = (folder.file(KEYS), fresh(&folder.file("keys.part"))?);
    let mut files: Vec<std::path::PathBuf> = Vec::new();
    match fs::read_dir(what.keys) {
        Ok(entries) => {
            for entry in entries {
                let entry = entry.map_err(|error| failed(what.keys, error))?;
                if entry.file_type().is_ok_and(|kind| kind.is_file()) {
                    files.push(entry.path());
                }
            }
        }
        // A service with a key file of its own may have none.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(what.keys, error)),
    }
    files.extend(what.key_file.map(Path::to_owned));
    for file in &files {
        let Some(name) = file.file_name() else {
            continue;
        };
        // The mode is copied, too.
        fs::copy(file, new.join(name)).map_err(|error| failed(file, error))?;
    }
    gone(&target, fs::remove_dir_all(&target))?;
    fs::rename(&new, &target).map_err(|error| failed(&target, error))
}

/// Deletes what earlier backups named and this one does not.
async fn forget(
    store: &dyn MediaStore,
    before: &[Entry],
    now: &BTreeMap<AssetId, Entry>,
) -> Result<(), Error> {
    for old in before {
        let new = now.get(&old.video);
        for key in &old.keys {
            if !new.is_some_and(|new| new.keys.contains(key)) {
                store.delete(key).await?;
            }
        }
        if let Some(output) = &old.output
            && new.is_none_or(|new| new.output.as_ref() != Some(output))
        {
            store.delete_prefix(output).await?;
        }
    }
    Ok(())
}
