//! Starts child processes, listens to them and kills them.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use serde::Serialize;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::proofs::{Proofs, view_variables};
use super::watch;
use crate::prover::Request;
use crate::sandbox::bounds::Bounds;

/// This very program, also when its file was replaced meanwhile.
pub(super) const PROGRAM: &str = "/proc/self/exe";

/// Longest line that is read from a child, in bytes. What a probe found is a few kilobytes.
const LINE_BYTES: usize = 256 << 10;
/// Lines that wait to be handled; then the child waits.
const LINES_WAITING: usize = 64;
/// Lines of a child's standard error that are logged.
const LINES_LOGGED: usize = 200;
/// Lines of a child's standard error that are kept.
const LAST_LINES: usize = 20;
/// The last of them, in which a reason for its end is looked for.
const LAST_WORDS: usize = 5;
/// Longest kept part of each, in characters.
const LAST_LINE_CHARS: usize = 400;
/// Requests for proofs that wait; then the child waits. It asks for one at a time.
const REQUESTS_WAITING: usize = 4;
/// How long a child may take to end once it has said how it ended.
const ENDING: Duration = Duration::from_secs(20);

/// Starts processes from a thread of its own: the kernel kills a child when the *thread* that
/// started it ends, and other threads of the server come and go.
#[derive(Debug, Clone)]
pub(super) struct Spawner {
    orders: mpsc::UnboundedSender<Order>,
    /// Variables of every process.
    variables: Arc<[(OsString, OsString)]>,
}

#[derive(Debug)]
struct Order {
    command: Command,
    reply: oneshot::Sender<io::Result<Child>>,
}

impl Spawner {
    /// Starts the thread. Every process gets `variables` and no others of this one's. Call it within a
    /// runtime, which will wait for the processes.
    pub(super) fn start(variables: &[(OsString, OsString)]) -> io::Result<Self> {
        let runtime = tokio::runtime::Handle::current();
        let (sender, mut orders) = mpsc::unbounded_channel::<Order>();
        std::thread::Builder::new()
            .name("spawner".into())
            .spawn(move || {
                let _within = runtime.enter();
                while let Some(mut order) = orders.blocking_recv() {
                    // Whoever gave up waiting drops the process, which kills it.
                    let _ = order.reply.send(order.command.spawn());
                }
            })?;
        Ok(Self {
            orders: sender,
            variables: variables.into(),
        })
    }

    async fn spawn(&self, command: Command) -> io::Result<Child> {
        let (reply, started) = oneshot::channel();
        let gone = || io::Error::other("the thread that starts processes has ended");
        self.orders
            .send(Order { command, reply })
            .map_err(|_| gone())?;
        started.await.map_err(|_| gone())?
    }
}

/// What a child is started for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    /// Renditions of an original.
    Transcode,
    /// One picture of a segment.
    Still,
    /// A proof that an encoder or decoder works.
    Prove,
}

/// A running child.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    errors: JoinHandle<VecDeque<String>>,
    /// Has proven what the child asks for; over once the child has ended.
    answers: Option<JoinHandle<()>>,
    /// Looks after what it takes of the machine.
    watch: Option<JoinHandle<()>>,
    notes: watch::Notes,
}

/// How a child ended.
#[derive(Debug)]
pub(super) struct Ended {
    status: Option<ExitStatus>,
    last_lines: VecDeque<String>,
    /// What it took too much of, if it was ended for that.
    excess: Option<String>,
}

/// What a child prints, line by line; ends when it stops printing or prints a line that is too
/// long.
pub(super) type Lines = mpsc::Receiver<String>;

impl Process {
    /// Starts a child for `task` on `job` with what it may know and write. `registry` is the file
    /// of plugins that it is to use.
    /// `bounds` are what it may take of the machine.
    /// `folders` are its own and the one for temporary files; `variables` are set besides those that
    /// every child gets.
    pub(super) async fn start(
        spawner: &Spawner,
        registry: &Path,
        task: Task,
        job: &impl Serialize,
        bounds: &Bounds,
        folders: (&Path, &Path),
        variables: &[(String, String)],
    ) -> io::Result<(Self, Lines)> {
        let begun = Self::begin(spawner, registry, task, job, bounds, folders, variables);
        let (process, stdin, stdout) = begun.await?;
        drop(stdin);
        let (sender, lines) = mpsc::channel(LINES_WAITING);
        tokio::spawn(hand_on(stdout, sender, None));
        Ok((process, lines))
    }

    /// The same for a child that may ask for proofs.
    pub(super) async fn start_with_proofs(
        task: Task,
        job: &impl Serialize,
        bounds: &Bounds,
        proofs: Proofs,
    ) -> io::Result<(Self, Lines)> {
        let folders: (&Path, &Path) = (&proofs.folder, &proofs.temporary);
        let variables = view_variables(proofs.card.as_ref());
        let (spawner, registry) = (&proofs.spawner, &proofs.registry);
        let begun = Self::begin(spawner, registry, task, job, bounds, folders, variables);
        let (mut process, stdin, stdout) = begun.await?;
        let (sender, lines) = mpsc::channel(LINES_WAITING);
        let (asker, requests) = mpsc::channel(REQUESTS_WAITING);
        let ended = CancellationToken::new();
        process.answers = Some(tokio::spawn(proofs.answer(requests, stdin, ended.clone())));
        tokio::spawn(async move {
            let _ended = ended.drop_guard();
            hand_on(stdout, sender, Some(asker)).await;
        });
        Ok((process, lines))
    }

    async fn begin(
        spawner: &Spawner,
        registry: &Path,
        task: Task,
        job: &impl Serialize,
        bounds: &Bounds,
        folders: (&Path, &Path),
        variables: &[(String, String)],
    ) -> io::Result<(Self, ChildStdin, ChildStdout)> {
        let mut command = command(registry, task, &spawner.variables, folders);
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        let mut child = spawner.spawn(command).await?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(mut stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
            return Err(io::Error::other("the child has no pipes"));
        };
        let errors = tokio::spawn(last_lines(stderr));
        let notes = watch::Notes::default();
        let pid = pid(&child);
        let process = Self {
            watch: pid.map(|pid| watch::start(pid, folders.0.into(), *bounds, notes.clone())),
            child,
            errors,
            answers: None,
            notes,
        };
        // A child that ends before it has read this says why on standard error.
        let mut told = serde_json::to_vec(job)?;
        told.push(b'\n');
        if let Err(error) = stdin.write_all(&told).await {
            tracing::debug!(%error, "the child did not read its job");
        }
        Ok((process, stdin, stdout))
    }

    /// Kills it with everything that it started.
    pub(super) fn kill(&mut self) {
        if let Some(pid) = pid(&self.child)
            && let Err(error) = rustix::process::kill_process_group(pid, Signal::KILL)
        {
            tracing::debug!(%error, "a child could not be killed");
        }
    }

    /// What is known of it while it runs.
    pub(super) fn notes(&self) -> watch::Notes {
        self.notes.clone()
    }

    /// Waits until it has ended. One that has said its last word but does not end is killed.
    pub(super) async fn end(mut self) -> Ended {
        let waited = tokio::time::timeout(ENDING, self.child.wait()).await;
        let status = if let Ok(status) = waited {
            status
        } else {
            self.kill();
            self.child.wait().await
        };
        if let Some(answers) = self.answers {
            // It ends with the child's output, and ends the proof that is under way.
            let _ = answers.await;
        }
        if let Some(watch) = self.watch {
            // Its number may be another's soon.
            watch.abort();
        }
        Ended {
            status: status.ok(),
            last_lines: self.errors.await.unwrap_or_default(),
            excess: self.notes.excess(),
        }
    }
}

impl Ended {
    /// How the system says it ended.
    pub(super) fn status(&self) -> Option<ExitStatus> {
        self.status
    }

    /// True if it ended as a program should.
    pub(super) fn is_success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// What happened to a child that did not say how its job ended, in words.
    pub(super) fn describe(&self) -> String {
        let how = match self.status {
            Some(status) => match (status.signal(), status.code()) {
                (Some(signal), _) => format!("was ended by signal {signal}{}", name(signal)),
                (None, Some(code)) => format!("ended with exit code {code}"),
                (None, None) => "ended".into(),
            },
            None => "is gone".into(),
        };
        match self.last_lines.back() {
            Some(line) => format!("the process that handled it {how}; its last words: {line}"),
            None => format!("the process that handled it {how}"),
        }
    }

    /// What it took too much of, in words, if it ended for that: the watch ended it, or the kernel
    /// refused it something.
    pub(super) fn excess(&self) -> Option<String> {
        let signal = self.status.and_then(|status| status.signal());
        let refused = || {
            // The last words of allocators: of Rust, and of GLib.
            let last = self.last_lines.iter().rev().take(LAST_WORDS);
            let mut words = last.filter(|line| {
                (line.contains("memory allocation of") && line.contains("failed"))
                    || line.contains("failed to allocate")
            });
            words.next().is_some()
        };
        let excess = match signal {
            Some(libc::SIGXCPU) => "it needs more processor time than the limit",
            Some(libc::SIGXFSZ) => "it writes a larger file than the limit",
            Some(libc::SIGABRT | libc::SIGTRAP) if refused() => {
                "it needs more memory than the limit"
            }
            _ => return self.excess.clone(),
        };
        Some(self.excess.clone().unwrap_or_else(|| excess.into()))
    }

    /// Its last lines on standard error.
    pub(super) fn last_lines(&self) -> String {
        let lines: Vec<&str> = self.last_lines.iter().map(String::as_str).collect();
        lines.join("\n")
    }
}

fn pid(child: &Child) -> Option<Pid> {
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    id.and_then(Pid::from_raw)
}

/// Signals that tell something to people who read failures.
fn name(signal: i32) -> &'static str {
    match signal {
        libc::SIGABRT => " (abort)",
        libc::SIGBUS => " (bus error)",
        libc::SIGFPE => " (arithmetic error)",
        libc::SIGILL => " (illegal instruction)",
        libc::SIGKILL => " (killed, perhaps for want of memory)",
        libc::SIGSEGV => " (segmentation fault)",
        libc::SIGSYS => " (forbidden system call)",
        libc::SIGXFSZ => " (file too large)",
        _ => "",
    }
}

fn command(
    registry: &Path,
    task: Task,
    variables: &[(OsString, OsString)],
    (folder, temporary): (&Path, &Path),
) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg0("clipsy").arg("child");
    match task {
        Task::Transcode => {}
        Task::Still => {
            command.arg("--still");
        }
        Task::Prove => {
            command.arg("--prove");
        }
    }
    command
        .env_clear()
        .env("GST_REGISTRY", registry)
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .env("HOME", temporary)
        .env("TMPDIR", temporary)
        .env("XDG_CACHE_HOME", temporary)
        .env("XDG_RUNTIME_DIR", temporary)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Signals that a terminal sends to the server are not for its children.
        .process_group(0)
        .kill_on_drop(true);
    command
}

/// Forwards the output of a child until it ends or the receiver is dropped. Requests for encoder
/// trials go to `requests`, if there is a receiver.
async fn hand_on(
    stdout: ChildStdout,
    lines: mpsc::Sender<String>,
    requests: Option<mpsc::Sender<Request>>,
) {
    let mut stdout = BufReader::new(stdout);
    while let Ok(Some(line)) = line(&mut stdout).await {
        let asked = requests.as_ref().zip(serde_json::from_str(&line).ok());
        let is_taken = match asked {
            Some((requests, request)) => requests.send(request).await.is_ok(),
            None => lines.send(line).await.is_ok(),
        };
        if !is_taken {
            return;
        }
    }
}

/// The next line; `None` at the end, an error if it is too long.
async fn line(reader: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    loop {
        let bytes = reader.fill_buf().await?;
        if bytes.is_empty() {
            return Ok((!line.is_empty()).then(|| text(&line)));
        }
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(bytes.len(), |end| end + 1);
        line.extend_from_slice(&bytes[..end.unwrap_or(taken)]);
        reader.consume(taken);
        if end.is_some() {
            return Ok(Some(text(&line)));
        }
        if line.len() > LINE_BYTES {
            return Err(io::Error::other("a line is too long"));
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

async fn last_lines(stderr: ChildStderr) -> VecDeque<String> {
    let (mut kept, mut logged) = (VecDeque::new(), 0);
    let mut stderr = BufReader::new(stderr);
    // A line that is too long ends the reading; the child then dies of its own writing.
    while let Ok(Some(line)) = line(&mut stderr).await {
        let line: String = line.chars().take(LAST_LINE_CHARS).collect();
        if logged < LINES_LOGGED {
            logged += 1;
            tracing::debug!(line, "from the child");
        }
        if kept.len() == LAST_LINES {
            kept.pop_front();
        }
        kept.push_back(line);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_read_whole_and_never_too_long() {
        let mut reader = BufReader::with_capacity(4, &b"first\n\nlast"[..]);
        let mut lines = Vec::new();
        while let Some(line) = line(&mut reader).await.unwrap() {
            lines.push(line);
        }
        assert_eq!(lines, ["first", "", "last"]);

        let endless = vec![b'x'; LINE_BYTES * 2];
        assert!(line(&mut BufReader::new(&endless[..])).await.is_err());
    }
}
