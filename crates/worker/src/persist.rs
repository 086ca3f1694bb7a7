//! Writes that must not be lost because the database hesitates.

use std::time::Duration;

/// First wait after a failure; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Longest wait altogether.
const PATIENCE: Duration = Duration::from_mins(1);

/// Does `write` until it works, for about a minute. `None` if it never did: then the claim runs out
/// and the job is taken up again. That the claim was lost meanwhile is for `write` to find out.
pub(super) async fn persist<T, F>(what: &str, mut write: impl FnMut() -> F) -> Option<T>
where
    F: Future<Output = clipsy_storage::Result<T>>,
{
    let mut waited = Duration::ZERO;
    let mut wait = FIRST_WAIT;
    loop {
        match write().await {
            Ok(value) => return Some(value),
            Err(error) if waited < PATIENCE => {
                tracing::warn!(what, %error, "the database refused a write, trying again");
                tokio::time::sleep(wait).await;
                waited += wait;
                wait *= 2;
            }
            Err(error) => {
                tracing::error!(what, %error, "the database refused a write");
                return None;
            }
        }
    }
}
