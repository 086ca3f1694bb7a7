//! Bringing what is derived from texts up to date, which no SQL can.

use clipsy_domain::text::fold;
use clipsy_domain::user::UserId;

use crate::assets::{said, search_text, set_tags, tags_from};
use crate::cells::Cells;
use crate::db::{Db, Tx};
use crate::error::Result;

/// Names the way in which this version folds texts. Another way gets another name.
const MARK: &str = "texts folded 1";
/// Assets of one change: others wait no longer than it takes.
const BATCH: i64 = 500;

impl Db {
    /// Folds all texts anew if another version did it last. Of processes that do so at the same time
    /// each does the same.
    pub(crate) async fn refold(&self) -> Result<()> {
        let done = sqlx::query("SELECT COUNT(*) FROM marks WHERE name = $1")
            .bind(MARK)
            .fetch_one(self.read())
            .await?;
        if Cells::new(&done).flag()? {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        refold_names(&mut tx).await?;
        tx.commit().await?;
        let mut last = 0;
        while let Some(next) = self.refold_assets(last).await? {
            last = next;
        }
        sqlx::query(
            "INSERT INTO marks (name, made_at) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
        )
        .bind(MARK)
        .bind(self.now())
        .execute(self.write())
        .await?;
        Ok(())
    }

    /// The next assets after number `last`; gives back the number of the last of them.
    async fn refold_assets(&self, last: i64) -> Result<Option<i64>> {
        let mut tx = self.begin().await?;
        // The idle change keeps people from editing them meanwhile.
        let rows = sqlx::query(
            "UPDATE assets SET views = views WHERE id IN \
             (SELECT id FROM assets WHERE id > $1 ORDER BY id LIMIT $2) \
             RETURNING id, title, description, tags",
        )
        .bind(last)
        .bind(BATCH)
        .fetch_all(&mut *tx)
        .await?;
        let mut highest = None;
        for row in &rows {
            let mut cells = Cells::new(row);
            let (id, title, description) = (cells.int()?, cells.text()?, cells.text()?);
            let tags = tags_from(&cells.text()?);
            set_tags(&mut tx, id, &tags).await?;
            let said = said(&description, &tags);
            sqlx::query("UPDATE assets SET title_key = $2, search_text = $3 WHERE id = $1")
                .bind(id)
                .bind(fold(&title))
                .bind(search_text(&title, &said))
                .execute(&mut *tx)
                .await?;
            self.index_asset(&mut tx, id, &title, &said).await?;
            highest = highest.max(Some(id));
        }
        tx.commit().await?;
        Ok(highest)
    }
}

/// Gives each account the key that its name has now. Where two have the same one, which could be made
/// side by side until now, it goes to the older; the other keeps the key that it had, under which
/// [`Db::user_by_name`] finds it by its very name.
async fn refold_names(tx: &mut Tx) -> Result<()> {
    let rows = sqlx::query("SELECT id, username, username_key FROM users ORDER BY id")
        .fetch_all(&mut **tx)
        .await?;
    for row in &rows {
        let mut cells = Cells::new(row);
        let (id, name, key): (UserId, _, _) = (cells.int()?, cells.text()?, cells.text()?);
        let folded = fold(&name);
        if folded == key {
            continue;
        }
        let done = sqlx::query(
            "UPDATE users SET username_key = $2 WHERE id = $1 \
             AND NOT EXISTS (SELECT 1 FROM users AS other WHERE other.username_key = $2)",
        )
        .bind(id)
        .bind(folded)
        .execute(&mut **tx)
        .await?;
        if done.rows_affected() == 0 {
            tracing::warn!(
                user_id = id,
                username = name,
                "another account has a name that looks the same; they are told apart by their very \
                 letters: rename or close one of them"
            );
        }
    }
    Ok(())
}
