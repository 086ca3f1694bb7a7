//! A server to talk to, and a client that sends exactly what it is told.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
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
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// The secret that tokens are signed with.
pub(crate) const SECRET: [u8; 32] = [42; 32];
/// What the server's clock shows at first: 2024-01-15T10:30:00Z.
pub(crate) const START_MS: i64 = 1_705_314_600_000;
/// Longest wait for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

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
        let mut lines = vec![
            format!("{method} {path} HTTP/1.1"),
            "Connection: close".to_owned(),
        ];
        if !headers.iter().any(|(name, _)| *name == "Host") {
            lines.push(format!("Host: {}", self.address));
        }
        if !body.is_empty() || matches!(method, "POST" | "PUT" | "PATCH") {
            lines.push(format!("Content-Length: {}", body.len()));
        }
        lines.extend(
            headers
                .iter()
                .map(|(name, value)| format!("{name}: {value}")),
        );
        let mut stream = self.connect();
        stream.write_all(lines.join("\r\n").as_bytes()).unwrap();
        stream.write_all(b"\r\n\r\n").unwrap();
        // A server that refuses early may stop reading.
        let _ = stream.write_all(body);
        Answer::read(stream, method == "HEAD")
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
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
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
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

/// Asks again until it is so.
pub(crate) fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    let end = std::time::Instant::now() + PATIENCE;
    while !so() {
        assert!(
            std::time::Instant::now() < end,
            "waited too long until {what}"
        );
        std::thread::sleep(Duration::from_millis(10));
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

/// A multipart form.
#[derive(Default)]
pub(crate) struct Form(Vec<u8>);

impl Form {
    pub(crate) const TYPE: &'static str = "multipart/form-data; boundary=----7d4a6d158c9";

    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn text(self, name: &str, value: &str) -> Self {
        self.part(&format!("name=\"{name}\""), value.as_bytes())
    }

    pub(crate) fn file(self, name: &str, bytes: &[u8]) -> Self {
        let head = format!("name=\"video_file\"; filename=\"{name}\"\r\nContent-Type: video/mp4");
        self.part(&head, bytes)
    }

    pub(crate) fn part(mut self, disposition: &str, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(
            format!("------7d4a6d158c9\r\nContent-Disposition: form-data; {disposition}\r\n\r\n")
                .as_bytes(),
        );
        self.0.extend_from_slice(bytes);
        self.0.extend_from_slice(b"\r\n");
        self
    }

    pub(crate) fn end(&self) -> Vec<u8> {
        let mut all = self.0.clone();
        all.extend_from_slice(b"------7d4a6d158c9--\r\n");
        all
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// What is in the chunks of a body (RFC 9112 section 7.1), which must have an end.
fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|w| w == b"\r\n").unwrap();
        let length = std::str::from_utf8(&rest[..line]).unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        rest = &rest[line + 2..];
        body.extend_from_slice(&rest[..length]);
        assert_eq!(&rest[length..length + 2], b"\r\n");
        rest = &rest[length + 2..];
        if length == 0 {
            assert!(rest.is_empty());
            return body;
        }
    }
}

impl Answer {
    /// Sends `bytes` in chunks as the body of a request whose head was sent, and reads the answer.
    pub(crate) fn of_chunks(mut stream: TcpStream, bytes: &[u8]) -> Self {
        for chunk in bytes.chunks(1 << 20) {
            stream
                .write_all(format!("{:x}\r\n", chunk.len()).as_bytes())
                .unwrap();
            stream.write_all(chunk).unwrap();
            stream.write_all(b"\r\n").unwrap();
        }
        stream.write_all(b"0\r\n\r\n").unwrap();
        Self::read(stream, false)
    }

    /// Reads an answer until the connection closes.
    pub(crate) fn read(mut stream: TcpStream, head_only: bool) -> Self {
        let mut all = Vec::new();
        // A server that refused a body may cut the connection after its answer.
        if let Err(error) = stream.read_to_end(&mut all) {
            assert!(!all.is_empty(), "no answer: {error}");
        }
        let end = all
            .windows(4)
            .position(|w| w == b"\r\n\r\n")
            .unwrap_or_else(|| panic!("no head in {:?}", String::from_utf8_lossy(&all)));
        let head = String::from_utf8(all[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut answer = Self {
            status: status.parse().unwrap(),
            headers,
            body: all[end + 4..].to_vec(),
        };
        if answer.header("transfer-encoding") == Some("chunked") {
            answer.body = unchunked(&answer.body);
        } else if let Some(length) = answer.header("content-length")
            && !head_only
            && answer.status != 304
        {
            assert_eq!(length, answer.body.len().to_string());
        } else {
            answer.body.shrink_to_fit();
            assert!(answer.body.is_empty());
        }
        answer
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    /// Status, code and exact body of an error.
    pub(crate) fn is_error(&self, status: u16, code: &str, body: &str) {
        assert_eq!(
            (self.status, self.header("clipsy-error-code"), self.text()),
            (status, Some(code), body.to_owned())
        );
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert!(self.header("x-request-id").is_some());
    }

    pub(crate) fn is_not_found(&self) {
        self.is_error(404, "not_found", r#"{"detail":"Not found."}"#);
    }
}
