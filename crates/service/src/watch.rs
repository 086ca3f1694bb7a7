//! What changes at this moment, for everybody who watches: read once for each change, however many
//! they are.
//!
//! [`run`] listens to the event bus and keeps the newest progress of every running attempt. Who
//! watches a video gets a receiver of [`video::Frame`]s; one task a video reads the rows and makes
//! the frames. A receiver holds the newest frame only, so that a slow watcher costs nothing and
//! sees the latest state.

pub mod mine;
pub mod slot;
pub mod video;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clipsy_dispatch::{Message, Received};
use clipsy_domain::asset::AssetId;
use clipsy_domain::job::{Attempt, JobState};
use clipsy_domain::progress::{Event, RenditionProgress};
use clipsy_domain::worker::WorkerSign;
use clipsy_storage::QueueCounts;
use mine::Mine;
use slot::Slot;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use video::Watched;

use crate::Service;

/// Shortest time between two updates of one thing to the same watcher.
pub const PACE: Duration = Duration::from_millis(250);
/// Shortest time between two looks at who is where in the queue.
const PLACES: Duration = Duration::from_secs(1);
/// Wait after the database did not answer.
pub const AGAIN: Duration = Duration::from_secs(1);
/// What is watched is read again after that time even if nothing was heard of it.
pub const LOOK_AGAIN: Duration = Duration::from_mins(1);

/// What a running attempt last told.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// The attempt that told it.
    pub attempt: Attempt,
    /// The slowest rendition's percentage; `None` if the length of the source is not known.
    pub percent: Option<f64>,
    /// From the largest to the smallest.
    pub renditions: Vec<RenditionProgress>,
}

/// The queue as its watchers see it.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueState {
    /// Jobs by what they wait for.
    pub counts: QueueCounts,
    /// Jobs that can run side by side, over all workers.
    pub slots: i64,
}

/// Everything that is watched.
#[derive(Debug)]
pub struct Live {
    /// By asset; one for each running attempt that has told something.
    running: Mutex<HashMap<AssetId, Arc<Progress>>>,
    watched: Mutex<HashMap<AssetId, Arc<Watched>>>,
    places: Notify,
    /// People who watch all their videos.
    pub mine: Mine,
    /// The queue, for operators.
    pub queue: Arc<Slot<QueueState>>,
    /// The workers, for operators.
    pub workers: Arc<Slot<Vec<WorkerSign>>>,
}

impl Live {
    pub(crate) fn new() -> Self {
        Self {
            running: Mutex::default(),
            watched: Mutex::default(),
            places: Notify::new(),
            mine: Mine::default(),
            queue: Slot::new(),
            workers: Slot::new(),
        }
    }

    /// What the asset's running attempt last told.
    pub fn progress(&self, asset: AssetId) -> Option<Arc<Progress>> {
        self.running().get(&asset).cloned()
    }

    fn running(&self) -> MutexGuard<'_, HashMap<AssetId, Arc<Progress>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watched(&self) -> MutexGuard<'_, HashMap<AssetId, Arc<Watched>>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has everything that is watched read again.
    fn doubt_all(&self) {
        for watched in self.watched().values() {
            watched.doubt();
        }
        self.mine.doubt_all();
        self.queue.doubt();
        self.workers.doubt();
        self.places.notify_one();
    }
}

/// Does what people wait for in a task of its own. If it panics it is begun again: whoever waits for
/// what it gives would wait for ever.
pub(crate) fn keep<F>(what: &'static str, begin: impl Fn() -> F + Send + 'static) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    keep_up(what, AGAIN, begin)
}

fn keep_up<F>(
    what: &'static str,
    pause: Duration,
    begin: impl Fn() -> F + Send + 'static,
) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    tokio::spawn(async move {
        while let Err(error) = tokio::spawn(begin()).await {
            if error.is_cancelled() {
                return;
            }
            tracing::error!(%error, what, "it panicked and is begun again");
            tokio::time::sleep(pause).await;
        }
    })
}

/// Listens to the event bus until `stop`.
pub async fn run(service: Service, stop: CancellationToken) {
    let mut events = service.dispatch.events.subscribe();
    // Whoever watched before this has not been told anything.
    service.watch.doubt_all();
    let listen = async {
        while let Some(received) = events.next().await {
            match received {
                Received::Message(message) => heard(&service, &message).await,
                Received::Lagged(lost) => {
                    tracing::warn!(lost, "live updates fell behind; everything is read again");
                    service.watch.running().clear();
                    service.watch.doubt_all();
                }
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = listen => {}
        () = keep_places(&service) => {}
    }
}

async fn heard(service: &Service, message: &Message) {
    let live = &service.watch;
    match message {
        Message::Progress {
            asset_id,
            attempt,
            event,
            ..
        } => progress(live, *asset_id, *attempt, event),
        Message::JobChanged { asset_id, .. } => {
            drop_if_over(service, *asset_id).await;
            live.changed(service, *asset_id).await;
            live.queue.doubt();
            live.places.notify_one();
        }
        Message::AssetChanged { asset_id } => live.changed(service, *asset_id).await,
        Message::AssetDeleted { asset_id } => {
            live.running().remove(asset_id);
            if let Some(watched) = live.watched().get(asset_id) {
                watched.doubt();
            }
            live.mine.deleted(*asset_id);
            live.queue.doubt();
            live.places.notify_one();
        }
        Message::QueueChanged => live.queue.doubt(),
        Message::WorkerChanged { .. } => {
            live.workers.doubt();
            live.queue.doubt();
        }
        Message::CancelJob { .. } => {}
    }
}

impl Live {
    async fn changed(&self, service: &Service, asset: AssetId) {
        if let Some(watched) = self.watched().get(&asset) {
            watched.doubt();
        }
        self.mine.changed(service, asset).await;
    }
}

/// Keeps what a running attempt tells. What an earlier one says is out of date.
fn progress(live: &Live, asset: AssetId, attempt: Attempt, event: &Event) {
    let told = match event {
        Event::Progress {
            percent,
            renditions,
            ..
        } => Progress {
            attempt,
            percent: *percent,
            renditions: renditions.clone(),
        },
        // An attempt begins, or begins again on another encoder.
        Event::Probed { .. } | Event::EncoderSelected { .. } => Progress {
            attempt,
            percent: None,
            renditions: Vec::new(),
        },
        _ => return,
    };
    {
        let mut running = live.running();
        if running
            .get(&asset)
            .is_some_and(|known| known.attempt > attempt)
        {
            return;
        }
        running.insert(asset, Arc::new(told));
    }
    if let Some(watched) = live.watched().get(&asset) {
        watched.told();
    }
}

/// Forgets what an attempt told once it no longer runs.
async fn drop_if_over(service: &Service, asset: AssetId) {
    let Some(known) = service.watch.progress(asset) else {
        return;
    };
    let runs = match service.db.job_of_asset(asset).await {
        Ok(job) => {
            job.is_some_and(|job| job.state == JobState::Running && job.attempt == known.attempt)
        }
        Err(error) => {
            tracing::warn!(%error, asset_id = asset, "could not read a job");
            true
        }
    };
    if !runs {
        let mut running = service.watch.running();
        // A later attempt may have begun to tell meanwhile.
        if running
            .get(&asset)
            .is_some_and(|now| now.attempt <= known.attempt)
        {
            running.remove(&asset);
        }
    }
}

/// Tells everybody who waits in the queue where they are, with one statement for all.
async fn keep_places(service: &Service) {
    loop {
        service.watch.places.notified().await;
        let waiting: Vec<Arc<Watched>> = service
            .watch
            .watched()
            .values()
            .filter(|watched| watched.waits())
            .cloned()
            .collect();
        if !waiting.is_empty() {
            match service.db.assets_in_queue().await {
                Ok(queue) => {
                    let places: HashMap<AssetId, i64> = queue.into_iter().zip(1..).collect();
                    for watched in waiting {
                        watched.placed(places.get(&watched.asset).copied());
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "could not read the queue");
                    service.watch.places.notify_one();
                }
            }
        }
        tokio::time::sleep(PLACES).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn what_panics_is_begun_again() {
        let runs = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&runs);
        let kept = keep_up("a test", Duration::ZERO, move || {
            let run = counted.fetch_add(1, Ordering::SeqCst);
            async move { assert!(run == 2, "not yet") }
        });
        kept.await.unwrap();
        assert_eq!(runs.load(Ordering::SeqCst), 3);
    }
}
