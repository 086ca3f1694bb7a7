//! Checking that every row has its files, and every file its row.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use clipsy_domain::asset::AssetId;
use clipsy_domain::media_key;
use clipsy_storage::media::MediaStore;
use clipsy_storage::{Db, VideoFiles};
use futures_util::TryStreamExt as _;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{Error, Folder};
use crate::accounts::keys::hex;

/// What is wrong with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// A row names it, and it is not there.
    Missing,
    /// It has another size than its row says.
    Size,
    /// It holds other bytes than its row says.
    Hash,
    /// It is there, and no row names it.
    Unowned,
}

/// A file, or a folder of files, with which something is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The video, as far as there is one.
    pub video: Option<AssetId>,
    /// Store key; a prefix if it ends with `/`.
    pub key: String,
    /// What is wrong.
    pub trouble: Trouble,
}

/// What was found.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Videos that were looked at.
    pub videos: u64,
    /// Files that belong to them.
    pub files: u64,
    /// Originals whose bytes were read and are right.
    pub hashed: u64,
    /// What is wrong.
    pub faults: Vec<Fault>,
}

impl Report {
    fn note(
        &mut self,
        video: impl Into<Option<AssetId>>,
        key: impl Into<String>,
        trouble: Trouble,
    ) {
        self.faults.push(Fault {
            video: video.into(),
            key: key.into(),
            trouble,
        });
    }
}

/// Checks the media of all videos while the service runs. With `hashes` originals are read and compared
/// with what was computed when they came.
pub async fn check(db: &Db, media: &dyn MediaStore, hashes: bool) -> Result<Report, Error> {
    // Files first: one that comes later has no row yet, and is not looked at.
    let there = Present::look(media).await?;
    let mut report = Report::default();
    let videos = db.video_files().await?;
    let passing = db.passing_files().await?;
    for video in &videos {
        check_video(video, media, hashes, &mut report).await?;
        report.videos += 1;
    }
    let owned = by_number(&videos);
    if !report.faults.is_empty() {
        // What was deleted or made anew meanwhile is no fault.
        let now = db.video_files().await?;
        let now = by_number(&now);
        let same = |id: &AssetId| owned.get(id) == now.get(id);
        report
            .faults
            .retain(|fault| fault.video.as_ref().is_none_or(same));
    }
    for (video, key) in there.unowned(&owned, &passing, media).await? {
        if is_there(media, &key).await? {
            report.note(video, key, Trouble::Unowned);
        }
    }
    Ok(report)
}

/// Checks that a backup holds all that it says it holds.
pub async fn check_backup(path: &Path) -> Result<Report, Error> {
    let folder = Folder::open(path)?;
    let manifest = folder.manifest()?;
    let media = folder.media()?;
    let mut report = Report::default();
    for entry in &folder.entries(&manifest.videos())? {
        let mut keys = entry.keys.clone();
        if let Some(output) = &entry.output {
            keys.extend(media.list(output).await?);
        }
        let (mut files, mut bytes) = (0, 0);
        let mut missing = Vec::new();
        for key in keys {
            match media.head(&key).await? {
                Some(meta) => {
                    files += 1;
                    bytes += meta.bytes;
                }
                None => missing.push(key),
            }
        }
        report.videos += 1;
        report.files += files;
        if files < entry.files {
            missing.extend(entry.output.clone().filter(|_| missing.is_empty()));
            for key in missing {
                report.note(entry.video, key, Trouble::Missing);
            }
        } else if bytes != entry.bytes {
            let key = entry.output.clone().or_else(|| entry.keys.first().cloned());
            report.note(entry.video, key.unwrap_or_default(), Trouble::Size);
        }
    }
    Ok(report)
}

async fn check_video(
    video: &VideoFiles,
    media: &dyn MediaStore,
    hashes: bool,
    report: &mut Report,
) -> Result<(), Error> {
    let id = video.video;
    match media.head(&video.original).await? {
        None => report.note(id, &video.original, Trouble::Missing),
        Some(meta) if meta.bytes != video.original_bytes => {
            report.note(id, &video.original, Trouble::Size);
        }
        Some(_) => {
            report.files += 1;
            if let Some(sha256) = video.original_sha256.as_ref().filter(|_| hashes) {
                if hash(media, &video.original).await?.as_ref() == Some(sha256) {
                    report.hashed += 1;
                } else {
                    report.note(id, &video.original, Trouble::Hash);
                }
            }
        }
    }
    if let Some(key) = &video.chosen_thumbnail {
        match media.head(key).await? {
            Some(_) => report.files += 1,
            None => report.note(id, key, Trouble::Missing),
        }
    }
    for (key, bytes) in &video.captions {
        match media.head(key).await? {
            None => report.note(id, key, Trouble::Missing),
            Some(meta) if meta.bytes != *bytes => report.note(id, key, Trouble::Size),
            Some(_) => report.files += 1,
        }
    }
    let Some(output) = video.output.as_ref().filter(|_| video.playable) else {
        return Ok(());
    };
    let there: BTreeSet<String> = media.list(output).await?.into_iter().collect();
    report.files += there.len() as u64;
    for file in wanted(video, output, media).await? {
        let key = format!("{output}{file}");
        if !there.contains(&key) {
            report.note(id, key, Trouble::Missing);
        }
    }
    Ok(())
}

/// The files of an output, by their paths below it, as far as its playlists name them.
async fn wanted(
    video: &VideoFiles,
    output: &str,
    media: &dyn MediaStore,
) -> Result<Vec<String>, Error> {
    let mut files = vec![media_key::MASTER.to_owned()];
    for playlist in named_in(media, &format!("{output}{}", media_key::MASTER)).await? {
        let folder = playlist.rsplit_once('/').map_or("", |(folder, _)| folder);
        let segments = named_in(media, &format!("{output}{playlist}")).await?;
        files.extend(segments.iter().map(|segment| format!("{folder}/{segment}")));
        files.push(playlist);
    }
    if video.has_thumbnail {
        files.push(media_key::THUMBNAIL.to_owned());
    }
    if video.has_storyboard {
        files.push(media_key::STORYBOARD.to_owned());
        let sheets = named_in(media, &format!("{output}{}", media_key::STORYBOARD)).await?;
        let sheets: BTreeSet<&str> = sheets
            .iter()
            .filter_map(|line| line.split_once('#').map(|(sheet, _)| sheet))
            .collect();
        files.extend(sheets.into_iter().map(str::to_owned));
    }
    Ok(files)
}

/// The lines of a playlist or index that are addresses. None if the object is not there.
async fn named_in(media: &dyn MediaStore, key: &str) -> Result<Vec<String>, Error> {
    let Some(object) = media.get(key, None).await? else {
        return Ok(Vec::new());
    };
    let bytes: Vec<u8> = object
        .body
        .try_fold(Vec::new(), |mut all, chunk| async move {
            all.extend_from_slice(&chunk);
            Ok(all)
        })
        .await
        .map_err(|source| clipsy_storage::media::Error::Io {
            key: key.to_owned(),
            source,
        })?;
    let text = String::from_utf8_lossy(&bytes);
    let address = |line: &&str| {
        let line = line.trim();
        let index = key.ends_with(media_key::STORYBOARD);
        !line.is_empty() && !line.starts_with('#') && (!index || line.contains("#xywh="))
    };
    Ok(text
        .lines()
        .filter(address)
        .map(|line| line.trim().to_owned())
        .collect())
}

async fn hash(media: &dyn MediaStore, key: &str) -> Result<Option<String>, Error> {
    let Some(object) = media.get(key, None).await? else {
        return Ok(None);
    };
    let mut hasher = Sha256::new();
    let mut body = object.body;
    while let Some(chunk) =
        body.try_next()
            .await
            .map_err(|source| clipsy_storage::media::Error::Io {
                key: key.to_owned(),
                source,
            })?
    {
        hasher.update(&chunk);
    }
    Ok(Some(hex(&hasher.finalize())))
}

fn by_number(videos: &[VideoFiles]) -> BTreeMap<AssetId, &VideoFiles> {
    videos.iter().map(|video| (video.video, video)).collect()
}

async fn is_there(media: &dyn MediaStore, key: &str) -> Result<bool, Error> {
    if key.ends_with('/') {
        return Ok(!media.list(key).await?.is_empty());
    }
    Ok(media.head(key).await?.is_some())
}

/// What lies in the store where videos lie.
struct Present {
    originals: Vec<String>,
    thumbnails: Vec<String>,
    captions: Vec<String>,
    /// Names of folders of output.
    outputs: Vec<String>,
}

impl Present {
    async fn look(media: &dyn MediaStore) -> Result<Self, Error> {
        Ok(Self {
            originals: media.list(media_key::ORIGINALS).await?,
            thumbnails: media.list(media_key::THUMBNAILS).await?,
            captions: media.list(media_key::CAPTIONS).await?,
            outputs: media.folders(media_key::OUTPUTS).await?,
        })
    }

    /// What no row names and nothing else accounts for.
    async fn unowned(
        self,
        videos: &BTreeMap<AssetId, &VideoFiles>,
        passing: &[String],
        media: &dyn MediaStore,
    ) -> Result<Vec<(Option<AssetId>, String)>, Error> {
        let keys: BTreeSet<&str> = videos
            .values()
            .flat_map(|video| std::iter::once(&video.original).chain(video.brought()))
            .chain(passing)
            .map(String::as_str)
            .collect();
        let passes = |prefix: &str| {
            passing
                .iter()
                .any(|key| key.ends_with('/') && prefix.starts_with(key.as_str()))
        };
        let files = self.originals.into_iter().chain(self.thumbnails);
        let files = files.chain(self.captions);
        let mut unowned: Vec<_> = files
            .filter(|key| !keys.contains(key.as_str()))
            .map(|key| (None, key))
            .collect();
        for name in self.outputs {
            let prefix = format!("{}{name}/", media_key::OUTPUTS);
            let Some(video) = name.parse().ok().and_then(|id: AssetId| videos.get(&id)) else {
                if !passes(&prefix) {
                    unowned.push((None, prefix));
                }
                continue;
            };
            for attempt in media.folders(&prefix).await? {
                let prefix = format!("{prefix}{attempt}/");
                if video.output.as_ref() != Some(&prefix) && !passes(&prefix) {
                    unowned.push((Some(video.video), prefix));
                }
            }
        }
        Ok(unowned)
    }
}
