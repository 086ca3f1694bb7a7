//! A `nats-server` of a test's own.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::{free_port, until};

/// A server with a store of its own. It is killed at the end.
#[derive(Debug)]
pub struct Nats {
    child: Option<Child>,
    address: SocketAddr,
    folder: TempDir,
}

impl Nats {
    /// A server that runs.
    pub fn start() -> Self {
        Self::start_with(|_| String::new())
    }

    /// A server that runs; `more` makes more lines for its configuration, and finds a folder for
    /// files that they name.
    pub fn start_with(more: impl FnOnce(&Path) -> String) -> Self {
        let mut server = Self::prepare(more);
        server.run();
        server
    }

    /// A server that does not run yet.
    pub fn prepare(more: impl FnOnce(&Path) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let store = folder.path().join("store").display().to_string();
        let more = more(folder.path());
        let config =
            format!("listen: \"{address}\"\njetstream {{ store_dir: \"{store}\" }}\n{more}\n");
        fs::write(folder.path().join("server.conf"), config).unwrap();
        Self {
            child: None,
            address,
            folder,
        }
    }

    /// Starts it, with what its store holds.
    pub fn run(&mut self) {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("server.log"))
            .unwrap();
        let mut command = Command::new(program());
        command
            .arg("-c")
            .arg(self.folder.path().join("server.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        self.child = Some(command.spawn().unwrap());
        until("nats-server listens", || {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().ok()?);
            assert!(
                ended.is_none(),
                "nats-server did not start:\n{}",
                self.log()
            );
            TcpStream::connect(self.address).ok()
        });
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            child.wait().unwrap();
        }
    }

    /// Stops it in the middle of whatever it does, as a machine that hangs or a network that is cut
    /// does: connections stay, and nothing answers.
    pub fn freeze(&self) {
        self.signal("-STOP");
        // The signal is on its way when it was sent; threads may still run for a moment.
        let id = self.child.as_ref().unwrap().id();
        let runs = || {
            let tasks = fs::read_dir(format!("/proc/{id}/task")).unwrap().flatten();
            let mut states =
                tasks.filter_map(|task| fs::read_to_string(task.path().join("stat")).ok());
            let is_stopped = |stat: String| {
                stat.rsplit_once(") ")
                    .is_some_and(|(_, s)| s.starts_with('T'))
            };
            !states.all(is_stopped)
        };
        while runs() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        let status = Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(status.success(), "kill {signal} {id}");
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }

    /// The folder for files that its configuration names.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Takes away what it has stored, while it does not run.
    pub fn forget(&self) {
        fs::remove_dir_all(self.folder.path().join("store")).unwrap();
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The program. The tests do not pass without it.
fn program() -> &'static str {
    ["nats-server", "/usr/sbin/nats-server"]
        .into_iter()
        .find(|program| {
            let mut version = Command::new(program);
            version.arg("--version").stdout(Stdio::null());
            version.status().is_ok_and(|status| status.success())
        })
        .expect(
            "nats-server is missing: run `tools/setup.sh test`, or install it with \
             `apt-get install nats-server`",
        )
}
