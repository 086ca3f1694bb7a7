//! What every [`MediaStore`] has to do, as tests to be called from the tests of each.
//!
//! Nothing here measures time. All keys lie below `videos/` and `uploads/`; the store should be
//! empty at the start.

#![expect(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "these are tests, although those of other crates"
)]

use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, future};

use super::{CHUNK, Error, MediaStore, Meta};

/// Everything. `scratch` is an empty folder for files of the suite's own.
pub async fn all(store: Arc<dyn MediaStore>, scratch: &Path) {
    missing_keys_are_none(&*store).await;
    bad_keys_are_refused(&*store, scratch).await;
    what_was_put_is_there(&*store).await;
    a_replaced_object_looks_new(&*store).await;
    ranges_are_cut_to_what_there_is(&*store).await;
    an_open_body_belongs_to_its_version(&*store).await;
    readers_see_whole_objects(&store).await;
    one_of_many_puts_wins(&store).await;
    files_are_put(&*store, scratch).await;
    only_plain_files_are_put(&*store, scratch).await;
    deleted_objects_are_gone(&*store).await;
    a_prefix_is_deleted_and_nothing_beside_it(&*store).await;
    lists_hold_what_is_below(&*store).await;
    uploads_grow_and_are_measured(&*store).await;
    a_dropped_upload_keeps_what_arrived(&*store).await;
    an_upload_is_moved_once(&*store).await;
    the_store_is_alive(&*store).await;
}

/// Nothing is an answer, not an error.
pub async fn missing_keys_are_none(store: &dyn MediaStore) {
    store
        .put("videos/a.ts", Bytes::from_static(b"a"))
        .await
        .unwrap();
    for key in ["videos/none", "none/at/all", "videos/a.ts/below", "videos"] {
        assert!(store.get(key, None).await.unwrap().is_none(), "{key}");
        assert!(store.head(key).await.unwrap().is_none(), "{key}");
        store.delete(key).await.unwrap();
        store.delete_prefix(&format!("{key}-/")).await.unwrap();
        let below = store.list(&format!("{key}-/")).await.unwrap();
        assert_eq!(below, [""; 0], "{key}");
    }
    assert_eq!(read(store, "videos/a.ts").await, b"a");
}

/// Whatever could lead elsewhere is refused by every method alike.
pub async fn bad_keys_are_refused(store: &dyn MediaStore, scratch: &Path) {
    let file = scratch.join("plain");
    std::fs::write(&file, b"x").unwrap();
    let long = "x".repeat(5000);
    for key in [
        "",
        "/",
        ".",
        "..",
        "../x",
        "videos/../x",
        "videos/./x",
        "/etc/passwd",
        "videos//x",
        "videos/x/",
        "videos\\x",
        "videos/%2e%2e/x",
        "videos/a b",
        "videos/ä",
        "videos/x\0",
        "videos/x\n",
        "~tmp/x",
        &long,
    ] {
        assert_refused(key, store.put(key, Bytes::new()).await);
        assert_refused(key, store.put_file(key, &file).await);
        assert_refused(key, store.get(key, None).await);
        assert_refused(key, store.head(key).await);
        assert_refused(key, store.delete(key).await);
        assert_refused(key, store.move_upload(key, "videos/x").await);
        assert_refused(key, store.move_upload("uploads/x", key).await);
        assert_refused(key, store.open_append(key).await);
        assert_eq!(store.local_path(key).await, None, "{key:?}");
        let prefix = format!("{}//", key.trim_end_matches('/'));
        assert_refused(&prefix, store.delete_prefix(&prefix).await);
        assert_refused(&prefix, store.list(&prefix).await);
    }
    for prefix in ["", "/", "../", "videos", "videos/../", "/videos/"] {
        assert_refused(prefix, store.delete_prefix(prefix).await);
        assert_refused(prefix, store.list(prefix).await);
    }
}

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

/// Deleting works, and works twice.
pub async fn deleted_objects_are_gone(store: &dyn MediaStore) {
    store
        .put("videos/gone", Bytes::from_static(b"x"))
        .await
        .unwrap();
    for _ in 0..2 {
        store.delete("videos/gone").await.unwrap();
        assert!(head(store, "videos/gone").await.is_none());
    }
}

/// `1/` is not `10/` and not `1`.
pub async fn a_prefix_is_deleted_and_nothing_beside_it(store: &dyn MediaStore) {
    let keep = ["videos/p/10/a", "videos/p/1.ts", "videos/p/2/1/a"];
    let drop = ["videos/p/1/a", "videos/p/1/720p/b", "videos/p/1/720p/c"];
    for key in keep.iter().chain(&drop) {
        store.put(key, Bytes::from_static(b"x")).await.unwrap();
    }
    for _ in 0..2 {
        store.delete_prefix("videos/p/1/").await.unwrap();
        assert_eq!(store.list("videos/p/1/").await.unwrap(), [""; 0]);
    }
    let mut left = store.list("videos/p/").await.unwrap();
    left.sort();
    let mut keep = keep.map(str::to_owned);
    keep.sort();
    assert_eq!(left, keep);
    // The name of an object is not a prefix.
    store.delete_prefix("videos/p/1.ts/").await.unwrap();
    assert!(head(store, "videos/p/1.ts").await.is_some());
    // What was deleted can come again.
    store.put(drop[0], Bytes::from_static(b"y")).await.unwrap();
    assert_eq!(read(store, drop[0]).await, b"y");
}

/// Sorted, at every depth, whole keys.
pub async fn lists_hold_what_is_below(store: &dyn MediaStore) {
    let keys = [
        "videos/l/a-b",
        "videos/l/a/b",
        "videos/l/a/c/d",
        "videos/l/b",
    ];
    for key in keys.iter().rev() {
        store.put(key, Bytes::new()).await.unwrap();
    }
    assert_eq!(store.list("videos/l/").await.unwrap(), keys);
    assert_eq!(store.list("videos/l/a/").await.unwrap(), keys[1..3]);
    assert_eq!(store.list("videos/l/b/").await.unwrap(), [""; 0]);
}

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

async fn collect(mut body: super::Body) -> io::Result<Vec<u8>> {
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
