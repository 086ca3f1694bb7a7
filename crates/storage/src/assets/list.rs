//! Listing and counting assets.

use clipsy_domain::asset::{Asset, Visibility};
use clipsy_domain::user::Viewer;
use sqlx::any::AnyArguments;
use sqlx::{Any, AssertSqlSafe, Row as _, query::Query};

use super::{AssetFilter, AssetOrder, asset_columns, asset_from};
use crate::cells::{folded, places};
use crate::db::Db;
use crate::error::Result;
use crate::window::{Value, bind};

/// Characters of a search text that count; `SQLite` refuses very long patterns.
const LONGEST_SEARCH: usize = 1000;

impl Db {
    /// The assets that match `filter`, in its order.
    pub async fn assets(&self, filter: &AssetFilter) -> Result<Vec<Asset>> {
        let wanted = Wanted::new(filter);
        let next = wanted.values.len() + 1;
        let sql = format!(
            "SELECT {} FROM assets{} ORDER BY {} LIMIT ${next} OFFSET ${}",
            asset_columns!(),
            wanted.sql,
            order(filter),
            next + 1,
        );
        let rows = wanted
            .bind(sqlx::query(AssertSqlSafe(sql)))
            .bind(filter.limit.unwrap_or(i64::MAX).max(0))
            .bind(filter.offset.max(0))
            .fetch_all(self.read())
            .await?;
        rows.iter().map(asset_from).collect()
    }

    /// How many assets match `filter`, without regard to its `offset` and `limit`.
    pub async fn count_assets(&self, filter: &AssetFilter) -> Result<i64> {
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
}

impl Wanted {
    pub(super) fn new(filter: &AssetFilter) -> Self {
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
            let places = places(values.len() + 1, filter.states.len());
            conditions.push(format!("state IN ({places})"));
            let names = filter.states.iter().map(|state| state.as_str().to_owned());
            values.extend(names.map(Value::Text));
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
        if let Some(search) = filter.search.as_deref().filter(|text| !text.is_empty()) {
            values.push(Value::Text(pattern(search)));
            conditions.push(format!("search_text LIKE ${} ESCAPE '!'", values.len()));
        }
        let sql = if conditions.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", conditions.join(" AND "))
        };
        Self { sql, values }
    }

    fn bind(self, query: Query<'_, Any, AnyArguments>) -> Query<'_, Any, AnyArguments> {
        self.values.into_iter().fold(query, bind)
    }
}

/// A `LIKE` pattern for texts that contain `search`; `!` takes the meaning from what would have
/// one.
pub(crate) fn pattern(search: &str) -> String {
    let mut pattern = String::from("%");
    for c in folded(search).chars().take(LONGEST_SEARCH) {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

fn order(filter: &AssetFilter) -> String {
    let way = if filter.descending { "DESC" } else { "ASC" };
    match filter.order {
        AssetOrder::Created => format!("created_at {way}, id {way}"),
        AssetOrder::Updated => format!("updated_at {way}, id {way}"),
        AssetOrder::Title => format!("title_key {way}, id {way}"),
        AssetOrder::Views => format!("views {way}, id {way}"),
        AssetOrder::Duration => format!("duration_s {way} NULLS LAST, id {way}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_their_text() {
        assert_eq!(pattern("50% OFF_!"), "%50!% off!_!!%");
        assert_eq!(pattern("ÄÖ"), "%äö%");
        assert_eq!(pattern(&"x".repeat(2000)).len(), LONGEST_SEARCH + 2);
    }
}
