//! Who uses the platform.

use serde::{Deserialize, Serialize};

use crate::asset::{Asset, Visibility};
use crate::clock::Timestamp;

/// Number of a user. Never used twice.
pub type UserId = i64;

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its number.
    pub id: UserId,
    /// Username; unique, ignoring case.
    pub username: String,
    /// May be empty.
    pub email: String,
    /// What it may do.
    pub role: Role,
    /// False if signing in is refused.
    pub active: bool,
    /// True while it still has the default password `admin123`.
    pub default_password: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Limits of an account. `None` means no limit, or for limits set for one account, the server's
/// default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allowance {
    /// Bytes of originals and unfinished uploads.
    pub bytes: Option<i64>,
    /// Minutes of video that it may upload per 24 hours.
    pub minutes_a_day: Option<i64>,
    /// Maximum number of unfinished uploads.
    pub uploads: Option<i64>,
    /// Videos of its that may wait to be processed.
    pub waiting: Option<i64>,
}

impl Allowance {
    /// These limits where set, otherwise those of `usual`.
    #[must_use]
    pub fn or(self, usual: Self) -> Self {
        Self {
            bytes: self.bytes.or(usual.bytes),
            minutes_a_day: self.minutes_a_day.or(usual.minutes_a_day),
            uploads: self.uploads.or(usual.uploads),
            waiting: self.waiting.or(usual.waiting),
        }
    }
}

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Upload, and manage what it uploaded.
    User,
    /// Everything.
    Admin,
}

impl Role {
    /// The name in the database and in APIs, e.g. `"admin"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
        }
    }

    /// The role with that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::User, Self::Admin]
            .into_iter()
            .find(|r| r.as_str() == name)
    }
}

/// The caller: anonymous or a user. The only place that decides what they may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewer {
    /// Not signed in.
    Anonymous,
    /// Signed in.
    User(UserId, Role),
}

impl Viewer {
    /// True if the viewer may change, delete, retry or cancel `asset`.
    pub fn may_manage(self, asset: &Asset) -> bool {
        match self {
            Self::Anonymous => false,
            Self::User(_, Role::Admin) => true,
            Self::User(id, Role::User) => id == asset.owner_id,
        }
    }

    /// True if the viewer may see and play `asset` by its number. For access by the link of an
    /// unlisted video, see [`Asset::opened_by`].
    pub fn may_see(self, asset: &Asset) -> bool {
        asset.visibility == Visibility::Public || self.may_manage(asset)
    }

    /// The user's number, if there is one.
    pub fn user_id(self) -> Option<UserId> {
        match self {
            Self::Anonymous => None,
            Self::User(id, _) => Some(id),
        }
    }

    /// True for admins.
    pub fn is_admin(self) -> bool {
        matches!(self, Self::User(_, Role::Admin))
    }
}
