//! What operators watch.
#![expect(
    clippy::unused_async,
    reason = "async-graphql wants all resolvers to be async"
)]

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;

use async_graphql::{Context, Subscription};
use clipsy_domain::worker::WorkerSign;
use clipsy_service::Service;
use futures_util::Stream;
use futures_util::stream;
use tokio::sync::watch;

use super::super::asked::{admin, app};
use super::super::errors::Result;
use super::super::operator::{Queue, Worker, queue_state};

/// What operators watch.
#[derive(Debug, Default)]
pub(super) struct Operators;

#[Subscription]
impl Operators {
    /// The job queue: first its current state, then its changes. Admins only.
    async fn queue_changed(&self, ctx: &Context<'_>) -> Result<impl Stream<Item = Queue> + use<>> {
        admin(ctx)?;
        let app = app(ctx)?;
        let read = |service: Service| async move { queue_state(&service).await };
        let states = values(app.watch.queue.watch(app, read));
        Ok(futures_util::StreamExt::map(states, |state| {
            Queue((*state).clone())
        }))
    }

    /// Worker processes: first all of them one by one, then each that changes or reports. Admins
    /// only.
    async fn worker_changed(
        &self,
        ctx: &Context<'_>,
    ) -> Result<impl Stream<Item = Worker> + use<>> {
        admin(ctx)?;
        let app = app(ctx)?;
        let read = |service: Service| async move { Ok(service.db.workers().await?) };
        let lists = app.watch.workers.watch(app, read);
        let told = Told {
            lists: Box::pin(values(lists)),
            known: HashMap::new(),
            untold: VecDeque::new(),
        };
        Ok(stream::unfold(told, async |mut told| {
            let worker = told.next().await?;
            Some((Worker(worker), told))
        }))
    }
}

/// What a watcher of workers was told.
struct Told<S> {
    lists: S,
    known: HashMap<String, WorkerSign>,
    untold: VecDeque<WorkerSign>,
}

impl<S: Stream<Item = Arc<Vec<WorkerSign>>> + Unpin> Told<S> {
    async fn next(&mut self) -> Option<WorkerSign> {
        loop {
            if let Some(worker) = self.untold.pop_front() {
                return Some(worker);
            }
            let list = futures_util::StreamExt::next(&mut self.lists).await?;
            self.known
                .retain(|id, _| list.iter().any(|worker| worker.id == *id));
            for worker in list.iter() {
                let before = self.known.insert(worker.id.clone(), worker.clone());
                if before.as_ref() != Some(worker) {
                    self.untold.push_back(worker.clone());
                }
            }
        }
    }
}

/// The value as it is, and then each that it becomes; a slow reader gets the latest.
fn values<T>(receiver: watch::Receiver<Option<Arc<T>>>) -> impl Stream<Item = Arc<T>> {
    stream::unfold((receiver, true), async |(mut receiver, first)| {
        let mut look = first;
        loop {
            if !look && receiver.changed().await.is_err() {
                return None;
            }
            look = false;
            let value = receiver.borrow_and_update().clone();
            if let Some(value) = value {
                return Some((value, (receiver, false)));
            }
        }
    })
}
