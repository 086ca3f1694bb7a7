//! What every implementation of [`Queue`] and [`Events`] has to do, as tests to be called from
//! the tests of each.
//!
//! Nothing here measures time. Waits are bounded only so that a broken implementation fails
//! instead of hanging.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use clipsy_domain::clock::{Clock as _, SystemClock, Timestamp};
use clipsy_domain::job::JobId;
use clipsy_domain::progress::Event;
use futures_util::future::BoxFuture;

use crate::{Delivery, Dispatch, Events, Message, Need, Queue, Received, Subscription, Ticket};

/// Makes an empty queue and a bus of its own.
pub type Make<'a> = &'a (dyn Fn() -> BoxFuture<'static, Dispatch> + Sync);

/// No step takes anywhere near this long: one that does hangs.
const HANGS_AFTER: Duration = Duration::from_secs(30);

/// Everything about the queue that one task can tell.
pub async fn queue(make: Make<'_>) {
    highest_priority_first(&*make().await.queue).await;
    a_delayed_ticket_arrives_after_one_that_is_due(&*make().await.queue).await;
    a_puller_that_waits_is_woken(make().await.queue).await;
    a_puller_that_stops_waiting_loses_nothing(&*make().await.queue).await;
    a_ticket_that_goes_back_comes_again(&*make().await.queue).await;
    a_settled_ticket_is_gone(&*make().await.queue).await;
    a_job_waits_once(&*make().await.queue).await;
    the_same_ticket_again_does_no_harm(&*make().await.queue).await;
    a_ticket_pushed_meanwhile_knows_better(&*make().await.queue).await;
    a_removed_ticket_does_not_come(&*make().await.queue).await;
    a_paused_queue_hands_out_nothing(make().await.queue).await;
    it_says_that_it_works(&*make().await.queue).await;
}

/// Higher priorities overtake, equal ones keep the order of their jobs.
async fn highest_priority_first(queue: &dyn Queue) {
    for (job_id, priority) in [(1, 0), (2, 5), (3, -1), (4, 5), (5, 5)] {
        push(queue, job_id, priority, now()).await;
    }
    for expected in [2, 4, 5, 1, 3] {
        assert_eq!(take(queue).await, expected);
    }
}

/// A ticket is not handed out before its time, and then it is.
async fn a_delayed_ticket_arrives_after_one_that_is_due(queue: &dyn Queue) {
    let later = now() + TimeDelta::milliseconds(300);
    push(queue, 1, 9, later).await;
    push(queue, 2, 0, now()).await;
    assert_eq!(take(queue).await, 2);
    assert_eq!(take(queue).await, 1);
    assert!(now() >= later, "it came before its time");
}

/// Waiting begins before there is anything to wait for.
async fn a_puller_that_waits_is_woken(queue: Arc<dyn Queue>) {
    let puller = {
        let queue = Arc::clone(&queue);
        tokio::spawn(async move { take(&*queue).await })
    };
    tokio::task::yield_now().await;
    push(&*queue, 7, 0, now()).await;
    assert_eq!(ends(puller).await.ok(), Some(7));
}

/// A pull that was given up, as in a `select!`, takes no ticket with it.
async fn a_puller_that_stops_waiting_loses_nothing(queue: &dyn Queue) {
    for _ in 0..20 {
        let waited = tokio::time::timeout(Duration::from_millis(1), queue.pull()).await;
        assert!(waited.is_err(), "there was nothing to hand out: {waited:?}");
    }
    push(queue, 1, 0, now()).await;
    assert_eq!(take(queue).await, 1);
}

/// A ticket that was refused or dropped is handed out again.
async fn a_ticket_that_goes_back_comes_again(queue: &dyn Queue) {
    push(queue, 1, 3, now()).await;
    drop(pull(queue).await);
    let again = pull(queue).await;
    assert_eq!((again.ticket.job_id, again.ticket.priority), (1, 3));
    let until = now() + TimeDelta::milliseconds(200);
    settled(again.nak(Duration::from_millis(200)).await);
    let last = pull(queue).await;
    assert_eq!((last.ticket.job_id, last.ticket.priority), (1, 3));
    assert!(now() >= until, "it came before its time");
    settled(last.in_progress().await);
    settled(last.ack().await);
}

/// After `ack` nothing comes again.
async fn a_settled_ticket_is_gone(queue: &dyn Queue) {
    push(queue, 1, 9, now()).await;
    assert_eq!(take(queue).await, 1);
    push(queue, 2, 0, now()).await;
    assert_eq!(take(queue).await, 2);
    nothing(queue).await;
}

/// A second ticket for a job replaces the first.
async fn a_job_waits_once(queue: &dyn Queue) {
    push(queue, 1, -1, now()).await;
    push(queue, 2, 0, now()).await;
    push(queue, 1, 1, now()).await;
    assert_eq!(take(queue).await, 1);
    assert_eq!(take(queue).await, 2);
    nothing(queue).await;
}

/// Rows that wait are pushed again and again, and what was taken away comes again if it is pushed.
async fn the_same_ticket_again_does_no_harm(queue: &dyn Queue) {
    let at = now();
    for _ in 0..3 {
        push(queue, 1, 0, at).await;
    }
    push(queue, 2, 0, at).await;
    assert_eq!(take(queue).await, 1);
    assert_eq!(take(queue).await, 2);
    nothing(queue).await;
    push(queue, 1, 0, at).await;
    settled(queue.remove(1).await);
    push(queue, 1, 0, at).await;
    assert_eq!(take(queue).await, 1);
}

/// A job that is pushed while a worker holds its ticket is run again, once.
async fn a_ticket_pushed_meanwhile_knows_better(queue: &dyn Queue) {
    push(queue, 1, 0, now()).await;
    let held = pull(queue).await;
    push(queue, 1, 4, now()).await;
    drop(held);
    let newer = pull(queue).await;
    assert_eq!(newer.ticket.priority, 4);
    settled(newer.ack().await);
    nothing(queue).await;
}

/// Removing takes what waits, whether it is due or not.
async fn a_removed_ticket_does_not_come(queue: &dyn Queue) {
    push(queue, 1, 9, now()).await;
    push(queue, 2, 9, now() + TimeDelta::milliseconds(50)).await;
    push(queue, 3, 0, now()).await;
    for job_id in [1, 2, 99] {
        settled(queue.remove(job_id).await);
    }
    assert_eq!(take(queue).await, 3);
    tokio::time::sleep(Duration::from_millis(100)).await;
    nothing(queue).await;
    push(queue, 1, 0, now()).await;
    assert_eq!(take(queue).await, 1);
}

/// Paused means that nothing starts; going on means that everything does.
async fn a_paused_queue_hands_out_nothing(queue: Arc<dyn Queue>) {
    push(&*queue, 1, 0, now()).await;
    let held = pull(&*queue).await;
    settled(queue.set_paused(true).await);
    assert_eq!(queue.paused().await.ok(), Some(true));
    push(&*queue, 2, 0, now()).await;
    nothing(&*queue).await;
    settled(held.ack().await);

    let puller = {
        let queue = Arc::clone(&queue);
        tokio::spawn(async move { take(&*queue).await })
    };
    tokio::task::yield_now().await;
    settled(queue.set_paused(false).await);
    assert_eq!(ends(puller).await.ok(), Some(2));
    assert_eq!(queue.paused().await.ok(), Some(false));
}

/// Nothing is wrong with a queue that is in use.
async fn it_says_that_it_works(queue: &dyn Queue) {
    settled(queue.ping().await);
    push(queue, 1, 0, now()).await;
    assert_eq!(take(queue).await, 1);
    settled(queue.ping().await);
    assert_eq!(queue.dead_letters(), 0);
}

/// Fifty pullers at once: each ticket goes to one of them, also when some let go of theirs.
/// Needs a runtime with several threads to prove much.
pub async fn no_double_delivery(make: Make<'_>) {
    const PULLERS: i64 = 50;
    const TICKETS: i64 = 1000;
    let queue = make().await.queue;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let mut pullers = tokio::task::JoinSet::new();
    for puller in 0..PULLERS {
        let (queue, tell) = (Arc::clone(&queue), tell.clone());
        pullers.spawn(async move {
            let mut dropped = false;
            loop {
                let delivery = pull(&*queue).await;
                // Every fifth puller lets its first ticket fall.
                if puller % 5 == 0 && !dropped {
                    dropped = true;
                    continue;
                }
                let job_id = delivery.ticket.job_id;
                settled(delivery.ack().await);
                if tell.send(job_id).is_err() {
                    return;
                }
            }
        });
    }
    for job_id in 1..=TICKETS {
        push(&*queue, job_id, job_id % 3, now()).await;
    }
    let mut seen: HashMap<JobId, u32> = HashMap::new();
    for _ in 0..TICKETS {
        let job_id = ends(told.recv()).await.unwrap_or_default();
        *seen.entry(job_id).or_default() += 1;
    }
    nothing(&*queue).await;
    assert_eq!(i64::try_from(seen.len()), Ok(TICKETS));
    assert!(told.try_recv().is_err(), "a ticket was delivered twice");
}

/// Everything about the event bus.
pub async fn events(make: Make<'_>) {
    everyone_hears_everything_in_order(&*make().await.events).await;
    a_message_nobody_hears_is_no_trouble(&*make().await.events).await;
    a_cancel_reaches_every_listener(&*make().await.events).await;
    a_slow_listener_is_told_what_it_missed(&*make().await.events).await;
    settled(make().await.events.flush().await);
}

/// All listeners get all messages, progress included, as they were sent.
async fn everyone_hears_everything_in_order(events: &dyn Events) {
    let mut listeners = [events.subscribe(), events.subscribe(), events.subscribe()];
    let sent = [
        Message::JobChanged {
            asset_id: 3,
            job_id: 1,
        },
        Message::Progress {
            asset_id: 3,
            job_id: 1,
            attempt: 2,
            event: Event::Playable {
                master: "master.m3u8".into(),
            },
        },
        Message::AssetChanged { asset_id: 4 },
        Message::AssetDeleted { asset_id: 4 },
    ];
    for message in &sent {
        events.publish(message.clone()).await;
    }
    for listener in &mut listeners {
        for message in &sent {
            assert_eq!(heard(listener).await, *message);
        }
    }
}

/// Publishing works before anybody listens; who comes later does not hear it.
async fn a_message_nobody_hears_is_no_trouble(events: &dyn Events) {
    events.publish(Message::AssetChanged { asset_id: 1 }).await;
    let mut listener = events.subscribe();
    events.publish(Message::AssetChanged { asset_id: 2 }).await;
    assert_eq!(
        heard(&mut listener).await,
        Message::AssetChanged { asset_id: 2 }
    );
}

/// Stopping a job reaches whichever worker has it.
async fn a_cancel_reaches_every_listener(events: &dyn Events) {
    let mut workers: Vec<_> = (0..8).map(|_| events.subscribe()).collect();
    let cancel = Message::CancelJob {
        job_id: 12,
        attempt: 3,
    };
    events.publish(cancel.clone()).await;
    for worker in &mut workers {
        assert_eq!(heard(worker).await, cancel);
    }
}

/// A listener that does not listen keeps a bounded number of messages, the newest, and is told
/// how many it lost. It holds nobody up.
async fn a_slow_listener_is_told_what_it_missed(events: &dyn Events) {
    const SENT: u64 = 100_000;
    let mut slow = events.subscribe();
    for number in 1..=SENT {
        let asset_id = i64::try_from(number).unwrap_or(i64::MAX);
        events.publish(Message::AssetChanged { asset_id }).await;
    }
    let last = Message::AssetChanged {
        asset_id: i64::try_from(SENT).unwrap_or(i64::MAX),
    };
    let (mut lost, mut kept) = (0, 0);
    loop {
        match ends(slow.next()).await {
            Some(Received::Lagged(count)) => lost += count,
            Some(Received::Message(message)) => {
                kept += 1;
                if *message == last {
                    break;
                }
            }
            None => panic!("the bus ended"),
        }
    }
    assert_eq!(lost + kept, SENT);
    assert!(lost > kept, "{kept} of {SENT} messages were held");
}

async fn push(queue: &dyn Queue, job_id: JobId, priority: i64, run_after: Timestamp) {
    let ticket = Ticket {
        job_id,
        attempt: 0,
        need: Need::Cpu,
        priority,
        run_after,
        wait_ms: (run_after - now()).num_milliseconds().max(0) + 1,
    };
    settled(queue.push(ticket).await);
}

async fn pull(queue: &dyn Queue) -> Delivery {
    match ends(queue.pull()).await {
        Ok(delivery) => delivery,
        Err(error) => panic!("pulling failed: {error}"),
    }
}

/// Pulls a ticket and settles it.
async fn take(queue: &dyn Queue) -> JobId {
    let delivery = pull(queue).await;
    let job_id = delivery.ticket.job_id;
    settled(delivery.ack().await);
    job_id
}

/// Nothing is handed out now.
async fn nothing(queue: &dyn Queue) {
    let pulled = tokio::time::timeout(Duration::from_millis(50), queue.pull()).await;
    assert!(pulled.is_err(), "{pulled:?} was handed out");
}

async fn heard(listener: &mut Subscription) -> Message {
    match ends(listener.next()).await {
        Some(Received::Message(message)) => message.as_ref().clone(),
        other => panic!("expected a message, got {other:?}"),
    }
}

fn settled(result: crate::Result<()>) {
    if let Err(error) = result {
        panic!("the queue failed: {error}");
    }
}

async fn ends<T>(future: impl Future<Output = T>) -> T {
    let Ok(value) = tokio::time::timeout(HANGS_AFTER, future).await else {
        panic!("it hangs: no end after {} s", HANGS_AFTER.as_secs());
    };
    value
}

fn now() -> Timestamp {
    SystemClock.now()
}
