//! Uploads, from their first byte to the original that they become.

use bytes::Bytes;

use super::{head, pattern, read};
use crate::media::{CHUNK, Error, MediaStore};

/// What was synced is there when the upload is opened again.
pub async fn uploads_grow_and_are_measured(store: &dyn MediaStore) {
    const KEY: &str = "uploads/grow";
    let mut whole = Vec::new();
    for (round, size) in [0, 1, CHUNK, 3 * CHUNK + 1].into_iter().enumerate() {
        let mut file = store.open_append(KEY).await.unwrap();
        assert_eq!(file.len(), whole.len() as u64);
        assert_eq!(file.is_empty(), whole.is_empty());
        let bytes = pattern(size, round);
        for part in bytes.chunks(100_000) {
            file.write(Bytes::copy_from_slice(part)).await.unwrap();
            whole.extend_from_slice(part);
            assert_eq!(file.len(), whole.len() as u64);
        }
        assert_eq!(file.sync().await.unwrap(), whole.len() as u64);
    }
    assert_eq!(head(store, KEY).await.unwrap().bytes, whole.len() as u64);
    assert!(read(store, KEY).await == whole);
}

/// When a request ends in mid-write, what is measured afterwards does not grow any more, and is a
/// beginning of what was sent.
pub async fn a_dropped_upload_keeps_what_arrived(store: &dyn MediaStore) {
    const KEY: &str = "uploads/dropped";
    let bytes = pattern(8 * CHUNK, 7);
    let mut file = store.open_append(KEY).await.unwrap();
    file.write(bytes.clone()).await.unwrap();
    drop(file);
    let measured = head(store, KEY).await.unwrap().bytes;
    let mut file = store.open_append(KEY).await.unwrap();
    assert_eq!(file.len(), measured);
    file.write(bytes.slice(measured as usize..)).await.unwrap();
    assert_eq!(file.sync().await.unwrap(), bytes.len() as u64);
    assert!(read(store, KEY).await == bytes);
}

/// A finished upload becomes an object; doing it again changes nothing.
pub async fn an_upload_is_moved_once(store: &dyn MediaStore) {
    const FROM: &str = "uploads/move";
    const TO: &str = "videos/originals/move.mp4";
    let done = store.move_upload(FROM, TO).await;
    assert!(matches!(done, Err(Error::Missing { .. })), "{done:?}");

    let mut file = store.open_append(FROM).await.unwrap();
    file.write(Bytes::from_static(b"film")).await.unwrap();
    file.sync().await.unwrap();
    drop(file);
    for _ in 0..2 {
        store.move_upload(FROM, TO).await.unwrap();
        assert_eq!(read(store, TO).await, b"film");
        assert!(head(store, FROM).await.is_none());
    }

    // A late request opened the upload once more: the original must survive that.
    drop(store.open_append(FROM).await.unwrap());
    store.move_upload(FROM, TO).await.unwrap();
    assert_eq!(read(store, TO).await, b"film");
    assert!(head(store, FROM).await.is_none());
}
