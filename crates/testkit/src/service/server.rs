//! Runs the binary as a server on a folder.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;

use rustix::process::{Pid, Signal, kill_process};

use super::processes::{self, Worker};
use super::{HANGS_AFTER, until};

/// The binary under test, which Cargo builds one folder above the tests of its crate.
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.parent().unwrap().with_file_name("clipsy");
    assert!(path.exists(), "no {}", path.display());
    path
}

/// How a server is started.
#[must_use = "it has to be brought up"]
#[derive(Debug)]
pub struct Start {
    /// `serve` or `work`.
    command: &'static str,
    state: PathBuf,
    args: Vec<String>,
    env: Vec<(String, String)>,
    /// What runs it: a command that ends in becoming the rest of its arguments.
    within: Vec<OsString>,
}

/// A running server. It is killed when a test ends before it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// `http://127.0.0.1:PORT`
    pub url: String,
    /// Its state folder.
    pub state: PathBuf,
    /// What it printed until it was listening and how to sign in.
    pub welcome: String,
}

/// `clipsy` with settings of its own: those that a developer may have made must not matter.
pub fn clipsy() -> Command {
    settled(Command::new(binary()))
}

fn settled(mut command: Command) -> Command {
    let settings = std::env::vars_os().map(|(name, _)| name);
    let ours = |name: &OsString| {
        let name = name.to_string_lossy();
        name.starts_with("CLIPSY_") || name.starts_with("OTEL_")
    };
    for name in settings.filter(ours) {
        command.env_remove(name);
    }
    command.env("CLIPSY_X264_LADDER", ladder_plugin());
    command
}

/// The plug-in that makes all renditions with one look-ahead, as it was built along with this test. The binary
/// looks beside itself, where it is only after `cargo build`.
pub fn ladder_plugin() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.with_file_name("libgstclipsyx264ladder.so");
    assert!(path.exists(), "no {}", path.display());
    path
}

/// Runs `clipsy` to its end.
pub fn run(args: &[&str], env: &[(&str, &str)]) -> Output {
    let mut command = clipsy();
    command.args(args).envs(env.iter().copied());
    command.stdin(Stdio::null()).output().unwrap()
}

/// A demonstration on the folder `state` that cuts segments of 2 s and tries again at once.
pub fn on(state: &Path) -> Start {
    start("serve", state)
        .env("CLIPSY_LISTEN", "127.0.0.1:0")
        .env("CLIPSY_DEMO", "true")
}

/// A worker in the same way, which has to be told where the jobs come from.
pub fn worker_on(state: &Path) -> Start {
    start("work", state).env("CLIPSY_WORK_LISTEN", "127.0.0.1:0")
}

fn start(command: &'static str, state: &Path) -> Start {
    let start = Start {
        command,
        state: state.to_owned(),
        args: Vec::new(),
        env: Vec::new(),
        within: Vec::new(),
    };
    start.args(&["--segment-seconds", "2", "--retry-seconds", "0"])
}

impl Start {
    /// With more arguments.
    pub fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(ToString::to_string));
        self
    }

    /// With a variable in its environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Lets this command become the server, e.g. in a place of its own.
    pub fn within<S: Into<OsString>>(mut self, words: impl IntoIterator<Item = S>) -> Self {
        self.within = words.into_iter().map(Into::into).collect();
        self
    }

    /// The command, for servers that are not expected to come up.
    pub fn command(&self) -> Command {
        let mut command = match &self.within[..] {
            [] => clipsy(),
            [program, args @ ..] => {
                let mut command = settled(Command::new(program));
                command.args(args).arg(binary());
                command
            }
        };
        command
            .arg(self.command)
            .arg("--state-dir")
            .arg(&self.state)
            .args(&self.args)
            .envs(self.env.iter().cloned());
        command
    }

    /// Starts it and waits until it listens. Its log goes to a file beside the state folder.
    pub fn up(self) -> Server {
        let mut log: OsString = self.state.clone().into();
        log.push(".log");
        let log = File::options().create(true).append(true).open(log).unwrap();
        let mut child = self
            .command()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut server = Server {
            child,
            url: String::new(),
            state: self.state,
            welcome: String::new(),
        };
        // The last line of the welcome.
        while !server.welcome.contains("side by side") {
            let line = lines.recv_timeout(HANGS_AFTER);
            let line = line.unwrap_or_else(|_| panic!("it does not start: {}", server.log()));
            server.welcome += &line;
            server.welcome.push('\n');
        }
        let after = server.welcome.split_once("Listening on ").unwrap().1;
        let url = after.split_whitespace().next().unwrap();
        server.url = url.replace("localhost", "127.0.0.1");
        server
    }
}

impl Server {
    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        let (_, port) = self.url.rsplit_once(':').unwrap();
        port.parse().unwrap()
    }

    /// The children that are at work.
    pub fn children(&self) -> Vec<Worker> {
        processes::children(self.pid())
    }

    /// Waits for a child, and gives it back.
    pub fn child(&self, attempt: &str) -> Worker {
        until(&format!("a process is at {attempt}"), || {
            self.children().into_iter().find(|w| w.attempt == attempt)
        })
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end.
    pub fn end(mut self) -> ExitStatus {
        until("the server has ended", || self.child.try_wait().unwrap())
    }

    /// Ends it as a service manager does.
    pub fn stop(self) {
        self.signal(Signal::TERM);
        let log = self.log();
        let status = self.end();
        assert!(status.success(), "{status}: {log}");
    }

    /// Ends it as a power cut does.
    pub fn kill(self) {
        self.signal(Signal::KILL);
        self.end();
    }

    /// Everything that was logged by servers on this folder.
    pub fn log(&self) -> String {
        let mut log: OsString = self.state.clone().into();
        log.push(".log");
        std::fs::read_to_string(log).unwrap_or_default()
    }

    /// The end of [`Server::log`], for those who look why something failed.
    pub fn last_lines(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// A folder or file in the state folder.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.state.join(inside)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the end of the server's log:\n{}", self.last_lines());
        }
    }
}
