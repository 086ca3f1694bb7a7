//! Brings an original to this machine, where the store has it elsewhere.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clipsy_domain::failure::{Failure, FailureCode, Stage};
use clipsy_storage::media::{self, MediaStore};
use futures_util::StreamExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::time::{Instant, sleep};

/// Bytes of the disk reserved for others and for the output.
const SPARE: u64 = 512 << 20;
/// How long a store that does not answer is waited for, since the last byte.
pub(super) const PATIENCE: Duration = Duration::from_mins(5);
/// First wait after a failure; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(15);
/// How often it is told how far it is.
const TELL: Duration = Duration::from_secs(10);

/// Why an original did not arrive.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The store does not have it.
    #[error("the original is not in the media store")]
    Missing,
    /// It changed on the way.
    #[error("the original was replaced while it was fetched")]
    Changed,
    /// There is no room for it here.
    #[error("the original has {needed} bytes, and {free} are free in the scratch folder")]
    NoRoom {
        /// Bytes of the original.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// The store does not give it away.
    #[error("the original cannot be fetched: {0}")]
    Store(#[from] media::Error),
    /// The store stopped in the middle.
    #[error("the original cannot be fetched: {0}")]
    Broken(io::Error),
    /// It cannot be written down.
    #[error("the original cannot be written to {path}: {source}")]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    /// The failure that clients are told.
    pub(super) fn to_failure(&self) -> Failure {
        let full = match self {
            Self::NoRoom { .. } => true,
            Self::Disk { source, .. } => matches!(
                source.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
            ),
            _ => false,
        };
        let code = if full {
            FailureCode::OutOfDisk
        } else {
            FailureCode::Internal
        };
        Failure::new(code, Stage::Probe, self.to_string())
    }
}

/// Writes the object at `key` to the new file `to`. While the store does not answer it is tried
/// again, from where it stopped. Dropping this ends it at any point.
pub(super) async fn fetch(media: &dyn MediaStore, key: &str, to: &Path) -> Result<(), Error> {
    let disk = |source| Error::Disk {
        path: to.to_owned(),
        source,
    };
    let mut file = tokio::fs::File::create_new(to).await.map_err(disk)?;
    let mut copy = Fetching {
        bytes: 0,
        etag: None,
        moved: Instant::now(),
        told: Instant::now(),
    };
    let mut wait = FIRST_WAIT;
    loop {
        let before = copy.bytes;
        let error = match copy.go_on(media, key, &mut file, to).await {
            Ok(()) => break,
            Err(error) => error,
        };
        let passes = match &error {
            Error::Store(error) => error.is_retryable(),
            Error::Broken(_) => true,
            _ => false,
        };
        if !passes || copy.moved.elapsed() > PATIENCE {
            return Err(error);
        }
        if copy.bytes > before {
            wait = FIRST_WAIT;
        }
        tracing::warn!(%error, bytes = copy.bytes, "fetching an original again");
        sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
    file.flush().await.map_err(disk)
}

/// How far it is.
struct Fetching {
    bytes: u64,
    /// Which version it is of.
    etag: Option<String>,
    /// When the last byte came.
    moved: Instant,
    told: Instant,
}

impl Fetching {
    async fn go_on(
        &mut self,
        media: &dyn MediaStore,
        key: &str,
        file: &mut tokio::fs::File,
        to: &Path,
    ) -> Result<(), Error> {
        let disk = |source| Error::Disk {
            path: to.to_owned(),
            source,
        };
        let range = (self.bytes > 0).then_some(self.bytes..u64::MAX);
        let object = media.get(key, range).await?.ok_or(Error::Missing)?;
        let whole = object.meta.bytes;
        if self.etag.get_or_insert_with(|| object.meta.etag.clone()) != &object.meta.etag {
            return Err(Error::Changed);
        }
        let free = free_bytes(to).map_err(disk)?;
        if free < (whole - self.bytes.min(whole)).saturating_add(SPARE) {
            return Err(Error::NoRoom {
                needed: whole,
                free,
            });
        }
        let mut body = object.body;
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(Error::Broken)?;
            file.write_all(&chunk).await.map_err(disk)?;
            self.bytes += chunk.len() as u64;
            self.moved = Instant::now();
            if self.told.elapsed() > TELL {
                self.told = Instant::now();
                tracing::info!(bytes = self.bytes, of_bytes = whole, "fetching an original");
            }
        }
        if self.bytes == whole {
            Ok(())
        } else {
            Err(Error::Broken(io::ErrorKind::UnexpectedEof.into()))
        }
    }
}

/// Bytes that are free where a file or folder lies.
pub(super) fn free_bytes(file: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(file)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(test)]
mod tests {
    use clipsy_storage::media::LocalStore;

    use super::*;

    #[tokio::test]
    async fn an_original_arrives_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::open(folder.path().join("media")).unwrap();
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n / 7) as u8).collect();
        store.put("videos/a", bytes.clone().into()).await.unwrap();
        let to = folder.path().join("source");
        fetch(&store, "videos/a", &to).await.unwrap();
        assert!(std::fs::read(&to).unwrap() == bytes);

        // Whatever is there already was put there by somebody else.
        let again = fetch(&store, "videos/a", &to).await.unwrap_err();
        assert!(matches!(again, Error::Disk { .. }), "{again}");
        let none = fetch(&store, "videos/none", &folder.path().join("b")).await;
        assert!(matches!(none, Err(Error::Missing)), "{none:?}");
    }

    #[tokio::test]
    async fn it_goes_on_where_it_stopped_but_not_with_another_version() {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::open(folder.path().join("media")).unwrap();
        store
            .put("videos/a", (&b"0123456789"[..]).into())
            .await
            .unwrap();
        let to = folder.path().join("source");
        let mut file = tokio::fs::File::create_new(&to).await.unwrap();
        file.write_all(b"0123").await.unwrap();
        let mut copy = Fetching {
            bytes: 4,
            etag: None,
            moved: Instant::now(),
            told: Instant::now(),
        };
        copy.go_on(&store, "videos/a", &mut file, &to)
            .await
            .unwrap();
        file.flush().await.unwrap();
        assert_eq!(std::fs::read(&to).unwrap(), b"0123456789");

        store
            .put("videos/a", (&b"abcdefghijkl"[..]).into())
            .await
            .unwrap();
        let done = copy.go_on(&store, "videos/a", &mut file, &to).await;
        assert!(matches!(done, Err(Error::Changed)), "{done:?}");
    }
}
