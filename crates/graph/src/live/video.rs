//! One video that is watched: a task reads its rows when they changed, puts the newest progress to
//! them, and makes the frame that all watchers get.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use clipsy_domain::asset::{Asset, AssetId, AssetState};
use clipsy_domain::job::{Job, Rendition};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::{AGAIN, LOOK_AGAIN, PACE, Progress};
use crate::app::App;
use crate::error::Result;
use crate::schema::group::Videos;

/// A video at one moment.
#[derive(Debug)]
pub(crate) struct Moment {
    /// Grows with each moment of one run of the task.
    pub(crate) seq: i64,
    pub(crate) scene: Arc<Scene>,
    /// Reads what the scene does not have, once for all watchers.
    pub(crate) group: Arc<Videos>,
}

/// Everything about a video that its watchers are shown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scene {
    pub(crate) asset: Arc<Asset>,
    /// Of an attempt that failed: as they were before that.
    pub(crate) renditions: Arc<[Rendition]>,
    /// The newest first.
    pub(crate) jobs: Arc<[Job]>,
    /// What its running attempt last told.
    pub(crate) live: Option<Arc<Progress>>,
    /// Place among the waiting, from 1.
    pub(crate) place: Option<i64>,
}

/// What watchers get.
#[derive(Debug, Clone)]
pub(crate) enum Frame {
    /// It was not read yet.
    Nothing,
    /// As it is now.
    Now(Arc<Moment>),
    /// It was deleted; there will be no more.
    Gone,
}

/// A video and its watchers.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) asset: AssetId,
    /// True if the rows may have changed since they were read.
    doubt: AtomicBool,
    wake: Notify,
    /// 0 while it does not wait, or is not known to.
    place: AtomicI64,
    waits: AtomicBool,
    frames: watch::Sender<Frame>,
}

/// Watches a video. The caller has checked that the viewer may see it.
pub(crate) fn watch(app: &App, asset: AssetId) -> watch::Receiver<Frame> {
    let mut all = app.watching.watched();
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
    let app = app.clone();
    tokio::spawn(async move { watched.keep(&app).await });
    receiver
}

impl Watched {
    /// Has the rows read again.
    pub(super) fn doubt(&self) {
        self.doubt.store(true, Ordering::SeqCst);
        self.wake.notify_one();
    }

    /// There is new progress.
    pub(super) fn told(&self) {
        self.wake.notify_one();
    }

    /// True if it waits in the queue.
    pub(super) fn waits(&self) -> bool {
        self.waits.load(Ordering::SeqCst)
    }

    /// Says where in the queue it is.
    pub(super) fn placed(&self, place: Option<i64>) {
        let place = place.unwrap_or(0);
        if self.place.swap(place, Ordering::SeqCst) != place {
            self.wake.notify_one();
        }
    }

    async fn keep(self: Arc<Self>, app: &App) {
        let mut scene: Option<Scene> = None;
        let mut shown: Option<Arc<Scene>> = None;
        let mut seq = 0;
        loop {
            let mut pause = PACE;
            if self.doubt.swap(false, Ordering::SeqCst) {
                match self.read(app, scene.as_ref()).await {
                    Ok(Some(read)) => scene = Some(read),
                    Ok(None) => {
                        app.watching.watched().remove(&self.asset);
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
                let scene = self.complete(app, scene);
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
                    let mut all = app.watching.watched();
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
    async fn read(&self, app: &App, before: Option<&Scene>) -> Result<Option<Scene>> {
        let Some(asset) = app.db.asset(self.asset).await? else {
            return Ok(None);
        };
        let jobs = app.db.jobs_of_assets(&[asset.id]).await?;
        let mut renditions: Arc<[Rendition]> = app.db.renditions(&[asset.id]).await?.into();
        let waits = asset.state == AssetState::Queued;
        let place = if waits {
            let places = app.db.queue_places(&[asset.id]).await?;
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
    fn complete(&self, app: &App, scene: &Scene) -> Scene {
        let attempt = scene.jobs.first().map(|job| job.attempt);
        let live = app.watching.progress(self.asset).filter(|live| {
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
