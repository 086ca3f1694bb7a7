//! Objects, written and read.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{TryStreamExt as _, future};

use super::{collect, head, pattern, read};
use crate::media::{CHUNK, Error, MediaStore};

/// Small ones, empty ones, and ones of many chunks.
pub async fn what_was_put_is_there(store: &dyn MediaStore) {
    for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 17] {
        let bytes = pattern(size, 1);
        store.put("videos/put/a", bytes.clone()).await.unwrap();
        let object = store.get("videos/put/a", None).await.unwrap().unwrap();
        assert_eq!(object.meta.bytes, size as u64);
        assert_eq!(
            Some(&object.meta),
            head(store, "videos/put/a").await.as_ref()
        );
        let chunks: Vec<Bytes> = object.body.try_collect().await.unwrap();
        assert!(
            chunks
                .iter()
                .all(|chunk| (1..=CHUNK).contains(&chunk.len()))
        );
        assert!(chunks.concat() == bytes, "{size} bytes changed");
    }
}

/// The tag differs for each version, also for versions of one length made in quick succession, and
/// stays as long as the object does.
pub async fn a_replaced_object_looks_new(store: &dyn MediaStore) {
    let mut tags = Vec::new();
    for round in 0..20_u8 {
        let key = "videos/tag";
        store.put(key, Bytes::from(vec![round; 64])).await.unwrap();
        let meta = head(store, key).await.unwrap();
        assert_eq!(head(store, key).await.unwrap(), meta);
        assert!(
            !meta.etag.is_empty()
                && meta
                    .etag
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-'),
            "{:?}",
            meta.etag
        );
        assert!(!tags.contains(&meta.etag), "{} again", meta.etag);
        tags.push(meta.etag);
    }
}

/// A range may begin and end anywhere.
pub async fn ranges_are_cut_to_what_there_is(store: &dyn MediaStore) {
    let size = 2 * CHUNK as u64 + 100;
    let bytes = pattern(size as usize, 2);
    store.put("videos/ranges", bytes.clone()).await.unwrap();
    let chunk = CHUNK as u64;
    #[expect(clippy::reversed_empty_ranges, reason = "clients send them")]
    let ranges = [
        0..1,
        0..size,
        1..size,
        size - 1..size,
        0..size + 1,
        size - 1..u64::MAX,
        5..5,
        7..3,
        size..size + 1,
        u64::MAX - 1..u64::MAX,
        chunk - 1..chunk + 1,
        10..2 * chunk + 10,
    ];
    for range in ranges {
        let object = store.get("videos/ranges", Some(range.clone())).await;
        let object = object.unwrap().unwrap();
        assert_eq!(object.meta.bytes, size, "{range:?}");
        let start = range.start.min(size);
        let expected = start as usize..range.end.clamp(start, size) as usize;
        let read = collect(object.body).await.unwrap();
        assert!(read == bytes[expected], "{range:?}: {} bytes", read.len());
    }
    store.put("videos/nothing", Bytes::new()).await.unwrap();
    let range: Option<Range<u64>> = Some(0..10);
    let object = store.get("videos/nothing", range).await.unwrap().unwrap();
    assert_eq!(collect(object.body).await.unwrap(), b"");
}

/// Replacing or deleting an object does not touch what is being read.
pub async fn an_open_body_belongs_to_its_version(store: &dyn MediaStore) {
    let old = pattern(4 * CHUNK, 3);
    for replace in [true, false] {
        store.put("videos/open", old.clone()).await.unwrap();
        let object = store.get("videos/open", None).await.unwrap().unwrap();
        if replace {
            let new = pattern(5 * CHUNK, 4);
            store.put("videos/open", new).await.unwrap();
        } else {
            store.delete("videos/open").await.unwrap();
        }
        assert!(collect(object.body).await.unwrap() == old);
    }
}

/// While an object is replaced over and over, every reader gets one whole version.
pub async fn readers_see_whole_objects(store: &Arc<dyn MediaStore>) {
    const KEY: &str = "videos/whole";
    const ROUNDS: u8 = 60;

    // The first byte says the length, so that a mixture gives itself away.
    let version = |round: u8| Bytes::from(vec![round; 1000 + 4000 * usize::from(round)]);
    store.put(KEY, version(0)).await.unwrap();
    let writer = tokio::spawn({
        let store = Arc::clone(store);
        async move {
            for round in 1..ROUNDS {
                store.put(KEY, version(round)).await.unwrap();
            }
        }
    });
    let mut last = 0;
    while last < ROUNDS - 1 {
        let object = store.get(KEY, None).await.unwrap().unwrap();
        let told = object.meta.bytes;
        let bytes = collect(object.body).await.unwrap();
        assert_eq!(told, bytes.len() as u64);
        assert!(
            bytes == version(bytes[0]),
            "a mixture of {} bytes",
            bytes.len()
        );
        assert!(bytes[0] >= last, "version {} after {last}", bytes[0]);
        last = bytes[0];
    }
    writer.await.unwrap();
}

/// Of puts to one key at the same time none fails, and one remains.
pub async fn one_of_many_puts_wins(store: &Arc<dyn MediaStore>) {
    let puts = (0..32_u8).map(|number| {
        let store = Arc::clone(store);
        tokio::spawn(async move {
            let bytes = Bytes::from(vec![number; 50_000]);
            store.put("videos/race/deep/key", bytes).await
        })
    });
    for put in future::join_all(puts).await {
        put.unwrap().unwrap();
    }
    let bytes = read(&**store, "videos/race/deep/key").await;
    assert!(bytes == vec![bytes[0]; 50_000]);
    assert_eq!(
        store.list("videos/race/").await.unwrap(),
        ["videos/race/deep/key"]
    );
}

/// A file becomes an object and stays where it is.
pub async fn files_are_put(store: &dyn MediaStore, scratch: &Path) {
    let file = scratch.join("segment");
    let bytes = pattern(CHUNK + 5, 5);
    std::fs::write(&file, &bytes).unwrap();
    store.put_file("videos/file", &file).await.unwrap();
    let first = head(store, "videos/file").await.unwrap();
    assert!(read(store, "videos/file").await == bytes);
    assert!(std::fs::read(&file).unwrap() == bytes);

    // Again, as after a crash: the store may know that it has these very bytes.
    store.put_file("videos/file", &file).await.unwrap();
    assert!(read(store, "videos/file").await == bytes);

    // Another file in the place of the first one is another object.
    let other = scratch.join("segment2");
    std::fs::write(&other, b"other").unwrap();
    std::fs::rename(&other, &file).unwrap();
    assert!(read(store, "videos/file").await == bytes);
    store.put_file("videos/file", &file).await.unwrap();
    assert_eq!(read(store, "videos/file").await, b"other");
    assert_ne!(head(store, "videos/file").await.unwrap().etag, first.etag);

    // The object outlives the file.
    std::fs::remove_file(&file).unwrap();
    assert_eq!(read(store, "videos/file").await, b"other");
}

/// Whoever made the file might have made something else.
pub async fn only_plain_files_are_put(store: &dyn MediaStore, scratch: &Path) {
    let secret = scratch.join("secret");
    std::fs::write(&secret, b"secret").unwrap();
    let link = scratch.join("link");
    std::os::unix::fs::symlink(&secret, &link).unwrap();
    for from in [&link, &scratch.to_owned(), &scratch.join("missing")] {
        let done = store.put_file("videos/odd", from).await;
        assert!(
            matches!(done, Err(Error::Io { .. })),
            "{}: {done:?}",
            from.display()
        );
        assert!(head(store, "videos/odd").await.is_none());
    }
}
