//! Writing counted plays down.

use crate::Service;
use crate::error::Result;

/// Adds the plays since the last time to the videos. On failure they are kept for the next time.
pub async fn flush_plays(service: &Service) -> Result<()> {
    let plays = service.videos.plays.take();
    if plays.is_empty() {
        return Ok(());
    }
    if let Err(error) = service.db.add_views(&plays).await {
        service.videos.plays.give_back(&plays);
        return Err(error.into());
    }
    Ok(())
}
