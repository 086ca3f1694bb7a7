//! Runs the binary, listens to it and never waits for ever.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub(crate) use clipsy_testkit::service::server::ladder_plugin;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// No run of a test takes anywhere near this long: one that does hangs.
const HANGS_AFTER: Duration = Duration::from_mins(2);

/// Settings that a developer may have made must not matter.
const SETTINGS: [&str; 10] = [
    "CLIPSY_LADDER",
    "CLIPSY_DECODERS",
    "CLIPSY_ENCODERS",
    "CLIPSY_LOG",
    "CLIPSY_LOG_FORMAT",
    "CLIPSY_MAX_MEGAPIXELS",
    "CLIPSY_MAX_FPS",
    "CLIPSY_MAX_TRACKS",
    "CLIPSY_MAX_HOURS",
    "CLIPSY_MIN_BYTES_PER_SECOND",
];

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_clipsy");

/// The file of the plug-in that makes all renditions with one look-ahead.
pub(crate) const LADDER_FILE: &str = "libgstclipsyx264ladder.so";

/// Names it to the binary, which else looks beside itself, where it is only after `cargo build`.
pub(crate) const LADDER: &str = "CLIPSY_X264_LADDER";

/// A running `clipsy`. It is killed when a test ends before it.
pub(crate) struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
    errors: Option<JoinHandle<String>>,
    until: Instant,
    stdout: Vec<String>,
}

/// A `clipsy` that ended.
#[derive(Debug)]
pub(crate) struct Done {
    status: ExitStatus,
    /// Lines of standard output.
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: String,
}

/// Runs `clipsy` to its end.
pub(crate) fn clipsy<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Done {
    Running::start(args).finish()
}

/// Runs `clipsy transcode INPUT --out FOLDER --json` and more arguments to its end.
pub(crate) fn transcode(input: &Path, folder: &Path, more: &[&str]) -> Done {
    Running::transcode(input, folder, more).finish()
}

impl Running {
    pub(crate) fn start<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Self {
        let mut command = Command::new(BINARY);
        command.args(args);
        Self::spawn(command)
    }

    pub(crate) fn transcode(input: &Path, folder: &Path, more: &[&str]) -> Self {
        let mut args = vec![
            "transcode".as_ref(),
            input.as_os_str(),
            "--out".as_ref(),
            folder.as_os_str(),
        ];
        args.push("--json".as_ref());
        args.extend(more.iter().map(OsStr::new));
        Self::start(args)
    }

    /// Runs `command`, which starts the binary in one way or another.
    pub(crate) fn spawn(mut command: Command) -> Self {
        for name in SETTINGS {
            command.env_remove(name);
        }
        if !command.get_envs().any(|(name, _)| name == LADDER) {
            command.env(LADDER, ladder_plugin());
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|e| panic!("{command:?} does not start: {e}"));
        let (stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let errors = std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = stderr.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        let until = Instant::now() + HANGS_AFTER;
        Self {
            child,
            lines,
            errors: Some(errors),
            until,
            stdout: Vec::new(),
        }
    }

    /// Number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next event; `None` when there will be no more.
    pub(crate) fn next_event(&mut self) -> Option<Value> {
        match self
            .lines
            .recv_timeout(self.until.saturating_duration_since(Instant::now()))
        {
            Ok(line) => {
                let event = parse(&line);
                self.stdout.push(line);
                Some(event)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => self.hangs(),
        }
    }

    /// Waits for an event of this kind.
    pub(crate) fn wait_for(&mut self, kind: &str) -> Value {
        while let Some(event) = self.next_event() {
            if event["event"] == kind {
                return event;
            }
        }
        panic!(
            "the run ended without {kind:?}; its last line was {:?}",
            self.stdout.last()
        );
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end.
    pub(crate) fn finish(mut self) -> Done {
        while Instant::now() < self.until {
            match self.lines.recv_timeout(Duration::from_millis(500)) {
                Ok(line) => self.stdout.push(line),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > self.until {
                self.hangs();
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let stderr = self
            .errors
            .take()
            .and_then(|thread| thread.join().ok())
            .unwrap_or_default();
        Done {
            status,
            stdout: std::mem::take(&mut self.stdout),
            stderr,
        }
    }

    fn hangs(&mut self) -> ! {
        let _ = self.child.kill();
        let last = self.stdout.last();
        panic!(
            "it hangs: no end after {} s; its last line was {last:?}",
            HANGS_AFTER.as_secs()
        );
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Done {
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    pub(crate) fn killed_by(&self) -> Option<i32> {
        self.status.signal()
    }

    /// Standard output as JSON lines.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.stdout.iter().map(|line| parse(line)).collect()
    }

    /// The `summary` of a run that succeeded; panics with what went wrong if it did not.
    pub(crate) fn summary(&self) -> Value {
        let last = self.stdout.last().map_or("no output", String::as_str);
        assert!(
            self.code() == Some(0),
            "it failed: {} ({last})",
            self.stderr.trim()
        );
        let last = self.events().pop().expect("there are no events");
        assert_eq!(last["event"], "finished", "the last event is {last}");
        last["summary"].clone()
    }

    /// Codes of the warnings.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let all = self.events();
        all.iter()
            .filter(|e| e["event"] == "warning")
            .map(|e| e["code"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Lines of standard error. The `OpenH264` library writes there by itself and cannot be told
    /// not to; its lines do not count.
    pub(crate) fn complaints(&self) -> Vec<&str> {
        let lines = self.stderr.lines();
        lines
            .filter(|line| !line.starts_with("[OpenH264]"))
            .collect()
    }

    /// The code of the one line `error[code]: message` on standard error.
    pub(crate) fn error_code(&self) -> Result<String, String> {
        let lines = self.complaints();
        let [line] = lines[..] else {
            return Err(format!("expected one line on stderr, found {lines:?}"));
        };
        let parts = line
            .strip_prefix("error[")
            .and_then(|rest| rest.split_once("]: "));
        match parts {
            Some((code, message)) if !message.trim().is_empty() => Ok(code.to_owned()),
            _ => Err(format!(
                "expected `error[code]: message` on stderr, found {line:?}"
            )),
        }
    }
}

fn parse(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|e| panic!("{line:?} is no JSON line: {e}"))
}
