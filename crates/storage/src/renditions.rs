//! Renditions of assets.

use clipsy_domain::asset::AssetId;
use clipsy_domain::job::{Attempt, JobId, Rendition};
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use crate::cells::{Cells, measure, places};
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::jobs::hold;

/// A rendition that is planned or was made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRendition {
    /// Rung name, e.g. `"720p"`.
    pub rung: String,
    /// Width in pixels.
    pub width: i64,
    /// Height in pixels.
    pub height: i64,
    /// Average of video, audio and container in kbit/s; the rung's cap until it is measured.
    pub bitrate: i64,
    /// Segments in bytes; 0 when it is only planned.
    pub file_size: i64,
    /// RFC 6381 names, once known.
    pub codecs: Option<String>,
    /// Identifier of the encoder, once known.
    pub encoder: Option<String>,
}

/// How far a rendition is. `None` leaves a thing as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct RenditionUpdate {
    /// Rung name.
    pub rung: String,
    /// 0 to 100.
    pub percent: Option<f64>,
    /// Segments so far in bytes.
    pub file_size: Option<i64>,
    /// Identifier of the encoder in use.
    pub encoder: Option<String>,
}

const COLUMNS: &str =
    "id, asset_id, rung, width, height, bitrate, file_size, codecs, encoder, percent, done";

impl Db {
    /// The renditions of all those assets, by asset and then from the highest to the lowest.
    pub async fn renditions(&self, assets: &[AssetId]) -> Result<Vec<Rendition>> {
        let sql = |places: &str| {
            format!(
                "SELECT {COLUMNS} FROM renditions WHERE asset_id IN ({places}) \
                 ORDER BY asset_id, height DESC, bitrate DESC, id"
            )
        };
        self.rows_of(assets, sql, rendition_from).await
    }

    /// Replaces the renditions of the job's asset by planned ones. False if `attempt` no longer
    /// holds the job.
    pub async fn record_renditions(
        &self,
        id: JobId,
        attempt: Attempt,
        renditions: &[NewRendition],
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        let Some(asset) = hold(&mut tx, id, attempt).await? else {
            return Ok(false);
        };
        replace_renditions(&mut tx, asset, renditions, false).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Notes how far renditions are; those that are not known are passed over. False if `attempt`
    /// no longer holds the job.
    pub async fn record_progress(
        &self,
        id: JobId,
        attempt: Attempt,
        renditions: &[RenditionUpdate],
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        let Some(asset) = hold(&mut tx, id, attempt).await? else {
            return Ok(false);
        };
        for rendition in renditions {
            sqlx::query(
                "UPDATE renditions SET percent = COALESCE(NULLIF($3, -1.0), percent), \
                 file_size = COALESCE($4, file_size), encoder = COALESCE($5, encoder) \
                 WHERE asset_id = $1 AND rung = $2",
            )
            .bind(asset)
            .bind(rendition.rung.as_str())
            .bind(measure(rendition.percent))
            .bind(rendition.file_size)
            .bind(rendition.encoder.as_deref())
            .execute(&mut *tx)
            .await?;
        }
        add_up(&mut tx, asset).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Notes at the asset what its renditions take.
async fn add_up(tx: &mut Tx, asset: AssetId) -> Result<()> {
    sqlx::query(
        "UPDATE assets SET output_bytes = COALESCE((SELECT SUM(file_size) FROM renditions \
         WHERE renditions.asset_id = assets.id), 0) WHERE id = $1",
    )
    .bind(asset)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Makes `renditions` those of the asset. A rung that was there before keeps its number.
pub(crate) async fn replace_renditions(
    tx: &mut Tx,
    asset: AssetId,
    renditions: &[NewRendition],
    done: bool,
) -> Result<()> {
    let others = if renditions.is_empty() {
        String::new()
    } else {
        format!(" AND rung NOT IN ({})", places(2, renditions.len()))
    };
    let sql = format!("DELETE FROM renditions WHERE asset_id = $1{others}");
    let query = sqlx::query(AssertSqlSafe(sql)).bind(asset);
    renditions
        .iter()
        .fold(query, |query, rendition| {
            query.bind(rendition.rung.as_str())
        })
        .execute(&mut **tx)
        .await?;
    for rendition in renditions {
        sqlx::query(
            "INSERT INTO renditions (asset_id, rung, width, height, bitrate, file_size, codecs, \
             encoder, percent, done) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULLIF($9, -1.0), $10) \
             ON CONFLICT (asset_id, rung) DO UPDATE SET width = excluded.width, \
             height = excluded.height, bitrate = excluded.bitrate, \
             file_size = excluded.file_size, codecs = excluded.codecs, \
             encoder = excluded.encoder, percent = excluded.percent, done = excluded.done",
        )
        .bind(asset)
        .bind(rendition.rung.as_str())
        .bind(rendition.width)
        .bind(rendition.height)
        .bind(rendition.bitrate)
        .bind(rendition.file_size)
        .bind(rendition.codecs.as_deref())
        .bind(rendition.encoder.as_deref())
        .bind(measure(done.then_some(100.0)))
        .bind(i64::from(done))
        .execute(&mut **tx)
        .await?;
    }
    add_up(tx, asset).await
}

/// Reads [`COLUMNS`].
fn rendition_from(row: &AnyRow) -> Result<Rendition> {
    let mut cells = Cells::new(row);
    Ok(Rendition {
        id: cells.int()?,
        asset_id: cells.int()?,
        rung: cells.text()?,
        width: cells.int()?,
        height: cells.int()?,
        bitrate: cells.int()?,
        file_size: cells.int()?,
        codecs: cells.maybe_text()?,
        encoder: cells.maybe_text()?,
        percent: cells.maybe_float()?,
        done: cells.flag()?,
    })
}
