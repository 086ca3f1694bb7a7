//! A disk that is full under the database and under the media store.
#![cfg(test)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use clipsy_domain::asset::Visibility;
use clipsy_domain::clock::SystemClock;
use clipsy_domain::user::{Role, Viewer};
use clipsy_storage::media::{LocalStore, MediaStore};
use clipsy_storage::{AssetFilter, Db, NewAsset, NewUser, sqlite_url};

/// Where mounting is not allowed, this says that the tests may do without.
const MAY_SKIP: &str = "CLIPSY_TEST_WITHOUT_MOUNT";

/// Size of the disk in KiB.
const DISK_KIB: u64 = 4096;

/// Mounts a small disk that only this process and its children see, and runs the rest of the
/// arguments with the disk as current folder.
const SCRIPT: &str = r#"
disk=$1 size=$2
shift 2
mount -t tmpfs -o "size=$size" tmpfs "$disk" || exit 99
cd "$disk" && exec "$@"
"#;

#[test]
fn the_store_says_so_and_lives_on() {
    on_small_disk("store");
}

#[test]
fn the_database_says_so_and_lives_on() {
    on_small_disk("database");
}

#[tokio::test]
#[ignore = "runs on a small disk, on which the test above starts it"]
async fn store() {
    let disk = small_disk();
    let store = LocalStore::open(disk.join("media")).unwrap();
    let before = Bytes::from_static(b"old");
    store.put("videos/a", before.clone()).await.unwrap();
    assert!(store.free_bytes().await.unwrap() <= DISK_KIB * 1024);

    // An object that does not fit.
    let large = Bytes::from(vec![1; DISK_KIB as usize * 1024]);
    let full = store.put("videos/a", large.clone()).await.unwrap_err();
    assert!(full.is_out_of_disk(), "{full:?}");
    assert!(full.to_string().starts_with("videos/a: "), "{full}");

    // A file of another disk that does not fit.
    let elsewhere = tempfile::NamedTempFile::new_in("/dev/shm").unwrap();
    fs::write(elsewhere.path(), &large).unwrap();
    let full = store.put_file("videos/b", elsewhere.path()).await;
    assert!(full.unwrap_err().is_out_of_disk());
    assert_eq!(store.list("videos/").await.unwrap(), ["videos/a"]);
    let object = store.get("videos/a", None).await.unwrap().unwrap();
    assert_eq!(object.meta.bytes, 3);

    // An upload that grows until nothing is left. Another one keeps what it has.
    let mut other = store
        .open_append("uploads/other", "videos/originals/x")
        .await
        .unwrap();
    other.write(Bytes::from(vec![2; 100_000])).await.unwrap();
    assert_eq!(other.sync().await.unwrap(), 100_000);
    let mut upload = store
        .open_append("uploads/full", "videos/originals/x")
        .await
        .unwrap();
    let mut durable = 0;
    let full = loop {
        let written = upload.write(Bytes::from(vec![3; 300_000])).await;
        match written.and(upload.sync().await) {
            Ok(bytes) => durable = bytes,
            Err(full) => break full,
        }
    };
    assert!(full.is_out_of_disk(), "{full:?}");
    assert!(durable > 0);
    // Of the last piece a part may have arrived; the upload goes on from there.
    let measured = upload.sync().await.unwrap();
    assert!(
        (durable..durable + 300_000).contains(&measured),
        "{measured}"
    );
    drop(upload);
    assert_eq!(
        store.head("uploads/full").await.unwrap().unwrap().bytes,
        measured
    );
    let full = other.write(Bytes::from(vec![2; 100_000])).await;
    assert!(full.and(other.sync().await).unwrap_err().is_out_of_disk());
    assert!(other.sync().await.unwrap() >= 100_000);

    // With room again everything goes on, and nothing was left behind that takes it.
    store.delete("uploads/full").await.unwrap();
    let most = large.slice(..large.len() * 9 / 10);
    store.put("videos/a", most).await.unwrap();
}

#[tokio::test]
#[ignore = "runs on a small disk, on which the test above starts it"]
async fn database() {
    let disk = small_disk();
    let filler = disk.join("filler");
    let url = sqlite_url(&disk.join("clipsy.db"));

    // Not even the tables fit.
    fs::write(&filler, vec![0; (DISK_KIB as usize - 100) * 1024]).unwrap();
    let full = match Db::connect(&url, Arc::new(SystemClock)).await {
        Ok(db) => db.migrate().await.unwrap_err(),
        Err(full) => full,
    };
    assert!(full.is_out_of_disk(), "{full:?}");

    // They do, and are used until there is no room.
    fs::write(&filler, vec![0; 1024 * 1024]).unwrap();
    let db = Db::connect(&url, Arc::new(SystemClock)).await.unwrap();
    db.migrate().await.unwrap();
    let user = db
        .create_user(NewUser {
            username: "anna".to_owned(),
            email: String::new(),
            role: Role::Admin,
            password_hash: String::new(),
            default_password: false,
        })
        .await
        .unwrap();
    let mut number = 0;
    let mut add = async || {
        number += 1;
        let new = NewAsset {
            owner_id: user.id,
            title: format!("{number}"),
            description: "x".repeat(50_000),
            visibility: Visibility::Public,
            source_key: format!("videos/originals/{number}"),
            source_name: String::new(),
            source_type: String::new(),
            source_bytes: 0,
            source_sha256: None,
        };
        db.create_asset(new, None).await
    };
    let mut made = 0;
    let full = loop {
        match add().await {
            Ok(_) => made += 1,
            Err(full) => break full,
        }
    };
    assert!(full.is_out_of_disk(), "{full:?}");
    assert!(made > 0);

    // What is there can be read, and nothing of what failed is there.
    let filter = AssetFilter::new(Viewer::Anonymous);
    assert_eq!(db.count_assets(&filter).await.unwrap(), made);
    assert_eq!(
        db.assets(&filter).await.unwrap()[0].title,
        format!("{made}")
    );
    let jobs = db.jobs_to_run().await.unwrap();
    assert_eq!(jobs.len() as u64, u64::try_from(made).unwrap());

    fs::remove_file(filler).unwrap();
    add().await.unwrap();
    assert_eq!(db.count_assets(&filter).await.unwrap(), made + 1);
}

/// Runs the test with that name on a small disk.
fn on_small_disk(name: &str) {
    let Some(flags) = unshare() else {
        assert!(
            may_skip(),
            "a small disk cannot be mounted here: be root, or set {MAY_SKIP}=1 to do without"
        );
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let done = Command::new("unshare")
        .args([flags, "sh", "-c", SCRIPT, "sh"])
        .arg(folder.path())
        .arg(format!("{DISK_KIB}k"))
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(
        done.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

/// The current folder, if it is the small disk.
fn small_disk() -> std::path::PathBuf {
    let folder = std::env::current_dir().unwrap();
    let disk = rustix::fs::statvfs(&folder).unwrap();
    assert!(
        disk.f_blocks * disk.f_frsize == DISK_KIB * 1024,
        "{} is no small disk: run the other tests of this file",
        Path::new(&folder).display()
    );
    folder
}

/// Arguments of `unshare` by which this user may mount something that only the child sees.
fn unshare() -> Option<&'static str> {
    ["-m", "-Urm"].into_iter().find(|flags| {
        let mut trial = Command::new("unshare");
        trial
            .args([flags, "sh", "-c", "mount -t tmpfs tmpfs /mnt"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        trial.status().is_ok_and(|status| status.success())
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "it says what this machine allows, not what Clipsy does"
)]
fn may_skip() -> bool {
    std::env::var(MAY_SKIP).is_ok_and(|value| value == "1")
}
