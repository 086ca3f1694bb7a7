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

/// Syncing beside the writes loses nothing and changes no length.
pub async fn an_upload_is_synced_beside_its_writes(store: &dyn MediaStore) {
    const KEY: &str = "uploads/beside";
    let bytes = pattern(6 * CHUNK + 5, 3);
    let mut file = store.open_append(KEY).await.unwrap();
    file.sync_behind().await.unwrap();
    for part in bytes.chunks(CHUNK / 2) {
        file.write(Bytes::copy_from_slice(part)).await.unwrap();
        file.sync_behind().await.unwrap();
    }
    assert_eq!(file.len(), bytes.len() as u64);
    assert_eq!(file.sync().await.unwrap(), bytes.len() as u64);
    assert!(read(store, KEY).await == bytes);
}

/// A chunk is kept whole or not at all, also when whoever wrote it vanished in between.
pub async fn a_chunk_is_kept_or_taken_back(store: &dyn MediaStore) {
    const KEY: &str = "uploads/chunks";
    let bytes = pattern(2 * CHUNK, 9);
    let measured = async || store.upload_bytes(KEY).await.unwrap();
    assert_eq!(measured().await, None);
    let mut file = store.open_append(KEY).await.unwrap();
    file.write(Bytes::from_static(b"begin ")).await.unwrap();

    file.begin_chunk().await.unwrap();
    file.write(bytes.clone()).await.unwrap();
    file.sync_behind().await.unwrap();
    assert_eq!(measured().await, Some(6));
    assert_eq!(file.undo_chunk().await.unwrap(), 6);
    assert_eq!(file.len(), 6);
    assert_eq!(measured().await, Some(6));

    file.begin_chunk().await.unwrap();
    file.write(Bytes::from_static(b"kept ")).await.unwrap();
    assert_eq!(measured().await, Some(6));
    assert_eq!(file.keep_chunk().await.unwrap(), 11);
    assert_eq!(measured().await, Some(11));

    // What comes after a chunk is no part of it.
    file.write(Bytes::from_static(b"plain ")).await.unwrap();
    assert_eq!(file.sync().await.unwrap(), 17);
    for size in [1, 2 * CHUNK] {
        file.begin_chunk().await.unwrap();
        file.write(bytes.slice(..size)).await.unwrap();
        drop(file);
        assert_eq!(measured().await, Some(17));
        file = store.open_append(KEY).await.unwrap();
        assert_eq!(file.len(), 17);
    }
    file.write(Bytes::from_static(b"end")).await.unwrap();
    assert_eq!(file.sync().await.unwrap(), 20);
    assert_eq!(measured().await, Some(20));
    assert_eq!(read(store, KEY).await, b"begin kept plain end");
}

/// Parts become one upload in the order in which they are named.
pub async fn uploads_are_concatenated(store: &dyn MediaStore) {
    let parts: Vec<String> = (0..3).map(|n| format!("uploads/part{n}")).collect();
    let mut whole = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let done = store.concat_uploads(&parts, "uploads/whole").await;
        assert!(matches!(done, Err(Error::Missing { .. })), "{done:?}");
        assert_eq!(store.upload_bytes("uploads/whole").await.unwrap(), None);
        let mut file = store.open_append(part).await.unwrap();
        let bytes = pattern(index * CHUNK + 1, index);
        file.write(bytes.clone()).await.unwrap();
        file.sync().await.unwrap();
        // The last one comes first.
        whole.splice(0..0, bytes);
    }
    let backwards: Vec<String> = parts.iter().rev().cloned().collect();
    for _ in 0..2 {
        store
            .concat_uploads(&backwards, "uploads/whole")
            .await
            .unwrap();
        assert!(read(store, "uploads/whole").await == whole);
    }
    for part in &parts {
        assert!(head(store, part).await.is_some());
    }
}
