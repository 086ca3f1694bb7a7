//! Accounts.

use clipsy_domain::user::{Role, User, UserId};

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use crate::assets::pattern;
use crate::cells::{Cells, folded, lowered, storable};
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::window::{Cursor, Key, Slice, Sorted, Value, Window, bind};

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Name to sign in with; unique without regard to case.
    pub username: String,
    /// May be empty.
    pub email: String,
    /// What it may do.
    pub role: Role,
    /// The password's hash as a PHC string, never the password.
    pub password_hash: String,
    /// True if the password is the documented one.
    pub default_password: bool,
}

/// What to change about an account; `None` leaves a thing as it is.
#[derive(Debug, Clone, Default)]
pub struct UserChange {
    /// Address for mail, may be empty.
    pub email: Option<String>,
    /// What it may do. Another one than before ends its sessions.
    pub role: Option<Role>,
    /// The new password's hash, which is not the documented one. Ends its sessions.
    pub password_hash: Option<String>,
    /// Whether it may sign in. Refusing ends its sessions.
    pub active: Option<bool>,
}

/// What became of a [`UserChange`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserUpdate {
    /// It is so now.
    Done {
        /// The account as it is.
        user: User,
        /// True if its sessions were ended.
        ended: bool,
    },
    /// There is no such account.
    Missing,
    /// There would be no admin left who may sign in. Nothing changed.
    LastAdmin,
}

/// The columns of a [`User`], in the order in which [`user_from`] reads them.
macro_rules! user_columns {
    () => {
        "users.id, users.username, users.email, users.role, users.active, \
         users.default_password, users.created_at"
    };
}
pub(crate) use user_columns;

impl Db {
    /// Makes an account. [`Error::Taken`] if there is one with that name, without regard to case.
    pub async fn create_user(&self, new: NewUser) -> Result<User> {
        let now = self.now();
        let mut tx = self.begin().await?;
        mark_first(&mut tx, now).await?;
        let user = insert(&mut tx, &new, now).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Makes an account if none was ever made, so that a deleted admin never returns. Of callers
    /// that race, one succeeds.
    pub async fn create_first_user(&self, new: NewUser) -> Result<Option<User>> {
        let now = self.now();
        let mut tx = self.begin().await?;
        if !mark_first(&mut tx, now).await? {
            return Ok(None);
        }
        let user = insert(&mut tx, &new, now).await?;
        tx.commit().await?;
        Ok(Some(user))
    }

    /// The account with that number.
    pub async fn user(&self, id: UserId) -> Result<Option<User>> {
        let sql = concat!("SELECT ", user_columns!(), " FROM users WHERE id = $1");
        let row = sqlx::query(sql)
            .bind(id)
            .fetch_optional(self.read())
            .await?;
        row.as_ref().map(user_from).transpose()
    }

    /// The account with that name, without regard to case, and its password's hash.
    pub async fn user_by_name(&self, name: &str) -> Result<Option<(User, String)>> {
        let sql = concat!(
            "SELECT ",
            user_columns!(),
            ", users.password_hash AS password_hash FROM users WHERE username_key IN ($1, $2) \
             ORDER BY CASE WHEN username_key = $2 THEN 0 ELSE 1 END LIMIT 1"
        );
        let row = sqlx::query(sql)
            .bind(folded(name))
            // What an account is found by that had a double when names came to be folded.
            .bind(lowered(name))
            .fetch_optional(self.read())
            .await?;
        row.map(|row| Ok((user_from(&row)?, row.try_get("password_hash")?)))
            .transpose()
    }

    /// All accounts by number.
    pub async fn users(&self) -> Result<Vec<User>> {
        let sql = concat!("SELECT ", user_columns!(), " FROM users ORDER BY id");
        let rows = sqlx::query(sql).fetch_all(self.read()).await?;
        rows.iter().map(user_from).collect()
    }

    /// Those accounts, by number.
    pub async fn users_by_id(&self, ids: &[UserId]) -> Result<Vec<User>> {
        let sql = |places: &str| {
            format!(
                "SELECT {} FROM users WHERE id IN ({places}) ORDER BY id",
                user_columns!()
            )
        };
        self.rows_of(ids, sql, user_from).await
    }

    /// Sets a password, which from then on is not the documented one, and ends all sessions of the
    /// account. False if there is no such account.
    pub async fn set_password(&self, id: UserId, password_hash: &str) -> Result<bool> {
        let mut tx = self.begin().await?;
        let done =
            sqlx::query("UPDATE users SET password_hash = $2, default_password = 0 WHERE id = $1")
                .bind(id)
                .bind(password_hash)
                .execute(&mut *tx)
                .await?;
        end_sessions(&mut tx, id).await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Changes an account as a whole, or not at all.
    pub async fn update_user(&self, id: UserId, change: &UserChange) -> Result<UserUpdate> {
        let mut tx = self.begin().await?;
        // Every change takes all admins first, so that two cannot take each other's last one away.
        sqlx::query(
            "UPDATE users SET active = active WHERE id IN \
             (SELECT id FROM users WHERE id = $1 OR role = 'admin' ORDER BY id)",
        )
        .bind(id)
        .execute(&mut *tx)
        .await?;
        let sql = concat!("SELECT ", user_columns!(), " FROM users WHERE id = $1");
        let row = sqlx::query(sql).bind(id).fetch_optional(&mut *tx).await?;
        let Some(old) = row.as_ref().map(user_from).transpose()? else {
            return Ok(UserUpdate::Missing);
        };
        let role = change.role.unwrap_or(old.role);
        let active = change.active.unwrap_or(old.active);
        let leads = |role, active| role == Role::Admin && active;
        if leads(old.role, old.active) && !leads(role, active) {
            let others: i64 = sqlx::query_scalar(
                "SELECT COUNT(*) FROM users WHERE role = 'admin' AND active = 1 AND id <> $1",
            )
            .bind(id)
            .fetch_one(&mut *tx)
            .await?;
            if others == 0 {
                return Ok(UserUpdate::LastAdmin);
            }
        }
        let sql = concat!(
            "UPDATE users SET email = COALESCE($2, email), role = $3, active = $4, \
             password_hash = COALESCE($5, password_hash), default_password = \
             CASE WHEN $5 IS NULL THEN default_password ELSE 0 END WHERE id = $1 RETURNING ",
            user_columns!()
        );
        let row = sqlx::query(sql)
            .bind(id)
            .bind(change.email.as_deref().map(storable).as_deref())
            .bind(role.as_str())
            .bind(i64::from(active))
            .bind(change.password_hash.as_deref())
            .fetch_one(&mut *tx)
            .await?;
        let ended = role != old.role || !active || change.password_hash.is_some();
        if ended {
            end_sessions(&mut tx, id).await?;
        }
        tx.commit().await?;
        Ok(UserUpdate::Done {
            user: user_from(&row)?,
            ended,
        })
    }

    /// The part `window` of the accounts whose name or address contains `search`, by name.
    pub async fn users_window(&self, search: Option<&str>, window: &Window) -> Result<Slice<User>> {
        let (filter, values) = wanted(search);
        let list = Sorted {
            select: concat!("SELECT ", user_columns!(), " FROM users").to_owned(),
            filter,
            values,
            key: "username_key".into(),
            descending: false,
            once: false,
        };
        self.cut(list, window, user_from).await
    }

    /// How many accounts [`Db::users_window`] has without its window.
    pub async fn count_users(&self, search: Option<&str>) -> Result<i64> {
        let (filter, values) = wanted(search);
        let sql = format!("SELECT COUNT(*) FROM users{filter}");
        let query = sqlx::query(AssertSqlSafe(sql));
        let row = values
            .into_iter()
            .fold(query, bind)
            .fetch_one(self.read())
            .await?;
        Ok(row.try_get(0)?)
    }

    /// True while an account that may sign in has the documented password.
    pub async fn has_default_password(&self) -> Result<bool> {
        let row =
            sqlx::query("SELECT COUNT(*) FROM users WHERE default_password = 1 AND active = 1")
                .fetch_one(self.read())
                .await?;
        Cells::new(&row).flag()
    }

    /// Allows or refuses signing in; refusing ends all sessions. False if there is no such account.
    pub async fn set_active(&self, id: UserId, active: bool) -> Result<bool> {
        let mut tx = self.begin().await?;
        let done = sqlx::query("UPDATE users SET active = $2 WHERE id = $1")
            .bind(id)
            .bind(i64::from(active))
            .execute(&mut *tx)
            .await?;
        if !active {
            end_sessions(&mut tx, id).await?;
        }
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }
}

/// Where an account stands in [`Db::users_window`].
impl From<&User> for Cursor {
    fn from(user: &User) -> Self {
        Self {
            key: Key::Text(folded(&user.username)),
            id: user.id,
        }
    }
}

/// A `WHERE` clause and its values.
fn wanted(search: Option<&str>) -> (String, Vec<Value>) {
    let Some(search) = search.filter(|text| !text.is_empty()) else {
        return (String::new(), Vec::new());
    };
    let pattern = pattern(&folded(search));
    let sql = " WHERE (username_key LIKE $1 ESCAPE '!' OR LOWER(email) LIKE $2 ESCAPE '!')";
    (
        sql.to_owned(),
        vec![Value::Text(pattern.clone()), Value::Text(pattern)],
    )
}

/// Notes for ever that there was an account. True if there was none before.
async fn mark_first(tx: &mut Tx, now: i64) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO marks (name, made_at) VALUES ('first user', $1) \
         ON CONFLICT (name) DO NOTHING",
    )
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

async fn insert(tx: &mut Tx, new: &NewUser, now: i64) -> Result<User> {
    let sql = concat!(
        "INSERT INTO users (username, username_key, email, role, active, default_password, \
         password_hash, created_at) VALUES ($1, $2, $3, $4, 1, $5, $6, $7) RETURNING ",
        user_columns!()
    );
    let row = sqlx::query(sql)
        .bind(storable(&new.username).as_ref())
        .bind(folded(&new.username))
        .bind(storable(&new.email).as_ref())
        .bind(new.role.as_str())
        .bind(i64::from(new.default_password))
        .bind(new.password_hash.as_str())
        .bind(now)
        .fetch_one(&mut **tx)
        .await
        .map_err(|error| Error::taken(error, "username"))?;
    user_from(&row)
}

async fn end_sessions(tx: &mut Tx, id: UserId) -> Result<()> {
    sqlx::query("DELETE FROM sessions WHERE user_id = $1")
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Reads [`user_columns`].
pub(crate) fn user_from(row: &AnyRow) -> Result<User> {
    let mut cells = Cells::new(row);
    Ok(User {
        id: cells.int()?,
        username: cells.text()?,
        email: cells.text()?,
        role: cells.name("role", Role::parse)?,
        active: cells.flag()?,
        default_password: cells.flag()?,
        created_at: cells.time()?,
    })
}
