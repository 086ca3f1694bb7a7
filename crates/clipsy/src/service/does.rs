//! What this process can do, and what it does.

use clipsy_dispatch::Need;
use std::path::Path;
use std::sync::Arc;

use clipsy_domain::worker::EncoderFound;
use clipsy_pipeline::catalog::Catalog;
use clipsy_service::tickets::{Wants, use_gpu};
use clipsy_worker::cards::Cards;
use clipsy_worker::cards::sessions::Limit;
use clipsy_worker::protocol::Decoding;
use clipsy_worker::{self as worker, encoders};

use super::state::State;
use crate::commands::exit::Refusal;
use crate::config::work::WorkArgs;
use crate::config::{DecoderArg, Settings, environment};

/// What a process does.
#[derive(Debug)]
pub(crate) struct Does {
    /// Jobs side by side; 0 for none.
    pub(crate) slots: usize,
    /// Which tickets it takes.
    pub(crate) serves: Vec<Need>,
    /// Which machines are to run jobs that it queues.
    pub(crate) wants: Wants,
    /// Encoders, if they were tried.
    pub(crate) tried: Vec<EncoderFound>,
}

/// Whose question it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// A server's, which may leave the jobs to others.
    Server,
    /// A worker's, which has nothing else to do.
    Worker,
}

/// Finds out. With `peers` the encoders are tried first: whoever takes a job that needs a GPU has to
/// have one that works. `registry` is the file of plugins that jobs use.
pub(crate) async fn find(
    settings: &Settings,
    work: &WorkArgs,
    peers: bool,
    whose: Whose,
    registry: &Path,
) -> anyhow::Result<Does> {
    let catalog = settings.catalog()?;
    worker::renew_registry(registry, &catalog);
    let encoder = &work.transcode.encoder;
    if !peers {
        let slots = match work.jobs {
            Some(jobs) => jobs,
            None => worker::default_slots(&catalog, encoder, registry).await,
        };
        if slots == 0 {
            tracing::warn!("--jobs is 0 and there is no --nats-url: no video will be processed");
        }
        return Ok(Does {
            slots,
            serves: vec![Need::Cpu],
            wants: Wants::Anybody,
            tried: Vec::new(),
        });
    }
    let wants = wants(&catalog, encoder);
    let idle = match (work.jobs, whose) {
        (Some(jobs), Whose::Server) => jobs == 0,
        (None, Whose::Server) => true,
        (Some(0), Whose::Worker) => {
            return Err(Refusal::new("usage", "--jobs: a worker does at least one").into());
        }
        (_, Whose::Worker) => false,
    };
    if idle {
        return Ok(Does {
            slots: 0,
            serves: Vec::new(),
            wants,
            tried: Vec::new(),
        });
    }
    let text = settings.encoders_text()?;
    let file = settings.encoders_file();
    let tried = encoders::find(text.as_deref(), file.as_deref(), encoder, registry)
        .await
        .unwrap_or_default();
    let gpu = use_gpu(&tried);
    if wants == Wants::Gpu && !gpu {
        return Err(no_gpu(encoder, &tried).into());
    }
    Ok(Does {
        slots: work.jobs.unwrap_or_else(|| worker::slots_with(gpu)),
        serves: if gpu {
            Need::ALL.to_vec()
        } else {
            vec![Need::Cpu]
        },
        wants,
        tried,
    })
}

fn no_gpu(encoder: &str, tried: &[EncoderFound]) -> Refusal {
    let found = tried.iter().find(|found| found.id == encoder);
    let reason = found.map_or("it could not be tried", |found| &found.reason);
    Refusal::new(
        "encoder_unavailable",
        format!("--encoder {encoder} does not work on this machine: {reason}"),
    )
}

fn wants(catalog: &Catalog, encoder: &str) -> Wants {
    let mut hardware = catalog.encoders.iter().filter(|spec| spec.hardware);
    match encoder {
        "auto" if hardware.next().is_some() => Wants::GpuFirst,
        chosen if hardware.any(|spec| spec.id == chosen) => Wants::Gpu,
        _ => Wants::Anybody,
    }
}

impl Does {
    /// The settings of a worker that does it.
    pub(crate) fn settings(
        self,
        settings: &Settings,
        work: &WorkArgs,
        state: &State,
        peers: bool,
    ) -> anyhow::Result<worker::WorkerSettings> {
        let ladder = work.transcode.adjust(settings.ladder()?)?;
        let catalog = settings.catalog()?;
        let software = |id: &str| catalog.encoders.iter().any(|e| e.id == id && !e.hardware);
        let limit = match work.gpu_sessions {
            Some(limit) if !software(&work.transcode.encoder) => {
                let each = u16::try_from(ladder.rungs.len()).unwrap_or(u16::MAX);
                let folder = &work.gpu_lock_dir;
                Some(Limit::open(folder, limit, each).map_err(|error| {
                    let message = format!("--gpu-lock-dir: {}: {error}", folder.display());
                    Refusal::new("usage", message)
                })?)
            }
            _ => None,
        };
        Ok(worker::WorkerSettings {
            name: state.node()?,
            slots: self.slots,
            lease: work.lease(),
            wants: self.wants,
            peers,
            tried: self.tried,
            cards: Arc::new(Cards::new(limit, environment::visible_cards())),
            scratch: state.scratch(),
            registry: state.registry(),
            retry: work.retry(),
            max_runtime: work.max_runtime(),
            ladder,
            encoders: settings.encoders_text()?,
            decoders: settings.decoders_text()?,
            encoders_file: settings.encoders_file(),
            limits: work.transcode.limits.limits(),
            encoder: work.transcode.encoder.clone(),
            decoder: match work.transcode.decoder {
                DecoderArg::Auto => Decoding::Auto,
                DecoderArg::Software => Decoding::Software,
                DecoderArg::Hardware => Decoding::Hardware,
            },
            stall_timeout: work.transcode.stall_timeout(),
            sandbox: work.sandbox(),
            environment: environment::of_children(),
            memory_bytes: work.memory_bytes(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_says_who_can_do_it() {
        let catalog = Catalog::built_in().unwrap();
        assert_eq!(wants(&catalog, "auto"), Wants::GpuFirst);
        assert_eq!(wants(&catalog, "nvenc"), Wants::Gpu);
        assert_eq!(wants(&catalog, "va"), Wants::Gpu);
        assert_eq!(wants(&catalog, "software"), Wants::Anybody);
    }
}
