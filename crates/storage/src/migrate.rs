//! Bringing the tables up to date.

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, Connection, SqlSafeStr};

use crate::db::{Db, Kind};
use crate::error::{Error, Result};

/// Every migration: its number, its name and its text, in which `{{…}}` stand for what the two
/// databases write differently. A migration that was released is never changed.
const STEPS: &[(i64, &str, &str)] = &[
    (1, "first", include_str!("../migrations/0001_first.sql")),
    (
        2,
        "checksums",
        include_str!("../migrations/0002_checksums.sql"),
    ),
    (3, "losses", include_str!("../migrations/0003_losses.sql")),
    (4, "graphql", include_str!("../migrations/0004_graphql.sql")),
    (
        5,
        "thumbnails",
        include_str!("../migrations/0005_thumbnails.sql"),
    ),
    (
        6,
        "receivers",
        include_str!("../migrations/0006_receivers.sql"),
    ),
    (7, "traces", include_str!("../migrations/0007_traces.sql")),
    (8, "notes", include_str!("../migrations/0008_notes.sql")),
    (9, "cards", include_str!("../migrations/0009_cards.sql")),
    (
        10,
        "revisions",
        include_str!("../migrations/0010_revisions.sql"),
    ),
    (11, "waits", include_str!("../migrations/0011_waits.sql")),
    (
        12,
        "library",
        include_str!("../migrations/0012_library.sql"),
    ),
    (
        13,
        "refresh_uses",
        include_str!("../migrations/0013_refresh_uses.sql"),
    ),
    (14, "links", include_str!("../migrations/0014_links.sql")),
    (15, "shares", include_str!("../migrations/0015_shares.sql")),
    (16, "limits", include_str!("../migrations/0016_limits.sql")),
    (17, "failed", include_str!("../migrations/0017_failed.sql")),
    (18, "audit", include_str!("../migrations/0018_audit.sql")),
    (19, "tags", include_str!("../migrations/0019_tags.sql")),
    (
        20,
        "devices",
        include_str!("../migrations/0020_devices.sql"),
    ),
    (
        21,
        "suggestions",
        include_str!("../migrations/0021_suggestions.sql"),
    ),
    (
        22,
        "captions",
        include_str!("../migrations/0022_captions.sql"),
    ),
];

impl Db {
    /// Brings the tables up to date. Of processes that start together one does it and the others
    /// wait. Refuses a database that a newer version of this program has changed.
    pub async fn migrate(&self) -> Result<()> {
        let migrator = Migrator::with_migrations(steps(self.kind));
        match self.kind {
            Kind::Sqlite => {
                // The migrator has no lock for SQLite; this transaction is one.
                let mut tx = self.begin().await?;
                migrator.run_direct(None, &mut *tx, false).await?;
                tx.commit().await?;
            }
            Kind::Postgres => {
                // The migrator's lock belongs to the connection and is not given back after an
                // error, so this connection never returns to the others.
                let mut connection = self.write().acquire().await?.detach();
                let done = migrator.run_direct(None, &mut connection, false).await;
                connection.close().await?;
                done?;
            }
        }
        self.refold().await
    }

    /// True if there is such a table.
    pub(crate) async fn has_table(&self, name: &str) -> Result<bool> {
        let sql = match self.kind {
            Kind::Sqlite => "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = $1",
            Kind::Postgres => {
                "SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1"
            }
        };
        let count: i64 = sqlx::query_scalar(sql)
            .bind(name)
            .fetch_one(self.read())
            .await?;
        Ok(count > 0)
    }

    /// Refuses a database whose tables are not those of this version, and leaves them alone.
    pub async fn expect_current(&self) -> Result<()> {
        let newest = STEPS.iter().map(|(number, ..)| *number).max().unwrap_or(0);
        if !self.has_table("_sqlx_migrations").await? {
            return Err(Error::TooOld { version: 0 });
        }
        let found: Option<i64> = sqlx::query_scalar("SELECT MAX(version) FROM _sqlx_migrations")
            .fetch_one(self.read())
            .await?;
        match found.unwrap_or(0) {
            version if version > newest => Err(Error::TooNew { version }),
            version if version < newest => Err(Error::TooOld { version }),
            _ => Ok(()),
        }
    }
}

fn steps(kind: Kind) -> Vec<Migration> {
    let (id, key, random, link, search) = match kind {
        // Without the keyword the number of a deleted last row would be given again.
        Kind::Sqlite => (
            "INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL",
            "TEXT",
            "lower(hex(randomblob(12)))",
            "lower(hex(randomblob(16)))",
            "CREATE VIRTUAL TABLE asset_search USING fts5(grams, content='', \
             contentless_delete=1, detail='none', tokenize='ascii')",
        ),
        Kind::Postgres => (
            "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
            "TEXT COLLATE \"C\"",
            // Some digits in the middle of such a number are fixed.
            "left(gen_random_uuid()::text, 8) || right(gen_random_uuid()::text, 12) \
             || left(gen_random_uuid()::text, 4)",
            "left(gen_random_uuid()::text, 8) || right(gen_random_uuid()::text, 12) \
             || right(gen_random_uuid()::text, 12)",
            "CREATE TABLE asset_search (asset_id BIGINT PRIMARY KEY REFERENCES assets (id) \
             ON DELETE CASCADE, grams TEXT NOT NULL); \
             CREATE INDEX asset_search_grams ON asset_search \
             USING GIN (string_to_array(grams, ' '))",
        ),
    };
    STEPS
        .iter()
        .map(|&(number, name, text)| {
            let text = text
                .replace("{{ID}}", id)
                .replace("{{KEY}}", key)
                .replace("{{RANDOM}}", random)
                .replace("{{LINK}}", link)
                .replace("{{SEARCH}}", search);
            Migration::new(
                number,
                name.into(),
                MigrationType::Simple,
                AssertSqlSafe(text).into_sql_str(),
                false,
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_to_fill_in() {
        for kind in [Kind::Sqlite, Kind::Postgres] {
            for step in steps(kind) {
                let text = step.sql.as_str();
                let code: Vec<_> = text
                    .lines()
                    .filter(|line| !line.starts_with("--"))
                    .collect();
                assert!(!code.concat().contains("{{"), "{kind:?} {}", step.version);
            }
        }
    }
}
