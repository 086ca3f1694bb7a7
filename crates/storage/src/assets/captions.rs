//! Captions: a list beside the asset, since they are shown and played with it and never without.

use clipsy_domain::asset::{Asset, AssetId};
use clipsy_domain::captions::{CaptionKind, CaptionTrack, MOST_TRACKS};
use clipsy_domain::media_key;

use super::{asset_columns, asset_from};
use crate::allowances::room_of;
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::garbage::{keep_reserved, note_garbage};

/// Why captions were not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptionsRefused {
    /// The account of the asset's owner has no room for them.
    Room,
    /// The asset has [`MOST_TRACKS`] already.
    Many,
}

impl Db {
    /// Gives the asset these captions, in place of those of the same language and kind, whose file becomes garbage.
    /// The file's key must be reserved; see [`Db::reserve_key`]. `limit`: bytes that the owner may have in all. If
    /// these are the default, no others are any more.
    ///
    /// `None` if there is no such asset. [`Error::Missing`] if the key is not reserved any more: the file may be
    /// gone.
    pub async fn set_captions(
        &self,
        id: AssetId,
        track: &CaptionTrack,
        limit: Option<i64>,
    ) -> Result<Option<std::result::Result<Asset, CaptionsRefused>>> {
        let now = self.now();
        let mut tx = self.begin().await?;
        let Some(asset) = lock(&mut tx, id).await? else {
            return Ok(None);
        };
        let (mut before, mut tracks): (Vec<_>, Vec<_>) = asset
            .captions
            .into_iter()
            .partition(|old| old.language == track.language && old.kind == track.kind);
        if tracks.len() >= MOST_TRACKS {
            return Ok(Some(Err(CaptionsRefused::Many)));
        }
        if let Some(limit) = limit {
            let had: i64 = before.iter().map(|old| old.bytes).sum();
            let taken = room_of(&mut tx, asset.owner_id).await?;
            // What gets smaller is never refused.
            if track.bytes > had && taken - had + track.bytes > limit {
                return Ok(Some(Err(CaptionsRefused::Room)));
            }
        }
        let key = media_key::captions(id, &track.name);
        if !keep_reserved(&mut tx, &key, now).await? {
            return Err(Error::Missing { what: "captions" });
        }
        if track.default {
            for other in &mut tracks {
                other.default = false;
            }
        }
        tracks.push(track.clone());
        tracks.sort_by(|a, b| (&a.language, a.kind).cmp(&(&b.language, b.kind)));
        for old in before.drain(..) {
            note_garbage(&mut tx, &media_key::captions(id, &old.name)).await?;
        }
        let asset = store(&mut tx, id, &tracks, now).await?;
        tx.commit().await?;
        Ok(Some(Ok(asset)))
    }

    /// Takes captions from the asset; their file becomes garbage. `None` if there are none such.
    pub async fn remove_captions(
        &self,
        id: AssetId,
        language: &str,
        kind: CaptionKind,
    ) -> Result<Option<Asset>> {
        let now = self.now();
        let mut tx = self.begin().await?;
        let Some(asset) = lock(&mut tx, id).await? else {
            return Ok(None);
        };
        let (gone, tracks): (Vec<_>, Vec<_>) = asset
            .captions
            .into_iter()
            .partition(|old| old.language == language && old.kind == kind);
        if gone.is_empty() {
            return Ok(None);
        }
        for old in gone {
            note_garbage(&mut tx, &media_key::captions(id, &old.name)).await?;
        }
        let asset = store(&mut tx, id, &tracks, now).await?;
        tx.commit().await?;
        Ok(Some(asset))
    }
}

/// Captions as they are stored. What cannot be read is none: an asset is shown without them.
pub(crate) fn captions_from(text: &str) -> Vec<CaptionTrack> {
    serde_json::from_str(text).unwrap_or_default()
}

/// The no-op update keeps others from changing the list meanwhile.
async fn lock(tx: &mut Tx, id: AssetId) -> Result<Option<Asset>> {
    let sql = concat!(
        "UPDATE assets SET views = views WHERE id = $1 RETURNING ",
        asset_columns!()
    );
    let row = sqlx::query(sql).bind(id).fetch_optional(&mut **tx).await?;
    row.as_ref().map(asset_from).transpose()
}

async fn store(tx: &mut Tx, id: AssetId, tracks: &[CaptionTrack], now: i64) -> Result<Asset> {
    let text = serde_json::to_string(tracks).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let sql = concat!(
        "UPDATE assets SET captions = $2, captions_bytes = $3, updated_at = $4 WHERE id = $1 RETURNING ",
        asset_columns!()
    );
    let row = sqlx::query(sql)
        .bind(id)
        .bind(text)
        .bind(tracks.iter().map(|track| track.bytes).sum::<i64>())
        .bind(now)
        .fetch_one(&mut **tx)
        .await?;
    asset_from(&row)
}
