//! Choosing the picture that stands for a video.

use bytes::Bytes;
use clipsy_domain::asset::{Asset, AssetId};
use clipsy_domain::media_key;
use clipsy_domain::photo::PhotoKind;
use clipsy_domain::playlist::{self, Moment, PlaylistState};
use clipsy_domain::user::Viewer;
use clipsy_storage::media::MediaStore;
use futures_util::StreamExt as _;
use uuid::Uuid;

use crate::StillError;

use crate::Service;
use crate::error::{Error, Result};
use crate::videos::attached::{keep, tell, unwanted};
use crate::videos::find_video::{Video, find_managed, renditions};

/// Longest playlist that is read, in bytes. Twelve hours in segments of 2 s take one megabyte.
const PLAYLIST_BYTES: usize = 16 << 20;
/// How far behind the end the end is meant, in microseconds: sound may last longer than pictures,
/// and players stop a little late.
const PAST_END_US: u64 = 1_000_000;

const NOT_PLAYABLE: Error = Error::Conflict {
    code: "not_playable",
    message: "This part of the video cannot be played yet.",
};
const OUT_OF_RANGE: Error = Error::Conflict {
    code: "out_of_range",
    message: "That time is outside the video.",
};
const NOT_MADE: Error = Error::Conflict {
    code: "picture_failed",
    message: "No picture could be made of this moment. Try another one.",
};

/// Makes the picture that the video shows at `at_s` seconds its poster, and gives the video back as
/// it is then. It stays when the video is processed again. Of several that choose at the same time
/// the last one to be done wins.
pub async fn choose_thumbnail(
    service: &Service,
    viewer: Viewer,
    id: AssetId,
    at_s: f64,
) -> Result<Video> {
    let asset = find_managed(service, viewer, id).await?;
    let _share = service
        .videos
        .choices
        .begin(viewer.user_id().ok_or(Error::NotSignedIn)?)?;
    let segment = locate(service, &asset, micros(at_s)?).await?;
    let picture = service
        .videos
        .stills
        .still(&segment.key, segment.offset_us)
        .await;
    let picture = picture.map_err(|error| refused(id, error))?;
    put_up(service, id, picture).await
}

/// Makes a picture that somebody brought along the poster of a video, whatever state that is in, and gives
/// the video back as it is then. It is looked at by another process, and kept in the size of a poster;
/// `picture` is waited for only if the viewer may do this.
pub async fn bring_thumbnail(
    service: &Service,
    viewer: Viewer,
    id: AssetId,
    picture: impl Future<Output = Result<Bytes>>,
) -> Result<Video> {
    find_managed(service, viewer, id).await?;
    let _share = service
        .videos
        .choices
        .begin(viewer.user_id().ok_or(Error::NotSignedIn)?)?;
    let picture = picture.await?;
    // What is none is not worth a process of its own.
    PhotoKind::of(&picture)?;
    let picture = service.videos.stills.photo(picture).await;
    put_up(service, id, picture.map_err(|error| refused(id, error))?).await
}

/// Stores a poster and makes it the video's.
async fn put_up(service: &Service, id: AssetId, picture: Bytes) -> Result<Video> {
    let name = format!("c{}", Uuid::new_v4().simple());
    let key = media_key::chosen_thumbnail(id, &name);
    keep(service, &key, picture).await?;
    let chosen = service.db.choose_thumbnail(id, Some(&name)).await;
    if !matches!(chosen, Ok(Some(_))) {
        unwanted(service, &key).await;
    }
    tell(service, id, chosen?).await
}

/// Makes the picture that was made with the video its poster again.
pub async fn reset_thumbnail(service: &Service, viewer: Viewer, id: AssetId) -> Result<Video> {
    find_managed(service, viewer, id).await?;
    let reset = service.db.choose_thumbnail(id, None).await?;
    tell(service, id, reset).await
}

/// A moment of a segment.
#[derive(Debug)]
struct SegmentMoment {
    /// Store key of the segment.
    key: String,
    offset_us: u64,
}

/// Finds the segment of the highest rendition that shows the moment. While the video is being
/// processed that works for what can be played already.
async fn locate(service: &Service, asset: &Asset, at_us: u64) -> Result<SegmentMoment> {
    let attempt = asset.output_attempt.filter(|_| asset.playable);
    let prefix = media_key::output_prefix(asset.id, attempt.ok_or(NOT_PLAYABLE)?);
    let known = renditions(service, std::iter::once(asset)).await?;
    let highest = known.get(&asset.id).and_then(|all| all.first());
    let rung = &highest.ok_or(NOT_PLAYABLE)?.rung;
    let key = format!("{prefix}{}", media_key::playlist(rung));
    // An attempt that starts again takes everything back.
    let text = read(&*service.media, &key).await?.ok_or(NOT_PLAYABLE)?;
    let find = |at_us| {
        playlist::find_moment(&text, at_us)
            .ok_or_else(|| Error::internal(format!("{key} is no playlist of ours")))
    };
    let listed = find(at_us)?;
    let Moment { segment, offset_us } = match listed.at {
        Some(moment) => moment,
        None if listed.state == PlaylistState::Growing => {
            let end_s = asset.duration_s.unwrap_or(f64::INFINITY);
            return Err(if at_us as f64 / 1e6 > end_s + PAST_END_US as f64 / 1e6 {
                OUT_OF_RANGE
            } else {
                NOT_PLAYABLE
            });
        }
        None if at_us > listed.duration_us.saturating_add(PAST_END_US) => return Err(OUT_OF_RANGE),
        None => find(listed.duration_us)?.at.ok_or(OUT_OF_RANGE)?,
    };
    Ok(SegmentMoment {
        key: format!("{prefix}{}", media_key::segment(rung, segment)),
        offset_us,
    })
}

/// Whole microseconds.
fn micros(seconds: f64) -> Result<u64> {
    const LONGEST_S: f64 = 1e9;
    if (0.0..LONGEST_S).contains(&seconds) {
        Ok((seconds * 1e6).round() as u64)
    } else {
        Err(OUT_OF_RANGE)
    }
}

/// The text at `key`; `None` if there is none.
async fn read(store: &dyn MediaStore, key: &str) -> Result<Option<String>> {
    let Some(mut object) = store.get(key, None).await? else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    while let Some(chunk) = object.body.next().await {
        bytes.extend_from_slice(&chunk.map_err(Error::internal)?);
        if bytes.len() > PLAYLIST_BYTES {
            return Err(Error::internal(format!("{key} is too large")));
        }
    }
    String::from_utf8(bytes).map(Some).map_err(Error::internal)
}

fn refused(id: AssetId, error: StillError) -> Error {
    match error {
        StillError::Busy => Error::Busy,
        StillError::Missing => NOT_PLAYABLE,
        StillError::OutOfDisk => Error::OutOfDisk,
        StillError::Refused(error) => error.into(),
        StillError::Failed(reason) => {
            tracing::warn!(asset_id = id, reason, "no picture could be made");
            NOT_MADE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_whole_microseconds() {
        assert_eq!(micros(0.0).unwrap(), 0);
        assert_eq!(micros(-0.0).unwrap(), 0);
        assert_eq!(micros(1.000_000_6).unwrap(), 1_000_001);
        for odd in [-0.001, 1e9, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(micros(odd).unwrap_err().code(), "out_of_range", "{odd}");
        }
    }
}
