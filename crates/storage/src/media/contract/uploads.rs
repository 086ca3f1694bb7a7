//! Uploads, from their first byte to the original that they become.

use bytes::Bytes;

use super::{head, pattern, read};
use crate::media::{AppendFile, CHUNK, Error, MediaStore};

/// Opens an upload to append to it.
async fn open(store: &dyn MediaStore, key: &str) -> Box<dyn AppendFile> {
    store.open_append(key, &original(key)).await.unwrap()
}

/// What the upload is going to be.
fn original(key: &str) -> String {
    key.replace("uploads/", "videos/originals/")
}

/// Makes the upload what it was going to be, and reads that.
async fn finish(store: &dyn MediaStore, key: &str) -> Vec<u8> {
    let bytes = store.upload_bytes(key).await.unwrap();
    let to = original(key);
    store.move_upload(key, &to).await.unwrap();
    assert_eq!(bytes, Some(head(store, &to).await.unwrap().bytes));
    assert_eq!(store.upload_bytes(key).await.unwrap(), None);
    read(store, &to).await
}

/// What was synced is there when the upload is opened again.
pub async fn uploads_grow_and_are_measured(store: &dyn MediaStore) {
    const KEY: &str = "uploads/grow";
    let mut whole = Vec::new();
    for (round, size) in [0, 1, CHUNK, 3 * CHUNK + 1].into_iter().enumerate() {
        let mut file = open(store, KEY).await;
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
    assert!(finish(store, KEY).await == whole);
}

/// When a request ends in mid-write, what is measured afterwards does not grow any more, and is a
/// beginning of what was sent.
pub async fn a_dropped_upload_keeps_what_arrived(store: &dyn MediaStore) {
    const KEY: &str = "uploads/dropped";
    let bytes = pattern(8 * CHUNK, 7);
    let mut file = open(store, KEY).await;
    file.write(bytes.clone()).await.unwrap();
    drop(file);
    let measured = store.upload_bytes(KEY).await.unwrap().unwrap();
    let mut file = open(store, KEY).await;
    assert_eq!(file.len(), measured);
    file.write(bytes.slice(measured as usize..)).await.unwrap();
    assert_eq!(file.sync().await.unwrap(), bytes.len() as u64);
    drop(file);
    assert!(finish(store, KEY).await == bytes);
}

/// A finished upload becomes an object; doing it again changes nothing.
pub async fn an_upload_is_moved_once(store: &dyn MediaStore) {
    const FROM: &str = "uploads/move";
    const TO: &str = "videos/originals/move.mp4";
    let done = store.move_upload(FROM, TO).await;
    assert!(matches!(done, Err(Error::Missing { .. })), "{done:?}");

    let mut file = open(store, FROM).await;
    file.write(Bytes::from_static(b"film")).await.unwrap();
    file.sync().await.unwrap();
    drop(file);
    for _ in 0..2 {
        store.move_upload(FROM, TO).await.unwrap();
        assert_eq!(read(store, TO).await, b"film");
        assert_eq!(store.upload_bytes(FROM).await.unwrap(), None);
    }

    // A late request opened the upload once more: the original must survive that.
    drop(open(store, FROM).await);
    store.move_upload(FROM, TO).await.unwrap();
    assert_eq!(read(store, TO).await, b"film");
    assert_eq!(store.upload_bytes(FROM).await.unwrap(), None);
}

/// Syncing beside the writes loses nothing and changes no length.
pub async fn an_upload_is_synced_beside_its_writes(store: &dyn MediaStore) {
    const KEY: &str = "uploads/beside";
    let bytes = pattern(6 * CHUNK + 5, 3);
    let mut file = open(store, KEY).await;
    file.sync_behind().await.unwrap();
    for part in bytes.chunks(CHUNK / 2) {
        file.write(Bytes::copy_from_slice(part)).await.unwrap();
        file.sync_behind().await.unwrap();
    }
    assert_eq!(file.len(), bytes.len() as u64);
    assert_eq!(file.sync().await.unwrap(), bytes.len() as u64);
    drop(file);
    assert!(finish(store, KEY).await == bytes);
}

/// A chunk is kept whole or not at all, also when whoever wrote it vanished in between.
pub async fn a_chunk_is_kept_or_taken_back(store: &dyn MediaStore) {
    const KEY: &str = "uploads/chunks";
    let bytes = pattern(2 * CHUNK, 9);
    let measured = async || store.upload_bytes(KEY).await.unwrap();
    assert_eq!(measured().await, None);
    let mut file = open(store, KEY).await;
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
        file = open(store, KEY).await;
        assert_eq!(file.len(), 17);
    }
    file.write(Bytes::from_static(b"end")).await.unwrap();
    assert_eq!(file.sync().await.unwrap(), 20);
    assert_eq!(measured().await, Some(20));
    drop(file);
    assert_eq!(finish(store, KEY).await, b"begin kept plain end");
}

/// Parts become one upload in the order in which they are named.
pub async fn uploads_are_concatenated(store: &dyn MediaStore) {
    const WHOLE: &str = "uploads/whole";
    let to = original(WHOLE);
    let parts: Vec<String> = (0..3).map(|n| format!("uploads/part{n}")).collect();
    let mut whole = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let done = store.concat_uploads(&parts, WHOLE, &to).await;
        assert!(matches!(done, Err(Error::Missing { .. })), "{done:?}");
        assert_eq!(store.upload_bytes(WHOLE).await.unwrap(), None);
        let mut file = open(store, part).await;
        let bytes = pattern(index * 7 * CHUNK + 1, index);
        file.write(bytes.clone()).await.unwrap();
        file.sync().await.unwrap();
        // The last one comes first.
        whole.splice(0..0, bytes);
    }
    let length = Some(whole.len() as u64);
    let backwards: Vec<String> = parts.iter().rev().cloned().collect();
    for _ in 0..2 {
        store.concat_uploads(&backwards, WHOLE, &to).await.unwrap();
        assert_eq!(store.upload_bytes(WHOLE).await.unwrap(), length);
    }
    for part in &parts {
        let bytes = store.upload_bytes(part).await.unwrap();
        assert_eq!(bytes, Some(open(store, part).await.len()));
        store.delete(part).await.unwrap();
        assert_eq!(store.upload_bytes(part).await.unwrap(), None);
        assert!(head(store, &original(part)).await.is_none(), "{part}");
    }
    assert!(finish(store, WHOLE).await == whole);
}

/// Uploads that are larger than whatever a store handles at once, in pieces of odd sizes, with
/// chunks kept and taken back, and opened again in between.
pub async fn large_uploads_are_whole(store: &dyn MediaStore) {
    const KEY: &str = "uploads/large";
    const MIB: usize = 1 << 20;
    let bytes = pattern(24 * MIB + 12_345, 11);
    let noise = pattern(9 * MIB, 12);
    let mut file = open(store, KEY).await;
    let mut sent = 0;
    for (round, size) in [7 * MIB + 1, 3, 5 * MIB - 7, 10 * MIB, bytes.len()]
        .into_iter()
        .enumerate()
    {
        let end = bytes.len().min(sent + size);
        file.begin_chunk().await.unwrap();
        file.write(noise.slice(..noise.len() / (round + 1)))
            .await
            .unwrap();
        if round % 2 == 0 {
            assert_eq!(file.undo_chunk().await.unwrap(), sent as u64);
        } else {
            drop(file);
            file = open(store, KEY).await;
            assert_eq!(file.len(), sent as u64);
        }
        if round == 3 {
            file.begin_chunk().await.unwrap();
        }
        for piece in bytes[sent..end].chunks(MIB - 3) {
            file.write(Bytes::copy_from_slice(piece)).await.unwrap();
            file.sync_behind().await.unwrap();
        }
        sent = end;
        let measured = match round {
            3 => file.keep_chunk().await.unwrap(),
            _ => file.sync().await.unwrap(),
        };
        assert_eq!(measured, sent as u64);
        assert_eq!(store.upload_bytes(KEY).await.unwrap(), Some(measured));
    }
    drop(file);
    assert!(finish(store, KEY).await == bytes, "the bytes changed");
}

/// Nothing is left of an upload that was given up.
pub async fn deleted_uploads_are_gone(store: &dyn MediaStore) {
    const KEY: &str = "uploads/given-up";
    for size in [10, 6 << 20] {
        let mut file = open(store, KEY).await;
        file.write(pattern(size, 13)).await.unwrap();
        file.sync().await.unwrap();
        drop(file);
        assert_eq!(store.list("uploads/").await.unwrap(), [KEY]);
        for _ in 0..2 {
            store.delete(KEY).await.unwrap();
        }
        assert_eq!(store.upload_bytes(KEY).await.unwrap(), None);
        assert_eq!(store.list("uploads/").await.unwrap(), [""; 0]);
        assert!(open(store, KEY).await.is_empty());
        store.delete_prefix("uploads/").await.unwrap();
        assert_eq!(store.list("uploads/").await.unwrap(), [""; 0]);
    }
}
