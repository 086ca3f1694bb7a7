//! Videos.
#![expect(
    clippy::unused_async,
    reason = "async-graphql wants all resolvers to be async"
)]

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};
use clipsy_domain::asset::{Asset, AssetState, Visibility as See};
use clipsy_domain::failure;
use clipsy_domain::media_key;

use super::asked::{app, headers, maybe_signed_in, viewer};
use super::captions::Captions;
use super::errors::Result;
use super::ids::Global;
use super::job::Job;
use super::names::{VideoState, Visibility};
use super::progress::{self, Progress, Rendition};
use super::scalars::{BigInt, DateTime, int};
use super::tracks::{Tracks, Warning};
use super::user::User;
use clipsy_http::Address;
use clipsy_service::error::Error;
use clipsy_service::videos::group::{Jobs, Videos};
use clipsy_service::videos::link_playback::playback_prefix;

/// A video, see its [`Object`].
#[derive(Debug, Clone)]
pub(crate) struct Video {
    pub(crate) asset: Arc<Asset>,
    /// Those that came with it.
    pub(crate) group: Arc<Videos>,
}

impl Video {
    /// A video by itself.
    pub(crate) fn alone(asset: Asset) -> Self {
        let asset = Arc::new(asset);
        Self {
            group: Videos::new(vec![Arc::clone(&asset)]),
            asset,
        }
    }

    /// Videos of one list.
    pub(crate) fn all(assets: Vec<Asset>) -> Vec<Self> {
        let group = Videos::new(assets.into_iter().map(Arc::new).collect());
        let one = |asset: &Arc<Asset>| Self {
            asset: Arc::clone(asset),
            group: Arc::clone(&group),
        };
        group.assets.iter().map(one).collect()
    }

    fn may_manage(&self, ctx: &Context<'_>) -> bool {
        viewer(ctx).may_manage(&self.asset)
    }
}

/// A video.
#[Object(serial)]
impl Video {
    /// Global id.
    pub(crate) async fn id(&self) -> ID {
        Global::Video(self.asset.id).into()
    }

    /// Its number, as in `/api/videos/{number}/` and `/media/videos/processed/{number}/`.
    async fn number(&self) -> i32 {
        int(self.asset.id)
    }

    /// Title, 1 to 255 characters.
    async fn title(&self) -> &str {
        &self.asset.title
    }

    /// Description, may be empty.
    async fn description(&self) -> &str {
        &self.asset.description
    }

    /// What its owner puts it under, in the owner's order.
    async fn tags(&self) -> &[String] {
        &self.asset.tags
    }

    /// Who may see it.
    async fn visibility(&self) -> Visibility {
        self.asset.visibility.into()
    }

    /// Its state.
    async fn state(&self) -> VideoState {
        self.asset.state.into()
    }

    /// True once it can be played, which may be before it is `READY`.
    async fn playable(&self) -> bool {
        self.asset.playable
    }

    /// Why it failed; null unless it failed.
    async fn failure(&self, ctx: &Context<'_>) -> Option<Failure> {
        let own = self.may_manage(ctx);
        let failure = self.asset.failure.as_ref();
        failure.map(|failure| Failure::of(failure, own))
    }

    /// The account that uploaded it.
    async fn owner(&self, ctx: &Context<'_>) -> Result<User> {
        let owner = self.asset.owner_id;
        let user = self.group.owner(app(ctx)?, owner).await?;
        let user = user.ok_or_else(|| Error::internal("a video has no owner"))?;
        Ok(User {
            account: user,
            group: self.group.users(),
            proved: false,
        })
    }

    /// Duration in seconds; null until known.
    async fn duration(&self) -> Option<f64> {
        self.asset.duration_s
    }

    /// Display width in pixels, after rotation; null until known.
    async fn width(&self) -> Option<i32> {
        self.asset.width.map(int)
    }

    /// Display height in pixels, after rotation; null until known.
    async fn height(&self) -> Option<i32> {
        self.asset.height.map(int)
    }

    /// Frames per second; null until known.
    async fn fps(&self) -> Option<f64> {
        self.asset.fps
    }

    /// Number of plays.
    async fn views(&self) -> i32 {
        int(self.asset.views)
    }

    /// When its upload was completed.
    async fn created_at(&self) -> DateTime {
        self.asset.created_at.into()
    }

    /// When it was last changed; plays are not changes.
    async fn updated_at(&self) -> DateTime {
        self.asset.updated_at.into()
    }

    /// The uploaded file.
    async fn source(&self, ctx: &Context<'_>) -> Result<Source> {
        let asset = &self.asset;
        let own = self.may_manage(ctx);
        let download = media_key::original_url(asset);
        Ok(Source {
            filename: own.then(|| asset.source_name.clone()),
            content_type: asset.source_type.clone(),
            bytes: asset.source_bytes.into(),
            sha256: asset.source_sha256.clone().filter(|_| own),
            download_url: if own {
                Some(Paths::of(ctx, asset)?.path(&download))
            } else {
                None
            },
        })
    }

    /// The streams of the file that the current or last attempt uses, and those it does not; null
    /// until planned. Visible to its owner and admins only.
    async fn tracks(&self, ctx: &Context<'_>) -> Option<Tracks> {
        let tracks = self.asset.notes.tracks.as_ref();
        tracks.filter(|_| self.may_manage(ctx)).map(Tracks::from)
    }

    /// Warnings of that attempt in order, each code once. Visible to its owner and admins only,
    /// otherwise empty.
    async fn warnings(&self, ctx: &Context<'_>) -> Vec<Warning> {
        if !self.may_manage(ctx) {
            return Vec::new();
        }
        self.asset
            .notes
            .warnings
            .iter()
            .map(Warning::from)
            .collect()
    }

    /// Renditions, planned or encoded, from the largest to the smallest; empty until planned.
    async fn renditions(&self, ctx: &Context<'_>) -> Result<Vec<Rendition>> {
        progress::renditions(app(ctx)?, self, self.may_manage(ctx)).await
    }

    /// Progress of processing; null unless queued or being processed.
    async fn progress(&self, ctx: &Context<'_>) -> Result<Option<Progress>> {
        progress::progress(app(ctx)?, self).await
    }

    /// Paths for playing it; null until it is playable.
    async fn playback(&self, ctx: &Context<'_>) -> Result<Option<Playback>> {
        let asset = &self.asset;
        if !asset.playable {
            return Ok(None);
        }
        let paths = Paths::of(ctx, asset)?;
        let storyboard = || paths.path(&media_key::storyboard_url(asset));
        Ok(Some(Playback {
            hls_url: paths.path(&media_key::master_url(asset)),
            thumbnail_url: media_key::thumbnail_url(asset).map(|path| paths.path(&path)),
            storyboard_url: asset.has_storyboard.then(storyboard),
            expires_at: paths.expires_at,
        }))
    }

    /// Path of its poster image: the one set by a user, or the automatic one; null until there is
    /// one. The path changes with the image. For a private video it is signed and valid for at
    /// least an hour.
    async fn thumbnail_url(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        let Some(path) = media_key::thumbnail_url(&self.asset) else {
            return Ok(None);
        };
        let paths = Paths::of(ctx, &self.asset)?;
        Ok(Some(paths.path(&path)))
    }

    /// Path to which an image is uploaded by PUT, with the access token, to become the poster: the
    /// bytes of a JPEG, PNG or WebP of at most 10 MiB and 40 megapixels. DELETE is the same as
    /// `resetThumbnail`. Visible to those who may edit the video.
    async fn thumbnail_upload_url(&self, ctx: &Context<'_>) -> Option<String> {
        let path = format!("/api/videos/{}/thumbnail/", self.asset.id);
        self.may_manage(ctx)
            .then(|| headers(ctx).address.path(&path))
    }

    /// True if its poster image was chosen or uploaded by a user.
    async fn thumbnail_chosen(&self) -> bool {
        self.asset.chosen_thumbnail.is_some()
    }

    /// Its captions by language and kind. For a private video their paths are signed like those for playing it.
    async fn captions(&self, ctx: &Context<'_>) -> Result<Vec<Captions>> {
        if self.asset.captions.is_empty() {
            return Ok(Vec::new());
        }
        let paths = Paths::of(ctx, &self.asset)?;
        let tracks = self.asset.captions.iter().map(|track| {
            let path = media_key::captions_url(&self.asset, track);
            Captions::of(track, paths.path(&path))
        });
        Ok(tracks.collect())
    }

    /// Path to which captions are uploaded by PUT, with the access token, where `{language}` stands for a
    /// language tag; see the REST API. Visible to those who may edit the video.
    async fn captions_upload_url(&self, ctx: &Context<'_>) -> Option<String> {
        let path = format!("/api/videos/{}/captions/{{language}}.vtt", self.asset.id);
        self.may_manage(ctx)
            .then(|| headers(ctx).address.path(&path))
    }

    /// Path of its page for sharing. While it is unlisted, this is its secret link, visible only to
    /// its owner, admins and those who opened the link.
    async fn url(&self, ctx: &Context<'_>) -> String {
        let path = format!("/watch/{}", media_key::page_name(&self.asset));
        headers(ctx).address.path(&path)
    }

    /// Path of its player page for embedding in frames. Contains the link key while the video is
    /// unlisted.
    async fn embed_url(&self, ctx: &Context<'_>) -> String {
        let path = format!("/embed/{}", media_key::page_name(&self.asset));
        headers(ctx).address.path(&path)
    }

    /// True if the viewer may change and delete it.
    async fn can_edit(&self, ctx: &Context<'_>) -> bool {
        self.may_manage(ctx)
    }

    /// True if it is queued or processing and the viewer may cancel that.
    async fn can_cancel(&self, ctx: &Context<'_>) -> bool {
        self.may_manage(ctx) && self.asset.state.can_cancel()
    }

    /// True if it failed or was cancelled and the viewer may retry it.
    async fn can_retry(&self, ctx: &Context<'_>) -> bool {
        self.may_manage(ctx) && self.asset.state.can_retry()
    }

    /// Number of processing attempts so far.
    async fn attempts(&self, ctx: &Context<'_>) -> Result<i32> {
        let jobs = self.group.jobs(app(ctx)?, self.asset.id).await?;
        Ok(progress::attempt(&jobs))
    }

    /// Its jobs, the newest first; visible to its owner and admins only, otherwise empty.
    async fn jobs(&self, ctx: &Context<'_>) -> Result<Vec<Job>> {
        if !self.may_manage(ctx) {
            return Ok(Vec::new());
        }
        let jobs = self.group.jobs(app(ctx)?, self.asset.id).await?;
        let group = Jobs::of(Arc::clone(&self.group));
        let one = |job: &clipsy_domain::job::Job| Job {
            job: Arc::new(job.clone()),
            group: Arc::clone(&group),
        };
        Ok(jobs.iter().map(one).collect())
    }
}

/// The uploaded file.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct Source {
    /// File name on the uploader's machine; visible to the owner and admins only.
    filename: Option<String>,
    /// Its media type, e.g. `video/mp4`.
    content_type: String,
    /// Its size in bytes.
    bytes: BigInt,
    /// SHA-256 in lower-case hexadecimal, if computed; visible to the owner and admins only.
    sha256: Option<String>,
    /// Download path; visible to the owner and admins only.
    download_url: Option<String>,
}

/// Paths for playing a video.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct Playback {
    /// Path of the multivariant playlist (HLS). For a private video it is signed and works for
    /// anyone who has it until `expiresAt`, as do the files that the playlist refers to.
    hls_url: String,
    /// Path of the poster image; null if there is none.
    thumbnail_url: Option<String>,
    /// Path of the storyboard, a `WebVTT` file that lists images; null if there is none.
    storyboard_url: Option<String>,
    /// When the paths expire; null if they do not.
    expires_at: Option<DateTime>,
}

/// Why processing of a video failed.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(serial)]
pub(crate) struct Failure {
    /// Stable code, e.g. `no_video_stream`.
    code: String,
    /// One sentence that describes the failure.
    message: String,
    /// What to do about it.
    advice: String,
    /// The stage that failed: `probe`, `plan`, `transcode` or `publish`.
    stage: String,
    /// True if a retry may succeed.
    retryable: bool,
    /// Details about this video; visible to the owner and admins only.
    detail: Option<String>,
    /// Last lines of the processing log, if any; visible to the owner and admins only.
    log: Option<Vec<String>>,
}

impl Failure {
    /// `own`: the viewer is told everything.
    pub(crate) fn of(failure: &failure::Failure, own: bool) -> Self {
        Self {
            code: failure.code.as_str().to_owned(),
            message: failure.code.sentence().to_owned(),
            advice: failure.code.advice().to_owned(),
            stage: failure.stage.as_str().to_owned(),
            retryable: failure.retryable,
            detail: own.then(|| failure.message.clone()),
            log: (own && !failure.log.is_empty()).then(|| failure.log.clone()),
        }
    }
}

/// Paths of one video for one viewer.
struct Paths {
    address: Address,
    /// Stands in for `/media`.
    prefix: Option<String>,
    expires_at: Option<DateTime>,
}

impl Paths {
    /// What everybody may see, or whoever has the link, needs no signature.
    fn of(ctx: &Context<'_>, asset: &Asset) -> Result<Self> {
        let address = headers(ctx).address;
        if asset.visibility != See::Private {
            return Ok(Self {
                address,
                prefix: None,
                expires_at: None,
            });
        }
        let (prefix, expires_at) = playback_prefix(app(ctx)?, maybe_signed_in(ctx), asset)?;
        Ok(Self {
            address,
            prefix: Some(prefix),
            expires_at: Some(expires_at.into()),
        })
    }

    fn path(&self, path: &str) -> String {
        match &self.prefix {
            Some(prefix) => self.address.path(&media_key::behind(prefix, path)),
            None => self.address.path(path),
        }
    }
}

/// True while there is progress to tell of.
pub(crate) fn in_progress(state: AssetState) -> bool {
    matches!(state, AssetState::Queued | AssetState::Processing)
}
