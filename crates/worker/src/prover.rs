//! Proofs of encoders and decoders, each in a process of its own: a driver that crashes there is a
//! reason to use another encoder, and no more.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use clipsy_pipeline::CancelToken;
use clipsy_pipeline::catalog::Catalog;
use clipsy_pipeline::encoder::prove::{self, Claim, Proof, Prover, Refusal, RefusalKind};
use serde::{Deserialize, Serialize};

use crate::cards::find::View;
use crate::sandbox::Mode;
use crate::sandbox::bounds::Bounds;

/// Longest proof: the pictures, and starting and stopping a driver.
pub const TIME_LIMIT: Duration = prove::TIME_LIMIT.saturating_mul(3);
/// Memory of a proof: one encoder with its pictures takes a tenth.
pub const MEMORY_BYTES: u64 = 4 << 30;
/// Interval of checking for cancellation.
const LOOK: Duration = Duration::from_millis(100);

/// The order for a process that runs trials. It contains no secrets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProofJob {
    /// Number of the process that starts it; without it the proof ends.
    pub parent: u32,
    /// The encoder catalog as TOML; `None` for the built-in one.
    pub encoders: Option<String>,
    /// What to prove.
    pub claim: Claim,
    /// Whether it locks itself in.
    pub sandbox: Mode,
    /// What it may take of the machine.
    pub bounds: Bounds,
    /// The card that it may see; all without one.
    pub card: Option<View>,
}

/// What a child of the server writes when it wants something proven; the answer is an [`Answer`] on
/// its standard input.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Request {
    /// What to prove.
    pub prove: Claim,
}

/// A line of JSON.
pub type Answer = Result<Proof, Refusal>;

/// Starts a process for each proof.
#[derive(Debug)]
pub struct Spawned {
    encoders: Option<String>,
    /// The card that proofs see; all without one.
    card: Option<View>,
}

impl Spawned {
    /// For the catalog `encoders` as TOML, or the built-in one.
    pub fn new(encoders: Option<String>) -> Self {
        Self {
            encoders,
            card: None,
        }
    }

    /// The same with a view of one card.
    pub fn on(encoders: Option<String>, card: View) -> Self {
        Self {
            encoders,
            card: Some(card),
        }
    }

    fn run(&self, claim: &Claim, cancel: &CancelToken) -> std::io::Result<Answer> {
        let job = ProofJob {
            parent: std::process::id(),
            encoders: self.encoders.clone(),
            claim: claim.clone(),
            sandbox: Mode::Off,
            bounds: Bounds::new(MEMORY_BYTES, TIME_LIMIT),
            card: self.card.clone(),
        };
        let variables = self.card.iter().flat_map(|card| card.variables.clone());
        let mut child = Command::new("/proc/self/exe")
            .arg0("clipsy")
            .args(["child", "--prove"])
            .envs(variables)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Signals from a terminal are ignored: its parent ends it.
            .process_group(0)
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // A process that ends before it has read this is told by how it ended.
            let _ = stdin.write_all(&serde_json::to_vec(&job)?);
        }
        let (send, receive) = channel();
        if let Some(mut stdout) = child.stdout.take() {
            std::thread::spawn(move || {
                let mut text = Vec::new();
                let _ = stdout.read_to_end(&mut text);
                let _ = send.send(text);
            });
        }
        let started = Instant::now();
        let text = loop {
            match receive.recv_timeout(LOOK) {
                Ok(text) => break text,
                Err(RecvTimeoutError::Disconnected) => break Vec::new(),
                Err(RecvTimeoutError::Timeout) => {
                    let late = started.elapsed() > TIME_LIMIT;
                    if late || cancel.is_cancelled() {
                        child.kill()?;
                        child.wait()?;
                        return Ok(Err(if late { too_long() } else { cancelled() }));
                    }
                }
            }
        };
        let status = child.wait()?;
        Ok(serde_json::from_slice(&text).unwrap_or_else(|_| Err(crashed(Some(status)))))
    }
}

impl Prover for Spawned {
    fn prove(&self, _catalog: &Catalog, claim: &Claim, cancel: &CancelToken) -> Answer {
        self.run(claim, cancel)
            .unwrap_or_else(|error| Err(untried(&error)))
    }
}

/// Asks the server, which started this process, to have claims proven.
#[derive(Debug)]
pub struct Asked {
    ends: Mutex<(File, BufReader<std::io::Stdin>)>,
}

impl Asked {
    /// Asks on `events` and reads the answers from `answers`.
    pub fn new(events: File, answers: BufReader<std::io::Stdin>) -> Self {
        Self {
            ends: Mutex::new((events, answers)),
        }
    }

    fn ask(&self, claim: &Claim) -> std::io::Result<Answer> {
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let (events, answers) = &mut *ends;
        let request = Request {
            prove: claim.clone(),
        };
        let mut line = serde_json::to_vec(&request)?;
        line.push(b'\n');
        events.write_all(&line)?;
        let mut line = String::new();
        answers.read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }
}

impl Prover for Asked {
    fn prove(&self, _catalog: &Catalog, claim: &Claim, _cancel: &CancelToken) -> Answer {
        self.ask(claim).unwrap_or_else(|error| Err(untried(&error)))
    }
}

/// Proves what `job` claims, in this process.
pub fn prove_here(job: &ProofJob) -> Answer {
    let catalog = catalog(job.encoders.as_deref(), job.card.as_ref());
    let refuse = |reason: String| Refusal {
        reason,
        kind: RefusalKind::Settings,
    };
    let catalog = catalog.map_err(|error| refuse(error.to_string()))?;
    prove::prove(&catalog, &job.claim, &CancelToken::new())
}

/// The catalog for a child that sees `card` and no other.
pub fn catalog(
    encoders: Option<&str>,
    card: Option<&View>,
) -> Result<Catalog, clipsy_pipeline::Error> {
    let mut catalog = encoders.map_or_else(Catalog::built_in, Catalog::parse)?;
    if let Some(node) = card.and_then(|card| card.render_node.as_deref()) {
        catalog.use_render_node(node);
    }
    Ok(catalog)
}

/// A proof that ended without an answer.
pub fn crashed(status: Option<ExitStatus>) -> Refusal {
    let how = match status.map(|status| (status.signal(), status.code())) {
        Some((Some(signal), _)) => format!("by signal {signal}"),
        Some((None, Some(code))) => format!("with code {code}"),
        _ => "without a word".to_owned(),
    };
    failed(format!("the process that tried it crashed {how}"))
}

/// A proof that did not end.
pub fn too_long() -> Refusal {
    let seconds = TIME_LIMIT.as_secs();
    failed(format!(
        "the process that tried it did not end within {seconds} s"
    ))
}

/// A proof that could not begin.
pub fn untried(error: &std::io::Error) -> Refusal {
    failed(format!("it cannot be tried: {error}"))
}

/// A proof that nobody waits for any more.
pub fn cancelled() -> Refusal {
    failed("cancelled".into())
}

fn failed(reason: String) -> Refusal {
    Refusal {
        reason,
        kind: RefusalKind::Failed,
    }
}
