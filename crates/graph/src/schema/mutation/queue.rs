//! What admins can do with the queue.

use async_graphql::{Context, Object, SimpleObject};
use clipsy_service::videos::hold_queue::hold_queue;

use super::super::asked::{app, viewer};
use super::super::errors::{Result, UserError, outcome};
use super::super::operator::{Queue, queue_state};

/// What admins can do with the queue.
#[derive(Debug, Default)]
pub(super) struct Queues;

/// The queue after a change.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct QueuePayload {
    /// The queue after the change; null on failure.
    queue: Option<Queue>,
    /// What is wrong with the request; empty on success.
    user_errors: Vec<UserError>,
}

#[Object(serial)]
impl Queues {
    /// Pauses the queue until it is resumed, across restarts too: no jobs are started, running ones
    /// continue. Admins only.
    async fn pause_queue(&self, ctx: &Context<'_>) -> Result<QueuePayload> {
        hold(ctx, true).await
    }

    /// Resumes the queue. Admins only.
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
