//! What every [`MediaStore`] has to do, as tests to be called from the tests of each.
//!
//! Nothing here measures time. All keys lie below `videos/` and `uploads/`; the store should be
//! empty at the start.

#![expect(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "these are tests, although those of other crates"
)]

pub mod keys;
pub mod objects;
pub mod uploads;

use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;

use super::{Body, Error, MediaStore, Meta};

/// Everything. `scratch` is an empty folder for files of the suite's own.
pub async fn all(store: Arc<dyn MediaStore>, scratch: &Path) {
    keys::missing_keys_are_none(&*store).await;
    but_missing_keys(store, scratch).await;
}

/// Everything but [`keys::missing_keys_are_none`], in which services that keep objects in folders
/// stumble over a key below an object.
pub async fn but_missing_keys(store: Arc<dyn MediaStore>, scratch: &Path) {
    keys::bad_keys_are_refused(&*store, scratch).await;
    objects::what_was_put_is_there(&*store).await;
    objects::a_replaced_object_looks_new(&*store).await;
    objects::ranges_are_cut_to_what_there_is(&*store).await;
    objects::an_open_body_belongs_to_its_version(&*store).await;
    objects::readers_see_whole_objects(&store).await;
    objects::one_of_many_puts_wins(&store).await;
    objects::files_are_put(&*store, scratch).await;
    objects::only_plain_files_are_put(&*store, scratch).await;
    keys::deleted_objects_are_gone(&*store).await;
    keys::a_prefix_is_deleted_and_nothing_beside_it(&*store).await;
    keys::lists_hold_what_is_below(&*store).await;
    uploads::uploads_grow_and_are_measured(&*store).await;
    uploads::a_dropped_upload_keeps_what_arrived(&*store).await;
    uploads::an_upload_is_moved_once(&*store).await;
    uploads::an_upload_is_synced_beside_its_writes(&*store).await;
    uploads::a_chunk_is_kept_or_taken_back(&*store).await;
    uploads::uploads_are_concatenated(&*store).await;
    uploads::large_uploads_are_whole(&*store).await;
    uploads::deleted_uploads_are_gone(&*store).await;
    the_store_is_alive(&*store).await;
}

/// It says so, and where it can say how much room there is, there is some.
pub async fn the_store_is_alive(store: &dyn MediaStore) {
    store.ping().await.unwrap();
    assert_ne!(store.free_bytes().await, Some(0));
    store
        .put("videos/here", Bytes::from_static(b"x"))
        .await
        .unwrap();
    if let Some(path) = store.local_path("videos/here").await {
        assert_eq!(std::fs::read(path).unwrap(), b"x");
    }
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(key: &str, done: super::Result<T>) {
    assert!(matches!(done, Err(Error::Key { .. })), "{key:?}: {done:?}");
}

async fn head(store: &dyn MediaStore, key: &str) -> Option<Meta> {
    store.head(key).await.unwrap()
}

async fn read(store: &dyn MediaStore, key: &str) -> Vec<u8> {
    let object = store.get(key, None).await.unwrap().unwrap();
    collect(object.body).await.unwrap()
}

async fn collect(mut body: Body) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        bytes.extend_from_slice(&chunk?);
    }
    Ok(bytes)
}

/// Bytes that differ everywhere, and for each `seed`.
fn pattern(size: usize, seed: usize) -> Bytes {
    (0..size)
        .map(|index| (index * 31 + index / 251 + seed * 7) as u8)
        .collect()
}
