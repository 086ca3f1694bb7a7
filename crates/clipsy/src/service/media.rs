//! The media store, opened and looked after.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clipsy_domain::media_key;
use clipsy_storage::media::{ConnectError, LocalStore, MediaStore, S3Options, S3Store};

use crate::commands::exit::{Refusal, UsageError};
use crate::config::media::{MediaArgs, MediaPlace};

/// How often the bucket is looked through for what nobody will finish.
const SWEEP: Duration = Duration::from_hours(24);
/// What was begun less long ago may still be finished.
const AGE: Duration = Duration::from_hours(24);

/// Opens the media store that `args` names, or the one in `folder`. Uploads of `largest_upload`
/// bytes have to be possible.
pub(crate) async fn open(
    args: &MediaArgs,
    folder: PathBuf,
    largest_upload: u64,
) -> anyhow::Result<Arc<dyn MediaStore>> {
    match args.place(largest_upload)? {
        MediaPlace::Folder(place) => {
            let place = place.unwrap_or(folder);
            let store = LocalStore::open(place).context("the media folder")?;
            Ok(Arc::new(store))
        }
        MediaPlace::S3(options) => Ok(Arc::new(connect(&options).await?)),
    }
}

async fn connect(options: &S3Options) -> anyhow::Result<S3Store> {
    let store = S3Store::connect(options)
        .await
        .map_err(|error| match error {
            ConnectError::Settings(text) => anyhow::Error::from(UsageError(format!("S3: {text}"))),
            error => Refusal::new("media", error.to_string()).into(),
        })?;
    tokio::spawn(sweep(store.clone()));
    tokio::spawn(warn_of_closed_bucket(store.clone()));
    Ok(store)
}

/// Where players are sent for media, e.g. `https://s3.example:9000`. `None` if they are not.
pub(crate) async fn origin(media: &dyn MediaStore) -> anyhow::Result<Option<String>> {
    let url = media
        .public_url(&media_key::original("x", "x"), SWEEP)
        .await;
    Ok(url.context("the media store")?.map(|url| origin_of(&url)))
}

/// Scheme, host and port of an address.
fn origin_of(url: &str) -> String {
    url.split('/').take(3).collect::<Vec<_>>().join("/")
}

/// Says so if players are sent to a bucket that does not let web pages read.
async fn warn_of_closed_bucket(store: S3Store) {
    match store.open_to_pages().await {
        Ok(None | Some(true)) => {}
        Ok(Some(false)) => tracing::warn!(
            "players are sent to the bucket, which has no rule (CORS) that lets all web pages read \
             from it: players of other sites, or all, will fail; see \"Redirects\" in OPERATIONS.md"
        ),
        // Players may reach what this machine does not.
        Err(error) => tracing::info!(%error, "the bucket was not asked whether web pages may read"),
    }
}

/// Sweeps at once and then every day, until the process ends.
async fn sweep(store: S3Store) {
    let mut timer = tokio::time::interval(SWEEP);
    loop {
        timer.tick().await;
        match store.sweep(AGE).await {
            Ok(Some(0)) => {}
            Ok(Some(swept)) => tracing::info!(swept, "gave up orphaned multipart uploads"),
            Ok(None) => {
                tracing::info!(
                    "the store does not list unfinished multipart uploads; a rule of the bucket \
                     has to delete them"
                );
                return;
            }
            Err(error) => tracing::warn!(%error, "orphaned multipart uploads could not be swept"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_no_path() {
        for (url, origin) in [
            (
                "https://b.s3.example/videos/a.ts?X-Amz=1",
                "https://b.s3.example",
            ),
            (
                "http://127.0.0.1:9000/b/videos/a.ts",
                "http://127.0.0.1:9000",
            ),
        ] {
            assert_eq!(origin_of(url), origin);
        }
    }
}
