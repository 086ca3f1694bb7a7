//! Videos as the original product writes them, and what was added since.

use chrono::{SecondsFormat, Timelike as _};
use clipsy_domain::asset::{Asset, AssetState};
use clipsy_domain::captions::CaptionTrack;
use clipsy_domain::clock::Timestamp;
use clipsy_domain::job::Rendition;
use clipsy_domain::media_key;
use clipsy_domain::user::Viewer;
use clipsy_http::Address;
use serde::Serialize;
use utoipa::ToSchema;

use clipsy_service::videos::find_video::Video;

/// A video in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VideoItem {
    /// Number.
    id: i64,
    /// Title, 1 to 255 characters.
    title: String,
    /// Description, may be empty.
    description: String,
    /// Path of the poster image.
    #[schema(required)]
    thumbnail: Option<String>,
    /// Duration in seconds.
    #[schema(required)]
    duration: Option<f64>,
    /// Number of plays.
    views: i64,
    /// When it was uploaded.
    #[schema(format = DateTime)]
    created_at: String,
    /// State.
    status: Status,
    /// Path of the multivariant playlist, once playable.
    #[schema(required)]
    hls_playlist: Option<String>,
    /// Playable renditions, from the largest to the smallest.
    qualities: Vec<Quality>,
    #[serde(flatten)]
    more: More,
}

/// A video with all details.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VideoDetail {
    /// Number.
    id: i64,
    /// Title, 1 to 255 characters.
    title: String,
    /// Description, may be empty.
    description: String,
    /// Path of the poster image.
    #[schema(required)]
    thumbnail: Option<String>,
    /// Duration in seconds.
    #[schema(required)]
    duration: Option<f64>,
    /// Picture size in pixels, e.g. `1920x1080`.
    #[schema(required)]
    resolution: Option<String>,
    /// Frames per second.
    #[schema(required, value_type = Option<f64>)]
    fps: Option<serde_json::Number>,
    /// Number of plays.
    views: i64,
    /// When it was uploaded.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was last changed; plays are not changes.
    #[schema(format = DateTime)]
    updated_at: String,
    /// State.
    status: Status,
    /// Path of the multivariant playlist, once playable.
    #[schema(required)]
    hls_playlist: Option<String>,
    /// Playable renditions, from the largest to the smallest.
    qualities: Vec<Quality>,
    #[serde(flatten)]
    more: More,
}

/// The response to an upload.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Uploaded {
    /// Number.
    pub(crate) id: i64,
    /// Title.
    pub(crate) title: String,
    /// Description.
    pub(crate) description: String,
    /// Always `processing`.
    pub(crate) status: Status,
    /// When it was uploaded.
    #[schema(format = DateTime)]
    pub(crate) created_at: String,
    /// Message, one sentence.
    #[schema(example = "Video uploaded successfully. Processing will begin shortly.")]
    pub(crate) message: &'static str,
}

/// State of a video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// Queued.
    Pending,
    /// Being processed.
    Processing,
    /// Processing is complete.
    Ready,
    /// Processing failed or was cancelled.
    Failed,
}

/// A rendition.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "documented")]
pub(crate) struct Quality {
    /// Number.
    id: i64,
    /// Name, e.g. `720p`.
    quality: String,
    /// Picture size in pixels, e.g. `1280x720`.
    resolution: String,
    /// Average bit rate in kbit/s.
    bitrate: i64,
    /// Total size of the segments in bytes.
    file_size: i64,
    /// Path of the media playlist.
    playlist_path: String,
}

/// Fields that are not in the original product.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct More {
    /// Who may see it: `public`, `unlisted` or `private`.
    #[schema(example = "public")]
    visibility: &'static str,
    /// True once it can be played, which may be before it is ready.
    playable: bool,
    /// The exact state: `queued`, `processing`, `ready`, `failed` or `cancelled`.
    #[schema(example = "ready")]
    state: &'static str,
    /// The account that uploaded it.
    owner: Owner,
    /// Path of the storyboard, a `WebVTT` file that lists images.
    #[schema(required)]
    storyboard: Option<String>,
    /// Why it failed.
    #[schema(required)]
    failure: Option<FailureNote>,
    /// Progress while it is being processed.
    #[schema(required)]
    progress: Option<Progress>,
    /// Path of its page. While it is unlisted, this is its secret link.
    url: String,
    /// What its owner puts it under.
    tags: Vec<String>,
    /// Captions by language and kind.
    captions: Vec<CaptionItem>,
}

/// Captions of a video.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CaptionItem {
    /// Language tag (BCP 47).
    #[schema(example = "de")]
    language: String,
    /// `subtitles`, or `captions` for people who do not hear.
    #[schema(example = "subtitles")]
    kind: &'static str,
    /// What people call them, may be empty.
    label: String,
    /// Shown to those who have chosen nothing.
    default: bool,
    /// Only what everybody has to read.
    forced: bool,
    /// Path of the `WebVTT` file. Other captions have another path.
    url: String,
}

impl CaptionItem {
    fn of(asset: &Asset, track: &CaptionTrack) -> Self {
        Self {
            language: track.language.clone(),
            kind: track.kind.as_str(),
            label: track.label.clone(),
            default: track.default,
            forced: track.forced,
            url: media_key::captions_url(asset, track),
        }
    }
}

/// The account that uploaded a video.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Owner {
    /// Account number.
    id: i64,
    /// Username.
    username: String,
}

/// Why a video failed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FailureNote {
    /// Stable code.
    #[schema(example = "no_video_stream")]
    code: &'static str,
    /// One sentence that describes the failure.
    message: &'static str,
    /// How to fix it.
    advice: &'static str,
    /// Details about this video; for its owner and admins only.
    #[schema(required)]
    detail: Option<String>,
    /// True if trying again may help.
    retryable: bool,
}

/// How far processing is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Progress {
    /// The slowest rendition's, 0 to 100; null if the length of the video is not known.
    #[schema(required)]
    percent: Option<f64>,
    /// From the highest to the lowest.
    renditions: Vec<RenditionProgress>,
}

/// How far one rendition is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RenditionProgress {
    /// Name, e.g. `720p`.
    quality: String,
    /// 0 to 100; null if the length of the video is not known.
    #[schema(required)]
    percent: Option<f64>,
    /// Encoder in use.
    #[schema(required)]
    encoder: Option<String>,
    /// True when it is complete.
    done: bool,
}

impl VideoItem {
    /// What `viewer` may know.
    pub(crate) fn of(video: Video, viewer: Viewer) -> Self {
        let thumbnail = media_key::thumbnail_url(&video.asset);
        let hls_playlist = hls_playlist(&video);
        let (qualities, more) = (qualities(&video), More::of(&video, viewer));
        let asset = video.asset;
        Self {
            id: asset.id,
            title: asset.title,
            description: asset.description,
            thumbnail,
            duration: asset.duration_s,
            views: asset.views,
            created_at: time(asset.created_at),
            status: asset.state.into(),
            hls_playlist,
            qualities,
            more,
        }
    }
}

impl VideoDetail {
    /// What `viewer` may know.
    pub(crate) fn of(video: Video, viewer: Viewer) -> Self {
        let thumbnail = media_key::thumbnail_url(&video.asset);
        let hls_playlist = hls_playlist(&video);
        let (qualities, more) = (qualities(&video), More::of(&video, viewer));
        let asset = video.asset;
        Self {
            id: asset.id,
            title: asset.title,
            description: asset.description,
            thumbnail,
            duration: asset.duration_s,
            resolution: asset
                .width
                .zip(asset.height)
                .map(|(width, height)| format!("{width}x{height}")),
            fps: asset.fps.and_then(short_number),
            views: asset.views,
            created_at: time(asset.created_at),
            updated_at: time(asset.updated_at),
            status: asset.state.into(),
            hls_playlist,
            qualities,
            more,
        }
    }
}

impl VideoItem {
    /// With paths as they have to be asked for.
    pub(crate) fn at(mut self, address: &Address) -> Self {
        self.more.complete(address);
        complete(
            address,
            [
                &mut self.thumbnail,
                &mut self.hls_playlist,
                &mut self.more.storyboard,
            ],
            &mut self.qualities,
        );
        self
    }
}

impl VideoDetail {
    /// With paths as they have to be asked for.
    pub(crate) fn at(mut self, address: &Address) -> Self {
        self.more.complete(address);
        complete(
            address,
            [
                &mut self.thumbnail,
                &mut self.hls_playlist,
                &mut self.more.storyboard,
            ],
            &mut self.qualities,
        );
        self
    }
}

fn complete(address: &Address, paths: [&mut Option<String>; 3], qualities: &mut [Quality]) {
    if address.prefix().is_empty() {
        return;
    }
    let playlists = qualities
        .iter_mut()
        .map(|quality| &mut quality.playlist_path);
    for path in paths.into_iter().flatten().chain(playlists) {
        *path = address.path(path);
    }
}

impl More {
    fn complete(&mut self, address: &Address) {
        self.url = address.path(&self.url);
        for track in &mut self.captions {
            track.url = address.path(&track.url);
        }
    }

    fn of(video: &Video, viewer: Viewer) -> Self {
        let asset = &video.asset;
        let own = viewer.may_manage(asset);
        Self {
            visibility: asset.visibility.as_str(),
            playable: asset.playable,
            state: asset.state.as_str(),
            owner: Owner {
                id: asset.owner_id,
                username: video.owner.as_ref().to_owned(),
            },
            storyboard: asset
                .has_storyboard
                .then(|| media_key::storyboard_url(asset)),
            failure: asset.failure.as_ref().map(|failure| FailureNote {
                code: failure.code.as_str(),
                message: failure.code.sentence(),
                advice: failure.code.advice(),
                detail: own.then(|| failure.message.clone()),
                retryable: failure.retryable,
            }),
            progress: (asset.state == AssetState::Processing).then(|| progress(&video.renditions)),
            url: format!("/watch/{}", media_key::page_name(asset)),
            tags: asset.tags.clone(),
            captions: asset
                .captions
                .iter()
                .map(|track| CaptionItem::of(asset, track))
                .collect(),
        }
    }
}

impl From<AssetState> for Status {
    fn from(state: AssetState) -> Self {
        match state {
            AssetState::Queued => Self::Pending,
            AssetState::Processing => Self::Processing,
            AssetState::Ready => Self::Ready,
            AssetState::Failed | AssetState::Cancelled => Self::Failed,
        }
    }
}

fn hls_playlist(video: &Video) -> Option<String> {
    video
        .asset
        .playable
        .then(|| media_key::master_url(&video.asset))
}

/// What can be played; nothing before the multivariant playlist is there.
fn qualities(video: &Video) -> Vec<Quality> {
    if !video.asset.playable {
        return Vec::new();
    }
    let quality = |rendition: &Rendition| Quality {
        id: rendition.id,
        quality: rendition.rung.clone(),
        resolution: format!("{}x{}", rendition.width, rendition.height),
        bitrate: rendition.bitrate,
        file_size: rendition.file_size,
        playlist_path: media_key::playlist_url(&video.asset, &rendition.rung),
    };
    video.renditions.iter().map(quality).collect()
}

fn progress(renditions: &[Rendition]) -> Progress {
    let percents: Option<Vec<f64>> = renditions.iter().map(|r| r.percent).collect();
    Progress {
        percent: percents.and_then(|all| all.into_iter().reduce(f64::min)),
        renditions: renditions
            .iter()
            .map(|rendition| RenditionProgress {
                quality: rendition.rung.clone(),
                percent: rendition.percent,
                encoder: rendition.encoder.clone(),
                done: rendition.done,
            })
            .collect(),
    }
}

/// As Django REST framework writes times: microseconds only if there are any.
pub(crate) fn time(time: Timestamp) -> String {
    let form = if time.nanosecond() == 0 {
        SecondsFormat::Secs
    } else {
        SecondsFormat::Micros
    };
    time.to_rfc3339_opts(form, true)
}

/// 30 rather than 30.0, as documented.
fn short_number(number: f64) -> Option<serde_json::Number> {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        Some((number as i64).into())
    } else {
        serde_json::Number::from_f64(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clipsy_domain::clock::from_millis;

    #[test]
    fn times_look_like_djangos() {
        assert_eq!(time(from_millis(1_705_314_600_000)), "2024-01-15T10:30:00Z");
        assert_eq!(
            time(from_millis(1_705_314_600_120)),
            "2024-01-15T10:30:00.120000Z"
        );
    }

    #[test]
    fn statuses_are_the_documented_ones() {
        for state in AssetState::ALL {
            let status = serde_json::to_value(Status::from(state)).unwrap();
            assert_eq!(status, state.rest_status());
        }
    }

    #[test]
    fn whole_rates_are_written_short() {
        assert_eq!(short_number(30.0).unwrap().to_string(), "30");
        assert_eq!(short_number(29.97).unwrap().to_string(), "29.97");
        assert_eq!(short_number(f64::NAN), None);
    }
}
