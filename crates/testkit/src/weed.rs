//! A `SeaweedFS` of a test's own. It is killed at the end.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::free_ports;

/// A start that takes longer hangs.
const HANGS_AFTER: Duration = Duration::from_secs(90);
/// Ports that it listens on: master, volume, filer and S3, each with one for its own protocol.
const PORTS: usize = 8;
/// The key that opens it.
pub const ACCESS_KEY: &str = "clipsy-test";
/// Its secret.
pub const SECRET_KEY: &str = "clipsy-test-secret";

/// The server, and the folder of what it stores.
#[derive(Debug)]
pub struct Weed {
    child: Option<Child>,
    ports: Vec<u16>,
    folder: TempDir,
}

impl Weed {
    /// A server that runs.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let identities = format!(
            r#"{{"identities": [{{"name": "test", "actions": ["Admin", "Read", "Write", "List"],
               "credentials": [{{"accessKey": "{ACCESS_KEY}", "secretKey": "{SECRET_KEY}"}}]}}]}}"#
        );
        fs::write(folder.path().join("identities.json"), identities).unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        let mut weed = Self {
            child: None,
            ports: free_ports(PORTS),
            folder,
        };
        // Somebody else may have taken a port in between.
        for _ in 0..2 {
            if weed.try_run() {
                return weed;
            }
            weed.ports = free_ports(PORTS);
        }
        weed.run();
        weed
    }

    /// Where its S3 is.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[0])
    }

    /// Starts it again, at the same address, with what it stored.
    pub fn run(&mut self) {
        assert!(self.try_run(), "SeaweedFS does not start:\n{}", self.log());
    }

    /// Kills it.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn try_run(&mut self) -> bool {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .unwrap();
        let mut command = Command::new(program());
        command
            .args(["-logtostderr=true", "-v=0", "server", "-dir=data"])
            .args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-volume.max=30"])
            .args(["-master.volumeSizeLimitMB=64", "-master.telemetry=false"])
            .args(["-volume.preStopSeconds=0", "-filer", "-filer.localSocket="])
            .args(["-s3", "-s3.config=identities.json", "-s3.localSocket="])
            .args(["-s3.iam=false", "-s3.port.iceberg=0", "-s3.port.lance=0"])
            // As with Amazon: pages may not read unless a rule of the bucket lets them.
            .arg("-s3.allowedOrigins=http://nobody.invalid");
        let flags = [
            "s3.port",
            "s3.port.grpc",
            "master.port",
            "master.port.grpc",
            "volume.port",
            "volume.port.grpc",
            "filer.port",
            "filer.port.grpc",
        ];
        for (flag, port) in flags.iter().zip(&self.ports) {
            command.arg(format!("-{flag}={port}"));
        }
        command
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let mut child = command.spawn().unwrap();
        let started = Instant::now();
        while !self.answers() {
            if child.try_wait().unwrap().is_some() || started.elapsed() > HANGS_AFTER {
                let _ = child.kill();
                child.wait().unwrap();
                return false;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        self.child = Some(child);
        true
    }

    /// True if S3 answers, and there is a place where objects can go.
    fn answers(&self) -> bool {
        let asked = |port: u16, path: &str| -> std::io::Result<String> {
            let mut stream = TcpStream::connect(("127.0.0.1", port))?;
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        asked(self.ports[0], "/").is_ok_and(|answer| answer.starts_with("HTTP/1."))
            && asked(self.ports[2], "/dir/assign").is_ok_and(|answer| answer.contains("\"fid\""))
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Weed {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn program() -> std::path::PathBuf {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/py/bin/weed");
    assert!(
        program.exists(),
        "{} is missing: run tools/setup.sh test",
        program.display()
    );
    program
}
