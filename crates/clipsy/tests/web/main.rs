//! The web front end in a real browser, against the real binary and real videos.
//!
//! One long visit, because that is what people make: from the first start of a server to signing
//! out. The steps are in `browser/`; `cargo test -p clipsy --test web` runs them. Screenshots are
//! left in `target/web-screenshots`.
#![cfg(test)]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// No step takes anywhere near this long: one that does hangs.
const HANGS_AFTER: Duration = Duration::from_mins(2);
/// Lines of the server's log that are shown when something fails.
const SHOWN: usize = 40;

#[test]
fn a_visit_from_the_first_start_to_signing_out() {
    assert!(
        repository("web/dist/site/index.html").exists(),
        "the front end is not built: run `make test`, or `npm run build` in web/ and try again"
    );
    let state = tempfile::Builder::new()
        .prefix("clipsy-web-")
        .tempdir()
        .unwrap();
    let server = Server::start(state.path());
    let shots = repository("target/web-screenshots");
    std::fs::create_dir_all(&shots).unwrap();
    let done = Command::new("node")
        .arg(repository("crates/clipsy/tests/web/browser/run.mjs"))
        .env("CLIPSY_URL", &server.url)
        .env("CLIPSY_PID", server.child.id().to_string())
        .env("CLIPSY_CLIPS", repository(".media/clips"))
        .env("CLIPSY_FIXTURES", repository(".media/fixtures"))
        .env("CLIPSY_SHOTS", &shots)
        .env("CLIPSY_TOOLS", repository("tools/js/package.json"))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    // What went wrong goes last, where people look: the server says a lot.
    let steps = String::from_utf8_lossy(&done.stdout);
    assert!(
        done.status.success(),
        "the end of the server's log:\n{}\nthe visit ended with {}:\n{steps}",
        server.last_lines(),
        done.status
    );
    print!("{steps}");
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// A running server, killed at the end.
struct Server {
    child: Child,
    url: String,
    log: PathBuf,
}

impl Server {
    fn start(state: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_clipsy"));
        // Settings that a developer may have made must not matter.
        let settings = std::env::vars_os().map(|(name, _)| name);
        for name in settings.filter(|name| name.to_string_lossy().starts_with("CLIPSY_")) {
            command.env_remove(name);
        }
        let log = state.join("server.log");
        let mut child = command
            // A job whose process dies is tried again by hand only, so that there is something to see.
            .args([
                "serve",
                "--demo",
                "--segment-seconds",
                "2",
                "--max-attempts",
                "1",
            ])
            .arg("--state-dir")
            .arg(state)
            .env("CLIPSY_LISTEN", "127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let (sender, lines) = mpsc::channel();
        let stdout = child.stdout.take().unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut server = Self {
            child,
            url: String::new(),
            log,
        };
        while server.url.is_empty() {
            let line = lines.recv_timeout(HANGS_AFTER).expect("it does not start");
            if let Some((_, address)) = line.split_once("Listening on ") {
                let address = address.split_whitespace().next().unwrap();
                server.url = address.replace("localhost", "127.0.0.1");
            }
        }
        server
    }

    fn last_lines(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(SHOWN)..].join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
