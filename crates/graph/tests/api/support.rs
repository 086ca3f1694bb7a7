//! A server to talk to, and a client that sends exactly what it is told.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use chrono::TimeDelta;
use clipsy_dispatch::Dispatch;
use clipsy_domain::clock::{Clock, FixedClock, from_millis};
use clipsy_domain::media_key;
use clipsy_domain::user::Role;
use clipsy_graph::{ApiSettings, App, background, router, server};
use clipsy_service::accounts::keys::Keys;
use clipsy_service::accounts::password;
use clipsy_service::{StillError, StillMaker};
use clipsy_storage::media::LocalStore;
use clipsy_storage::{Db, Finished, NewRendition, NewUser, sqlite_url};
use clipsy_testkit::http;
pub(crate) use clipsy_testkit::http::{Answer, Form, PATIENCE};
pub(crate) use clipsy_testkit::wait_until;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// The secret that tokens are signed with.
pub(crate) const SECRET: [u8; 32] = [42; 32];
/// What the server's clock shows at first: 2024-01-15T10:30:00Z.
pub(crate) const START_MS: i64 = 1_705_314_600_000;

/// Stands for whoever takes pictures: its pictures are words that say what was asked for.
#[derive(Debug, Default)]
pub(crate) struct Stills {
    /// What it answers instead.
    pub(crate) trouble: Mutex<Option<StillError>>,
    /// True if it takes as long as this is.
    pub(crate) held: AtomicBool,
    /// Pictures that it is at.
    pub(crate) busy: AtomicUsize,
}

#[async_trait::async_trait]
impl StillMaker for Stills {
    async fn still(&self, segment: &str, offset_us: u64) -> Result<Bytes, StillError> {
        self.busy.fetch_add(1, Ordering::SeqCst);
        while self.held.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.busy.fetch_sub(1, Ordering::SeqCst);
        match self.trouble.lock().unwrap().clone() {
            Some(trouble) => Err(trouble),
            None => Ok(format!("{segment} at {offset_us}").into()),
        }
    }

    async fn photo(&self, picture: Bytes) -> Result<Bytes, StillError> {
        match self.trouble.lock().unwrap().clone() {
            Some(trouble) => Err(trouble),
            None => Ok([b"poster of ".as_slice(), &picture].concat().into()),
        }
    }
}

/// A running server.
pub(crate) struct Server {
    pub(crate) app: App,
    pub(crate) address: SocketAddr,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) stills: Arc<Stills>,
    runtime: Runtime,
    stop: CancellationToken,
}

impl Server {
    /// A server with the accounts `admin` (documented password), `root` (admin), `ann` and `bob`,
    /// whose passwords are `password of NAME`.
    pub(crate) fn start() -> Self {
        Self::start_with(|_| {})
    }

    pub(crate) fn start_with(change: impl FnOnce(&mut ApiSettings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let media = folder.path().join("media");
        Self::start_at(folder, &media, change)
    }

    /// A server whose media store is in the folder `media`.
    pub(crate) fn start_at(
        folder: tempfile::TempDir,
        media: &Path,
        change: impl FnOnce(&mut ApiSettings),
    ) -> Self {
        let runtime = Runtime::new().unwrap();
        let clock = Arc::new(FixedClock::new(from_millis(START_MS)));
        let stills = Arc::new(Stills::default());
        let mut settings = ApiSettings::default();
        // The admin of these tests has the documented password.
        settings.service.demo = true;
        settings.service.reserve_bytes = 0;
        settings.service.view_flush = Duration::from_hours(1);
        change(&mut settings);
        let url = sqlite_url(&folder.path().join("clipsy.db"));
        let (app, address, stop) = runtime.block_on(async {
            let clock: Arc<dyn Clock> = clock.clone();
            let db = Db::connect(&url, Arc::clone(&clock)).await.unwrap();
            db.migrate().await.unwrap();
            let store = Arc::new(LocalStore::open(media).unwrap());
            let keys = Keys::new(&[SECRET]).unwrap();
            let dispatch = Dispatch::local(clock);
            let maker: Arc<dyn StillMaker> = stills.clone();
            let app = App::new(db, store, dispatch, keys, maker, settings).unwrap();
            add_users(&app).await;
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let stop = CancellationToken::new();
            tokio::spawn(background::run(app.clone(), stop.clone()));
            let (served, stopped) = (app.clone(), stop.clone());
            tokio::spawn(async move {
                let router = router(served.clone());
                server::serve(listener, router, &served, stopped, PATIENCE).await
            });
            (app, address, stop)
        });
        Self {
            app,
            address,
            clock,
            folder,
            stills,
            runtime,
            stop,
        }
    }

    /// Runs something inside, for what has no route.
    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Sends a request with these headers besides `Host` and `Content-Length`.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        http::send(self.address, method, path, headers, body)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        http::connect(self.address)
    }

    /// A connection from another address, e.g. `127.0.0.2`, which the server takes for another
    /// client, unlike 127.0.0.1.
    pub(crate) fn connect_from(&self, address: &str) -> TcpStream {
        let stream = self.run(async {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            let from = SocketAddr::new(address.parse().unwrap(), 0);
            socket.bind(from).unwrap();
            socket.connect(self.address).await.unwrap()
        });
        let stream = stream.into_std().unwrap();
        stream.set_nonblocking(false).unwrap();
        http::patient(stream)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }

    /// A request of somebody who is signed in; an empty token means nobody.
    pub(crate) fn call(&self, method: &str, path: &str, token: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {token}");
        let mut headers = vec![("Content-Type", "application/json")];
        if !token.is_empty() {
            headers.push(("Authorization", &bearer));
        }
        let body = match body {
            Value::Null => Vec::new(),
            body => body.to_string().into_bytes(),
        };
        self.send(method, path, &headers, &body)
    }

    /// Signs in; the answer's body.
    pub(crate) fn sign_in(&self, name: &str) -> Value {
        let body = json!({ "username": name, "password": password_of(name) });
        let answer = self.call("POST", "/api/auth/login/", "", &body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// Signs in; the access token.
    pub(crate) fn token(&self, name: &str) -> String {
        self.sign_in(name)["access"].as_str().unwrap().to_owned()
    }

    /// Uploads a video; the answer.
    pub(crate) fn upload(&self, token: &str, form: &Form) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [
            ("Authorization", bearer.as_str()),
            ("Content-Type", Form::TYPE),
        ];
        self.send("POST", "/api/videos/", &headers, &form.end())
    }

    /// Uploads a small video; its number.
    pub(crate) fn video(&self, token: &str, visibility: &str) -> i64 {
        let form = Form::new()
            .text("title", "A video")
            .text("visibility", visibility)
            .file("film.mp4", ORIGINAL);
        let answer = self.upload(token, &form);
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["id"].as_i64().unwrap()
    }

    /// Does what a worker does until players can start. It takes two and a half minutes of the
    /// server's clock, so that nothing of before is still remembered.
    pub(crate) fn make_playable(&self, id: i64) {
        self.clock.advance(TimeDelta::seconds(150));
        self.run(async {
            let (db, media) = (&self.app.db, &self.app.media);
            let job = db.job_of_asset(id).await.unwrap().unwrap();
            let job = db.claim_job(job.id, "test", 60_000).await.unwrap().unwrap();
            let attempt = job.attempt;
            assert!(
                db.record_media(job.id, attempt, Some(120.5), 1920, 1080, Some(30.0))
                    .await
                    .unwrap()
            );
            assert!(
                db.record_renditions(job.id, attempt, &renditions())
                    .await
                    .unwrap()
            );
            for (file, bytes) in FILES {
                let key = format!("{}{file}", media_key::output_prefix(id, attempt));
                media.put(&key, Bytes::from_static(bytes)).await.unwrap();
            }
            assert!(db.mark_thumbnail(job.id, attempt).await.unwrap());
            assert!(db.mark_playable(job.id, attempt).await.unwrap());
        });
    }

    /// Does all that a worker does, in five minutes.
    pub(crate) fn make_ready(&self, id: i64) {
        self.make_playable(id);
        self.make_ready_now(id);
    }

    /// Does what a worker does at the end, in two and a half minutes.
    pub(crate) fn make_ready_now(&self, id: i64) {
        self.clock.advance(TimeDelta::seconds(150));
        self.run(async {
            let db = &self.app.db;
            let job = db.job_of_asset(id).await.unwrap().unwrap();
            let made = Finished {
                renditions: renditions(),
                duration_s: Some(120.5),
                has_thumbnail: true,
                has_storyboard: true,
            };
            assert!(db.finish_job(job.id, job.attempt, &made).await.unwrap());
        });
    }

    /// What tells the video's output from others in addresses.
    pub(crate) fn revision(&self, id: i64) -> String {
        let asset = self.run(async { self.app.db.asset(id).await.unwrap().unwrap() });
        asset.output_revision.unwrap()
    }

    /// Files below the media folder.
    pub(crate) fn stored(&self, below: &str) -> Vec<String> {
        let prefix = format!("{below}/");
        self.run(async { self.app.media.list(&prefix).await.unwrap() })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn add_users(app: &App) {
    for (username, role) in [
        ("admin", Role::Admin),
        ("root", Role::Admin),
        ("ann", Role::User),
        ("bob", Role::User),
    ] {
        let new = NewUser {
            username: username.into(),
            email: format!("{username}@example.com"),
            role,
            password_hash: hash_of(username),
            default_password: username == "admin",
        };
        app.db.create_user(new).await.unwrap();
    }
}

/// Hashed once for all tests, since that is slow on purpose.
fn hash_of(name: &str) -> String {
    static HASHES: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());
    let mut hashes = HASHES.lock().unwrap();
    let make = || password::hash(&password_of(name)).unwrap();
    hashes.entry(name.to_owned()).or_insert_with(make).clone()
}

pub(crate) fn password_of(name: &str) -> String {
    match name {
        "admin" => password::DEFAULT_PASSWORD.into(),
        name => format!("password of {name}"),
    }
}

/// What is uploaded.
pub(crate) const ORIGINAL: &[u8] = b"0123456789 this is not really a video";

/// What the worker makes.
pub(crate) const FILES: [(&str, &[u8]); 7] = [
    ("master.m3u8", b"#EXTM3U\n720p/playlist.m3u8\n"),
    ("1080p/playlist.m3u8", b"#EXTM3U\n#1080\n"),
    ("720p/playlist.m3u8", b"#EXTM3U\nsegment_00000.ts\n"),
    ("720p/segment_00000.ts", b"G segment of 720p"),
    ("thumbnail.jpg", b"\xff\xd8 a picture"),
    ("storyboard.vtt", b"WEBVTT\n"),
    ("storyboard_000.jpg", b"\xff\xd8 many pictures"),
];

fn renditions() -> Vec<NewRendition> {
    [
        ("1080p", 1920, 1080, 5000, 15_728_640),
        ("720p", 1280, 720, 2500, 7_864_320),
    ]
    .map(|(rung, width, height, bitrate, file_size)| NewRendition {
        rung: rung.into(),
        width,
        height,
        bitrate,
        file_size,
        codecs: Some("avc1.64001f,mp4a.40.2".into()),
        encoder: Some("software".into()),
    })
    .to_vec()
}
