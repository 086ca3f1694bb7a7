//! What things are called on the server.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use clipsy_domain::job::JobId;

use super::{Hears, Options};
use crate::events::Message;
use crate::queue::{Need, Ticket};

/// How long the server knows a message that was pushed before. Rows are gone through every minute,
/// so that most of what that pushes again costs nothing.
const DUPLICATES: Duration = Duration::from_mins(5);
/// Pullers that may wait at one consumer, over all processes.
const MAX_WAITING: i64 = 16_384;

/// How urgent a ticket is. A consumer stands for each, so there are few.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// A positive priority.
    High,
    /// Zero.
    Normal,
    /// A negative one.
    Low,
}

impl Class {
    /// All classes, the most urgent first.
    pub(super) const ALL: [Self; 3] = [Self::High, Self::Normal, Self::Low];

    /// The class of a priority.
    pub(super) fn of(priority: i64) -> Self {
        match priority {
            1.. => Self::High,
            0 => Self::Normal,
            _ => Self::Low,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

/// Makes the names; all begin with the prefix.
#[derive(Debug, Clone)]
pub(super) struct Names(String);

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        Self(prefix.to_owned())
    }

    /// The stream of tickets.
    pub(super) fn stream(&self) -> String {
        format!("{}_JOBS", self.0.to_ascii_uppercase())
    }

    /// The subject of a ticket.
    pub(super) fn ticket(&self, ticket: &Ticket) -> String {
        let (need, class) = (ticket.need.as_str(), Class::of(ticket.priority).as_str());
        format!("{}.jobs.tickets.{need}.{class}.{}", self.0, ticket.job_id)
    }

    /// All subjects that a ticket of the job may have.
    pub(super) fn tickets_of(&self, job_id: JobId) -> String {
        format!("{}.jobs.tickets.*.*.{job_id}", self.0)
    }

    /// The address at which the ticket with that subject and number is settled by somebody who does
    /// not hold it. Only stream, consumer and number count; the rest of what the server sends with
    /// a delivery is about that delivery.
    pub(super) fn settle(&self, subject: &str, sequence: u64) -> Option<String> {
        let mut words = subject.rsplit('.').skip(1);
        let (class, need) = (words.next()?, words.next()?);
        let stream = self.stream();
        Some(format!(
            "$JS.ACK.{stream}.{need}-{class}.1.{sequence}.0.0.0"
        ))
    }

    /// The subject of the message that says whether the queue is paused.
    pub(super) fn paused(&self) -> String {
        format!("{}.jobs.paused", self.0)
    }

    /// The subject on which a message is told.
    pub(super) fn event(&self, message: &Message) -> String {
        let kind = match message {
            Message::JobChanged { .. } => "job_changed",
            Message::Progress { .. } => "progress",
            Message::CancelJob { .. } => "cancel_job",
            Message::AssetDeleted { .. } => "asset_deleted",
            Message::AssetChanged { .. } => "asset_changed",
            Message::QueueChanged => "queue_changed",
            Message::WorkerChanged { .. } => "worker_changed",
        };
        format!("{}.events.{}.{kind}", self.0, hearers(message))
    }

    /// The subject on which a process tells that messages of its own were lost on the way.
    pub(super) fn lost(&self) -> String {
        format!("{}.events.{EVERYBODY}.lost", self.0)
    }

    /// What is told to a process that hears so much.
    pub(super) fn events(&self, hears: Hears) -> String {
        match hears {
            Hears::Everything => format!("{}.events.*.*", self.0),
            Hears::Orders => format!("{}.events.{EVERYBODY}.*", self.0),
        }
    }

    /// A subject to which nobody listens.
    pub(super) fn nobody(&self) -> String {
        format!("{}.nobody", self.0)
    }

    /// The subject on which a consumer is asked for a ticket.
    pub(super) fn ask(&self, consumer: &str) -> String {
        format!("$JS.API.CONSUMER.MSG.NEXT.{}.{consumer}", self.stream())
    }

    /// The stream: messages stay until they are settled.
    pub(super) fn stream_config(&self, options: &Options) -> Config {
        Config {
            name: self.stream(),
            description: Some("Jobs that wait to be run".to_owned()),
            subjects: vec![format!("{}.jobs.tickets.>", self.0), self.paused()],
            retention: RetentionPolicy::WorkQueue,
            storage: StorageType::File,
            num_replicas: options.replicas,
            max_messages: -1,
            max_bytes: -1,
            // If it replaced messages by itself, consumers would not learn of it.
            max_messages_per_subject: -1,
            discard: DiscardPolicy::New,
            duplicate_window: DUPLICATES,
            ..Config::default()
        }
    }

    /// The consumer of one need and class.
    pub(super) fn consumer_config(
        &self,
        need: Need,
        class: Class,
        options: &Options,
    ) -> pull::Config {
        let (need_name, class_name) = (need.as_str(), class.as_str());
        pull::Config {
            durable_name: Some(consumer(need, class)),
            filter_subject: format!("{}.jobs.tickets.{need_name}.{class_name}.*", self.0),
            ack_policy: AckPolicy::Explicit,
            ack_wait: options.ack_wait,
            // The server would leave what it gave up in the stream for ever, and tell only those
            // who listen at the moment. Whoever receives a ticket counts.
            max_deliver: -1,
            // Tickets whose time has not come are held as well.
            max_ack_pending: -1,
            max_waiting: MAX_WAITING,
            ..pull::Config::default()
        }
    }
}

/// What everybody hears.
const EVERYBODY: &str = "all";
/// What only those hear whom people watch.
const WATCHED: &str = "watched";

/// Who hears a message. The part that says so stands before the kind, since a server leaves out what
/// a wildcard does not match, and a thousand workers that hear of each other's progress would keep
/// it busy with nothing else.
fn hearers(message: &Message) -> &'static str {
    match message {
        Message::CancelJob { .. } | Message::AssetDeleted { .. } | Message::QueueChanged => {
            EVERYBODY
        }
        Message::JobChanged { .. }
        | Message::Progress { .. }
        | Message::AssetChanged { .. }
        | Message::WorkerChanged { .. } => WATCHED,
    }
}

/// Name of the consumer of one need and class.
pub(super) fn consumer(need: Need, class: Class) -> String {
    format!("{}-{}", need.as_str(), class.as_str())
}

/// What makes a ticket the same as one before: the server takes it once.
pub(super) fn message_id(ticket: &Ticket) -> String {
    format!(
        "{}.{}.{}.{}.{}",
        ticket.job_id,
        ticket.attempt,
        ticket.need.as_str(),
        ticket.priority,
        ticket.run_after.timestamp_millis()
    )
}

#[cfg(test)]
mod tests {
    use clipsy_domain::clock::from_millis;

    use super::*;

    #[test]
    fn a_ticket_is_found_again_by_its_subject() {
        let names = Names::new("clipsy");
        let ticket = Ticket {
            job_id: 42,
            attempt: 3,
            need: Need::Gpu,
            priority: -5,
            run_after: from_millis(1000),
            wait_ms: 0,
        };
        let subject = names.ticket(&ticket);
        assert_eq!(subject, "clipsy.jobs.tickets.gpu.low.42");
        assert_eq!(message_id(&ticket), "42.3.gpu.-5.1000");
        let address = names.settle(&subject, 7).unwrap();
        assert_eq!(address, "$JS.ACK.CLIPSY_JOBS.gpu-low.1.7.0.0.0");
        assert!(address.contains(&consumer(ticket.need, Class::of(ticket.priority))));
    }
}
