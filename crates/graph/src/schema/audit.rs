//! The log of who did what.

use async_graphql::{ID, SimpleObject};
use clipsy_storage::AuditEntry as Entry;

use super::scalars::DateTime;

/// Something that somebody did, with names as they were then.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct AuditEntry {
    /// Identifies it, for `before`.
    id: ID,
    /// When it was done.
    at: DateTime,
    /// The name of the account that did it; empty if it was none.
    actor: String,
    /// What was done, a stable name such as `delete_video`. There may be more some day.
    action: String,
    /// With what.
    target: String,
    /// More about it; may be empty.
    detail: String,
}

impl From<Entry> for AuditEntry {
    fn from(entry: Entry) -> Self {
        Self {
            id: entry.id.to_string().into(),
            at: entry.at.into(),
            actor: entry.actor,
            action: entry.action,
            target: entry.target,
            detail: entry.detail,
        }
    }
}
