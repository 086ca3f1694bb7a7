//! The operations that run on one socket.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Executor, Response};
use futures_util::StreamExt as _;
use futures_util::stream::{self, AbortHandle, BoxStream, SelectAll};

use super::gate::{Caller, Gate, Outcome};
use super::request::Prepared;

/// Operations by the names that the client gave them. A dropped one stops.
#[derive(Default)]
pub(crate) struct Operations {
    running: Vec<Running>,
    results: SelectAll<BoxStream<'static, (u64, Step)>>,
    next_number: u64,
}

struct Running {
    id: Box<str>,
    /// Tells apart operations that had the same name one after another.
    number: u64,
    abort: AbortHandle,
    /// True if nothing came yet.
    fresh: bool,
}

enum Step {
    Next(Response),
    Answered(Outcome),
    Panicked(Box<dyn Any + Send>),
    Ended,
}

/// Something that the client has to be told.
pub(crate) enum Happened {
    /// A subscription has something new.
    Next {
        id: Box<str>,
        first: bool,
        response: Response,
    },
    /// A query or mutation was run, which ends it.
    Answered { id: Box<str>, outcome: Outcome },
    /// A subscription has ended.
    Ended { id: Box<str> },
    /// A subscription panicked, which ends it.
    Panicked {
        id: Box<str>,
        panic: Box<dyn Any + Send>,
    },
}

impl Operations {
    pub(crate) fn is_empty(&self) -> bool {
        self.results.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.running.len()
    }

    pub(crate) fn has(&self, id: &str) -> bool {
        self.running.iter().any(|running| *running.id == *id)
    }

    /// Starts an operation whose name is not in use.
    pub(crate) fn start<E: Executor>(
        &mut self,
        id: String,
        prepared: Prepared,
        gate: &Arc<Gate<E>>,
        caller: &Arc<Caller>,
    ) {
        let number = self.next_number;
        self.next_number += 1;
        let steps = if prepared.operation == Some(OperationType::Subscription) {
            let results = AssertUnwindSafe(gate.subscribe(prepared, caller)).catch_unwind();
            let steps = results.map(|result| result.map_or_else(Step::Panicked, Step::Next));
            steps.chain(stream::iter([Step::Ended])).left_stream()
        } else {
            let (gate, caller) = (Arc::clone(gate), Arc::clone(caller));
            let run = async move { gate.run(prepared, &caller).await };
            stream::once(run).map(Step::Answered).right_stream()
        };
        let (steps, abort) = stream::abortable(steps);
        self.results
            .push(steps.map(move |step| (number, step)).boxed());
        self.running.push(Running {
            id: id.into(),
            number,
            abort,
            fresh: true,
        });
    }

    /// Stops the operation of that name, if there is one.
    pub(crate) fn stop(&mut self, id: &str) {
        if let Some(at) = self.running.iter().position(|r| *r.id == *id) {
            self.running.swap_remove(at).abort.abort();
        }
    }

    /// What happens next; `None` if what happened is of no interest any more.
    pub(crate) async fn next(&mut self) -> Option<Happened> {
        let (number, step) = self.results.next().await?;
        let at = self.running.iter().position(|r| r.number == number)?;
        if let Step::Next(response) = step {
            let running = &mut self.running[at];
            return Some(Happened::Next {
                id: running.id.clone(),
                first: std::mem::take(&mut running.fresh),
                response,
            });
        }
        let Running { id, abort, .. } = self.running.swap_remove(at);
        abort.abort();
        match step {
            Step::Answered(outcome) => Some(Happened::Answered { id, outcome }),
            Step::Panicked(panic) => Some(Happened::Panicked { id, panic }),
            Step::Next(_) | Step::Ended => Some(Happened::Ended { id }),
        }
    }
}
