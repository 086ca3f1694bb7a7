//! The contract, and what only a folder can get wrong.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;

use bytes::Bytes;

use super::LocalStore;
use crate::media::{Error, MediaStore, contract};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_contract_is_kept() {
    let (root, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = LocalStore::open(root.path()).unwrap();
    contract::all(Arc::new(store), scratch.path()).await;
    assert_eq!(temporary(&root), [""; 0]);
}

#[tokio::test]
async fn files_of_another_file_system_are_copied() {
    let root = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir_in("/dev/shm").unwrap();
    let file = elsewhere.path().join("file");
    fs::write(&file, b"far away").unwrap();
    assert_eq!(
        fs::hard_link(&file, root.path().join("probe"))
            .map_err(|error| error.kind())
            .unwrap_err(),
        std::io::ErrorKind::CrossesDevices,
        "this test needs /dev/shm to be a file system of its own"
    );
    let store = LocalStore::open(root.path().join("media")).unwrap();
    store.put_file("videos/far", &file).await.unwrap();
    fs::write(&file, b"changed!").unwrap();
    let path = store.local_path("videos/far").await.unwrap();
    assert_eq!(fs::read(path).unwrap(), b"far away");
}

#[tokio::test]
async fn a_file_nearby_is_not_copied() {
    use std::os::unix::fs::MetadataExt as _;

    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, b"near").unwrap();
    let store = LocalStore::open(root.path().join("media")).unwrap();
    store.put_file("videos/near", &file).await.unwrap();
    let path = store.local_path("videos/near").await.unwrap();
    assert_eq!(
        fs::metadata(path).unwrap().ino(),
        fs::metadata(&file).unwrap().ino()
    );
}

#[tokio::test]
async fn links_that_lead_outside_are_refused() {
    let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let secret = outside.path().join("secret");
    fs::write(&secret, b"secret").unwrap();
    let store = LocalStore::open(root.path()).unwrap();
    store
        .put("videos/a", Bytes::from_static(b"a"))
        .await
        .unwrap();
    symlink(outside.path(), root.path().join("videos/out")).unwrap();
    symlink(&secret, root.path().join("videos/file")).unwrap();
    symlink("../../..", root.path().join("videos/up")).unwrap();
    symlink("a", root.path().join("videos/inside")).unwrap();

    for key in [
        "videos/out/secret",
        "videos/file",
        "videos/up/etc/passwd",
        "videos/out/new",
    ] {
        assert_key(key, store.get(key, None).await);
        assert_key(key, store.head(key).await);
        assert_key(key, store.put(key, Bytes::new()).await);
        assert_key(key, store.open_append(key, "videos/x").await);
        assert_key(key, store.delete(key).await);
        assert_key(key, store.move_upload("videos/a", key).await);
        assert_eq!(store.local_path(key).await, None, "{key}");
    }
    assert_key("videos/out/", store.delete_prefix("videos/out/").await);
    assert_key("videos/out/", store.list("videos/out/").await);
    assert_eq!(store.list("videos/").await.unwrap(), ["videos/a"]);
    assert!(store.head("videos/inside").await.unwrap().is_some());
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    assert_eq!(fs::read(secret).unwrap(), b"secret");

    // Deleting everything does not follow them either.
    store.delete_prefix("videos/").await.unwrap();
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn what_a_crash_left_is_swept_but_not_what_is_in_use() {
    let root = tempfile::tempdir().unwrap();
    let crashed = LocalStore::open(root.path()).unwrap();
    let left = crashed.folder.temp.path();
    fs::write(&left, b"half").unwrap();
    let alive = LocalStore::open(root.path()).unwrap();
    assert!(left.exists(), "its owner still lives");

    // The system gives a lock back when its owner ends.
    drop(crashed);
    let used = alive.folder.temp.path();
    fs::write(&used, b"half").unwrap();
    let next = LocalStore::open(root.path()).unwrap();
    assert!(!left.exists());
    assert!(used.exists());
    next.put("videos/a", Bytes::new()).await.unwrap();
    alive.put("videos/b", Bytes::new()).await.unwrap();
    assert_eq!(
        next.list("videos/").await.unwrap(),
        ["videos/a", "videos/b"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn puts_survive_that_their_folder_is_deleted() {
    let root = tempfile::tempdir().unwrap();
    let store = LocalStore::open(root.path()).unwrap();
    let deleting = tokio::spawn({
        let store = store.clone();
        async move {
            for _ in 0..200 {
                store.delete_prefix("videos/x/").await.unwrap();
            }
        }
    });
    for round in 0..200 {
        let key = format!("videos/x/{}/{round}", round % 3);
        store.put(&key, Bytes::from_static(b"x")).await.unwrap();
    }
    deleting.await.unwrap();
}

#[track_caller]
fn assert_key<T: std::fmt::Debug>(key: &str, done: crate::media::Result<T>) {
    let done = done.map(drop);
    assert!(matches!(done, Err(Error::Key { .. })), "{key}: {done:?}");
}

/// The temporary files that are left.
fn temporary(root: &tempfile::TempDir) -> Vec<String> {
    let folders = fs::read_dir(root.path().join("~tmp")).unwrap();
    folders
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .flat_map(|path| fs::read_dir(path).unwrap())
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}
