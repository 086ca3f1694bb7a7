//! A server with a folder of its own, and what is sent to it.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::clients::Job;
use crate::proxy::random;
use crate::support::client::Client;
use crate::support::server::{Server, clipsy, on};
use crate::support::{files, scratch, until};

/// A server, its first account, and a folder for what a test needs.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) client: Client,
    pub(crate) server: Server,
    pub(crate) folder: TempDir,
}

/// Starts a server on a fresh folder.
pub(crate) fn site() -> Site {
    let folder = scratch();
    let server = on(&folder.path().join("state")).up();
    let client = Client::admin(&server);
    Site {
        client,
        server,
        folder,
    }
}

impl Site {
    /// A path in the test's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file of `length` bytes that `seed` determines. It is no video, whatever it is called.
    pub(crate) fn file(&self, name: &str, length: u64, seed: u64) -> PathBuf {
        let path = self.path(name);
        let mut state = seed;
        let mut file = BufWriter::with_capacity(1 << 20, File::create(&path).unwrap());
        let mut left = length;
        while left > 0 {
            let bytes = random(&mut state).to_le_bytes();
            let now = left.min(8);
            file.write_all(&bytes[..now as usize]).unwrap();
            left -= now;
        }
        file.flush().unwrap();
        path
    }

    /// A new account, signed in.
    pub(crate) fn account(&self, name: &str) -> Client {
        const PASSWORD: &str = "correct horse battery";
        let mut child = clipsy()
            .args(["user", "add", name, "--state-dir"])
            .arg(&self.server.state)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        writeln!(child.stdin.take().unwrap(), "{PASSWORD}").unwrap();
        assert!(child.wait().unwrap().success());
        Client::of(&self.server, name, PASSWORD)
    }

    /// The job to send a file straight to the server.
    pub(crate) fn send(&self, file: &Path) -> Job {
        self.send_by(&self.server.url, file)
    }

    /// The job to send a file by way of `url`.
    pub(crate) fn send_by(&self, url: &str, file: &Path) -> Job {
        Job::send(file, url, self.client.token())
    }

    /// Ends the server as a power cut does and starts it again on the same folder; its port is another.
    pub(crate) fn restart(self) -> Self {
        let state = self.server.state.clone();
        self.server.kill();
        let server = on(&state).up();
        let client = Client::admin(&server);
        Self {
            client,
            server,
            folder: self.folder,
        }
    }

    /// Checks that video `id` holds the bytes of `file`, by what is served and by what is stored.
    pub(crate) fn holds(&self, id: i64, file: &Path) {
        let sent = std::fs::read(file).unwrap();
        let served = self.client.get(&format!("/api/videos/{id}/stream/"));
        assert_eq!(served.status, 200, "{}", served.text());
        assert!(served.body == sent, "video {id} is served with other bytes");
        let wanted = sha256(file);
        let stored = self.originals();
        assert!(
            stored.iter().any(|path| sha256(path) == wanted),
            "no file of {stored:?} has the SHA-256 of what was sent"
        );
    }

    /// The stored originals.
    pub(crate) fn originals(&self) -> Vec<PathBuf> {
        let folder = self.server.path("media/videos/originals");
        let names = files(&folder);
        names.iter().map(|name| folder.join(name)).collect()
    }

    /// Checks that uploads left nothing behind.
    pub(crate) fn is_tidy(&self) {
        let folder = self.server.path("media/uploads");
        until("the uploads' folder is empty", || {
            files(&folder).is_empty().then_some(())
        });
    }
}

/// The SHA-256 of a file, in hex, by a program that shares no code with Clipsy.
pub(crate) fn sha256(path: &Path) -> String {
    let done = Command::new("sha256sum").arg(path).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    let line = String::from_utf8(done.stdout).unwrap();
    line.split_whitespace().next().unwrap().to_owned()
}
