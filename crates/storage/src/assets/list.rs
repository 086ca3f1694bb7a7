//! Listing and counting assets.

use std::borrow::Cow;

use clipsy_domain::asset::{Asset, AssetId, Visibility};
use clipsy_domain::user::Viewer;
use sqlx::any::AnyArguments;
use sqlx::{Any, AssertSqlSafe, Row as _, query::Query};

use super::search::Search;
use super::window::expression;
use super::{AssetFilter, AssetOrder, asset_columns, asset_from};
use crate::cells::{folded, places};
use crate::db::Db;
use crate::error::Result;
use crate::window::{Cursor, Key, Value, bind};

/// Added to the sort time of assets whose title has all words of a search: more than any time in
/// milliseconds, and exactly representable as a float.
const TITLE_FIRST: i64 = 1 << 52;

impl Db {
    /// The assets that match `filter`, in its order.
    pub async fn assets(&self, filter: &AssetFilter) -> Result<Vec<Asset>> {
        let filter = &self.look_up(filter.clone()).await?;
        let mut wanted = Wanted::new(filter);
        let (key, way) = wanted.order(filter);
        let next = wanted.values.len() + 1;
        // Skipped rows are only looked up in an index, which costs next to nothing.
        let sql = format!(
            "SELECT {} FROM assets WHERE id IN (SELECT id FROM assets{} \
             ORDER BY {key} {way}, id {way} LIMIT ${next} OFFSET ${}) \
             ORDER BY {key} {way}, id {way}",
            asset_columns!(),
            wanted.sql,
            next + 1,
        );
        let rows = wanted
            .bind(sqlx::query(AssertSqlSafe(sql)).persistent(filter.found.is_none()))
            .bind(filter.limit.unwrap_or(i64::MAX).max(0))
            .bind(filter.offset.max(0))
            .fetch_all(self.read())
            .await?;
        rows.iter().map(asset_from).collect()
    }

    /// How many assets match `filter`, without regard to its `offset` and `limit`.
    pub async fn count_assets(&self, filter: &AssetFilter) -> Result<i64> {
        if let Some(found) = self.look_up(filter.clone()).await?.found {
            return Ok(i64::try_from(found.len()).unwrap_or(i64::MAX));
        }
        let wanted = Wanted::new(filter);
        let sql = format!("SELECT COUNT(*) FROM assets{}", wanted.sql);
        let row = wanted
            .bind(sqlx::query(AssertSqlSafe(sql)))
            .fetch_one(self.read())
            .await?;
        Ok(row.try_get(0)?)
    }
}

/// A `WHERE` clause and its values.
pub(super) struct Wanted {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
    search: Option<Search>,
}

impl Wanted {
    pub(super) fn new(filter: &AssetFilter) -> Self {
        let (mut conditions, mut values) = conditions(filter);
        let search = filter.search.as_deref().and_then(Search::of);
        if let Some(found) = &filter.found {
            // What is found was let through by the others.
            values.clear();
            conditions = vec![among(found)];
        }
        let sql = if conditions.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", conditions.join(" AND "))
        };
        Self {
            sql,
            values,
            search,
        }
    }

    /// The sort expression, never null, and its direction. Its values are appended to the others.
    pub(super) fn order(&mut self, filter: &AssetFilter) -> (Cow<'static, str>, &'static str) {
        let way = if filter.descending { "DESC" } else { "ASC" };
        let key = match (filter.order, &self.search) {
            (AssetOrder::Relevance, Some(search)) => {
                let in_title = search.compared("title_key", &mut self.values);
                format!("CASE WHEN {in_title} THEN {TITLE_FIRST} ELSE 0 END + created_at").into()
            }
            (order, _) => expression(order, filter.descending).into(),
        };
        (key, way)
    }

    fn bind(self, query: Query<'_, Any, AnyArguments>) -> Query<'_, Any, AnyArguments> {
        self.values.into_iter().fold(query, bind)
    }
}

/// All conditions of a list except the search, with their values.
pub(super) fn conditions(filter: &AssetFilter) -> (Vec<String>, Vec<Value>) {
    let mut conditions = Vec::new();
    let mut values = Vec::new();
    if !filter.viewer.is_admin() {
        values.push(Value::Text(Visibility::Public.as_str().to_owned()));
        let visible = "visibility = $1";
        conditions.push(match filter.viewer {
            Viewer::Anonymous => visible.to_owned(),
            Viewer::User(id, _) => {
                values.push(Value::Int(id));
                format!("({visible} OR owner_id = $2)")
            }
        });
    }
    if !filter.states.is_empty() {
        // In the statement itself, so that an index of one state alone can be used.
        let states = filter.states.iter().map(|state| state.as_str());
        conditions.push(match filter.states.as_slice() {
            [state] => format!("state = '{}'", state.as_str()),
            _ => format!("state IN ('{}')", states.collect::<Vec<_>>().join("', '")),
        });
    }
    if let Some(owner) = filter.owner {
        values.push(Value::Int(owner));
        conditions.push(format!("owner_id = ${}", values.len()));
    }
    if !filter.visibility.is_empty() {
        let places = places(values.len() + 1, filter.visibility.len());
        conditions.push(format!("visibility IN ({places})"));
        let names = filter.visibility.iter().map(|v| v.as_str().to_owned());
        values.extend(names.map(Value::Text));
    }
    if let Some(tag) = &filter.tag {
        values.push(Value::Text(tag.clone()));
        conditions.push(format!(
            "id IN (SELECT asset_id FROM asset_tags WHERE tag_key = ${})",
            values.len()
        ));
    }
    if filter.watchable {
        conditions.push("playable = 1".to_owned());
        if let Viewer::User(id, _) = filter.viewer
            && filter.viewer.is_admin()
        {
            values.push(Value::Text(Visibility::Public.as_str().to_owned()));
            values.push(Value::Int(id));
            let (own, public) = (values.len(), values.len() - 1);
            conditions.push(format!("(visibility = ${public} OR owner_id = ${own})"));
        }
    }
    for (least, side) in [(filter.min_duration_s, ">="), (filter.max_duration_s, "<")] {
        if let Some(seconds) = least {
            values.push(Value::Float(seconds));
            conditions.push(format!("duration_s {side} ${}", values.len()));
        }
    }
    if let Some(time) = filter.created_after {
        values.push(Value::Int(time.timestamp_millis()));
        conditions.push(format!("created_at >= ${}", values.len()));
    }
    (conditions, values)
}

/// A condition for those assets. The ids are in the statement itself, where their number is unlimited.
fn among(ids: &[AssetId]) -> String {
    if ids.is_empty() {
        return "1 = 0".to_owned();
    }
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    format!("id IN ({})", ids.join(","))
}

impl AssetFilter {
    /// Where an asset stands in the list.
    pub fn cursor(&self, asset: &Asset) -> Cursor {
        let cursor = self.order.cursor(self.descending, asset);
        let search = self.search.as_deref().and_then(Search::of);
        match (self.order, search, cursor.key) {
            (AssetOrder::Relevance, Some(search), Key::Int(at)) => Cursor {
                key: Key::Int(if search.is_in(&folded(&asset.title)) {
                    at + TITLE_FIRST
                } else {
                    at
                }),
                ..cursor
            },
            (_, _, key) => Cursor { key, ..cursor },
        }
    }
}
