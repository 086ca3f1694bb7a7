//! What operators look at: queue, workers, encoders, throughput, storage.

use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::TimeDelta;
use clipsy_domain::clock::{Timestamp, from_millis};
use clipsy_domain::job;
use clipsy_domain::worker::{CardFound, EncoderFound, WorkerSign};
use clipsy_service::Service;
use clipsy_service::error;
use clipsy_service::videos::free_room;
use clipsy_service::watch::QueueState;
use clipsy_storage::Usage;

use super::asked::{app, viewer};
use super::errors::{Fail, Result};
use super::freeable::Freeable;
use super::ids;
use super::job::Job;
use super::paging::{MAX_PAGE, cost};
use super::scalars::{BigInt, DateTime, int};
use super::video::Video;
use crate::app::App;

/// Most minutes that throughput is told of: a day.
const MAX_MINUTES: i32 = 24 * 60;
/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;

/// The queue, see its [`Object`].
#[derive(Debug, Clone)]
pub(crate) struct Queue(pub(crate) QueueState);

/// The job queue.
#[Object(serial)]
impl Queue {
    /// True while the queue is paused: no jobs are started, running ones continue.
    async fn paused(&self) -> bool {
        self.0.counts.paused
    }

    /// Queued jobs.
    async fn queued(&self) -> i32 {
        int(self.0.counts.queued)
    }

    /// Running jobs.
    async fn running(&self) -> i32 {
        int(self.0.counts.running)
    }

    /// Failed videos.
    async fn failed(&self) -> i32 {
        int(self.0.counts.failed)
    }

    /// Jobs that can run concurrently, over all workers.
    async fn concurrency(&self) -> i32 {
        int(self.0.slots)
    }

    /// When the oldest queued job was created; null if none is queued.
    async fn oldest_queued_at(&self) -> Option<DateTime> {
        self.0.counts.oldest_queued_at.map(Into::into)
    }

    /// Running jobs, then queued ones in the order in which they will be started.
    #[graphql(complexity = "1 + cost(first, None) * child_complexity")]
    async fn jobs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of items, 0 to 100.", default_with = "Some(50)")] first: Option<
            i32,
        >,
    ) -> Result<Vec<Job>> {
        let first = page("first", first.unwrap_or(50))?;
        Ok(Job::all(app(ctx)?.db.queue_head(first).await?))
    }
}

/// The queue as it is.
pub(crate) async fn queue_state(service: &Service) -> error::Result<QueueState> {
    Ok(QueueState {
        counts: service.db.queue_counts().await?,
        slots: service
            .db
            .workers()
            .await?
            .iter()
            .map(|sign| sign.slots)
            .sum(),
    })
}

/// A worker, see its [`Object`].
#[derive(Debug, Clone)]
pub(crate) struct Worker(pub(crate) WorkerSign);

/// A worker process. It is no longer listed after half a minute without a report.
#[Object(serial)]
impl Worker {
    /// Identifies it.
    async fn id(&self) -> ID {
        ids::worker(&self.0.id)
    }

    /// Host name of its machine.
    async fn host(&self) -> &str {
        &self.0.host
    }

    /// When it started.
    async fn started_at(&self) -> DateTime {
        self.0.started_at.into()
    }

    /// Time of its last report; it reports every ten seconds.
    async fn last_seen_at(&self) -> DateTime {
        self.0.seen_at.into()
    }

    /// Jobs that it can run concurrently.
    async fn slots(&self) -> i32 {
        int(self.0.slots)
    }

    /// Number of running jobs.
    async fn busy(&self) -> i32 {
        int(self.0.busy)
    }

    /// Names of the encoders that work there, the preferred one first.
    async fn encoders(&self) -> Vec<&str> {
        let works = self.0.encoders.iter().filter(|encoder| encoder.works);
        works.map(|encoder| encoder.id.as_str()).collect()
    }

    /// Graphics cards of its machine that its jobs may use; empty until detected.
    async fn cards(&self) -> Vec<GraphicsCard> {
        let card = |card| GraphicsCard::of(&self.0.host, card);
        self.0.cards.iter().map(card).collect()
    }

    /// True while it is shutting down and takes no more jobs.
    async fn draining(&self) -> bool {
        self.0.draining
    }

    /// Its version of Clipsy.
    async fn version(&self) -> &str {
        &self.0.version
    }

    /// Its running jobs.
    #[graphql(complexity = "1 + 10 * child_complexity")]
    async fn jobs(&self, ctx: &Context<'_>) -> Result<Vec<Job>> {
        let head = app(ctx)?.db.queue_head(i64::from(MAX_PAGE)).await?;
        let mine = |job: &job::Job| job.worker.as_deref() == Some(self.0.id.as_str());
        Ok(Job::all(head.into_iter().filter(mine).collect()))
    }
}

/// An encoder from the catalog, and whether it works on a machine.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(serial)]
pub(crate) struct Encoder {
    /// Identifier, unique on this machine.
    id: ID,
    /// Name in the catalog, as in `Rendition.encoder`.
    name: String,
    /// Display name.
    label: String,
    /// `software`, `nvenc` or `va`.
    kind: String,
    /// True if it passed a trial encode on that machine.
    works: bool,
    /// The element in use, or why it does not work.
    reason: Option<String>,
    /// How to fix it; null if it works.
    advice: Option<String>,
    /// True for the encoder that is used by default.
    preferred: bool,
    /// Its `GStreamer` element.
    element: String,
    /// Name of the machine.
    host: String,
}

impl Encoder {
    fn of(host: &str, found: EncoderFound) -> Self {
        Self {
            id: ids::encoder(host, &found.id),
            name: found.id,
            label: found.label,
            kind: found.kind,
            works: found.works,
            reason: Some(found.reason).filter(|reason| !reason.is_empty()),
            advice: found.advice,
            preferred: found.preferred,
            element: found.element,
            host: host.to_owned(),
        }
    }
}

/// A graphics card of a worker's machine, as of its last report.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(serial)]
pub(crate) struct GraphicsCard {
    /// Identifier, unique on this machine.
    id: ID,
    /// The UUID of an NVIDIA card, or the name of a render node; the label `card` in the metrics.
    name: String,
    /// Display name.
    label: String,
    /// `nvidia` or `va`.
    kind: String,
    /// Jobs of this worker that use it.
    jobs: i32,
    /// Encoding sessions held by jobs of this machine.
    sessions: i32,
    /// Maximum number of concurrent sessions; null if unlimited.
    session_limit: Option<i32>,
    /// Load of its encoder, 0 to 100; null if the driver does not report it.
    encoder_load: Option<i32>,
    /// Load of its decoder, 0 to 100; null if the driver does not report it.
    decoder_load: Option<i32>,
    /// Overall load, 0 to 100; null if the driver does not report it.
    load: Option<i32>,
    /// Used memory in bytes; null if the driver does not report it.
    memory_used_bytes: Option<BigInt>,
    /// Total memory in bytes; null if the driver does not report it.
    memory_bytes: Option<BigInt>,
}

impl GraphicsCard {
    fn of(host: &str, found: &CardFound) -> Self {
        let bytes = |bytes: u64| BigInt(i64::try_from(bytes).unwrap_or(i64::MAX));
        Self {
            id: ids::card(host, &found.id),
            name: found.id.clone(),
            label: found.label.clone(),
            kind: found.kind.clone(),
            jobs: int(found.jobs.into()),
            sessions: int(found.sessions.into()),
            session_limit: found.session_limit.map(|limit| int(limit.into())),
            encoder_load: found.encoder_load.map(i32::from),
            decoder_load: found.decoder_load.map(i32::from),
            load: found.load.map(i32::from),
            memory_used_bytes: found.memory_used.map(bytes),
            memory_bytes: found.memory.map(bytes),
        }
    }
}

/// The encoders of all machines that do jobs, in order of preference; of several workers on one
/// machine those of the one that has tried them.
pub(crate) async fn encoders(app: &App) -> Result<Vec<Encoder>> {
    let mut found: Vec<Encoder> = Vec::new();
    for worker in app.db.workers().await? {
        if found.iter().any(|encoder| encoder.host == worker.host) {
            continue;
        }
        let host = worker.host;
        found.extend(worker.encoders.into_iter().map(|e| Encoder::of(&host, e)));
    }
    Ok(found)
}

/// Throughput within one minute.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(serial)]
pub(crate) struct ThroughputSample {
    /// Start of the minute.
    at: DateTime,
    /// Completed jobs.
    finished: i32,
    /// Failed jobs.
    failed: i32,
    /// Total duration of the videos that became ready, in seconds.
    media_seconds: f64,
    /// Duration of their last attempts in seconds.
    encode_seconds: f64,
}

/// One sample for each of the last minutes, the oldest first; the last one is still going on.
pub(crate) async fn throughput(app: &App, minutes: i32) -> Result<Vec<ThroughputSample>> {
    if !(1..=MAX_MINUTES).contains(&minutes) {
        let message = format!("Must be 1 to {MAX_MINUTES}.");
        return Err(Fail::input("minutes", message));
    }
    let now_ms = app.now().timestamp_millis();
    let last = from_millis(now_ms - now_ms.rem_euclid(MINUTE_MS));
    let first = last - TimeDelta::minutes(i64::from(minutes - 1));
    let found = app.db.throughput(first).await?;
    let sample = |at: Timestamp| {
        let found = found.iter().find(|sample| sample.at == at);
        ThroughputSample {
            at: at.into(),
            finished: int(found.map_or(0, |sample| sample.finished)),
            failed: int(found.map_or(0, |sample| sample.failed)),
            media_seconds: found.map_or(0.0, |sample| sample.media_s),
            encode_seconds: found.map_or(0.0, |sample| sample.encode_s),
        }
    };
    let minutes = (0..i64::from(minutes)).map(|n| first + TimeDelta::minutes(n));
    Ok(minutes.map(sample).collect())
}

/// What is stored, see its [`Object`].
#[derive(Debug)]
pub(crate) struct StorageUsage {
    usage: Usage,
    uploads_bytes: i64,
    free_bytes: Option<i64>,
}

/// Storage usage.
#[Object(serial)]
impl StorageUsage {
    /// Original files, in bytes.
    async fn originals_bytes(&self) -> BigInt {
        self.usage.originals_bytes.into()
    }

    /// Segments of renditions, in bytes.
    async fn renditions_bytes(&self) -> BigInt {
        self.usage.renditions_bytes.into()
    }

    /// Captions, in bytes.
    async fn captions_bytes(&self) -> BigInt {
        self.usage.captions_bytes.into()
    }

    /// Received bytes of unfinished uploads.
    async fn uploads_bytes(&self) -> BigInt {
        self.uploads_bytes.into()
    }

    /// Bytes of uploaded and chosen poster images. Measured on request.
    async fn thumbnails_bytes(&self, ctx: &Context<'_>) -> Result<BigInt> {
        Ok(free_room::thumbnails_bytes(app(ctx)?).await?.into())
    }

    /// Space that can be freed. Measured on request.
    async fn freeable(&self, ctx: &Context<'_>) -> Result<Freeable> {
        let found = free_room::freeable(app(ctx)?, viewer(ctx)).await?;
        Ok(Freeable(found))
    }

    /// Free bytes in the media store; null if unlimited.
    async fn free_bytes(&self) -> Option<BigInt> {
        self.free_bytes.map(Into::into)
    }

    /// Videos.
    async fn videos(&self) -> i32 {
        int(self.usage.assets)
    }

    /// The videos that use the most storage, the largest first.
    #[graphql(complexity = "1 + cost(first, None) * child_complexity")]
    async fn largest(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of items, 0 to 100.", default_with = "Some(10)")] first: Option<
            i32,
        >,
    ) -> Result<Vec<Video>> {
        let first = page("first", first.unwrap_or(10))?;
        Ok(Video::all(app(ctx)?.db.largest_assets(first).await?))
    }
}

/// Storage usage. Bytes of uploads are measured where they lie.
pub(crate) async fn storage_usage(app: &App) -> Result<StorageUsage> {
    let uploads_bytes = free_room::uploads_bytes(app).await?;
    let free = app.media.free_bytes().await;
    Ok(StorageUsage {
        usage: app.db.usage().await?,
        uploads_bytes,
        free_bytes: free.map(|free| i64::try_from(free).unwrap_or(i64::MAX)),
    })
}

/// Information about the server.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct ServerInfo {
    /// Its version.
    pub(crate) version: String,
    /// Its name.
    pub(crate) name: String,
    /// Maximum size of an upload in bytes.
    pub(crate) max_upload_bytes: BigInt,
    /// Path of the tus endpoint for resumable uploads.
    pub(crate) tus_url: String,
    /// True if public videos can be viewed without signing in.
    pub(crate) anonymous_browsing: bool,
    /// True in demonstration mode: the documented default password works, and the server listens on
    /// the local machine only.
    pub(crate) demo: bool,
    /// True while an account has the documented default password, which only works in demonstration
    /// mode. Outside of it, visible to admins only; false for everyone else.
    pub(crate) default_password_active: bool,
}

/// A number of things.
fn page(name: &str, first: i32) -> Result<i64> {
    if (0..=MAX_PAGE).contains(&first) {
        Ok(i64::from(first))
    } else {
        Err(Fail::input(name, format!("Must be 0 to {MAX_PAGE}.")))
    }
}
