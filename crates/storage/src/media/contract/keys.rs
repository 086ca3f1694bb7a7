//! Keys, and what lies below a prefix.

use std::path::Path;

use bytes::Bytes;

use super::{assert_refused, head, read};
use crate::media::MediaStore;

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
        assert_refused(key, store.open_append(key, "videos/x").await);
        assert_eq!(store.local_path(key).await, None, "{key:?}");
        let prefix = format!("{}//", key.trim_end_matches('/'));
        assert_refused(&prefix, store.delete_prefix(&prefix).await);
        assert_refused(&prefix, store.list(&prefix).await);
        assert_refused(&prefix, store.folders(&prefix).await);
    }
    for prefix in ["", "/", "../", "videos", "videos/../", "/videos/"] {
        assert_refused(prefix, store.delete_prefix(prefix).await);
        assert_refused(prefix, store.list(prefix).await);
        assert_refused(prefix, store.folders(prefix).await);
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
    assert_eq!(store.folders("videos/l/").await.unwrap(), ["a"]);
    assert_eq!(store.folders("videos/l/a/").await.unwrap(), ["c"]);
    assert_eq!(store.folders("videos/l/b/").await.unwrap(), [""; 0]);
}
