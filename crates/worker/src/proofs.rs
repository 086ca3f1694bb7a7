//! Has proven what a child asks to have proven, in a process that is locked in like the child.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::AsyncWriteExt as _;
use tokio::process::ChildStdin;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::cards::find::View;
use super::child::{Process, Spawner, Task};
use super::memory::Memory;
use crate::prover::{self, Answer, ProofJob, Request};
use crate::sandbox::Mode;
use crate::sandbox::bounds::Bounds;

/// Who proves, and with what.
#[derive(Debug)]
pub(super) struct Proofs {
    pub(super) spawner: Spawner,
    /// The file of plugins to use.
    pub(super) registry: PathBuf,
    /// The folder of the child that asks, and the one for temporary files.
    pub(super) folder: PathBuf,
    pub(super) temporary: PathBuf,
    /// The encoder catalog as TOML; `None` for the built-in one.
    pub(super) encoders: Option<String>,
    /// Whether the process locks itself in.
    pub(super) sandbox: Mode,
    /// The card that it may see; all without one.
    pub(super) card: Option<View>,
    /// What needs not be proven again.
    pub(super) memory: Arc<Memory>,
}

/// The variables by which a driver shows one card only.
pub(super) fn view_variables(card: Option<&View>) -> &[(String, String)] {
    card.map_or(&[], |card| &card.variables)
}

impl Proofs {
    /// Answers one request after the other, until there are no more or `ended` says that the child
    /// has stopped. A proof that is under way then is ended, and waited for.
    pub(super) async fn answer(
        self,
        mut requests: mpsc::Receiver<Request>,
        mut child: ChildStdin,
        ended: CancellationToken,
    ) {
        while let Some(request) = requests.recv().await {
            let answer = match self.memory.recall(&request.prove, self.card.as_ref()) {
                Some(proof) => Ok(proof),
                None => self.prove(request, &ended).await,
            };
            if let Err(refusal) = &answer {
                tracing::debug!(reason = refusal.reason, "not proven");
            }
            let Ok(mut line) = serde_json::to_vec(&answer) else {
                continue;
            };
            line.push(b'\n');
            if let Err(error) = child.write_all(&line).await {
                tracing::debug!(%error, "the child did not wait for its proof");
            }
        }
    }

    async fn prove(&self, request: Request, ended: &CancellationToken) -> Answer {
        if ended.is_cancelled() {
            return Err(prover::cancelled());
        }
        let job = ProofJob {
            parent: std::process::id(),
            encoders: self.encoders.clone(),
            claim: request.prove,
            sandbox: self.sandbox,
            bounds: Bounds::new(prover::MEMORY_BYTES, prover::TIME_LIMIT),
            card: self.card.clone(),
        };
        let folders: (&Path, &Path) = (&self.folder, &self.temporary);
        let variables = view_variables(self.card.as_ref());
        let started = Process::start(
            &self.spawner,
            &self.registry,
            Task::Prove,
            &job,
            &job.bounds,
            folders,
            variables,
        );
        let (mut process, mut lines) = started.await.map_err(|error| prover::untried(&error))?;
        let line = tokio::select! {
            line = timeout(prover::TIME_LIMIT, lines.recv()) => line.map_err(|_| prover::too_long()),
            () = ended.cancelled() => Err(prover::cancelled()),
        };
        // After the reply only the driver is shut down, which need not be awaited.
        process.kill();
        let how = process.end().await;
        let answer = line?.and_then(|line| serde_json::from_str(&line).ok());
        let answer = answer.unwrap_or_else(|| Err(prover::crashed(how.status())));
        if let Ok(proof) = &answer {
            self.memory.keep(&job.claim, self.card.as_ref(), proof);
        }
        answer
    }
}
