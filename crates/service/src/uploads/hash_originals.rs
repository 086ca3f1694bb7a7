//! Computing the checksums of originals.

use clipsy_dispatch::Message;
use clipsy_domain::asset::{Asset, AssetId};
use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use crate::Service;
use crate::accounts::keys::hex;
use crate::error::{Error, Result};

/// Computes the SHA-256 of every original that has none yet, one after the other, until there is
/// none left or `stop`.
///
/// It is done beside the uploads, not while they come in: hashing two gigabytes takes longer than
/// receiving them. What is read back is what was stored, so the sum also vouches for the disk.
/// One that cannot be read is passed over until the next time.
pub async fn hash_originals(service: &Service, stop: &CancellationToken) -> Result<()> {
    let mut after: AssetId = 0;
    while let Some(asset) = service.db.unhashed_asset(after).await? {
        after = asset.id;
        let turn = format!("hash {}", asset.id);
        if service.settings.peers && !service.db.take_turn(&turn, HASHES_MS).await? {
            continue;
        }
        let sum = tokio::select! {
            () = stop.cancelled() => Ok(None),
            sum = sum(service, &asset) => sum,
        };
        if service.settings.peers {
            service.db.end_turn(&turn).await?;
        }
        if stop.is_cancelled() {
            return Ok(());
        }
        match sum {
            Ok(Some(sum)) => {
                if service.db.record_checksum(asset.id, &sum).await? {
                    let message = Message::AssetChanged { asset_id: asset.id };
                    service.dispatch.events.publish(message).await;
                }
            }
            // It was deleted meanwhile.
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, asset_id = asset.id, "could not hash an original");
            }
        }
    }
    Ok(())
}

/// SHA-256 of what is stored, in lower-case hexadecimal. `None` if it is no longer wanted.
async fn sum(service: &Service, asset: &Asset) -> Result<Option<String>> {
    let Some(mut object) = service.media.get(&asset.source_key, None).await? else {
        return Ok(None);
    };
    let mut hash = Sha256::new();
    let mut until_look = LOOK_EVERY;
    while let Some(chunk) = object.body.next().await {
        let chunk = chunk.map_err(Error::internal)?;
        until_look -= 1;
        if until_look == 0 {
            until_look = LOOK_EVERY;
            if service.db.asset(asset.id).await?.is_none() {
                return Ok(None);
            }
        }
        let hashed = tokio::task::spawn_blocking(move || {
            hash.update(&chunk);
            hash
        });
        hash = hashed.await.map_err(Error::internal)?;
    }
    Ok(Some(hex(&hash.finalize())))
}

/// How long in milliseconds one process may take over a sum until another begins on it, too.
const HASHES_MS: i64 = 30 * 60 * 1000;

/// Chunks between two looks at whether the video is still there.
const LOOK_EVERY: u32 = 256;
