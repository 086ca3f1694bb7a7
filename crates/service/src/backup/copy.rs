//! Copying objects from one media store to another.

use std::path::Path;

use clipsy_domain::media_key;
use clipsy_storage::media::{Error, MediaStore};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::io::AsyncWriteExt as _;

use super::{Entry, failed};

/// Objects on their way at the same time: a store far away answers each a little later.
const SIDE_BY_SIDE: usize = 8;

/// What became of an object.
enum Copied {
    /// It was there. Its size in bytes.
    Had(u64),
    /// It is there now. Its size in bytes.
    New(u64),
    /// There is no such object to copy.
    Gone,
}

/// What was copied of a video.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Files that are there now, and their size in bytes.
    pub(super) files: u64,
    pub(super) bytes: u64,
    /// Those that were not there before.
    pub(super) new_files: u64,
    pub(super) new_bytes: u64,
    /// Keys of what could not be copied because it is not there.
    pub(super) gone: Vec<String>,
}

impl Tally {
    pub(super) fn add(&mut self, other: Self) {
        self.files += other.files;
        self.bytes += other.bytes;
        self.new_files += other.new_files;
        self.new_bytes += other.new_bytes;
        self.gone.extend(other.gone);
    }
}

/// Copies all that an entry names. `scratch` is a folder for objects on their way.
pub(super) async fn copy_all(
    from: &dyn MediaStore,
    to: &dyn MediaStore,
    entry: &Entry,
    scratch: &Path,
) -> Result<Tally, super::Error> {
    let mut keys = entry.keys.clone();
    if let Some(output) = &entry.output {
        keys.extend(from.list(output).await?);
    }
    let copied = stream::iter(keys).map(|key| async move {
        let copied = copy(from, to, &key, scratch).await?;
        Ok::<_, super::Error>((key, copied))
    });
    let add = |mut tally: Tally, (key, copied)| async move {
        match copied {
            Copied::Gone => tally.gone.push(key),
            Copied::Had(bytes) => {
                tally.files += 1;
                tally.bytes += bytes;
            }
            Copied::New(bytes) => {
                tally.files += 1;
                tally.bytes += bytes;
                tally.new_files += 1;
                tally.new_bytes += bytes;
            }
        }
        Ok(tally)
    };
    copied
        .buffer_unordered(SIDE_BY_SIDE)
        .try_fold(Tally::default(), add)
        .await
}

async fn copy(
    from: &dyn MediaStore,
    to: &dyn MediaStore,
    key: &str,
    scratch: &Path,
) -> Result<Copied, super::Error> {
    let Some(meta) = from.head(key).await? else {
        return Ok(Copied::Gone);
    };
    if !changes(key)
        && to
            .head(key)
            .await?
            .is_some_and(|had| had.bytes == meta.bytes)
    {
        return Ok(Copied::Had(meta.bytes));
    }
    if let Some(path) = from.local_path(key).await {
        return match to.put_file(key, &path).await {
            Ok(()) => Ok(Copied::New(meta.bytes)),
            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                Ok(Copied::Gone)
            }
            Err(error) => Err(error.into()),
        };
    }
    let Some(object) = from.get(key, None).await? else {
        return Ok(Copied::Gone);
    };
    let bytes = object.meta.bytes;
    let temporary = scratch.join(uuid::Uuid::new_v4().simple().to_string());
    let write = async {
        let mut body = object.body;
        let mut file = tokio::fs::File::create_new(&temporary).await?;
        while let Some(chunk) = body.try_next().await? {
            file.write_all(&chunk).await?;
        }
        file.flush().await
    };
    let written: std::io::Result<()> = write.await;
    let put = match written {
        Ok(()) => to
            .put_file(key, &temporary)
            .await
            .map_err(super::Error::from),
        Err(error) => Err(failed(&temporary, error)),
    };
    // What is left of it is deleted with the folder.
    let _ = tokio::fs::remove_file(&temporary).await;
    put.map(|()| Copied::New(bytes))
}

/// True for what is written anew while a video is made.
fn changes(key: &str) -> bool {
    if key.starts_with(media_key::CAPTIONS) {
        return false;
    }
    let extension = Path::new(key).extension();
    extension.is_some_and(|extension| extension == "m3u8" || extension == "vtt")
}
