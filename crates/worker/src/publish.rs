//! Puts what a child wrote into the media store: segments before the playlist that names them,
//! media playlists before the multivariant one.
//!
//! The child is not trusted. What it writes is taken by the names that this program gives, never
//! by names that it says, and only if it is a plain file.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clipsy_domain::failure::{Failure, FailureCode, Stage};
use clipsy_domain::media_key;
use clipsy_domain::progress::Summary;
use clipsy_storage::media::{self, MediaStore};
use tokio::io::AsyncReadExt as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::fetch::PATIENCE;

/// Longest playlist that is taken, in bytes. Twelve hours in segments of 2 s take one megabyte.
const PLAYLIST_BYTES: u64 = 16 << 20;
/// Most sheets of a storyboard.
const SHEETS: usize = 1000;
/// First wait for a store that does not answer; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(15);
/// What the last line of a playlist that is complete says (RFC 8216 section 4.3.3.4).
const END: &str = "#EXT-X-ENDLIST";

/// Why something could not be published.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The attempt was stopped meanwhile.
    #[error("the attempt was stopped")]
    Stopped,
    /// The store refused it.
    #[error("the media store failed: {0}")]
    Store(#[from] media::Error),
    /// What the child wrote cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What the child wrote is not what it should be.
    #[error("{0}")]
    Strange(String),
}

impl Error {
    /// The failure that clients are told.
    pub(super) fn to_failure(&self) -> Failure {
        let code = match self {
            Self::Store(error) if error.is_out_of_disk() => FailureCode::OutOfDisk,
            _ => FailureCode::Internal,
        };
        Failure::new(code, Stage::Publish, self.to_string())
    }

    fn is_missing(&self) -> bool {
        let (Self::Read { source, .. } | Self::Store(media::Error::Io { source, .. })) = self
        else {
            return false;
        };
        source.kind() == io::ErrorKind::NotFound
    }
}

/// Publishes the output of one attempt.
#[derive(Debug)]
pub(super) struct Publisher {
    media: Arc<dyn MediaStore>,
    /// The child's output folder.
    folder: PathBuf,
    /// Where it goes in the store.
    prefix: String,
    /// Segments of each rendition that are in the store.
    segments: HashMap<String, u64>,
    stop: CancellationToken,
}

impl Publisher {
    /// A publisher from `folder` to `prefix` that does nothing any more once `stop` is cancelled.
    pub(super) fn new(
        media: Arc<dyn MediaStore>,
        folder: PathBuf,
        prefix: String,
        stop: CancellationToken,
    ) -> Self {
        Self {
            media,
            folder,
            prefix,
            segments: HashMap::new(),
            stop,
        }
    }

    /// Names the renditions. Others are not published.
    pub(super) fn plan(&mut self, rungs: impl Iterator<Item = String>) {
        self.segments = rungs.map(|rung| (rung, 0)).collect();
    }

    /// Publishes what a rendition's playlist lists so far. While the child starts again there may
    /// be none; that is fine.
    pub(super) async fn rendition(&mut self, rung: &str) -> Result<(), Error> {
        let result = self.segments_and_playlist(rung).await;
        match result {
            Err(error) if error.is_missing() => Ok(()),
            other => other,
        }
    }

    /// Publishes all renditions and then the multivariant playlist, if it is there.
    pub(super) async fn playable(&mut self) -> Result<bool, Error> {
        for rung in self.rungs() {
            match self.segments_and_playlist(&rung).await {
                Err(error) if error.is_missing() => return Ok(false),
                other => other?,
            }
        }
        match self.master().await {
            Ok(master) => self.put(media_key::MASTER, master).await.map(|()| true),
            Err(error) if error.is_missing() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Publishes the poster picture.
    pub(super) async fn thumbnail(&self) -> Result<(), Error> {
        self.put_file(media_key::THUMBNAIL).await
    }

    /// Publishes everything in `summary` that is not published yet.
    pub(super) async fn finish(&mut self, summary: &Summary) -> Result<(), Error> {
        let mut made: Vec<&str> = summary
            .renditions
            .iter()
            .map(|r| r.quality.as_str())
            .collect();
        made.sort_unstable();
        let mut planned = self.rungs();
        planned.sort_unstable();
        if made != planned {
            return Err(Error::Strange(format!(
                "the renditions {made:?} were made, {planned:?} were planned"
            )));
        }
        let mut playlists = Vec::new();
        for rendition in &summary.renditions {
            let rung = &rendition.quality;
            let playlist = self.playlist(&media_key::playlist(rung)).await?;
            let is_whole = listed(&playlist)? == rendition.segments
                && playlist.trim_ascii_end().ends_with(END.as_bytes());
            if !is_whole {
                return Err(Error::Strange(format!(
                    "the playlist of {rung} is not complete"
                )));
            }
            self.segments(rung, rendition.segments).await?;
            playlists.push((media_key::playlist(rung), playlist));
        }
        if summary.thumbnail.is_some() {
            self.put_file(media_key::THUMBNAIL).await?;
        }
        if summary.storyboard.is_some() {
            self.storyboard().await?;
        }
        for (name, playlist) in playlists {
            self.put(&name, playlist).await?;
        }
        let master = self.master().await?;
        self.put(media_key::MASTER, master).await
    }

    /// True if anything is in the store that players could have seen.
    pub(super) fn has_segments(&self) -> bool {
        self.segments.values().any(|count| *count > 0)
    }

    /// Takes everything back: the child starts again on another encoder, and segments of two of
    /// them must not be mixed.
    pub(super) async fn take_back(&mut self) -> Result<(), Error> {
        if self.has_segments() {
            self.media.delete(&self.key(media_key::MASTER)).await?;
            self.media.delete_prefix(&self.prefix).await?;
            self.segments.values_mut().for_each(|count| *count = 0);
        }
        Ok(())
    }

    fn rungs(&self) -> Vec<String> {
        self.segments.keys().cloned().collect()
    }

    async fn storyboard(&self) -> Result<(), Error> {
        for index in 0..SHEETS {
            match self.put_file(&media_key::storyboard_sheet(index)).await {
                Err(error) if index > 0 && error.is_missing() => break,
                other => other?,
            }
        }
        self.put_file(media_key::STORYBOARD).await
    }

    async fn segments_and_playlist(&mut self, rung: &str) -> Result<(), Error> {
        if !self.segments.contains_key(rung) {
            return Err(Error::Strange(format!("{rung:?} was not planned")));
        }
        let name = media_key::playlist(rung);
        let playlist = self.playlist(&name).await?;
        self.segments(rung, listed(&playlist)?).await?;
        self.put(&name, playlist).await
    }

    /// Publishes the segments of `rung` below `count` that are not in the store yet.
    async fn segments(&mut self, rung: &str, count: u64) -> Result<(), Error> {
        let first = self.segments.get(rung).copied().unwrap_or_default();
        for index in first..count {
            self.put_file(&media_key::segment(rung, index)).await?;
            self.segments.insert(rung.to_owned(), index + 1);
        }
        Ok(())
    }

    /// The multivariant playlist; it must name the planned renditions and nothing else.
    async fn master(&self) -> Result<Bytes, Error> {
        let master = self.playlist(media_key::MASTER).await?;
        let mut named = names(&master)?;
        let mut planned: Vec<String> = self
            .segments
            .keys()
            .map(|r| media_key::playlist(r))
            .collect();
        named.sort_unstable();
        planned.sort_unstable();
        if named != planned {
            return Err(strange());
        }
        Ok(master)
    }

    /// A playlist that the child wrote, whole: it replaces playlists, never changes them.
    async fn playlist(&self, name: &str) -> Result<Bytes, Error> {
        let path = self.folder.join(name);
        let read = |source| Error::Read {
            path: path.clone(),
            source,
        };
        plain(&path).await?;
        let file = tokio::fs::File::open(&path).await.map_err(read)?;
        let mut bytes = Vec::new();
        let mut most = file.take(PLAYLIST_BYTES + 1);
        most.read_to_end(&mut bytes).await.map_err(read)?;
        if bytes.len() as u64 > PLAYLIST_BYTES {
            return Err(Error::Strange(format!("{name} is too large")));
        }
        Ok(bytes.into())
    }

    async fn put(&self, name: &str, bytes: Bytes) -> Result<(), Error> {
        let key = self.key(name);
        self.patiently(|| self.media.put(&key, bytes.clone())).await
    }

    async fn put_file(&self, name: &str) -> Result<(), Error> {
        let path = self.folder.join(name);
        plain(&path).await?;
        let key = self.key(name);
        self.patiently(|| self.media.put_file(&key, &path)).await
    }

    /// Writes to the store. One that does not answer for a while costs no attempt: it is tried
    /// again.
    async fn patiently<F>(&self, write: impl Fn() -> F) -> Result<(), Error>
    where
        F: Future<Output = media::Result<()>>,
    {
        let began = Instant::now();
        let mut wait = FIRST_WAIT;
        loop {
            self.go_on()?;
            match write().await {
                Err(error) if error.is_retryable() && began.elapsed() < PATIENCE => {
                    tracing::warn!(%error, "publishing again");
                }
                done => return Ok(done?),
            }
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(wait) => {}
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    fn go_on(&self) -> Result<(), Error> {
        if self.stop.is_cancelled() {
            Err(Error::Stopped)
        } else {
            Ok(())
        }
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

/// Refuses links and the like, which could lead anywhere.
async fn plain(path: &Path) -> Result<(), Error> {
    let read = |source| Error::Read {
        path: path.to_owned(),
        source,
    };
    let metadata = tokio::fs::symlink_metadata(path).await.map_err(read)?;
    if metadata.is_file() {
        Ok(())
    } else {
        Err(read(io::Error::other("not a plain file")))
    }
}

/// How many segments a media playlist lists: each must be the one that belongs there.
fn listed(playlist: &[u8]) -> Result<u64, Error> {
    let names = names(playlist)?;
    let expected = (0..).map(media_key::segment_name);
    if names
        .iter()
        .zip(expected)
        .any(|(name, right)| *name != right)
    {
        return Err(strange());
    }
    Ok(names.len() as u64)
}

/// The lines of a playlist that name something. Tags that lead elsewhere, such as those of keys,
/// are refused: players would follow them.
fn names(playlist: &[u8]) -> Result<Vec<&str>, Error> {
    let text = std::str::from_utf8(playlist).map_err(|_| strange())?;
    let (tags, names): (Vec<&str>, Vec<&str>) = text
        .lines()
        .filter(|line| !line.is_empty())
        .partition(|line| line.starts_with('#'));
    if tags.iter().any(|tag| tag.contains("URI=")) {
        return Err(strange());
    }
    Ok(names)
}

fn strange() -> Error {
    Error::Strange("a playlist lists something else than it should".into())
}

#[cfg(test)]
mod tests;
