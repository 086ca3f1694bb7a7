//! A part of a sorted list, cut by where neighbours stand and not by counting: what is added or
//! removed elsewhere meanwhile shifts nothing.

use std::borrow::Cow;
use std::fmt::Write as _;

use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe, any::AnyRow};

use crate::db::Db;
use crate::error::Result;

/// Where something stands in a sorted list.
#[derive(Debug, Clone, PartialEq)]
pub struct Cursor {
    /// What the list is sorted by.
    pub key: Key,
    /// Breaks ties.
    pub id: i64,
}

/// A value that lists are sorted by.
#[derive(Debug, Clone, PartialEq)]
pub enum Key {
    /// A moment in milliseconds, or a count.
    Int(i64),
    /// A length in seconds.
    Float(f64),
    /// Text without the difference between upper and lower case.
    Text(String),
}

/// Which part of a sorted list is wanted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Window {
    /// Only what comes after this.
    pub after: Option<Cursor>,
    /// Only what comes before this.
    pub before: Option<Cursor>,
    /// At most so many.
    pub limit: i64,
    /// Take them from the end of that part and not from its start. The order stays the same.
    pub backward: bool,
}

/// A part of a sorted list.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice<T> {
    /// In the order of the list.
    pub items: Vec<T>,
    /// True if there is more beyond the limit.
    pub more: bool,
}

/// A value of a statement that is put together.
pub(crate) enum Value {
    Int(i64),
    Float(f64),
    Text(String),
}

pub(crate) fn bind(
    query: Query<'_, Any, AnyArguments>,
    value: Value,
) -> Query<'_, Any, AnyArguments> {
    match value {
        Value::Int(number) => query.bind(number),
        Value::Float(number) => query.bind(number),
        Value::Text(text) => query.bind(text),
    }
}

/// A list that is sorted by `key`, an expression that is never null, and then by `id`.
pub(crate) struct Sorted {
    /// `SELECT … FROM …`
    pub(crate) select: String,
    /// ` WHERE …`, or empty.
    pub(crate) filter: String,
    /// Values of `filter`.
    pub(crate) values: Vec<Value>,
    pub(crate) key: Cow<'static, str>,
    pub(crate) descending: bool,
    /// True if the statement is unlikely to be the same again.
    pub(crate) once: bool,
}

impl Db {
    pub(crate) async fn cut<T>(
        &self,
        list: Sorted,
        window: &Window,
        read: impl Fn(&AnyRow) -> Result<T>,
    ) -> Result<Slice<T>> {
        let Sorted {
            select,
            filter: mut sql,
            mut values,
            key,
            descending,
            once,
        } = list;
        let bounds = [(&window.after, !descending), (&window.before, descending)];
        for (cursor, larger) in bounds {
            let Some(cursor) = cursor else { continue };
            values.push(match cursor.key.clone() {
                Key::Int(number) => Value::Int(number),
                Key::Float(number) => Value::Float(number),
                Key::Text(text) => Value::Text(text),
            });
            values.push(Value::Int(cursor.id));
            let word = if sql.is_empty() { " WHERE" } else { " AND" };
            let compare = if larger { '>' } else { '<' };
            let (key_at, id_at) = (values.len() - 1, values.len());
            // Writing to a string cannot fail.
            let _ = write!(sql, "{word} ({key}, id) {compare} (${key_at}, ${id_at})");
        }
        let way = if descending == window.backward {
            "ASC"
        } else {
            "DESC"
        };
        // One more than wanted tells whether there are more.
        let limit = window.limit.clamp(0, i64::MAX - 1);
        values.push(Value::Int(limit + 1));
        let place = values.len();
        let sql = format!("{select}{sql} ORDER BY {key} {way}, id {way} LIMIT ${place}");
        let rows = values
            .into_iter()
            .fold(sqlx::query(AssertSqlSafe(sql)).persistent(!once), bind)
            .fetch_all(self.read())
            .await?;
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > wanted;
        let mut items: Vec<T> = rows.iter().take(wanted).map(read).collect::<Result<_>>()?;
        if window.backward {
            items.reverse();
        }
        Ok(Slice { items, more })
    }
}
