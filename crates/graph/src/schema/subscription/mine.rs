//! All videos of the viewer.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use async_graphql::{Context, ID, SimpleObject, Subscription};
use clipsy_domain::asset::{Asset, AssetId};
use clipsy_domain::user::UserId;
use clipsy_service::error;
use clipsy_service::watch::mine::{Changes, Watcher};
use clipsy_service::watch::{AGAIN, PACE};
use futures_util::Stream;
use futures_util::stream;
use tokio::time::{Instant, sleep_until};

use super::super::asked::{app, signed_in};
use super::super::errors::Result;
use super::super::ids::Global;
use super::super::names::VideoChangeKind;
use super::super::video::Video;
use crate::app::App;

/// All videos of the viewer.
#[derive(Debug, Default)]
pub(super) struct MyVideos;

/// A change to one of the viewer's videos.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct VideoChange {
    /// What happened to it.
    kind: VideoChangeKind,
    /// Its global id.
    video_id: ID,
    /// The current video; null if it was deleted.
    video: Option<Video>,
}

#[Subscription]
impl MyVideos {
    /// Changes to the state and metadata of the viewer's videos; see `videoProgress` for their
    /// progress. Requires signing in.
    async fn my_videos(
        &self,
        ctx: &Context<'_>,
    ) -> Result<impl Stream<Item = VideoChange> + use<>> {
        let app = app(ctx)?.clone();
        let owner = signed_in(ctx)?.user.id;
        // Listening starts before reading, so that nothing can come in between.
        let watcher = app.watch.mine.watch(owner);
        let known = app.db.asset_ids_of(owner).await?;
        let mine = Mine {
            app,
            owner,
            watcher,
            known: known.into_iter().map(|id| (id, None)).collect(),
            untold: VecDeque::new(),
            earliest: Instant::now(),
        };
        Ok(stream::unfold(mine, async |mut mine| {
            let change = mine.next().await;
            Some((change, mine))
        }))
    }
}

/// One who watches.
struct Mine {
    app: App,
    owner: UserId,
    watcher: Arc<Watcher>,
    /// The viewer's videos, with a mark of what was last told of each.
    known: BTreeMap<AssetId, Option<u64>>,
    /// At most as many as were read at once.
    untold: VecDeque<VideoChange>,
    /// Not to look again before then.
    earliest: Instant,
}

impl Mine {
    async fn next(&mut self) -> VideoChange {
        loop {
            if let Some(change) = self.untold.pop_front() {
                return change;
            }
            // What happens meanwhile to the same video is one change.
            sleep_until(self.earliest).await;
            let changes = self.watcher.next().await;
            let mut pause = PACE;
            if let Err(error) = self.look(&changes).await {
                tracing::warn!(%error, "could not read the videos of a watcher");
                self.watcher.give_back(changes);
                pause = AGAIN;
            }
            self.earliest = Instant::now() + pause;
        }
    }

    /// Reads what may have changed and notes what did.
    async fn look(&mut self, changes: &Changes) -> error::Result<()> {
        let mut ids: Vec<AssetId> = changes.assets.iter().copied().collect();
        if changes.all {
            ids.extend(self.known.keys());
            ids.extend(self.app.db.asset_ids_of(self.owner).await?);
            ids.sort_unstable();
            ids.dedup();
        }
        let assets = self.app.db.assets_by_id(&ids).await?;
        let there: Vec<AssetId> = assets.iter().map(|asset| asset.id).collect();
        for id in ids.into_iter().filter(|id| !there.contains(id)) {
            if self.known.remove(&id).is_some() {
                self.untold.push_back(VideoChange {
                    kind: VideoChangeKind::Deleted,
                    video_id: Global::Video(id).into(),
                    video: None,
                });
            }
        }
        let mine = assets.into_iter().filter(|a| a.owner_id == self.owner);
        for video in Video::all(mine.collect()) {
            let mark = mark(&video.asset);
            let kind = match self.known.insert(video.asset.id, Some(mark)) {
                None => VideoChangeKind::Created,
                Some(before) if before == Some(mark) => continue,
                // Nobody knows how it was before; with all in doubt that is no news.
                Some(None) if changes.all && !changes.assets.contains(&video.asset.id) => continue,
                Some(_) => VideoChangeKind::Updated,
            };
            self.untold.push_back(VideoChange {
                kind,
                video_id: Global::Video(video.asset.id).into(),
                video: Some(video),
            });
        }
        Ok(())
    }
}

/// Stands for everything about an asset that counts as a change.
fn mark(asset: &Asset) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&asset.title, &asset.description, asset.visibility).hash(&mut hasher);
    (asset.state, asset.playable, &asset.output_revision).hash(&mut hasher);
    asset.output_attempt.hash(&mut hasher);
    (asset.has_thumbnail, asset.has_storyboard).hash(&mut hasher);
    asset.chosen_thumbnail.hash(&mut hasher);
    (asset.width, asset.height).hash(&mut hasher);
    (asset.duration_s.map(f64::to_bits)).hash(&mut hasher);
    asset.failure.as_ref().map(|f| f.code).hash(&mut hasher);
    hasher.finish()
}
