//! Whether the parts that requests depend on answer.

use std::time::Duration;

use tokio::time::timeout;

use crate::app::App;

/// Longest wait for one part's answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How each part is.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is told by itself")]
pub(crate) struct Health {
    pub(crate) database: bool,
    pub(crate) media: bool,
    pub(crate) queue: bool,
    /// True while nothing new is started.
    pub(crate) paused: bool,
    /// True while an account has the documented password.
    pub(crate) default_password: bool,
    /// What is free on the disk on which there is least, in bytes, if it is told.
    pub(crate) free_bytes: Option<u64>,
}

impl Health {
    /// True if requests can be fulfilled. That is so without the queue, too: what is uploaded
    /// meanwhile is processed once it is back.
    pub(crate) fn ready(self) -> bool {
        self.database && self.media
    }
}

/// Asks database, media store and queue, all at once.
pub(crate) async fn check_health(app: &App) -> Health {
    let (database, password, media, queue, paused, free) = tokio::join!(
        timeout(PATIENCE, app.db.ping()),
        timeout(PATIENCE, app.db.has_default_password()),
        timeout(PATIENCE, app.media.ping()),
        timeout(PATIENCE, app.dispatch.queue.ping()),
        timeout(PATIENCE, app.db.queue_paused()),
        timeout(PATIENCE, app.media.free_bytes()),
    );
    let free = [free.ok().flatten(), app.db.free_bytes()];
    Health {
        database: matches!(database, Ok(Ok(()))),
        media: matches!(media, Ok(Ok(()))),
        queue: matches!(queue, Ok(Ok(()))),
        paused: matches!(paused, Ok(Ok(true))),
        default_password: matches!(password, Ok(Ok(true))),
        free_bytes: free.into_iter().flatten().min(),
    }
}
