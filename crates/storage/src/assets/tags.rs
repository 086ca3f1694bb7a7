//! Tags: as people wrote them beside the asset, and by key in a table of their own for lists.

use std::borrow::Cow;
use std::collections::HashMap;

use clipsy_domain::asset::{AssetId, Visibility};
use clipsy_domain::tags::tag_key;
use clipsy_domain::user::UserId;
use sqlx::any::AnyRow;

use crate::cells::{Cells, storable};
use crate::db::{Db, Tx};
use crate::error::Result;

/// Description and tags: what is said of an asset besides its title, for searches.
pub(crate) fn said<'a>(description: &'a str, tags: &[String]) -> Cow<'a, str> {
    if tags.is_empty() {
        return Cow::Borrowed(description);
    }
    Cow::Owned(format!("{description}\n{}", tags.join("\n")))
}

/// Tags as they are stored. What cannot be read is none: an asset is shown without them.
pub(crate) fn tags_from(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_default()
}

/// Tags as they are stored: storable text, in a list.
pub(crate) fn tags_text(tags: &[String]) -> Result<String> {
    serde_json::to_string(tags).map_err(|error| sqlx::Error::Encode(error.into()).into())
}

/// Has an asset those tags and no others, as a part of a larger change; gives them as they are stored.
/// Who owns and who sees the asset stands beside each, so that suggestions come from an index.
pub(crate) async fn set_tags(tx: &mut Tx, id: AssetId, tags: &[String]) -> Result<String> {
    sqlx::query("DELETE FROM asset_tags WHERE asset_id = $1")
        .bind(id)
        .execute(&mut **tx)
        .await?;
    for key in tags.iter().filter_map(|tag| tag_key(tag)) {
        sqlx::query(
            "INSERT INTO asset_tags (tag_key, asset_id, owner_id, visibility) \
             SELECT $1, id, owner_id, visibility FROM assets WHERE id = $2 \
             ON CONFLICT (tag_key, asset_id) DO NOTHING",
        )
        .bind(key)
        .bind(id)
        .execute(&mut **tx)
        .await?;
    }
    tags_text(tags)
}

/// A statement that gives up to $4 tags of the assets whose `column` is $1, from $2 to before $3, each
/// with the newest of them. It goes from one tag to the next by an index, however many assets have it.
macro_rules! next_tags {
    ($column:literal) => {
        concat!(
            "WITH RECURSIVE near (tag_key, n) AS (\
             SELECT (SELECT tag_key FROM asset_tags WHERE ",
            $column,
            " = $1 AND tag_key >= $2 AND tag_key < $3 ORDER BY tag_key LIMIT 1), 1 \
             UNION ALL \
             SELECT (SELECT t.tag_key FROM asset_tags AS t WHERE t.",
            $column,
            " = $1 AND t.tag_key > near.tag_key AND t.tag_key < $3 ORDER BY t.tag_key LIMIT 1), \
             n + 1 FROM near WHERE near.tag_key IS NOT NULL AND n < $4) \
             SELECT near.tag_key, (SELECT t.asset_id FROM asset_tags AS t WHERE t.",
            $column,
            " = $1 AND t.tag_key = near.tag_key ORDER BY t.asset_id DESC LIMIT 1) \
             FROM near WHERE near.tag_key IS NOT NULL ORDER BY near.tag_key"
        )
    };
}

impl Db {
    /// Up to `most` tags that begin like `start`, which is folded, in their order: those of `owner` first,
    /// then those of public assets. Each is written as on the newest asset that has it.
    pub async fn tags_like(
        &self,
        owner: Option<UserId>,
        start: &str,
        most: i64,
    ) -> Result<Vec<String>> {
        let start = storable(start);
        // No text has this character, which is none, and it comes after all others.
        let end = format!("{start}{}", char::MAX);
        let mut rows = Vec::new();
        if let Some(owner) = owner {
            rows = sqlx::query(next_tags!("owner_id"))
                .bind(owner)
                .bind(start.as_ref())
                .bind(&end)
                .bind(most)
                .fetch_all(self.read())
                .await?;
        }
        let public = sqlx::query(next_tags!("visibility"))
            .bind(Visibility::Public.as_str())
            .bind(start.as_ref())
            .bind(&end)
            .bind(most)
            .fetch_all(self.read())
            .await?;
        rows.extend(public);

        let mut found: Vec<(String, AssetId)> = Vec::new();
        for row in &rows {
            let mut cells = Cells::new(row);
            let (key, asset) = (cells.text()?, cells.int()?);
            if !found.iter().any(|(known, _)| *known == key) {
                found.push((key, asset));
            }
        }
        found.truncate(usize::try_from(most).unwrap_or_default());
        let assets: Vec<AssetId> = found.iter().map(|(_, asset)| *asset).collect();
        let sql = |places: &str| format!("SELECT id, tags FROM assets WHERE id IN ({places})");
        let read = |row: &AnyRow| {
            let mut cells = Cells::new(row);
            Ok((cells.int()?, tags_from(&cells.text()?)))
        };
        let written: HashMap<AssetId, Vec<String>> = self
            .rows_of(&assets, sql, read)
            .await?
            .into_iter()
            .collect();
        let as_written = |(key, asset): &(String, AssetId)| {
            let tags = written.get(asset)?;
            let tag = tags.iter().find(|tag| tag_key(tag).as_ref() == Some(key));
            tag.cloned()
        };
        // One that was taken away just now is left out.
        Ok(found.iter().filter_map(as_written).collect())
    }
}
