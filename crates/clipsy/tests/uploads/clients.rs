//! Runs other people's clients: each in a process of its own that tells what happens.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};

use crate::support::{HANGS_AFTER, repository};

/// A client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// tus-js-client under Node.js.
    TusJs,
    /// tuspy under Python.
    Tuspy,
    /// @uppy/tus in Chromium.
    Uppy,
}

/// What a client is to do, as `tools/js/tus.mjs` says.
#[derive(Debug, Clone)]
pub(crate) struct Job(Value);

impl Job {
    /// Sends `file` to the server at `url`, e.g. a proxy's.
    pub(crate) fn send(file: &Path, url: &str, token: &str) -> Self {
        let name = file.file_name().unwrap().to_str().unwrap();
        Self(json!({
            "endpoint": format!("{url}/api/uploads/"),
            "token": token,
            "file": file,
            "metadata": { "filename": name, "filetype": "video/mp4" },
        }))
    }

    /// One more word about it.
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0[key] = value.into();
        self
    }

    /// One more value of the metadata.
    pub(crate) fn saying(mut self, key: &str, value: &str) -> Self {
        self.0["metadata"][key] = value.into();
        self
    }
}

/// A client at work. It is killed when a test ends before it.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    complaint: Option<std::thread::JoinHandle<String>>,
    events: Vec<Value>,
}

/// What a client that is done has told.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) events: Vec<Value>,
}

/// Sets a client to work.
pub(crate) fn start(which: Which, job: &Job) -> Running {
    let mut command = match which {
        Which::TusJs => node("tools/js/tus.mjs"),
        Which::Uppy => node("tools/js/uppy.mjs"),
        Which::Tuspy => {
            let python = repository("target/py/bin/python");
            assert!(
                python.exists(),
                "tuspy is missing: run `make setup` first ({})",
                python.display()
            );
            let mut command = Command::new(python);
            command.arg(repository("tools/py/upload.py"));
            command
        }
    };
    // A group of its own, so that a browser ends with the process that started it.
    let mut child = command
        .arg(job.0.to_string())
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    let complaint = std::thread::spawn(move || {
        let mut text = String::new();
        let _ = stderr.read_to_string(&mut text);
        text
    });
    Running {
        child,
        lines,
        complaint: Some(complaint),
        events: Vec::new(),
    }
}

/// Has a client do all of a job.
pub(crate) fn run(which: Which, job: &Job) -> Told {
    start(which, job).end(HANGS_AFTER)
}

fn node(script: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(repository(script));
    command
}

impl Running {
    /// Waits until it tells of such an event.
    #[track_caller]
    pub(crate) fn wait(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + HANGS_AFTER;
        loop {
            match self.next(deadline) {
                Some(event) if is_it(&event) => return event,
                Some(_) => {}
                None => panic!("it ended before {what}: {}", self.last_words()),
            }
        }
    }

    /// Waits for its end, which must be a good one.
    #[track_caller]
    pub(crate) fn end(mut self, hangs_after: Duration) -> Told {
        let deadline = Instant::now() + hangs_after;
        while self.next(deadline).is_some() {}
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {}", self.last_words());
        let told = Told {
            events: std::mem::take(&mut self.events),
        };
        told.check();
        told
    }

    fn next(&mut self, deadline: Instant) -> Option<Value> {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.lines.recv_timeout(left) {
            Ok(line) => {
                let event: Value =
                    serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
                self.events.push(event.clone());
                Some(event)
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => None,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                self.kill();
                panic!("it hangs: {}", self.last_words());
            }
        }
    }

    fn last_words(&mut self) -> String {
        let from = self.events.len().saturating_sub(20);
        let events: Vec<String> = self.events[from..].iter().map(Value::to_string).collect();
        let complaint = self.complaint.take().map(std::thread::JoinHandle::join);
        let complaint = complaint.and_then(Result::ok).unwrap_or_default();
        format!("{complaint}\nafter\n{}", events.join("\n"))
    }

    fn kill(&mut self) {
        if let Some(group) = Pid::from_raw(self.child.id().cast_signed()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Told {
    /// Events of this name.
    pub(crate) fn all(&self, event: &str) -> Vec<&Value> {
        let named = |it: &&Value| it["event"] == event;
        self.events.iter().filter(named).collect()
    }

    /// How often a request of this method was answered like this.
    pub(crate) fn answers(&self, method: &str, status: u16) -> usize {
        let like = |it: &&&Value| it["method"] == method && it["status"] == status;
        self.all("response").iter().filter(like).count()
    }

    /// Offsets that were told in answer to HEAD: where it went on.
    pub(crate) fn resumed_at(&self) -> Vec<u64> {
        let heads = self.all("response").into_iter();
        heads
            .filter(|it| it["method"] == "HEAD")
            .filter_map(|it| it["offset"].as_u64())
            .collect()
    }

    /// The upload's address.
    pub(crate) fn url(&self) -> String {
        let ends = ["done", "left", "stopped"];
        let end = self.events.iter().rev().find(|it| {
            let named = it["event"].as_str();
            named.is_some_and(|name| ends.contains(&name))
        });
        let url = end.and_then(|it| it["url"].as_str());
        url.unwrap_or_else(|| panic!("it tells no address: {:?}", self.events))
            .to_owned()
    }

    /// The number of the video that the upload became.
    pub(crate) fn video(&self) -> i64 {
        let numbers = self.all("response").into_iter().rev();
        let number = numbers.filter_map(|it| it["video"].as_str()?.parse().ok());
        let mut numbers = number;
        numbers
            .next()
            .unwrap_or_else(|| panic!("no answer names a video: {:?}", self.events.last()))
    }

    /// What was acknowledged once is never taken back, and no browser was kept from a header.
    fn check(&self) {
        let mut known = std::collections::HashMap::new();
        for it in self.all("response") {
            let good = it["status"].as_u64().is_some_and(|status| status < 300);
            let (Some(url), Some(offset)) = (it["url"].as_str(), it["offset"].as_u64()) else {
                continue;
            };
            if good && it["method"] != "POST" {
                let before = known.insert(url, offset).unwrap_or(0);
                assert!(offset >= before, "{before} bytes were acknowledged: {it}");
            }
        }
        for said in self.all("console") {
            let text = said["text"].as_str().unwrap_or_default();
            assert!(!text.contains("unsafe header"), "{text}");
        }
    }
}
