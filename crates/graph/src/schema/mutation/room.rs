//! Freeing room.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use clipsy_service::videos::free_room::free_room;

use super::super::asked::{app, viewer};
use super::super::errors::{Result, UserError, outcome};
use super::super::operator::{StorageUsage, storage_usage};
use super::super::scalars::int;

/// Freeing room.
#[derive(Debug, Default)]
pub(super) struct Room;

/// What to free besides what waits to be deleted.
#[derive(Debug, InputObject)]
pub(crate) struct FreeRoomInput {
    /// True: unfinished uploads are given up of which nothing came for a day.
    #[graphql(default)]
    idle_uploads: bool,
}

/// Room that was freed.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct FreeRoomPayload {
    /// Uploads that were given up.
    uploads: i32,
    /// Files and folders that still wait to be deleted: it goes on, or is tried again later.
    left: i32,
    /// How much room everything takes now; null if it was not done.
    storage_usage: Option<StorageUsage>,
    /// What is to be mended; empty if it was done.
    user_errors: Vec<UserError>,
}

#[Object(serial)]
impl Room {
    /// Deletes what waits to be deleted. It waits for that for a while, and goes on without whoever asked.
    /// Only for admins.
    async fn free_room(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What else to free.")] input: FreeRoomInput,
    ) -> Result<FreeRoomPayload> {
        let app = app(ctx)?;
        let freed = free_room(app, viewer(ctx), input.idle_uploads).await;
        Ok(match outcome(freed)? {
            Ok(freed) => FreeRoomPayload {
                uploads: int(freed.uploads),
                left: int(freed.left),
                storage_usage: Some(storage_usage(app).await?),
                user_errors: Vec::new(),
            },
            Err(user_errors) => FreeRoomPayload {
                uploads: 0,
                left: 0,
                storage_usage: None,
                user_errors,
            },
        })
    }
}
