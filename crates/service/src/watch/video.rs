//! One video that is watched: a task reads its rows when they changed, puts the newest progress to
//! them, and makes the frame that all watchers get.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use clipsy_domain::asset::{Asset, AssetId, AssetState};
use clipsy_domain::job::{Job, Rendition};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::{AGAIN, LOOK_AGAIN, PACE, Progress};
use crate::Service;
use crate::error::Result;
use crate::videos::group::Videos;

/// A video at one moment.
#[derive(Debug)]
pub struct Moment {
    /// Grows with each moment of one run of the task.
    pub seq: i64,
    /// What is shown.
    pub scene: Arc<Scene>,
    /// Reads what the scene does not have, once for all watchers.
    pub group: Arc<Videos>,
}

/// Everything about a video that its watchers are shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// The row.
    pub asset: Arc<Asset>,
    /// Of an attempt that failed: as they were before that.
    pub renditions: Arc<[Rendition]>,
    /// The newest first.
    pub jobs: Arc<[Job]>,
    /// What its running attempt last told.
    pub live: Option<Arc<Progress>>,
    /// Place among the waiting, from 1.
    pub place: Option<i64>,
}

/// What watchers get.
#[derive(Debug, Clone)]
pub enum Frame {
    /// It was not read yet.
    Nothing,
    /// As it is now.
    Now(Arc<Moment>),
    /// It was deleted; there will be no more.
    Gone,
}

/// A video and its watchers.
#[derive(Debug)]
pub struct Watched {
    /// The video.
    pub asset: AssetId,
    /// True if the rows may have changed since they were read.
    doubt: AtomicBool,
    wake: Notify,
    /// 0 while it does not wait, or is not known to.
    place: AtomicI64,
    waits: AtomicBool,
    frames: watch::Sender<Frame>,
}

/// Watches a video. The caller has checked that the viewer may see it.
pub fn watch(service: &Service, asset: AssetId) -> watch::Receiver<Frame> {
    let mut all = service.watch.watched();
    if let Some(watched) = all.get(&asset) {
        return watched.frames.subscribe();
    }
    let watched = Arc::new(Watched {
        asset,
        doubt: AtomicBool::new(true),
        wake: Notify::new(),
        place: AtomicI64::new(0),
        waits: AtomicBool::new(false),
        frames: watch::Sender::new(Frame::Nothing),
    });
    let receiver = watched.frames.subscribe();
    all.insert(asset, Arc::clone(&watched));
    drop(all);
    let service = service.clone();
    super::keep("a watched video", move || {
        let (watched, service) = (Arc::clone(&watched), service.clone());
        watched.doubt();
        async move { watched.keep(&service).await }
    });
    receiver
}

impl Watched {
    /// Has the rows read again.
    pub fn doubt(&self) {
        self.doubt.store(true, Ordering::SeqCst);
        self.wake.notify_one();
    }

    /// There is new progress.
    pub fn told(&self) {
        self.wake.notify_one();
    }

    /// True if it waits in the queue.
    pub fn waits(&self) -> bool {
        self.waits.load(Ordering::SeqCst)
    }

    /// Says where in the queue it is.
    pub fn placed(&self, place: Option<i64>) {
        let place = place.unwrap_or(0);
        if self.place.swap(place, Ordering::SeqCst) != place {
            self.wake.notify_one();
        }
    }

    async fn keep(self: Arc<Self>, service: &Service) {
        let mut scene: Option<Scene> = None;
        let mut shown: Option<Arc<Scene>> = None;
        let mut seq = 0;
        loop {
            let mut pause = PACE;
            if self.doubt.swap(false, Ordering::SeqCst) {
                match self.read(service, scene.as_ref()).await {
                    Ok(Some(read)) => scene = Some(read),
                    Ok(None) => {
                        service.watch.watched().remove(&self.asset);
                        self.frames.send_replace(Frame::Gone);
                        return;
                    }
                    Err(error) => {
                        tracing::warn!(%error, asset_id = self.asset, "could not read a video");
                        self.doubt();
                        pause = AGAIN;
                    }
                }
            }
            if let Some(scene) = &scene {
                let scene = self.complete(service, scene);
                if shown.as_deref() != Some(&scene) {
                    seq += 1;
                    let scene = Arc::new(scene);
                    shown = Some(Arc::clone(&scene));
                    let group = Videos::of_scene(Arc::clone(&scene));
                    let moment = Arc::new(Moment { seq, scene, group });
                    self.frames.send_replace(Frame::Now(moment));
                }
            }
            let earliest = Instant::now() + pause;
            let unwatched = async {
                self.frames.closed().await;
                // Whoever comes back at once, as after a lost connection, finds it running.
                sleep(AGAIN).await;
            };
            tokio::select! {
                () = self.wake.notified() => sleep_until(earliest).await,
                () = sleep(LOOK_AGAIN) => self.doubt.store(true, Ordering::SeqCst),
                () = unwatched => {
                    let mut all = service.watch.watched();
                    // Nobody can come while the map is held.
                    if self.frames.receiver_count() == 0 {
                        all.remove(&self.asset);
                        return;
                    }
                }
            }
        }
    }

    /// The rows as they are; `None` if there is no such video any more.
    async fn read(&self, service: &Service, before: Option<&Scene>) -> Result<Option<Scene>> {
        let Some(asset) = service.db.asset(self.asset).await? else {
            return Ok(None);
        };
        let jobs = service.db.jobs_of_assets(&[asset.id]).await?;
        let mut renditions: Arc<[Rendition]> = service.db.renditions(&[asset.id]).await?.into();
        let waits = asset.state == AssetState::Queued;
        let place = if waits {
            let places = service.db.queue_places(&[asset.id]).await?;
            places.first().map(|(_, place)| *place)
        } else {
            None
        };
        self.place.store(place.unwrap_or(0), Ordering::SeqCst);
        self.waits.store(waits, Ordering::SeqCst);
        // The rows of an attempt that ended badly are gone; its watchers still see what it was at.
        let ended = matches!(
            asset.state,
            AssetState::Failed | AssetState::Cancelled | AssetState::Queued
        );
        if let Some(before) = before
            && ended
            && renditions.is_empty()
        {
            renditions = Arc::clone(&before.renditions);
        }
        Ok(Some(Scene {
            asset: Arc::new(asset),
            renditions,
            jobs: jobs.into(),
            live: None,
            place,
        }))
    }

    /// Puts to the rows what is known in memory.
    fn complete(&self, service: &Service, scene: &Scene) -> Scene {
        let attempt = scene.jobs.first().map(|job| job.attempt);
        let live = service.watch.progress(self.asset).filter(|live| {
            scene.asset.state == AssetState::Processing && Some(live.attempt) == attempt
        });
        let place = self.place.load(Ordering::SeqCst);
        Scene {
            live,
            place: (scene.asset.state == AssetState::Queued && place > 0).then_some(place),
            ..scene.clone()
        }
    }
}
