//! Files that are no longer wanted but may still lie in the store.

use crate::db::Db;
use crate::error::Result;

/// Something to delete from the media store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Garbage {
    /// Number of this note.
    pub id: i64,
    /// A store key, or a prefix if it ends with `/`.
    pub key_or_prefix: String,
}

impl Db {
    /// Everything that still has to be deleted, the oldest first.
    pub async fn garbage(&self) -> Result<Vec<Garbage>> {
        unimplemented!()
    }

    /// Notes that the files of a [`Garbage`] are gone.
    pub async fn garbage_gone(&self, id: i64) -> Result<()> {
        let _ = id;
        unimplemented!()
    }

    /// Notes a store key, or a prefix that ends with `/`, as garbage.
    pub async fn add_garbage(&self, key_or_prefix: &str) -> Result<()> {
        let _ = key_or_prefix;
        unimplemented!()
    }
}
