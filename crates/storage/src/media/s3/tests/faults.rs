//! The service goes away, writers die, and two of them meet.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use clipsy_testkit::Weed;
use object_store::multipart::MultipartStore as _;

use super::local::Local;
use super::{options, pattern};
use crate::media::s3::{S3Options, S3Store};
use crate::media::{Error, MediaStore};

const KEY: &str = "uploads/fault";
const TO: &str = "videos/originals/fault.mp4";
const MIB: usize = 1 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_while_the_service_is_away() {
    let mut service = Local::start().await;
    let store = S3Store::connect(&service.options()).await.unwrap();
    let bytes = pattern(20 * MIB);
    let mut file = store.open_append(KEY, TO).await.unwrap();
    file.write(bytes.slice(..8 * MIB)).await.unwrap();
    let acknowledged = file.sync().await.unwrap();
    assert_eq!(acknowledged, 8 * MIB as u64);

    service.stop().await;
    let written = file.write(bytes.slice(8 * MIB..19 * MIB)).await;
    let error = match written {
        Err(error) => error,
        Ok(()) => file.sync().await.unwrap_err(),
    };
    assert!(error.is_retryable(), "{error}");
    // Measuring cannot work either, and must not be made up.
    assert!(file.sync().await.unwrap_err().is_retryable());
    assert!(store.upload_bytes(KEY).await.unwrap_err().is_retryable());
    assert!(store.ping().await.unwrap_err().is_retryable());
    let put = store.put("videos/a", bytes.slice(..10)).await;
    assert!(put.unwrap_err().is_retryable());

    service.run().await;
    let measured = file.sync().await.unwrap();
    assert!(measured >= acknowledged, "{measured}");
    assert_eq!(store.upload_bytes(KEY).await.unwrap(), Some(measured));
    file.write(bytes.slice(measured as usize..)).await.unwrap();
    assert_eq!(file.sync().await.unwrap(), bytes.len() as u64);
    drop(file);
    assert_whole(&store, &bytes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_restart_of_seaweedfs_loses_nothing() {
    let mut weed = Weed::start();
    let store = S3Store::connect(&options(&weed)).await.unwrap();
    let bytes = pattern(13 * MIB);
    let mut file = store.open_append(KEY, TO).await.unwrap();
    file.write(bytes.slice(..7 * MIB)).await.unwrap();
    assert_eq!(file.sync().await.unwrap(), 7 * MIB as u64);
    file.write(bytes.slice(7 * MIB..11 * MIB)).await.unwrap();
    weed.stop();
    let error = file.sync().await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    weed.run();
    let measured = file.sync().await.unwrap();
    assert_eq!(measured, 7 * MIB as u64);
    file.write(bytes.slice(7 * MIB..)).await.unwrap();
    assert_eq!(file.sync().await.unwrap(), bytes.len() as u64);
    drop(file);
    assert_whole(&store, &bytes).await;
}

/// The newer one goes on, and the older one is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_writers_the_newer_one_wins() {
    let service = Local::start().await;
    for conditional in [true, false] {
        let store = S3Store::connect(&service.options()).await.unwrap();
        assert!(store.bucket.conditional);
        // What a service without conditional writes would look like.
        let mut older_store = S3Store::connect(&service.options()).await.unwrap();
        std::sync::Arc::get_mut(&mut older_store.bucket)
            .unwrap()
            .conditional = conditional;
        let bytes = pattern(12 * MIB);
        let mut older = older_store.open_append(KEY, TO).await.unwrap();
        older.write(bytes.slice(..6 * MIB)).await.unwrap();
        assert_eq!(older.sync().await.unwrap(), 6 * MIB as u64);

        let mut newer = store.open_append(KEY, TO).await.unwrap();
        assert_eq!(newer.len(), 6 * MIB as u64);
        newer.write(bytes.slice(6 * MIB..)).await.unwrap();
        assert_eq!(newer.sync().await.unwrap(), 12 * MIB as u64);

        older.write(bytes.slice(6 * MIB..7 * MIB)).await.unwrap();
        let error = older.sync().await.unwrap_err();
        assert!(matches!(error, Error::Overtaken { .. }), "{error}");
        drop((older, newer));
        assert_eq!(
            store.upload_bytes(KEY).await.unwrap(),
            Some(12 * MIB as u64)
        );
        assert_whole(&store, &bytes).await;
        store.delete(TO).await.unwrap();
    }
}

/// A rule of the bucket may delete parts. Nobody must be promised what is not there.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn lost_parts_are_not_promised() {
    let weed = Weed::start();
    let store = S3Store::connect(&options(&weed)).await.unwrap();
    let bytes = pattern(12 * MIB);
    let mut file = store.open_append(KEY, TO).await.unwrap();
    file.write(bytes.slice(..11 * MIB)).await.unwrap();
    assert_eq!(file.sync().await.unwrap(), 11 * MIB as u64);
    drop(file);
    let state = store.bucket.load(KEY).await.unwrap().unwrap().state;
    let (path, id) = (store.bucket.path(TO), state.multipart.unwrap());
    store.bucket.s3.abort_multipart(&path, &id).await.unwrap();

    assert_eq!(store.upload_bytes(KEY).await.unwrap(), Some(0));
    let mut file = store.open_append(KEY, TO).await.unwrap();
    assert!(file.is_empty());
    file.write(bytes.clone()).await.unwrap();
    assert_eq!(file.sync().await.unwrap(), bytes.len() as u64);
    drop(file);
    assert_whole(&store, &bytes).await;
}

/// Crashes between the steps of finishing an upload.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn finishing_can_be_done_again_after_any_step() {
    let weed = Weed::start();
    let store = S3Store::connect(&options(&weed)).await.unwrap();
    for size in [MIB, 5 * MIB, 11 * MIB] {
        let bytes = pattern(size);
        let mut file = store.open_append(KEY, TO).await.unwrap();
        file.write(bytes.clone()).await.unwrap();
        file.sync().await.unwrap();
        drop(file);
        let state = store.bucket.load(KEY).await.unwrap().unwrap().state;
        if let (Some(id), 11_534_336) = (&state.multipart, size) {
            // The last part is there, but is in no state.
            let path = store.bucket.path(TO);
            let last = object_store::PutPayload::from_bytes(state.tail.clone());
            let s3 = &store.bucket.s3;
            s3.put_part(&path, id, state.parts.len(), last)
                .await
                .unwrap();
            assert_eq!(store.upload_bytes(KEY).await.unwrap(), Some(size as u64));
            let parts = store.bucket.raw.parts(&path, id).await.unwrap();
            let parts = parts
                .into_iter()
                .map(|part| object_store::multipart::PartId {
                    content_id: part.e_tag.unwrap(),
                });
            // The object is there, and so is the state.
            s3.complete_multipart(&path, id, parts.collect())
                .await
                .unwrap();
            assert_eq!(store.upload_bytes(KEY).await.unwrap(), Some(size as u64));
            assert_eq!(store.open_append(KEY, TO).await.unwrap().len(), size as u64);
        }
        store.move_upload(KEY, TO).await.unwrap();
        store.move_upload(KEY, TO).await.unwrap();
        let made = store.head(TO).await.unwrap().unwrap();
        assert_eq!(made.bytes, size as u64);
        assert_eq!(store.list("uploads/").await.unwrap(), [""; 0]);
        store.delete(TO).await.unwrap();
    }
}

/// `kill -9` in the middle of a part; another process goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn another_process_goes_on_where_a_killed_one_was() {
    let weed = Weed::start();
    let store = S3Store::connect(&options(&weed)).await.unwrap();
    let bytes = pattern(40 * MIB);
    let mut acknowledged = 0;
    for round in 1..=3 {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--ignored", "--nocapture"])
            .arg("media::s3::tests::faults::writer")
            .env("CLIPSY_TEST_S3", weed.endpoint())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let told = BufReader::new(writer.stdout.take().unwrap());
        let mut syncs = 0;
        for line in told.lines().map(Result::unwrap) {
            let Some((_, offset)) = line.split_once("durable ") else {
                continue;
            };
            acknowledged = offset.parse().unwrap();
            syncs += 1;
            if syncs > round {
                break;
            }
        }
        assert!(syncs > 0, "the writer said nothing");
        writer.kill().unwrap();
        writer.wait().unwrap();
        let measured = store.upload_bytes(KEY).await.unwrap().unwrap();
        assert!(measured >= acknowledged, "{measured} of {acknowledged}");
    }
    let mut file = store.open_append(KEY, TO).await.unwrap();
    assert!(file.len() >= acknowledged && acknowledged > 0);
    file.write(bytes.slice(file.len() as usize..))
        .await
        .unwrap();
    assert_eq!(file.sync().await.unwrap(), bytes.len() as u64);
    drop(file);
    assert_whole(&store, &bytes).await;
}

/// What is killed: it appends, and says what is durable.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a part of the test above, run by it"]
#[expect(
    clippy::disallowed_methods,
    reason = "it is told what to do by the test that runs it"
)]
async fn writer() {
    let options = S3Options {
        bucket: "films".into(),
        prefix: "clips".into(),
        endpoint: Some(std::env::var("CLIPSY_TEST_S3").unwrap()),
        credentials: Some(super::Credentials {
            access_key: super::weed::ACCESS_KEY.into(),
            secret_key: super::weed::SECRET_KEY.into(),
        }),
        ..S3Options::default()
    };
    let store = S3Store::connect(&options).await.unwrap();
    let bytes = pattern(40 * MIB);
    let mut file = store.open_append(KEY, TO).await.unwrap();
    while (file.len() as usize) < bytes.len() {
        let (start, end) = (
            file.len() as usize,
            (file.len() as usize + 700_000).min(bytes.len()),
        );
        file.write(bytes.slice(start..end)).await.unwrap();
        if end % 3 == 0 {
            let durable = file.sync().await.unwrap();
            println!("durable {durable}");
        } else {
            file.sync_behind().await.unwrap();
        }
    }
}

async fn assert_whole(store: &S3Store, bytes: &bytes::Bytes) {
    store.move_upload(KEY, TO).await.unwrap();
    let object = store.get(TO, None).await.unwrap().unwrap();
    let mut body = object.body;
    let mut read = Vec::new();
    while let Some(chunk) = futures_util::StreamExt::next(&mut body).await {
        read.extend_from_slice(&chunk.unwrap());
    }
    assert!(read == *bytes, "{} bytes of {}", read.len(), bytes.len());
    assert_eq!(store.list("uploads/").await.unwrap(), [""; 0]);
}
