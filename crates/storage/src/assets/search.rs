//! Finding assets by parts of words, through an index of the pieces of up to three letters that their
//! words are made of. Both databases can look up texts by whole words, and a piece is one to them.

use std::collections::BTreeSet;

use clipsy_domain::asset::AssetId;
use clipsy_domain::text::{fold, grams, grams_of_search, words};

use sqlx::AssertSqlSafe;

use super::AssetFilter;
use super::list::conditions;
use crate::cells::{Cells, storable};
use crate::db::{Db, Kind, Tx};
use crate::error::Result;
use crate::window::{Value, bind};

/// Maximum number of assets that a search finds in titles, and anywhere; the newest of them.
pub const MOST_FOUND: i64 = 1_000;
/// How many of the newest assets `PostgreSQL` compares before it asks the index, which does not give its
/// rows in an order: what many assets have is found sooner by going through the newest.
const SAMPLE: i64 = 8_000;
/// One in how many assets must have it for that.
const OFTEN: i64 = 16;
/// Most words of a search that count.
const MOST_WORDS: usize = 8;
/// Maximum letters of a word that are compared; `SQLite` rejects very long patterns.
const LONGEST_WORD: usize = 1_000;
/// What pieces of titles begin with in the index, beside the same among all.
const IN_TITLE: char = 't';
/// What pieces of title, description and tags begin with.
const ANYWHERE: char = 'a';

/// Where words are looked for.
struct Place {
    /// What its pieces begin with in the index.
    mark: char,
    /// The column of its folded text.
    column: &'static str,
}

const TITLE: Place = Place {
    mark: IN_TITLE,
    column: "title_key",
};
const TEXT: Place = Place {
    mark: ANYWHERE,
    column: "search_text",
};

/// Which assets are looked at.
enum From {
    /// Every one, or those that an index has for the conditions.
    All,
    /// So many of the newest, without the first few.
    Newest { most: i64, without: i64 },
    /// Those that have all pieces.
    Index(Kind),
}

/// Which assets are looked for, from the newest on.
struct Walk {
    place: &'static Place,
    /// Only assets older than this one.
    below: Option<AssetId>,
    /// How many are enough.
    wanted: i64,
}

/// An asset that has all words.
struct Found {
    id: AssetId,
    /// True if its title has them all.
    in_title: bool,
}

/// A search as the databases take it.
#[derive(Debug)]
pub(super) struct Search {
    words: Vec<String>,
}

impl Search {
    /// `None` if nothing is asked for.
    pub(super) fn of(text: &str) -> Option<Self> {
        let folded = fold(&storable(text));
        let words: Vec<String> = words(&folded).take(MOST_WORDS).map(str::to_owned).collect();
        (!words.is_empty()).then_some(Self { words })
    }

    /// True if a title has all words.
    pub(super) fn is_in(&self, folded_title: &str) -> bool {
        self.words.iter().all(|word| folded_title.contains(word))
    }

    /// A statement that gives the numbers of the newest assets of `from` in whose `walk.place` all words
    /// are and that `conditions` let through, and whether their titles have all words. Its values join
    /// `values`, which hold those of `conditions`.
    fn statement(
        &self,
        from: &From,
        walk: &Walk,
        conditions: &[String],
        values: &mut Vec<Value>,
    ) -> String {
        let compared = self.compared(walk.place.column, values);
        let titled = match walk.place.mark {
            IN_TITLE => "1".to_owned(),
            _ => format!(
                "CASE WHEN {} THEN 1 ELSE 0 END",
                self.compared(TITLE.column, values)
            ),
        };
        let mut below = |number: &str| match walk.below {
            Some(id) => {
                values.push(Value::Int(id));
                format!("{number} < ${}", values.len())
            }
            None => "TRUE".to_owned(),
        };
        let mut all = vec![compared];
        all.extend_from_slice(conditions);
        let (before, source, number, titled) = match from {
            From::All => {
                all.push(below("id"));
                (String::new(), "assets".to_owned(), "id", titled)
            }
            From::Newest { most, without } => (
                String::new(),
                format!(
                    "(SELECT * FROM assets WHERE {} ORDER BY id DESC LIMIT {most} OFFSET {without}) \
                     AS assets",
                    below("id")
                ),
                "id",
                titled,
            ),
            // The first table stays the outer one, which gives its rows from the newest on until there
            // are enough.
            From::Index(Kind::Sqlite) => {
                all.push(below("asset_search.rowid"));
                values.push(Value::Text(self.pieces(walk.place.mark)));
                all.insert(0, format!("asset_search MATCH ${}", values.len()));
                (
                    String::new(),
                    "asset_search CROSS JOIN assets ON assets.id = asset_search.rowid".to_owned(),
                    "asset_search.rowid",
                    titled,
                )
            }
            // The same, said in the way that PostgreSQL keeps to: it would compare all that the index
            // finds, to sort it then.
            From::Index(Kind::Postgres) => {
                let below = below("asset_id");
                values.push(Value::Text(self.pieces(walk.place.mark)));
                let inner = all.join(" AND ");
                all = vec!["TRUE".to_owned()];
                (
                    format!(
                        "WITH matching AS MATERIALIZED (SELECT asset_id FROM asset_search \
                         WHERE {below} \
                         AND string_to_array(grams, ' ') @> string_to_array(${}, ' ')) ",
                        values.len()
                    ),
                    format!(
                        "(SELECT asset_id AS id FROM matching ORDER BY asset_id DESC) AS newest \
                         CROSS JOIN LATERAL (SELECT {titled} AS titled FROM assets \
                         WHERE assets.id = newest.id AND {inner} OFFSET 0) AS assets"
                    ),
                    "newest.id",
                    "titled".to_owned(),
                )
            }
        };
        format!(
            "{before}SELECT {number}, {titled} FROM {source} WHERE {} \
             ORDER BY {number} DESC LIMIT {}",
            all.join(" AND "),
            walk.wanted
        )
    }

    /// A condition that holds where the column has all words; its values join `values`.
    pub(super) fn compared(&self, column: &str, values: &mut Vec<Value>) -> String {
        let mut conditions = Vec::with_capacity(self.words.len());
        for word in &self.words {
            values.push(Value::Text(pattern(word)));
            conditions.push(format!("{column} LIKE ${} ESCAPE '!'", values.len()));
        }
        format!("({})", conditions.join(" AND "))
    }

    /// The pieces that must be there, as both databases read them.
    fn pieces(&self, mark: char) -> String {
        let all = self.words.iter().flat_map(|word| grams_of_search(word));
        let all: BTreeSet<String> = all.map(|gram| format!("{mark}{gram}")).collect();
        all.into_iter().collect::<Vec<_>>().join(" ")
    }
}

/// A `LIKE` pattern for texts that contain `folded`; `!` takes the meaning from what would have one.
pub(crate) fn pattern(folded: &str) -> String {
    let mut pattern = String::from("%");
    for c in folded.chars().take(LONGEST_WORD) {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// Everything by which an asset can be found.
fn index_text(title: &str, said: &str) -> String {
    let (title, said) = (fold(title), fold(said));
    let in_title: BTreeSet<String> = grams(&title).collect();
    let mut all: BTreeSet<String> = grams(&said).collect();
    all.extend(in_title.iter().cloned());
    let marked = |mark, grams: BTreeSet<String>| {
        let marked = grams.into_iter().map(move |gram| format!("{mark}{gram}"));
        marked.collect::<Vec<_>>().join(" ")
    };
    format!("{} {}", marked(IN_TITLE, in_title), marked(ANYWHERE, all))
}

impl Db {
    /// The filter with the result of its search, so that further queries need not search again.
    pub async fn look_up(&self, mut filter: AssetFilter) -> Result<AssetFilter> {
        let Some(search) = filter.search.as_deref().and_then(Search::of) else {
            return Ok(filter);
        };
        if filter.found.is_none() {
            filter.found = Some(self.matching(&search, &filter).await?.into());
        }
        Ok(filter)
    }

    /// The newest assets that have the words anywhere, and as many that have them in their titles; by
    /// number.
    async fn matching(&self, search: &Search, filter: &AssetFilter) -> Result<Vec<AssetId>> {
        let text = Walk {
            place: &TEXT,
            below: None,
            wanted: MOST_FOUND,
        };
        let mut found = self.find(search, &text, filter).await?;
        // Only then there may be titles among those that were left out. Those of the rest are known.
        if count(&found) >= MOST_FOUND {
            let titled = found.iter().filter(|found| found.in_title);
            let titles = Walk {
                place: &TITLE,
                below: found.iter().map(|found| found.id).min(),
                wanted: MOST_FOUND.saturating_sub_unsigned(titled.count() as u64),
            };
            if titles.wanted > 0 {
                found.extend(self.find(search, &titles, filter).await?);
            }
        }
        let mut found: Vec<AssetId> = found.into_iter().map(|found| found.id).collect();
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    async fn find(&self, search: &Search, walk: &Walk, filter: &AssetFilter) -> Result<Vec<Found>> {
        let wanted = walk.wanted;
        let from = async |from, wanted| {
            let walk = Walk { wanted, ..*walk };
            self.find_among(from, search, &walk, filter).await
        };
        // The index has all owners' assets together, and a word may be in all of them.
        if filter.owner.is_some() {
            return from(From::All, wanted).await;
        }
        if self.kind == Kind::Postgres {
            let newest = |most, without, wanted| from(From::Newest { most, without }, wanted);
            let mut found = newest(SAMPLE, 0, wanted).await?;
            if count(&found) < wanted && count(&found) >= SAMPLE / OFTEN {
                let wanted = wanted - count(&found);
                found.extend(newest(MOST_FOUND * OFTEN * 2, SAMPLE, wanted).await?);
            }
            if count(&found) >= wanted {
                return Ok(found);
            }
        }
        from(From::Index(self.kind), wanted).await
    }

    async fn find_among(
        &self,
        from: From,
        search: &Search,
        walk: &Walk,
        filter: &AssetFilter,
    ) -> Result<Vec<Found>> {
        let (conditions, mut values) = conditions(filter);
        let sql = search.statement(&from, walk, &conditions, &mut values);
        let rows = values
            .into_iter()
            .fold(sqlx::query(AssertSqlSafe(sql)), bind)
            .fetch_all(self.read())
            .await?;
        rows.iter()
            .map(|row| {
                let mut cells = Cells::new(row);
                Ok(Found {
                    id: cells.int()?,
                    in_title: cells.flag()?,
                })
            })
            .collect()
    }

    /// Indexes an asset by that title and by what else is [`super::said`] of it, as part of a larger
    /// change.
    pub(crate) async fn index_asset(
        &self,
        tx: &mut Tx,
        id: AssetId,
        title: &str,
        said: &str,
    ) -> Result<()> {
        self.unindex_asset(tx, id).await?;
        let sql = match self.kind {
            Kind::Sqlite => "INSERT INTO asset_search (rowid, grams) VALUES ($1, $2)",
            Kind::Postgres => {
                "INSERT INTO asset_search (asset_id, grams) VALUES ($1, $2) \
                 ON CONFLICT (asset_id) DO UPDATE SET grams = excluded.grams"
            }
        };
        sqlx::query(sql)
            .bind(id)
            .bind(index_text(title, said))
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    /// Removes an asset from the index, as part of a larger change.
    pub(crate) async fn unindex_asset(&self, tx: &mut Tx, id: AssetId) -> Result<()> {
        let sql = match self.kind {
            Kind::Sqlite => "DELETE FROM asset_search WHERE rowid = $1",
            Kind::Postgres => "DELETE FROM asset_search WHERE asset_id = $1",
        };
        sqlx::query(sql).bind(id).execute(&mut **tx).await?;
        Ok(())
    }
}

fn count(found: &[Found]) -> i64 {
    i64::try_from(found.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_their_text() {
        assert_eq!(pattern("50% off_!"), "%50!% off!_!!%");
        assert_eq!(pattern("äö"), "%äö%");
        assert_eq!(pattern(&"x".repeat(2000)).len(), LONGEST_WORD + 2);
    }

    #[test]
    fn titles_are_found_as_titles_and_as_text() {
        let text = index_text("Ab", "c");
        assert_eq!(text, "ta tab tb aa aab ab ac");
        let search = Search::of(" AB  c ").unwrap();
        assert_eq!(search.pieces(ANYWHERE), "aab ac");
        assert!(search.is_in("c xaby") && !search.is_in("ab"));
        assert!(Search::of(" \u{200b} ").is_none());
    }
}
