//! One video.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Subscription};
use clipsy_domain::user::Viewer;
use clipsy_service::error::Error;
use clipsy_service::videos::find_video::{Named, find_named};
use clipsy_service::watch::video::{Frame, Moment, watch};
use futures_util::Stream;
use futures_util::stream;

use super::super::asked::{app, viewer};
use super::super::errors::Result;
use super::super::ids;
use super::super::names::VideoState;
use super::super::progress::{self, Progress, Rendition};
use super::super::scalars::int;
use super::super::video::{Failure, Video};

/// One video.
#[derive(Debug, Default)]
pub(super) struct OneVideo;

#[Subscription]
impl OneVideo {
    /// Progress of a video: first its current state, then its changes, at most four a second; the
    /// last change is always sent. Completes when the video is deleted or no longer visible to the
    /// viewer.
    async fn video_progress(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Global id or number of the video, or the key of an unlisted video's link."
        )]
        id: ID,
    ) -> Result<impl Stream<Item = VideoProgress> + use<>> {
        let app = app(ctx)?;
        let viewer = viewer(ctx);
        let named = ids::named(&id).ok_or(Error::NotFound)?;
        let asset = find_named(app, viewer, &named).await?;
        Ok(updates(watch(app, asset.id), viewer, named))
    }
}

/// The frames that a viewer may see, until there are no more of them.
fn updates(
    frames: tokio::sync::watch::Receiver<Frame>,
    viewer: Viewer,
    named: Named,
) -> impl Stream<Item = VideoProgress> {
    let start = (frames, named, true);
    stream::unfold(start, move |(mut frames, named, first)| async move {
        // What was there before is what the first one waits for least.
        let mut look = first;
        loop {
            if !look && frames.changed().await.is_err() {
                return None;
            }
            look = false;
            let frame = frames.borrow_and_update().clone();
            match frame {
                Frame::Nothing => {}
                Frame::Now(moment) if named.opens(viewer, &moment.scene.asset) => {
                    return Some((VideoProgress(moment), (frames, named, false)));
                }
                Frame::Gone | Frame::Now(_) => return None,
            }
        }
    })
}

/// How far a video is, see its [`Object`].
#[derive(Debug)]
pub(crate) struct VideoProgress(Arc<Moment>);

impl VideoProgress {
    fn whole(&self) -> Video {
        let scene = &self.0.scene;
        Video {
            asset: Arc::clone(&scene.asset),
            group: Arc::clone(&self.0.group),
        }
    }
}

/// Progress of a video at one time.
#[Object(serial)]
impl VideoProgress {
    /// Sequence number, increasing within a subscription.
    async fn seq(&self) -> i32 {
        int(self.0.seq)
    }

    /// The full video, for updating client caches.
    async fn video(&self) -> Video {
        self.whole()
    }

    /// Its state.
    async fn state(&self) -> VideoState {
        self.0.scene.asset.state.into()
    }

    /// True once it can be played.
    async fn playable(&self) -> bool {
        self.0.scene.asset.playable
    }

    /// 0 to 100, of the slowest rendition; null if the duration of the video is unknown or it is
    /// neither queued nor being processed. Reaches 100 only when the video is `READY`.
    async fn percent(&self, ctx: &Context<'_>) -> Result<Option<f64>> {
        Ok(self.progress(ctx).await?.and_then(|p| p.percent))
    }

    /// Estimated remaining seconds at the recent speed; null if unknown.
    async fn eta_seconds(&self, ctx: &Context<'_>) -> Result<Option<f64>> {
        Ok(self.progress(ctx).await?.and_then(|p| p.eta_seconds))
    }

    /// Position in the queue, from 1; null unless queued.
    async fn queue_position(&self, ctx: &Context<'_>) -> Result<Option<i32>> {
        Ok(self.progress(ctx).await?.and_then(|p| p.queue_position))
    }

    /// `queued`, `probing`, `transcoding` or `publishing`; null when nothing is pending.
    async fn stage(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(self.progress(ctx).await?.and_then(|p| p.stage))
    }

    /// Number of the current or last attempt; 0 before the first.
    async fn attempt(&self) -> i32 {
        progress::attempt(&self.0.scene.jobs)
    }

    /// Renditions, planned or encoded, from the largest to the smallest. Those of a failed attempt
    /// are kept with their error.
    async fn renditions(&self, ctx: &Context<'_>) -> Result<Vec<Rendition>> {
        let own = viewer(ctx).may_manage(&self.0.scene.asset);
        progress::renditions(app(ctx)?, &self.whole(), own).await
    }

    /// Why it failed; null unless it failed.
    async fn failure(&self, ctx: &Context<'_>) -> Option<Failure> {
        let asset = &self.0.scene.asset;
        let own = viewer(ctx).may_manage(asset);
        asset.failure.as_ref().map(|f| Failure::of(f, own))
    }
}

impl VideoProgress {
    async fn progress(&self, ctx: &Context<'_>) -> Result<Option<Progress>> {
        progress::progress(app(ctx)?, &self.whole()).await
    }
}
