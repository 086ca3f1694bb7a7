//! Gives signs of life: who this worker is, what it does, which encoders it has. And holds the queue
//! while the database says so.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clipsy_dispatch::{Message, Received};
use clipsy_domain::worker::{EncoderFound, WorkerSign};
use clipsy_pipeline::catalog::{Catalog, EncoderSpec};
use serde::Deserialize;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{Worker, child};

/// How often it says that it is there.
const SIGN: Duration = Duration::from_secs(10);
/// Wait before the encoders are tried, so that a start is not slowed down by it.
const BEFORE_TRIAL: Duration = Duration::from_secs(2);
/// Longest trial of the encoders; a driver may hang.
const TRIAL: Duration = Duration::from_mins(2);

/// Gives signs until `ended`, which comes when the last job has; from `stop` on it says that it is
/// going down.
pub(super) async fn run(worker: Arc<Worker>, stop: CancellationToken, ended: CancellationToken) {
    let mut events = worker.dispatch.events.subscribe();
    let mut timer = interval(SIGN);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let trial = {
        let (worker, stop) = (Arc::clone(&worker), stop.clone());
        async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = try_encoders(&worker) => {}
            }
        }
    };
    tokio::pin!(trial);
    let (mut tried, mut stopping, mut listening) = (false, false, true);
    loop {
        give(&worker, &stop).await;
        loop {
            tokio::select! {
                () = ended.cancelled() => {
                    forget(&worker).await;
                    return;
                }
                _ = timer.tick() => {
                    hold(&worker).await;
                    break;
                }
                () = worker.changed.notified() => break,
                () = stop.cancelled(), if !stopping => {
                    stopping = true;
                    break;
                }
                () = &mut trial, if !tried => {
                    tried = true;
                    break;
                }
                received = events.next(), if listening => match received {
                    Some(Received::Message(message)) if *message != Message::QueueChanged => {}
                    Some(_) => hold(&worker).await,
                    None => listening = false,
                },
            }
        }
    }
}

/// Pauses or resumes the queue of this process as the database has it.
pub(super) async fn hold(worker: &Worker) {
    let paused = match worker.db.queue_paused().await {
        Ok(paused) => paused,
        Err(error) => {
            tracing::warn!(%error, "could not read whether the queue is paused");
            return;
        }
    };
    let queue = &worker.dispatch.queue;
    let done = match queue.paused().await {
        Ok(now) if now == paused => Ok(()),
        Ok(_) => queue.set_paused(paused).await,
        Err(error) => Err(error),
    };
    if let Err(error) = done {
        tracing::warn!(%error, paused, "the queue could not be paused or resumed");
    }
}

async fn give(worker: &Worker, stop: &CancellationToken) {
    let encoders = match worker.encoders.lock() {
        Ok(encoders) => encoders.clone(),
        Err(poisoned) => poisoned.into_inner().clone(),
    };
    let sign = WorkerSign {
        id: worker.settings.name.clone(),
        host: worker.host.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: worker.started_at,
        seen_at: worker.db.clock().now(),
        slots: i64::try_from(worker.settings.slots).unwrap_or(i64::MAX),
        busy: worker.busy.load(Ordering::SeqCst),
        encoders,
        draining: stop.is_cancelled(),
    };
    if let Err(error) = worker.db.note_worker(&sign).await {
        tracing::warn!(%error, "could not give a sign of life");
        return;
    }
    tell(worker).await;
}

async fn forget(worker: &Worker) {
    if let Err(error) = worker.db.forget_worker(&worker.settings.name).await {
        tracing::warn!(%error, "could not sign off");
    }
    tell(worker).await;
}

async fn tell(worker: &Worker) {
    let worker_name = worker.settings.name.clone();
    let message = Message::WorkerChanged {
        worker: worker_name,
    };
    worker.dispatch.events.publish(message).await;
}

/// What `clipsy doctor --json` says about encoders.
#[derive(Debug, Deserialize)]
struct Report {
    encoders: Vec<Finding>,
    selected: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Finding {
    id: String,
    label: String,
    works: bool,
    reason: String,
    advice: Option<String>,
}

/// Tries all encoders in a process of its own, where a driver may crash, and notes what works.
async fn try_encoders(worker: &Worker) {
    sleep(BEFORE_TRIAL).await;
    let settings = &worker.settings;
    let catalog = match &settings.encoders {
        Some(text) => Catalog::parse(text),
        None => Catalog::built_in(),
    };
    let catalog = match catalog {
        Ok(catalog) => catalog,
        Err(error) => {
            tracing::warn!(%error, "the encoder catalog cannot be read");
            return;
        }
    };
    let mut doctor = tokio::process::Command::new(child::PROGRAM);
    if let Some(file) = &settings.encoders_file {
        doctor.arg("--encoders").arg(file);
    }
    doctor
        .args(["doctor", "--json"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let Ok(Ok(output)) = timeout(TRIAL, doctor.output()).await else {
        tracing::warn!("the encoders could not be tried");
        return;
    };
    let report: Report = match serde_json::from_slice(&output.stdout) {
        Ok(report) => report,
        Err(error) => {
            tracing::warn!(%error, "the trial of the encoders said nothing that can be read");
            return;
        }
    };
    let preferred = match settings.encoder.as_str() {
        "auto" => report.selected.clone(),
        chosen => Some(chosen.to_owned()),
    };
    let found = report
        .encoders
        .into_iter()
        .map(|finding| encoder(finding, &catalog, preferred.as_deref()))
        .collect();
    match worker.encoders.lock() {
        Ok(mut encoders) => *encoders = found,
        Err(poisoned) => *poisoned.into_inner() = found,
    }
}

fn encoder(finding: Finding, catalog: &Catalog, preferred: Option<&str>) -> EncoderFound {
    let spec = catalog.encoders.iter().find(|spec| spec.id == finding.id);
    let first = spec.and_then(|spec| spec.variants.first());
    // A finding that works begins with the element that did it.
    let element = finding.reason.split_whitespace().next();
    let element = element.filter(|name| {
        let known = |spec: &EncoderSpec| spec.variants.iter().any(|v| v.element == *name);
        spec.is_some_and(known)
    });
    let hardware = spec.is_some_and(|spec| spec.hardware);
    EncoderFound {
        kind: if hardware { &*finding.id } else { "software" }.to_owned(),
        element: element
            .or(first.map(|variant| variant.element.as_str()))
            .unwrap_or_default()
            .to_owned(),
        preferred: finding.works && preferred == Some(finding.id.as_str()),
        id: finding.id,
        label: finding.label,
        works: finding.works,
        reason: finding.reason,
        advice: finding.advice,
    }
}

/// Name of this machine.
pub(super) fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "localhost" } else { name }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::testing;

    #[test]
    fn an_encoder_is_described_by_report_and_catalog() {
        let catalog = Catalog::built_in().unwrap();
        let finding = |id: &str, works: bool, reason: &str| Finding {
            id: id.into(),
            label: id.into(),
            works,
            reason: reason.into(),
            advice: None,
        };
        let software = catalog.encoders.iter().find(|e| !e.hardware).unwrap();
        let element = &software.variants[0].element;
        let reason = format!("{element} encoded real pictures");
        let found = encoder(
            finding(&software.id, true, &reason),
            &catalog,
            Some(&software.id),
        );
        assert_eq!((&*found.kind, &found.element), ("software", element));
        assert!(found.preferred);
        let nvenc = encoder(
            finding("nvenc", false, "no device"),
            &catalog,
            Some("nvenc"),
        );
        assert_eq!(nvenc.kind, "nvenc");
        assert!(!nvenc.preferred && !nvenc.element.is_empty());
    }

    #[tokio::test]
    async fn the_queue_is_held_as_the_database_has_it() {
        let setup = testing::setup().await;
        let queue = &setup.worker.dispatch.queue;
        setup.worker.db.set_queue_paused(true).await.unwrap();
        hold(&setup.worker).await;
        assert!(queue.paused().await.unwrap());
        setup.worker.db.set_queue_paused(false).await.unwrap();
        hold(&setup.worker).await;
        assert!(!queue.paused().await.unwrap());
    }

    #[tokio::test]
    async fn a_worker_signs_on_and_off() {
        let setup = testing::setup().await;
        let worker = Arc::new(setup.worker);
        let (stop, ended) = (CancellationToken::new(), CancellationToken::new());
        let mut events = worker.dispatch.events.subscribe();
        let task = tokio::spawn(run(Arc::clone(&worker), stop.clone(), ended.clone()));
        let mut told = async || {
            loop {
                if let Some(Received::Message(message)) = events.next().await
                    && matches!(*message, Message::WorkerChanged { .. })
                {
                    return worker.db.workers().await.unwrap();
                }
            }
        };
        let signs = told().await;
        assert_eq!((signs.len(), signs[0].busy), (1, 0));
        assert!(!signs[0].draining && !signs[0].host.is_empty());
        worker.busy.store(1, Ordering::SeqCst);
        worker.changed.notify_one();
        while told().await[0].busy != 1 {}
        stop.cancel();
        while !told().await[0].draining {}
        ended.cancel();
        task.await.unwrap();
        assert!(worker.db.workers().await.unwrap().is_empty());
    }
}
