//! Tags: as people wrote them beside the asset, and by key in a table of their own for lists.

use std::borrow::Cow;

use clipsy_domain::asset::AssetId;
use clipsy_domain::tags::tag_key;

use crate::db::Tx;
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

/// Has an asset those tags and no others, as a part of a larger change; gives them as they are stored.
pub(crate) async fn set_tags(tx: &mut Tx, id: AssetId, tags: &[String]) -> Result<String> {
    sqlx::query("DELETE FROM asset_tags WHERE asset_id = $1")
        .bind(id)
        .execute(&mut **tx)
        .await?;
    for key in tags.iter().filter_map(|tag| tag_key(tag)) {
        sqlx::query(
            "INSERT INTO asset_tags (tag_key, asset_id) VALUES ($1, $2) \
             ON CONFLICT (tag_key, asset_id) DO NOTHING",
        )
        .bind(key)
        .bind(id)
        .execute(&mut **tx)
        .await?;
    }
    serde_json::to_string(tags).map_err(|error| sqlx::Error::Encode(error.into()).into())
}
