//! The service with its media in a bucket.

use clipsy_storage::media::{Credentials, MediaStore as _, S3Options, S3Store};
use clipsy_testkit::weed::{ACCESS_KEY, SECRET_KEY, Weed};
use serde_json::Value;

use crate::flow::{judge, walk};
use crate::support::client::Client;
use crate::support::server::{Start, on, run};
use crate::support::turn::turn;
use crate::support::{files, long_clip, scratch, short_clip, until};
use crate::thumbnail;
use crate::tus::{create, offset, send};

/// A look into the bucket from beside the service.
pub(crate) struct Bucket {
    runtime: tokio::runtime::Runtime,
    store: S3Store,
}

impl Bucket {
    pub(crate) fn of(weed: &Weed) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let options = S3Options {
            bucket: "films".into(),
            prefix: "clips".into(),
            endpoint: Some(weed.endpoint()),
            credentials: Some(Credentials {
                access_key: ACCESS_KEY.into(),
                secret_key: SECRET_KEY.into(),
            }),
            redirect: true,
            ..S3Options::default()
        };
        let store = runtime.block_on(S3Store::connect(&options)).unwrap();
        Self { runtime, store }
    }

    /// Whether the bucket lets all web pages read.
    pub(crate) fn open_to_pages(&self) -> bool {
        let asked = self.store.open_to_pages();
        self.runtime.block_on(asked).unwrap().unwrap()
    }

    /// Puts an object in place of another.
    pub(crate) fn put(&self, key: &str, bytes: &[u8]) {
        let put = self.store.put(key, bytes.to_vec().into());
        self.runtime.block_on(put).unwrap();
    }

    fn objects(&self) -> Vec<String> {
        let list = |prefix| self.runtime.block_on(self.store.list(prefix)).unwrap();
        [list("videos/"), list("uploads/")].concat()
    }

    /// Multipart uploads that are begun.
    fn begun(&self) -> usize {
        let swept = self.store.sweep(std::time::Duration::ZERO);
        self.runtime.block_on(swept).unwrap().unwrap()
    }
}

pub(crate) fn in_bucket(weed: &Weed, start: Start) -> Start {
    start
        .env("CLIPSY_MEDIA_URL", "s3://films/clips")
        .env("CLIPSY_S3_ENDPOINT", &weed.endpoint())
        .env("CLIPSY_S3_ACCESS_KEY", ACCESS_KEY)
        .env("CLIPSY_S3_SECRET_KEY", SECRET_KEY)
}

#[test]
fn videos_live_in_a_bucket() {
    let _turn = turn();
    let weed = Weed::start();
    let folder = scratch();
    let server = in_bucket(&weed, on(&folder.path().join("state"))).up();
    assert!(
        server.welcome.contains("s3://films/clips"),
        "{}",
        server.welcome
    );
    assert!(!server.welcome.contains(SECRET_KEY), "{}", server.welcome);
    let client = Client::admin(&server);

    let clip = long_clip();
    let by_form = client.upload(&clip);
    let early = client.playable(by_form);
    let master = client.get(early["hls_playlist"].as_str().unwrap());
    assert!(master.text().contains("VALUE=\"processing\""));

    // In pieces, with a power cut in between.
    let bytes = std::fs::read(short_clip()).unwrap();
    let half = bytes.len() / 2;
    let path = create(&server, &client, &bytes);
    assert_eq!(send(&server, &client, &path, 0, &bytes[..half]), half);
    server.kill();
    let server = in_bucket(&weed, on(&folder.path().join("state"))).up();
    let client = Client::admin(&server);
    assert_eq!(offset(&server, &client, &path), half);
    assert_eq!(
        send(&server, &client, &path, half, &bytes[half..]),
        bytes.len()
    );

    judge(&server, &client, by_form, 55.1);
    let original = client.get(&format!("/api/videos/{by_form}/stream/"));
    assert!(original.body == std::fs::read(&clip).unwrap());
    let by_tus = until("there are two videos", || {
        let videos = client.videos();
        let other = videos.iter().find(|video| video["id"] != by_form)?;
        other["id"].as_i64()
    });
    judge(&server, &client, by_tus, 10.0);
    assert_eq!(files(&server.path("media")), Vec::<String>::new());
    assert_eq!(files(&server.path("scratch")), Vec::<String>::new());

    let bucket = Bucket::of(&weed);
    assert!(bucket.objects().len() > 80, "{:?}", bucket.objects());
    for id in [by_form, by_tus] {
        assert_eq!(client.delete(&format!("/api/videos/{id}/")).status, 204);
    }
    until("the bucket is empty", || {
        bucket.objects().is_empty().then_some(())
    });
    assert_eq!(bucket.begun(), 0);
    server.stop();
}

#[test]
fn players_are_sent_to_the_bucket_and_its_outage_costs_no_job() {
    let _turn = turn();
    let mut weed = Weed::start();
    let folder = scratch();
    let start = in_bucket(&weed, on(&folder.path().join("state")));
    let server = start.env("CLIPSY_MEDIA_REDIRECT", "true").up();
    let client = Client::admin(&server);
    let id = client.upload(&long_clip());
    client.playable(id);
    weed.stop();
    until("the service has noticed", || {
        server.log().contains("publishing again").then_some(())
    });
    weed.run();
    let video = client.ready(id);
    assert_eq!(video["failure"], Value::Null);
    // Each segment is asked for here and comes from there.
    assert!(walk(&client, &video, usize::MAX) >= 3 * 27);
    let log = server.log();
    assert_eq!(log.matches("attempt started").count(), 1, "{log}");

    let agent: ureq::Agent = ureq::Agent::config_builder()
        .max_redirects(0)
        .max_redirects_will_error(false)
        .build()
        .into();
    let get = |path: &str| agent.get(format!("{}{path}", server.url)).call().unwrap();
    let master = video["hls_playlist"].as_str().unwrap();
    assert_eq!(get(master).status(), 200);
    let playlist = client.get(&master.replace("master.m3u8", "360p/playlist.m3u8"));
    let playlist = playlist.text();
    let first = playlist
        .lines()
        .find(|line| !line.starts_with('#'))
        .unwrap();
    let segment = master.replace("master.m3u8", &format!("360p/{first}"));
    let sent = get(&segment);
    assert_eq!(sent.status(), 302);
    let there = sent.headers()["location"].to_str().unwrap();
    assert!(there.starts_with(&weed.endpoint()), "{there}");
    assert_eq!(sent.headers()["access-control-allow-origin"], "*");
    let found = agent
        .get(there)
        .call()
        .unwrap()
        .body_mut()
        .read_to_vec()
        .unwrap();
    assert_eq!(found.first(), Some(&0x47));
    assert_eq!(client.get(&segment).body, found);
    server.stop();
}

#[test]
fn a_picture_is_chosen_from_what_is_in_the_bucket() {
    let _turn = turn();
    let mut weed = Weed::start();
    let folder = scratch();
    let server = in_bucket(&weed, on(&folder.path().join("state"))).up();
    let client = Client::admin(&server);
    let id = client.upload(&short_clip());
    let made = client.ready(id)["thumbnail"].clone();
    let first = thumbnail::chosen(&client, id, 9.0);
    assert_ne!(made, first.as_str());
    thumbnail::judge(&client, &first, &short_clip(), 9, 10);
    let second = thumbnail::chosen(&client, id, 3.0);
    thumbnail::judge(&client, &second, &short_clip(), 3, 10);
    let bucket = Bucket::of(&weed);
    let pictures = || {
        let mut objects = bucket.objects();
        objects.retain(|key| key.starts_with("videos/thumbnails/"));
        objects
    };
    until("only the second picture is kept", || {
        (pictures().len() == 1).then_some(())
    });
    thumbnail::judge(&client, &second, &short_clip(), 3, 10);

    weed.stop();
    assert_eq!(thumbnail::refused(&client, id, 6.0), "store_unavailable");
    weed.run();
    assert_eq!(client.video(id)["thumbnail"], second.as_str());
    let third = thumbnail::chosen(&client, id, 6.0);
    thumbnail::judge(&client, &third, &short_clip(), 6, 10);
    thumbnail::assert_tidy(&server);
    assert_eq!(files(&server.path("media")), Vec::<String>::new());
    assert_eq!(client.delete(&format!("/api/videos/{id}/")).status, 204);
    until("the bucket is empty", || {
        bucket.objects().is_empty().then_some(())
    });
    server.stop();
}

#[test]
fn a_bucket_that_cannot_be_used_is_said_at_start() {
    let folder = scratch();
    let state = folder.path().join("state");
    let state = state.to_str().unwrap();
    let args = ["serve", "--listen", "127.0.0.1:0", "--state-dir", state];
    let s3 = ("CLIPSY_MEDIA_URL", "s3://films/clips");
    let endpoint = ("CLIPSY_S3_ENDPOINT", "http://127.0.0.1:1");
    let name = ("CLIPSY_S3_ACCESS_KEY", "who");
    let secret = ("CLIPSY_S3_SECRET_KEY", "hidden-word");
    let wrong_media = ("CLIPSY_MEDIA_URL", "ftp://films");
    let wrong_endpoint = ("CLIPSY_S3_ENDPOINT", "films.example");
    for (env, code, status, word) in [
        (&[s3, endpoint, name, secret][..], "media", 1, "127.0.0.1:1"),
        (&[s3, endpoint, name], "usage", 2, "CLIPSY_S3_SECRET_KEY"),
        (&[s3, endpoint, secret], "usage", 2, "CLIPSY_S3_ACCESS_KEY"),
        (
            &[s3, wrong_endpoint, name, secret],
            "usage",
            2,
            "films.example",
        ),
        (&[wrong_media], "usage", 2, "ftp://films"),
    ] {
        let done = run(&args, env);
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(status), "{said}");
        let said = said.lines().last().unwrap();
        assert!(
            said.starts_with(&format!("error[{code}]: ")) && said.contains(word),
            "{said}"
        );
        let all = [done.stdout, done.stderr].concat();
        assert!(!String::from_utf8_lossy(&all).contains("hidden-word"));
    }
}
