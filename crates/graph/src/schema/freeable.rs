//! What of the media store can be freed.

use async_graphql::Object;
use clipsy_service::videos::free_room;

use super::scalars::{BigInt, int};

/// What can be freed, see its [`Object`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Freeable(pub(crate) free_room::Freeable);

/// What can be freed.
#[Object(serial)]
impl Freeable {
    /// Files and folders that wait to be deleted, such as output of videos that were deleted or are made
    /// anew. That happens by itself; `freeRoom` does it now.
    async fn garbage(&self) -> i32 {
        int(self.0.garbage)
    }

    /// What these have, in bytes; null if there are too many to be measured.
    async fn garbage_bytes(&self) -> Option<BigInt> {
        let measured = self.0.garbage_measured;
        measured.then(|| self.0.garbage_bytes.into())
    }

    /// Videos that failed or were cancelled. Their originals are kept until they are deleted.
    async fn failed_videos(&self) -> i32 {
        int(self.0.failed_videos)
    }

    /// These originals, in bytes.
    async fn failed_bytes(&self) -> BigInt {
        self.0.failed_bytes.into()
    }

    /// Unfinished uploads of which nothing came for a day.
    async fn idle_uploads(&self) -> i32 {
        int(self.0.idle_uploads)
    }

    /// What had come of them, in bytes.
    async fn idle_bytes(&self) -> BigInt {
        self.0.idle_bytes.into()
    }
}
