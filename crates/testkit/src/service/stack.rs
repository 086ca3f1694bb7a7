//! Everything that a service of several processes needs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::Signal;
use serde_json::Value;

use super::client::Client;
use super::processes::{self, Worker, kill};
use super::server::{Server, Start, on, worker_on};
use super::{files, repository, scratch, until};
use crate::{Nats, Postgres};

/// Tests take turns: each runs half a dozen processes.
static TURN: Mutex<()> = Mutex::new(());

/// The servers and folders, without a process of Clipsy yet.
pub struct Stack {
    /// The database.
    pub postgres: Postgres,
    /// The queue.
    pub nats: Nats,
    /// Everything that lies on disk.
    pub folder: tempfile::TempDir,
    /// How long claims hold, in seconds.
    lease: &'static str,
    _turn: MutexGuard<'static, ()>,
}

/// Two servers, two workers.
pub struct Pair {
    /// Those that answer.
    pub servers: [Server; 2],
    /// Those that do the jobs.
    pub workers: [Server; 2],
}

impl Stack {
    /// Claims hold for `lease` seconds.
    pub fn start(lease: &'static str) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        Self {
            postgres: Postgres::start(),
            nats: Nats::start(),
            folder: scratch(),
            lease,
            _turn: turn,
        }
    }

    /// A server that processes nothing itself.
    pub fn serve(&self, name: &str) -> Start {
        let key = self.folder.path().join("token.key");
        self.join(on(&self.folder.path().join(name)))
            .env("CLIPSY_KEY_FILE", key.to_str().unwrap())
    }

    /// A worker on a folder of its own.
    pub fn work(&self, name: &str) -> Start {
        self.join(worker_on(&self.folder.path().join(name))).args(&[
            "--jobs",
            "1",
            "--encoder",
            "software",
        ])
    }

    fn join(&self, start: Start) -> Start {
        start
            .env("CLIPSY_DATABASE_URL", &self.postgres.url())
            .env("CLIPSY_NATS_URL", &self.nats.url())
            .env("CLIPSY_MEDIA_URL", self.media().to_str().unwrap())
            .env("CLIPSY_LEASE_SECONDS", self.lease)
    }

    /// Starts two servers and two workers.
    pub fn pair(&self) -> Pair {
        std::thread::scope(|scope| {
            let all = [
                self.serve("api-0"),
                self.serve("api-1"),
                self.work("work-0"),
                self.work("work-1"),
            ];
            let [a, b, c, d] = all.map(|start| scope.spawn(|| start.up()));
            Pair {
                servers: [a.join().unwrap(), b.join().unwrap()],
                workers: [c.join().unwrap(), d.join().unwrap()],
            }
        })
    }

    /// The media folder that they share.
    pub fn media(&self) -> PathBuf {
        self.folder.path().join("media")
    }

    /// What is published of a video.
    pub fn output(&self, id: i64) -> PathBuf {
        self.media().join(format!("videos/processed/{id}"))
    }

    /// Only files of that attempt are published.
    pub fn only_attempt(&self, id: i64, attempt: i64) {
        let start = format!("{attempt}/");
        until(&format!("only attempt {attempt}'s files are left"), || {
            let left = files(&self.output(id));
            let all = !left.is_empty() && left.iter().all(|name| name.starts_with(&start));
            all.then_some(())
        });
    }

    /// Twenty seconds of small pictures.
    pub fn clip(&self) -> PathBuf {
        let clip = self.folder.path().join("clip.mp4");
        if !clip.exists() {
            let made = Command::new("ffmpeg")
                .args(["-v", "error", "-stream_loop", "1", "-i"])
                .arg(repository(".media/clips/bikes.mp4"))
                .args(["-c", "copy"])
                .arg(&clip)
                .output()
                .unwrap();
            assert!(made.status.success(), "{made:?}");
        }
        clip
    }
}

impl Pair {
    /// Signs in at the first server.
    pub fn admin(&self) -> Client {
        Client::admin(&self.servers[0])
    }

    /// Waits until one of the workers is at `attempt`, and stops the process that handles the
    /// media. Which worker it is, and that process.
    pub fn hold(&self, attempt: &str) -> (usize, Worker) {
        hold(&self.workers, attempt)
    }
}

/// [`Pair::hold`] of any workers.
pub fn hold(workers: &[Server], attempt: &str) -> (usize, Worker) {
    until(&format!("a worker is at {attempt}"), || {
        workers.iter().enumerate().find_map(|(number, worker)| {
            let found = child_of(worker, attempt)?;
            kill(found.pid, Signal::STOP);
            // It may have been on its last word.
            processes::is_alive(found.pid).then_some((number, found))
        })
    })
}

/// `late` held attempt 1 of a video, and `other` makes it with attempt 2. Once that is done,
/// `come_back` lets `late` notice: nothing changes by what it still has to say.
pub fn comes_too_late(
    stack: &Stack,
    client: &Client,
    id: i64,
    late: Server,
    other: Server,
    come_back: impl FnOnce(&Server),
) {
    assert_whole(client, id);
    let before = client.video(id);
    let files_before = contents(&stack.output(id).join("2"));

    come_back(&late);
    until("it finds out", || {
        late.log()
            .contains("was stopped or taken over")
            .then_some(())
    });
    stack.only_attempt(id, 2);
    assert_eq!(contents(&stack.output(id).join("2")), files_before);
    assert_eq!(client.video(id), before);

    // It is as good as before.
    other.stop();
    let id = client.upload(&stack.clip());
    assert_whole(client, id);
    late.stop();
}

/// The child of `worker` that is at `attempt`.
pub fn child_of(worker: &Server, attempt: &str) -> Option<Worker> {
    let children = worker.children().into_iter();
    children.into_iter().find(|child| child.attempt == attempt)
}

/// The video is complete: its playlists list segments that are there.
pub fn assert_whole(client: &Client, id: i64) {
    let video = client.ready(id);
    assert_eq!(video["failure"], Value::Null, "{video}");
    let qualities = video["qualities"].as_array().unwrap();
    assert!(!qualities.is_empty(), "{video}");
    for quality in qualities {
        let path = quality["playlist_path"].as_str().unwrap();
        let playlist = client.get(path).text();
        assert!(
            playlist.trim_end().ends_with("#EXT-X-ENDLIST"),
            "{playlist}"
        );
        let (folder, _) = path.rsplit_once('/').unwrap();
        let mut bytes = 0;
        for name in playlist.lines().filter(|line| !line.starts_with('#')) {
            let segment = client.get(&format!("{folder}/{name}"));
            assert_eq!(segment.status, 200, "{name}");
            bytes += segment.body.len();
        }
        assert_eq!(quality["file_size"], bytes);
    }
}

/// Contents of all files below `folder`.
pub fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let names = files(folder).into_iter();
    names
        .map(|name| {
            let bytes = fs::read(folder.join(&name)).unwrap();
            (name, bytes)
        })
        .collect()
}
