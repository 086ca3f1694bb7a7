//! What admins can do with the queue.

use async_graphql::{Context, Object, SimpleObject};
use clipsy_service::videos::hold_queue::hold_queue;

use super::super::asked::{app, viewer};
use super::super::errors::{Result, UserError, outcome};
use super::super::operator::{Queue, queue_state};

/// What admins can do with the queue.
#[derive(Debug, Default)]
pub(super) struct Queues;

/// The queue after something was done with it.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct QueuePayload {
    /// The queue as it is now; null if it was not done.
    queue: Option<Queue>,
    /// What is to be mended; empty if it was done.
    user_errors: Vec<UserError>,
}

#[Object(serial)]
impl Queues {
    /// Keeps jobs from being started until the queue is resumed, also over restarts. What runs goes
    /// on. Only for admins.
    async fn pause_queue(&self, ctx: &Context<'_>) -> Result<QueuePayload> {
        hold(ctx, true).await
    }

    /// Has jobs started again. Only for admins.
    async fn resume_queue(&self, ctx: &Context<'_>) -> Result<QueuePayload> {
        hold(ctx, false).await
    }
}

async fn hold(ctx: &Context<'_>, paused: bool) -> Result<QueuePayload> {
    let app = app(ctx)?;
    Ok(match outcome(hold_queue(app, viewer(ctx), paused).await)? {
        Ok(()) => QueuePayload {
            queue: Some(Queue(queue_state(app).await?)),
            user_errors: Vec::new(),
        },
        Err(user_errors) => QueuePayload {
            queue: None,
            user_errors,
        },
    })
}
