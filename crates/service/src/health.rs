//! Health of the parts that requests depend on.

use std::time::Duration;

use tokio::time::timeout;

use crate::Service;

/// Longest wait for one part's answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How each part is.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is told by itself")]
pub struct Health {
    /// The database answers.
    pub database: bool,
    /// The media store answers.
    pub media: bool,
    /// The queue answers.
    pub queue: bool,
    /// True while nothing new is started.
    pub paused: bool,
    /// True while an account has the documented password.
    pub default_password: bool,
    /// Free bytes on the fullest disk, if known.
    pub free_bytes: Option<u64>,
}

impl Health {
    /// True if requests can be fulfilled. That is so without the queue, too: what is uploaded
    /// meanwhile is processed once it is back.
    pub fn ready(self) -> bool {
        self.database && self.media
    }
}

/// Asks database, media store and queue, all at once.
pub async fn check_health(service: &Service) -> Health {
    let (database, password, media, queue, paused, free) = tokio::join!(
        timeout(PATIENCE, service.db.ping()),
        timeout(PATIENCE, service.db.has_default_password()),
        timeout(PATIENCE, service.media.ping()),
        timeout(PATIENCE, service.dispatch.queue.ping()),
        timeout(PATIENCE, service.db.queue_paused()),
        timeout(PATIENCE, service.media.free_bytes()),
    );
    let free = [free.ok().flatten(), service.db.free_bytes()];
    Health {
        database: matches!(database, Ok(Ok(()))),
        media: matches!(media, Ok(Ok(()))),
        queue: matches!(queue, Ok(Ok(()))),
        paused: matches!(paused, Ok(Ok(true))),
        default_password: matches!(password, Ok(Ok(true))),
        free_bytes: free.into_iter().flatten().min(),
    }
}
