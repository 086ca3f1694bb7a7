//! Writing counted plays down.

use crate::app::App;
use crate::error::Result;

/// Adds the plays since the last time to the videos. On failure they are kept for the next time.
pub async fn flush_plays(app: &App) -> Result<()> {
    let plays = app.plays.take();
    if plays.is_empty() {
        return Ok(());
    }
    if let Err(error) = app.db.add_views(&plays).await {
        app.plays.give_back(&plays);
        return Err(error.into());
    }
    Ok(())
}
