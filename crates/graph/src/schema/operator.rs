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

/// How much there is to do.
#[Object(serial)]
impl Queue {
    /// True while no more jobs are started; what runs goes on.
    async fn paused(&self) -> bool {
        self.0.counts.paused
    }

    /// Jobs that wait.
    async fn queued(&self) -> i32 {
        int(self.0.counts.queued)
    }

    /// Jobs that run.
    async fn running(&self) -> i32 {
        int(self.0.counts.running)
    }

    /// Videos that have failed for good.
    async fn failed(&self) -> i32 {
        int(self.0.counts.failed)
    }

    /// Jobs that can run side by side, over all workers.
    async fn concurrency(&self) -> i32 {
        int(self.0.slots)
    }

    /// When the oldest waiting job was made; null if none waits.
    async fn oldest_queued_at(&self) -> Option<DateTime> {
        self.0.counts.oldest_queued_at.map(Into::into)
    }

    /// Jobs that run, and then those that wait, in the order in which they will be started.
    #[graphql(complexity = "1 + cost(first, None) * child_complexity")]
    async fn jobs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 0 to 100.", default_with = "Some(50)")] first: Option<i32>,
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

/// A process that does jobs. One that says nothing for half a minute is no longer listed.
#[Object(serial)]
impl Worker {
    /// Identifies it.
    async fn id(&self) -> ID {
        ids::worker(&self.0.id)
    }

    /// Name of its machine.
    async fn host(&self) -> &str {
        &self.0.host
    }

    /// When it started.
    async fn started_at(&self) -> DateTime {
        self.0.started_at.into()
    }

    /// When it last said something, which it does every ten seconds.
    async fn last_seen_at(&self) -> DateTime {
        self.0.seen_at.into()
    }

    /// Jobs that it does side by side.
    async fn slots(&self) -> i32 {
        int(self.0.slots)
    }

    /// Jobs that it is doing.
    async fn busy(&self) -> i32 {
        int(self.0.busy)
    }

    /// Identifiers of the encoders that work there, the preferred one first.
    async fn encoders(&self) -> Vec<&str> {
        let works = self.0.encoders.iter().filter(|encoder| encoder.works);
        works.map(|encoder| encoder.id.as_str()).collect()
    }

    /// Graphics cards of its machine that its jobs may use; empty until they were looked for.
    async fn cards(&self) -> Vec<GraphicsCard> {
        let card = |card| GraphicsCard::of(&self.0.host, card);
        self.0.cards.iter().map(card).collect()
    }

    /// True while it is going down and takes no more jobs.
    async fn draining(&self) -> bool {
        self.0.draining
    }

    /// Version of Clipsy that it runs.
    async fn version(&self) -> &str {
        &self.0.version
    }

    /// The jobs that it is doing.
    #[graphql(complexity = "1 + 10 * child_complexity")]
    async fn jobs(&self, ctx: &Context<'_>) -> Result<Vec<Job>> {
        let head = app(ctx)?.db.queue_head(i64::from(MAX_PAGE)).await?;
        let mine = |job: &job::Job| job.worker.as_deref() == Some(self.0.id.as_str());
        Ok(Job::all(head.into_iter().filter(mine).collect()))
    }
}

/// An encoder of the catalog, and whether it works on a machine.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(serial)]
pub(crate) struct Encoder {
    /// Identifies it on this machine.
    id: ID,
    /// Identifier of the catalog, as `Rendition.encoder` has it.
    name: String,
    /// Name for people.
    label: String,
    /// `software`, `nvenc` or `va`.
    kind: String,
    /// True if it has encoded real pictures there.
    works: bool,
    /// What was seen: the element in use, or why it does not work.
    reason: Option<String>,
    /// What to do about it; null if it works.
    advice: Option<String>,
    /// True for the one that is used unless another one is asked for.
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

/// A graphics card of a worker's machine, as it was when last looked at.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(serial)]
pub(crate) struct GraphicsCard {
    /// Identifies it on this machine.
    id: ID,
    /// The UUID of an NVIDIA card, the name of a render node: `card` in the figures.
    name: String,
    /// Name for people.
    label: String,
    /// `nvidia` or `va`.
    kind: String,
    /// Jobs of this worker that are on it.
    jobs: i32,
    /// Encoding sessions that jobs of this machine hold on it.
    sessions: i32,
    /// Sessions that may be open at once; null if that is not limited.
    session_limit: Option<i32>,
    /// Load of its encoder, 0 to 100; null if the driver does not tell.
    encoder_load: Option<i32>,
    /// Load of its decoder, 0 to 100; null if the driver does not tell.
    decoder_load: Option<i32>,
    /// Load of it as a whole, 0 to 100; null if the driver does not tell.
    load: Option<i32>,
    /// Memory in use, in bytes; null if the driver does not tell.
    memory_used_bytes: Option<BigInt>,
    /// Memory that it has, in bytes; null if the driver does not tell.
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

/// What came out within one minute.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(serial)]
pub(crate) struct ThroughputSample {
    /// The beginning of the minute.
    at: DateTime,
    /// Jobs that were done.
    finished: i32,
    /// Jobs that failed for good.
    failed: i32,
    /// Length of the videos that became ready, in seconds.
    media_seconds: f64,
    /// Time that their last attempts took, in seconds.
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

/// How much room everything takes.
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

    /// What has arrived of unfinished uploads, in bytes.
    async fn uploads_bytes(&self) -> BigInt {
        self.uploads_bytes.into()
    }

    /// Pictures that people chose or brought along, in bytes. They are measured when this is asked for.
    async fn thumbnails_bytes(&self, ctx: &Context<'_>) -> Result<BigInt> {
        Ok(free_room::thumbnails_bytes(app(ctx)?).await?.into())
    }

    /// What can be freed. It is measured when this is asked for.
    async fn freeable(&self, ctx: &Context<'_>) -> Result<Freeable> {
        let found = free_room::freeable(app(ctx)?, viewer(ctx)).await?;
        Ok(Freeable(found))
    }

    /// Bytes that are free where media are stored; null if that has no limit.
    async fn free_bytes(&self) -> Option<BigInt> {
        self.free_bytes.map(Into::into)
    }

    /// Videos.
    async fn videos(&self) -> i32 {
        int(self.usage.assets)
    }

    /// The videos that take the most room, the largest first.
    #[graphql(complexity = "1 + cost(first, None) * child_complexity")]
    async fn largest(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 0 to 100.", default_with = "Some(10)")] first: Option<i32>,
    ) -> Result<Vec<Video>> {
        let first = page("first", first.unwrap_or(10))?;
        Ok(Video::all(app(ctx)?.db.largest_assets(first).await?))
    }
}

/// How much room everything takes. Bytes of uploads are measured where they lie.
pub(crate) async fn storage_usage(app: &App) -> Result<StorageUsage> {
    let uploads_bytes = free_room::uploads_bytes(app).await?;
    let free = app.media.free_bytes().await;
    Ok(StorageUsage {
        usage: app.db.usage().await?,
        uploads_bytes,
        free_bytes: free.map(|free| i64::try_from(free).unwrap_or(i64::MAX)),
    })
}

/// What clients need to know about the server.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct ServerInfo {
    /// Its version.
    pub(crate) version: String,
    /// Its name.
    pub(crate) name: String,
    /// Largest video file that it accepts, in bytes.
    pub(crate) max_upload_bytes: BigInt,
    /// Path of the tus endpoint for resumable uploads.
    pub(crate) tus_url: String,
    /// True if people who are not signed in may look at public videos.
    pub(crate) anonymous_browsing: bool,
    /// True for a demonstration: accounts with the documented password may be used, and the server
    /// listens on its own machine only.
    pub(crate) demo: bool,
    /// True while an account has the documented password, which is refused but in a demonstration.
    /// Elsewhere only told to admins; false for everybody else.
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
