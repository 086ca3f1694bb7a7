//! Parts of lists of assets.

use clipsy_domain::asset::Asset;

use super::list::Wanted;
use super::{AssetFilter, AssetOrder, asset_columns, asset_from};
use crate::cells::folded;
use crate::db::Db;
use crate::error::Result;
use crate::window::{Cursor, Key, Slice, Sorted, Window};

/// Sorts after every length there is.
const ENDLESS_S: f64 = 1e308;
/// Sorts before every length there is.
const NO_LENGTH_S: f64 = -1.0;

impl Db {
    /// The part `window` of the assets that match `filter`, whose `offset` and `limit` do not
    /// count. A cursor of another order gives undefined results; see [`AssetOrder::fits`].
    pub async fn assets_window(
        &self,
        filter: &AssetFilter,
        window: &Window,
    ) -> Result<Slice<Asset>> {
        let filter = &self.look_up(filter.clone()).await?;
        let mut wanted = Wanted::new(filter);
        let (key, _) = wanted.order(filter);
        let list = Sorted {
            select: concat!("SELECT ", asset_columns!(), " FROM assets").to_owned(),
            filter: wanted.sql,
            values: wanted.values,
            key,
            descending: filter.descending,
            once: filter.found.is_some(),
        };
        self.cut(list, window, asset_from).await
    }
}

impl AssetOrder {
    /// Where an asset stands in a list of this order without a search.
    pub(super) fn cursor(self, descending: bool, asset: &Asset) -> Cursor {
        let key = match self {
            Self::Created | Self::Relevance => Key::Int(asset.created_at.timestamp_millis()),
            Self::Updated => Key::Int(asset.updated_at.timestamp_millis()),
            Self::Title => Key::Text(folded(&asset.title)),
            Self::Views => Key::Int(asset.views),
            Self::Duration => Key::Float(asset.duration_s.unwrap_or(if descending {
                NO_LENGTH_S
            } else {
                ENDLESS_S
            })),
        };
        Cursor { key, id: asset.id }
    }

    /// True if a cursor can come from a list of this order.
    pub fn fits(self, cursor: &Cursor) -> bool {
        match self {
            Self::Created | Self::Relevance | Self::Updated | Self::Views => {
                matches!(cursor.key, Key::Int(_))
            }
            Self::Title => matches!(cursor.key, Key::Text(_)),
            Self::Duration => matches!(cursor.key, Key::Float(number) if !number.is_nan()),
        }
    }
}

/// What the order sorts by, with unknown lengths at the end.
pub(super) fn expression(order: AssetOrder, descending: bool) -> &'static str {
    match order {
        AssetOrder::Created | AssetOrder::Relevance => "created_at",
        AssetOrder::Updated => "updated_at",
        AssetOrder::Title => "title_key",
        AssetOrder::Views => "views",
        AssetOrder::Duration if descending => {
            "COALESCE(duration_s, CAST(-1.0 AS DOUBLE PRECISION))"
        }
        AssetOrder::Duration => "COALESCE(duration_s, CAST(1e308 AS DOUBLE PRECISION))",
    }
}
