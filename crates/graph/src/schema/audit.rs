//! The log of who did what.

use async_graphql::{ID, SimpleObject};
use clipsy_storage::AuditEntry as Entry;

use super::scalars::DateTime;

/// An action in the audit log, with names as they were at that time.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct AuditEntry {
    /// Identifier, to be passed as `before`.
    id: ID,
    /// When it was done.
    at: DateTime,
    /// Name of the account that did it; empty if there was none.
    actor: String,
    /// The action, a stable name such as `delete_video`. New ones may be added.
    action: String,
    /// What it was done to.
    target: String,
    /// Further details; may be empty.
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
