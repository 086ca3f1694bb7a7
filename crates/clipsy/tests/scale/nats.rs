//! A `nats-server` of a test's own.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use clipsy_testkit::free_port;
use tempfile::TempDir;

use crate::support::until;

/// A server with a store of its own. It is killed at the end.
pub(crate) struct Nats {
    child: Option<Child>,
    address: SocketAddr,
    folder: TempDir,
}

impl Nats {
    pub(crate) fn start() -> Self {
        let mut server = Self {
            child: None,
            address: (Ipv4Addr::LOCALHOST, free_port()).into(),
            folder: tempfile::tempdir().unwrap(),
        };
        server.run();
        server
    }

    /// Starts it with what its store holds.
    pub(crate) fn run(&mut self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .unwrap();
        let child = Command::new(program())
            .args(["-a", "127.0.0.1", "-p", &self.address.port().to_string()])
            .arg("-js")
            .arg("-sd")
            .arg(self.store())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        until("nats-server listens", || {
            TcpStream::connect(self.address).ok()
        });
    }

    /// Ends it as a power cut does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            child.wait().unwrap();
        }
    }

    /// Takes away what it has stored.
    pub(crate) fn forget(&self) {
        fs::remove_dir_all(self.store()).unwrap();
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("store")
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
        .expect("nats-server is missing: run `tools/setup.sh test`")
}
