//! The contract against two services that share no code, and what only a bucket can get wrong.

mod faults;
mod local;

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clipsy_testkit::weed::{self, Weed};
use futures_util::{StreamExt as _, stream};
use http::Request;
use object_store::ClientOptions;
use object_store::client::{HttpConnector as _, HttpRequestBody, ReqwestConnector};
use object_store::multipart::MultipartStore as _;

use self::local::Local;
use super::{ConnectError, Credentials, S3Options, S3Store};
use crate::media::{CHUNK, MediaStore, contract};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_contract_is_kept_on_s3s() {
    let scratch = tempfile::tempdir().unwrap();
    let service = Local::start().await;
    let store = S3Store::connect(&service.options()).await.unwrap();
    contract::but_missing_keys(Arc::new(store.clone()), scratch.path()).await;
    store.delete_prefix("videos/").await.unwrap();
    store.delete_prefix("uploads/").await.unwrap();
    let left = service.files();
    let parts: Vec<_> = left.iter().filter(|f| f.contains("upload")).collect();
    assert!(parts.is_empty(), "{parts:?}");
    assert_eq!(store.list("videos/").await.unwrap(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_contract_is_kept_on_seaweedfs() {
    let scratch = tempfile::tempdir().unwrap();
    let weed = Weed::start();
    let store = S3Store::connect(&options(&weed)).await.unwrap();
    contract::all(Arc::new(store.clone()), scratch.path()).await;
    store.delete_prefix("videos/").await.unwrap();
    store.delete_prefix("uploads/").await.unwrap();
    assert_eq!(store.sweep(Duration::ZERO).await.unwrap(), Some(0));

    orphans_are_swept(&store).await;
    large_files_are_put_in_parts(&store).await;
    clients_can_read_from_the_bucket(&store).await;
    many_objects_are_listed_and_deleted(&store).await;
}

async fn orphans_are_swept(store: &S3Store) {
    let path = store.bucket.path("videos/orphan");
    let orphan = store.bucket.s3.create_multipart(&path).await.unwrap();
    let part = object_store::PutPayload::from(vec![1; 5 << 20]);
    store
        .bucket
        .s3
        .put_part(&path, &orphan, 0, part)
        .await
        .unwrap();
    let mut file = store
        .open_append("uploads/alive", "videos/alive")
        .await
        .unwrap();
    file.write(vec![7; 6 << 20].into()).await.unwrap();
    file.sync().await.unwrap();

    assert_eq!(store.sweep(Duration::from_hours(1)).await.unwrap(), Some(0));
    assert_eq!(store.sweep(Duration::ZERO).await.unwrap(), Some(1));
    assert_eq!(store.sweep(Duration::ZERO).await.unwrap(), Some(0));
    assert!(
        store
            .bucket
            .raw
            .parts(&path, &orphan)
            .await
            .unwrap()
            .is_empty()
    );
    file.write(vec![8; 6 << 20].into()).await.unwrap();
    assert_eq!(file.sync().await.unwrap(), 12 << 20);
    drop(file);
    store
        .move_upload("uploads/alive", "videos/alive")
        .await
        .unwrap();
    assert_eq!(
        store.head("videos/alive").await.unwrap().unwrap().bytes,
        12 << 20
    );
}

async fn large_files_are_put_in_parts(store: &S3Store) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let bytes: Vec<u8> = (0..(35 << 20) + 3_u32).map(|n| (n / 251) as u8).collect();
    file.write_all(&bytes).unwrap();
    for _ in 0..2 {
        store
            .put_file("videos/large.ts", file.path())
            .await
            .unwrap();
        let object = store.get("videos/large.ts", None).await.unwrap().unwrap();
        assert_eq!(object.meta.bytes, bytes.len() as u64);
        let read = object
            .body
            .map(Result::unwrap)
            .collect::<Vec<Bytes>>()
            .await;
        assert!(read.concat() == bytes);
    }
    assert_eq!(store.sweep(Duration::ZERO).await.unwrap(), Some(0));
}

async fn clients_can_read_from_the_bucket(store: &S3Store) {
    store
        .put("videos/a.ts", Bytes::from_static(b"segment"))
        .await
        .unwrap();
    let url = store
        .public_url("videos/a.ts", Duration::from_mins(1))
        .await;
    let url = url.unwrap().unwrap();
    let options = ClientOptions::new().with_allow_http(true);
    let client = ReqwestConnector::default().connect(&options).unwrap();
    for (range, status, body) in [("bytes=0-", 206, "segment"), ("bytes=2-4", 206, "gme")] {
        let request = Request::get(&url).header("range", range);
        let request = request.body(HttpRequestBody::empty()).unwrap();
        let answer = client.execute(request).await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["content-type"], "video/mp2t");
        assert_eq!(answer.into_body().bytes().await.unwrap(), body);
    }
    // No rule of the bucket says so.
    assert_eq!(store.open_to_pages().await.unwrap(), Some(false));
    // Another object does not open with the same signature.
    let other = url.replace("a.ts", "b.ts");
    let request = Request::get(&other).body(HttpRequestBody::empty()).unwrap();
    assert_eq!(client.execute(request).await.unwrap().status(), 403);
}

async fn many_objects_are_listed_and_deleted(store: &S3Store) {
    const MANY: usize = 1_205;
    let puts = (0..MANY).map(|n| {
        let store = store.clone();
        async move { store.put(&format!("videos/many/{n}"), Bytes::new()).await }
    });
    let puts: Vec<_> = stream::iter(puts).buffer_unordered(16).collect().await;
    assert!(puts.iter().all(Result::is_ok));
    assert_eq!(store.list("videos/many/").await.unwrap().len(), MANY);
    store.delete_prefix("videos/many/").await.unwrap();
    assert_eq!(store.list("videos/many/").await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_bucket_that_cannot_be_used_is_refused_in_words() {
    let service = Local::start().await;
    let right = service.options();
    let wrong_key = S3Options {
        credentials: Some(Credentials {
            access_key: "who".into(),
            secret_key: "other".into(),
        }),
        ..right.clone()
    };
    let nobody = S3Options {
        endpoint: Some("http://127.0.0.1:1".into()),
        ..right.clone()
    };
    for options in [wrong_key, nobody] {
        let error = S3Store::connect(&options).await.unwrap_err();
        assert!(
            matches!(
                error,
                ConnectError::Unusable {
                    step: "writing",
                    ..
                }
            ),
            "{error}"
        );
        let text = error.to_string();
        assert!(
            text.contains(&options.bucket) && text.contains("127.0.0.1"),
            "{text}"
        );
        assert!(!text.contains("other"), "{text}");
    }
    for (bucket, prefix) in [("", ""), ("a/b", ""), ("films", "a b"), ("films", "/a")] {
        let options = S3Options {
            bucket: bucket.into(),
            prefix: prefix.into(),
            ..right.clone()
        };
        let error = S3Store::connect(&options).await.unwrap_err();
        assert!(matches!(error, ConnectError::Settings(_)), "{error}");
    }
    S3Store::connect(&right).await.unwrap();
}

#[tokio::test]
async fn without_redirects_no_address_is_given_away() {
    let service = Local::start().await;
    let options = S3Options {
        redirect: false,
        ..service.options()
    };
    let store = S3Store::connect(&options).await.unwrap();
    let url = store
        .public_url("videos/a.ts", Duration::from_mins(1))
        .await;
    assert_eq!(url.unwrap(), None);
    assert_eq!(store.open_to_pages().await.unwrap(), None);
    let public = S3Options {
        public_endpoint: Some("https://cdn.example".into()),
        ..service.options()
    };
    let store = S3Store::connect(&public).await.unwrap();
    let url = store
        .public_url("videos/a.ts", Duration::from_mins(1))
        .await;
    let url = url.unwrap().unwrap();
    assert!(
        url.starts_with("https://cdn.example/films/clips/of-mine/videos/a.ts?"),
        "{url}"
    );
}

fn options(weed: &Weed) -> S3Options {
    S3Options {
        bucket: "films".into(),
        prefix: "clips".into(),
        endpoint: Some(weed.endpoint()),
        credentials: Some(Credentials {
            access_key: weed::ACCESS_KEY.into(),
            secret_key: weed::SECRET_KEY.into(),
        }),
        redirect: true,
        ..S3Options::default()
    }
}

/// Bytes that differ everywhere.
fn pattern(size: usize) -> Bytes {
    (0..size + CHUNK)
        .skip(CHUNK)
        .map(|n| (n * 31 + n / 251) as u8)
        .collect()
}
