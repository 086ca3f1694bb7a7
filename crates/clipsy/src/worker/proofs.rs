//! Has proven what a child asks to have proven, in a process that is locked in like the child.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::AsyncWriteExt as _;
use tokio::process::ChildStdin;
use tokio::time::timeout;

use super::cards::find::View;
use super::child::{Process, Spawner, Task};
use super::memory::Memory;
use crate::proofs::{self, Answer, ProofJob, Request};
use crate::sandbox::Mode;

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
    /// Answers `line` if it asks for a proof; `false` if it does not.
    pub(super) async fn answer(&self, line: &str, child: &mut ChildStdin) -> bool {
        let Ok(request) = serde_json::from_str::<Request>(line) else {
            return false;
        };
        let answer = match self.memory.recall(&request.prove, self.card.as_ref()) {
            Some(proof) => Ok(proof),
            None => self.prove(request).await,
        };
        if let Err(refusal) = &answer {
            tracing::debug!(reason = refusal.reason, "not proven");
        }
        let Ok(mut line) = serde_json::to_vec(&answer) else {
            return true;
        };
        line.push(b'\n');
        if let Err(error) = child.write_all(&line).await {
            tracing::debug!(%error, "the child did not wait for its proof");
        }
        true
    }

    async fn prove(&self, request: Request) -> Answer {
        let job = ProofJob {
            parent: std::process::id(),
            encoders: self.encoders.clone(),
            claim: request.prove,
            sandbox: self.sandbox,
            card: self.card.clone(),
        };
        let folders: (&Path, &Path) = (&self.folder, &self.temporary);
        let variables = view_variables(self.card.as_ref());
        let started = Process::start(
            &self.spawner,
            &self.registry,
            Task::Prove,
            &job,
            folders,
            variables,
        );
        let (mut process, mut lines) = started.await.map_err(|error| proofs::untried(&error))?;
        let Ok(line) = timeout(proofs::TIME_LIMIT, lines.recv()).await else {
            process.kill();
            process.end().await;
            return Err(proofs::too_long());
        };
        let answer = line.and_then(|line| serde_json::from_str(&line).ok());
        // What follows the answer is the driver's end, which nobody has to wait for.
        process.kill();
        let ended = process.end().await;
        let answer = answer.unwrap_or_else(|| Err(proofs::crashed(ended.status())));
        if let Ok(proof) = &answer {
            self.memory.keep(&job.claim, self.card.as_ref(), proof);
        }
        answer
    }
}
