//! Takes single pictures out of segments, and makes posters of uploaded images, each in its own child
//! process: both are derived from untrusted files.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use clipsy_domain::limits::Limits;
use clipsy_service::{StillError, StillMaker};
use clipsy_storage::media::MediaStore;
use rustix::fs::OFlags;
use tokio::io::AsyncReadExt as _;
use tokio::sync::Semaphore;
use tokio_util::io::StreamReader;
use tokio_util::sync::CancellationToken;

use super::child::{Lines, Process, Spawner, Task};
use super::protocol::{Hello, StillJob, StillTold};
use super::scratch::{self, Scratch};
use crate::environment::Environment;
use crate::sandbox::bounds::Bounds;
use crate::sandbox::{Closed, Mode};

/// Pictures that are taken at the same time: each decodes with up to half of the cores.
const AT_ONCE: usize = 2;
/// Pictures that are asked for at the same time; more are refused.
const ASKED: usize = 16;
/// How long a child may take to decode. Ten seconds of 1080p take one or two.
const TIME_LIMIT: Duration = Duration::from_secs(20);
/// How long it may take altogether before it is killed.
const KILLED_AFTER: Duration = Duration::from_secs(25);
/// Memory of a child: the decoder's pictures of a segment at the limits.
const MEMORY_BYTES: u64 = 2 << 30;
/// Largest segment that is fetched, in bytes. One of 10 s at 100 Mbit/s has 125 MB.
const SEGMENT_BYTES: u64 = 1 << 30;
/// Largest picture that is taken, in bytes. One of 1280 by 1280 has a few hundred kilobytes.
const PICTURE_BYTES: u64 = 8 << 20;

/// How pictures are taken.
#[derive(Debug)]
pub struct StillSettings {
    /// Folder for what children write. Everything in it is deleted at start.
    pub folder: PathBuf,
    /// File in which `GStreamer` notes the plugins that it found.
    pub registry: PathBuf,
    /// Limits on pictures.
    pub limits: Limits,
    /// Whether children lock themselves in.
    pub sandbox: Mode,
    /// What children get of this process's environment.
    pub environment: Environment,
}

/// Who takes pictures. Clones share the places.
#[derive(Debug, Clone)]
pub struct Stills(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    media: Arc<dyn MediaStore>,
    settings: StillSettings,
    spawner: Spawner,
    places: Arc<Semaphore>,
    asked: Semaphore,
    next: AtomicU64,
    warned: AtomicBool,
    stop: CancellationToken,
}

impl Stills {
    /// Gets ready; what is being made is stopped at `stop`.
    pub async fn start(
        media: Arc<dyn MediaStore>,
        settings: StillSettings,
        stop: CancellationToken,
    ) -> io::Result<Self> {
        scratch::sweep(&settings.folder).await?;
        Ok(Self(Arc::new(Inner {
            media,
            spawner: Spawner::start(&settings.environment.variables)?,
            settings,
            places: Arc::new(Semaphore::new(AT_ONCE)),
            asked: Semaphore::new(ASKED),
            next: AtomicU64::new(0),
            warned: AtomicBool::new(false),
            stop,
        })))
    }
}

#[async_trait::async_trait]
impl StillMaker for Stills {
    async fn still(&self, segment: &str, offset_us: u64) -> Result<Bytes, StillError> {
        let segment = segment.to_owned();
        self.make(Source::Segment { segment, offset_us }).await
    }

    async fn photo(&self, picture: Bytes) -> Result<Bytes, StillError> {
        self.make(Source::Photo(picture)).await
    }
}

/// What a picture is made of.
enum Source {
    /// The segment at a store key, and the moment in it.
    Segment { segment: String, offset_us: u64 },
    /// A picture, as it was sent.
    Photo(Bytes),
}

impl Stills {
    async fn make(&self, source: Source) -> Result<Bytes, StillError> {
        let inner = &self.0;
        let _asked = inner.asked.try_acquire().map_err(|_| StillError::Busy)?;
        let place = tokio::select! {
            () = inner.stop.cancelled() => return Err(StillError::Busy),
            place = Arc::clone(&inner.places).acquire_owned() => place,
        };
        let place = place.map_err(|_| StillError::Busy)?;
        // The work runs in a task, so that it can clean up after the caller has disconnected.
        let gone = inner.stop.child_token();
        let _gone = gone.clone().drop_guard();
        let inner = Arc::clone(inner);
        let task = tokio::spawn(async move {
            let _place = place;
            inner.take(source, &gone).await
        });
        task.await.unwrap_or_else(|error| Err(failed(error)))
    }
}

impl Inner {
    async fn take(&self, source: Source, gone: &CancellationToken) -> Result<Bytes, StillError> {
        let name = self.next.fetch_add(1, Ordering::Relaxed).to_string();
        let scratch = Scratch::named(&self.settings.folder, &name)
            .await
            .map_err(disk)?;
        let picture = self.take_into(&scratch, source, gone).await;
        scratch.remove().await;
        picture
    }

    async fn take_into(
        &self,
        scratch: &Scratch,
        source: Source,
        gone: &CancellationToken,
    ) -> Result<Bytes, StillError> {
        let settings = &self.settings;
        let offset_us = match source {
            Source::Segment { offset_us, .. } => Some(offset_us),
            Source::Photo(_) => None,
        };
        let fetched = tokio::select! {
            () = gone.cancelled() => return Err(StillError::Busy),
            fetched = tokio::time::timeout(TIME_LIMIT, self.bring(source, scratch)) => fetched,
        };
        let order = StillJob {
            parent: std::process::id(),
            source: fetched.map_err(failed)??,
            offset_us,
            output: scratch.output.clone(),
            scratch: scratch.folder.clone(),
            plugins: settings.environment.plugins.clone(),
            limits: settings.limits.clone(),
            time_limit_s: TIME_LIMIT.as_secs(),
            sandbox: settings.sandbox,
            bounds: Bounds::new(MEMORY_BYTES, KILLED_AFTER),
        };
        let (mut process, lines) = Process::start(
            &self.spawner,
            &settings.registry,
            Task::Still,
            &order,
            &order.bounds,
            (&scratch.folder, &scratch.temporary),
            &[],
        )
        .await
        .map_err(failed)?;
        let told = tokio::select! {
            told = self.listen(lines) => Ok(told),
            () = gone.cancelled() => Err(StillError::Busy),
            () = tokio::time::sleep(KILLED_AFTER) => Err(failed("it took too long")),
        };
        // One that ended without a word is left to say how.
        if !matches!(told, Ok(None)) {
            process.kill();
        }
        let ended = process.end().await;
        match told? {
            Some(StillTold::Made) => read_picture(&order.output).await,
            Some(StillTold::Failed(reason)) => Err(failed(reason)),
            Some(StillTold::Refused(error)) => Err(StillError::Refused(error)),
            None => {
                tracing::debug!(last_lines = ended.last_lines(), "the child crashed");
                Err(failed(ended.describe()))
            }
        }
    }

    /// What the child says; `None` if it ends without a word.
    async fn listen(&self, mut lines: Lines) -> Option<StillTold> {
        while let Some(line) = lines.recv().await {
            if let Ok(hello) = serde_json::from_str::<Hello>(&line) {
                self.note_sandbox(&hello.sandbox);
            } else if let Ok(told) = serde_json::from_str(&line) {
                return Some(told);
            }
        }
        None
    }

    fn note_sandbox(&self, closed: &Closed) {
        if closed.missing.is_some() && !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                sandbox = closed.describe(),
                "pictures are taken without a complete sandbox; see CLIPSY_SANDBOX"
            );
        }
    }

    /// The source as a file of this machine.
    async fn bring(&self, source: Source, scratch: &Scratch) -> Result<PathBuf, StillError> {
        match source {
            Source::Segment { segment, .. } => self.fetch(&segment, scratch).await,
            Source::Photo(picture) => {
                let path = scratch.folder.join("photo");
                tokio::fs::write(&path, &picture).await.map_err(disk)?;
                Ok(path)
            }
        }
    }

    /// The segment as a file of this machine: its own, or a copy in the scratch folder.
    async fn fetch(&self, segment: &str, scratch: &Scratch) -> Result<PathBuf, StillError> {
        if let Some(path) = self.media.local_path(segment).await {
            return match tokio::fs::metadata(&path).await {
                Ok(found) if found.is_file() => Ok(path),
                _ => Err(StillError::Missing),
            };
        }
        let object = self.media.get(segment, None).await.map_err(failed)?;
        let object = object.ok_or(StillError::Missing)?;
        if object.meta.bytes > SEGMENT_BYTES {
            return Err(failed("the segment is too large"));
        }
        let path = scratch.folder.join("segment.ts");
        let mut file = tokio::fs::File::create(&path).await.map_err(disk)?;
        let mut bytes = StreamReader::new(object.body).take(SEGMENT_BYTES);
        tokio::io::copy(&mut bytes, &mut file).await.map_err(disk)?;
        // What is dropped before is lost.
        tokio::io::AsyncWriteExt::flush(&mut file)
            .await
            .map_err(disk)?;
        Ok(path)
    }
}

/// The picture that a child wrote, if it is one and no more than that.
async fn read_picture(path: &Path) -> Result<Bytes, StillError> {
    const START: &[u8] = b"\xff\xd8\xff";
    let file = tokio::fs::OpenOptions::new()
        .read(true)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path)
        .await
        .map_err(failed)?;
    if !file.metadata().await.map_err(failed)?.is_file() {
        return Err(failed("the picture is no plain file"));
    }
    let mut bytes = Vec::new();
    let mut most = file.take(PICTURE_BYTES + 1);
    most.read_to_end(&mut bytes).await.map_err(failed)?;
    if bytes.len() as u64 > PICTURE_BYTES || !bytes.starts_with(START) {
        return Err(failed("what was made is no picture"));
    }
    Ok(bytes.into())
}

fn disk(error: io::Error) -> StillError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StillError::OutOfDisk,
        _ => failed(error),
    }
}

fn failed(reason: impl Into<Box<dyn Error + Send + Sync>>) -> StillError {
    StillError::Failed(reason.into().to_string())
}
