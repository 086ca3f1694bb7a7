//! Gives signs of life: who this worker is, what it does, which encoders it has. And holds the queue
//! while the database says so.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clipsy_dispatch::{Message, Received};
use clipsy_domain::worker::WorkerSign;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::{Worker, encoders};

/// How often it says that it is there.
const SIGN: Duration = Duration::from_secs(10);
/// Wait before the encoders are tried, so that a start is not slowed down by it.
const BEFORE_TRIAL: Duration = Duration::from_secs(2);

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
    worker.look_at_cards().await;
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
        cards: worker.cards(),
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

/// Tries all encoders, unless that was done before the start, and notes what works.
async fn try_encoders(worker: &Worker) {
    let known = match worker.encoders.lock() {
        Ok(encoders) => !encoders.is_empty(),
        Err(_) => false,
    };
    if known {
        return;
    }
    sleep(BEFORE_TRIAL).await;
    let settings = &worker.settings;
    let trial = encoders::find(
        settings.encoders.as_deref(),
        settings.encoders_file.as_deref(),
        &settings.encoder,
        &settings.registry,
    );
    let Some(found) = trial.await else {
        return;
    };
    match worker.encoders.lock() {
        Ok(mut encoders) => *encoders = found,
        Err(poisoned) => *poisoned.into_inner() = found,
    }
}

/// Name of this machine.
pub fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "localhost" } else { name }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

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
