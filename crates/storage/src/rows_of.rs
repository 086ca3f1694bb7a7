//! Reading the rows of many numbers with few statements.

use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;
use sqlx::query::Query;

use crate::cells::{groups, places};
use crate::db::Db;
use crate::error::Result;

impl Db {
    /// What `read` makes of the rows that belong to `numbers`, which may come in any order and more
    /// than once. `sql` makes a statement around the places that stand for numbers, as in
    /// `id IN ($1, $2)`; rows of many numbers come from several statements, lower numbers first.
    pub(crate) async fn rows_of<T>(
        &self,
        numbers: &[i64],
        sql: impl Fn(&str) -> String,
        read: impl Fn(&AnyRow) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut numbers = numbers.to_vec();
        numbers.sort_unstable();
        numbers.dedup();
        let mut found = Vec::new();
        for group in groups(&numbers) {
            let query = sqlx::query(AssertSqlSafe(sql(&places(1, group.len()))));
            let rows = group
                .into_iter()
                .fold(query, Query::bind)
                .fetch_all(self.read())
                .await?;
            for row in &rows {
                found.push(read(row)?);
            }
        }
        Ok(found)
    }
}
