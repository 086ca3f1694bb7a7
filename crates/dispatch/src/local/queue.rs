//! The queue of one process: ordered sets behind a lock.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use clipsy_domain::clock::{Clock, Timestamp};
use clipsy_domain::job::JobId;
use tokio::sync::Notify;

use crate::Result;
use crate::queue::{Delivery, Queue, Receipt, Ticket};

/// Waiting pullers check the clock at least this often, in case it was set.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct LocalQueue(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    clock: Arc<dyn Clock>,
    waiting: Mutex<Waiting>,
    /// Notified whenever a waiting puller may have something to take.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    tickets: HashMap<JobId, Ticket>,
    /// Those that are due, in the order in which they are handed out.
    due: BTreeSet<(Reverse<i64>, JobId)>,
    /// Those that are not, or were not at the last look.
    later: BTreeSet<JobId>,
    paused: bool,
}

impl LocalQueue {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Shared {
            clock,
            waiting: Mutex::default(),
            changed: Notify::new(),
        }))
    }
}

#[async_trait]
impl Queue for LocalQueue {
    async fn push(&self, ticket: Ticket) -> Result<()> {
        self.0.lock().add(ticket);
        self.0.changed.notify_waiters();
        Ok(())
    }

    async fn pull(&self) -> Result<Delivery> {
        loop {
            // Listening starts before looking, so that nothing is missed in between.
            let changed = self.0.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let next_due = match self.0.lock().take(self.0.clock.now()) {
                Ok(ticket) => {
                    let receipt = LocalReceipt {
                        queue: Arc::clone(&self.0),
                        ticket: Some(ticket),
                    };
                    return Ok(Delivery::new(ticket, Box::new(receipt)));
                }
                Err(next_due) => next_due,
            };
            match next_due {
                Some(wait) => {
                    let _ = tokio::time::timeout(wait.min(LOOK_AGAIN), changed).await;
                }
                None => changed.await,
            }
        }
    }

    async fn remove(&self, job_id: JobId) -> Result<()> {
        self.0.lock().remove(job_id);
        Ok(())
    }

    async fn set_paused(&self, paused: bool) -> Result<()> {
        self.0.lock().paused = paused;
        self.0.changed.notify_waiters();
        Ok(())
    }

    async fn paused(&self) -> Result<bool> {
        Ok(self.0.lock().paused)
    }

    async fn ping(&self) -> Result<()> {
        Ok(())
    }

    fn dead_letters(&self) -> u64 {
        0
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_back(&self, ticket: Ticket) {
        self.lock().add_unless_newer(ticket);
        self.changed.notify_waiters();
    }
}

impl Waiting {
    fn add(&mut self, ticket: Ticket) {
        self.remove(ticket.job_id);
        self.tickets.insert(ticket.job_id, ticket);
        // All start out here; those that are due already move over at the next look.
        self.later.insert(ticket.job_id);
    }

    /// Returns a ticket to the queue, unless a newer one was pushed meanwhile.
    fn add_unless_newer(&mut self, ticket: Ticket) {
        if !self.tickets.contains_key(&ticket.job_id) {
            self.add(ticket);
        }
    }

    /// The next ticket, or the time until there is one.
    fn take(&mut self, now: Timestamp) -> std::result::Result<Ticket, Option<Duration>> {
        if self.paused {
            return Err(None);
        }
        // All are looked at: a clock that was set may have changed their order.
        let mut soonest = None;
        self.later.retain(|job_id| {
            let Some(ticket) = self.tickets.get(job_id) else {
                return false;
            };
            let left = ticket.left(now);
            if left.is_zero() {
                self.due.insert((Reverse(ticket.priority), *job_id));
                return false;
            }
            soonest = Some(soonest.map_or(left, |soonest: Duration| soonest.min(left)));
            true
        });
        let next = self.due.pop_first();
        next.and_then(|(_, job_id)| self.tickets.remove(&job_id))
            .ok_or(soonest)
    }

    fn remove(&mut self, job_id: JobId) {
        if let Some(ticket) = self.tickets.remove(&job_id) {
            self.due.remove(&(Reverse(ticket.priority), job_id));
            self.later.remove(&job_id);
        }
    }
}

#[derive(Debug)]
struct LocalReceipt {
    queue: Arc<Shared>,
    /// Gone once it is settled.
    ticket: Option<Ticket>,
}

#[async_trait]
impl Receipt for LocalReceipt {
    async fn ack(mut self: Box<Self>) -> Result<()> {
        self.ticket = None;
        Ok(())
    }

    async fn nak(mut self: Box<Self>, delay: Duration) -> Result<()> {
        if let Some(ticket) = &mut self.ticket {
            ticket.wait_ms = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
            let delay = TimeDelta::from_std(delay).unwrap_or(TimeDelta::MAX);
            let now = self.queue.clock.now();
            ticket.run_after = now.checked_add_signed(delay).unwrap_or(Timestamp::MAX_UTC);
        }
        // Dropping gives it back.
        Ok(())
    }

    async fn in_progress(&self) -> Result<()> {
        // A ticket is held for as long as its delivery lives.
        Ok(())
    }
}

impl Drop for LocalReceipt {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.queue.give_back(ticket);
        }
    }
}
