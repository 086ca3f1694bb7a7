//! Servers that are killed, workers that vanish, tickets that nobody wants.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use clipsy_domain::clock::{Clock as _, SystemClock};
use tokio::sync::mpsc;

use clipsy_testkit::Nats;

use super::server::{options, process};
use super::{Seen, ends, pull, take, ticket, until_ok};
use crate::nats::Options;
use crate::{Dispatch, Error, Message, Received, Subscription, Ticket};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_is_killed_in_mid_work_loses_no_job() {
    const JOBS: i64 = 100;
    let mut server = Nats::start();
    let options = options(&server);
    let processes = [process(&options).await, process(&options).await];
    for job_id in 1..=JOBS {
        processes[0].queue.push(ticket(job_id)).await.unwrap();
    }
    // A ticket that cannot be settled comes again, and then the row says that the job is done: a
    // worker that is handed a job for the second time has nothing to do but to settle it.
    let (done, mut told) = mpsc::unbounded_channel();
    for dispatch in &processes {
        for _ in 0..4 {
            let (dispatch, done) = (dispatch.clone(), done.clone());
            tokio::spawn(async move {
                while let Ok(delivery) = dispatch.queue.pull().await {
                    let job_id = delivery.ticket.job_id;
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    let _ = delivery.ack().await;
                    let _ = done.send(job_id);
                }
            });
        }
    }
    let mut seen = Seen::new();
    while seen.len() < 30 {
        *seen.entry(ends(told.recv()).await.unwrap()).or_default() += 1;
    }
    server.kill();
    // While it is away everybody is told so, at once.
    let away = until_away(&processes[0]).await;
    assert!(matches!(away, Error::Unreachable(_)), "{away}");
    assert!(processes[0].queue.push(ticket(JOBS + 1)).await.is_err());
    assert!(processes[0].queue.remove(1).await.is_err());
    assert!(processes[0].queue.paused().await.is_err());
    assert!(processes[0].events.flush().await.is_err());
    server.run();
    until_ok(|| processes[0].queue.ping()).await;
    until_ok(|| processes[1].queue.push(ticket(JOBS + 1))).await;
    while i64::try_from(seen.len()) != Ok(JOBS + 1) {
        *seen.entry(ends(told.recv()).await.unwrap()).or_default() += 1;
    }
    assert!(seen.keys().copied().eq(1..=JOBS + 1));
}

#[tokio::test]
async fn a_server_that_hangs_keeps_nobody() {
    let server = Nats::start();
    let dispatch = process(&options(&server)).await;
    dispatch.queue.push(ticket(1)).await.unwrap();
    let held = pull(&dispatch).await;
    server.freeze();
    // They end with an error. Telling others does not wait at all, and listeners here still hear.
    let calls = futures_util::future::join_all((2..=9).map(|job_id| {
        let queue = Arc::clone(&dispatch.queue);
        async move { queue.push(ticket(job_id)).await }
    }));
    assert!(ends(calls).await.iter().all(Result::is_err));
    assert!(ends(held.in_progress()).await.is_err());
    assert!(ends(held.ack()).await.is_err());
    let mut listener = dispatch.events.subscribe();
    let message = Message::AssetChanged { asset_id: 1 };
    dispatch.events.publish(message).await;
    let heard = ends(listener.next()).await;
    assert!(matches!(heard, Some(Received::Message(_))), "{heard:?}");
    server.thaw();
    until_ok(|| dispatch.queue.ping()).await;
    // Whoever keeps the rows pushes again what it could not push.
    for job_id in 2..=9 {
        until_ok(|| dispatch.queue.push(ticket(job_id))).await;
    }
    let mut seen = Seen::new();
    while !(2..=9).all(|job_id| seen.contains_key(&job_id)) {
        *seen.entry(take(&dispatch).await).or_default() += 1;
    }
}

#[tokio::test]
async fn what_was_taken_away_leaves_nothing_behind() {
    let server = Nats::start();
    let options = options(&server);
    let dispatch = process(&options).await;
    let later = SystemClock.now() + TimeDelta::milliseconds(500);
    for job_id in 1..=20 {
        let later = Ticket {
            run_after: later,
            wait_ms: 500,
            ..ticket(job_id)
        };
        dispatch.queue.push(later).await.unwrap();
    }
    // All others are looked at before it, and put off.
    dispatch.queue.push(ticket(21)).await.unwrap();
    let held = pull(&dispatch).await;
    assert_eq!(held.ticket.job_id, 21);
    for job_id in (1..=10).chain([21]) {
        dispatch.queue.remove(job_id).await.unwrap();
    }
    for job_id in 11..=20 {
        let urgent = Ticket {
            priority: 1,
            ..ticket(job_id)
        };
        dispatch.queue.push(urgent).await.unwrap();
    }
    held.nak(Duration::ZERO).await.unwrap();
    for job_id in 11..=20 {
        assert_eq!(take(&dispatch).await, job_id);
    }
    // It waits longer than those that were removed would have.
    let last = Ticket {
        run_after: SystemClock.now() + TimeDelta::milliseconds(600),
        wait_ms: 600,
        ..ticket(22)
    };
    dispatch.queue.push(last).await.unwrap();
    assert_eq!(take(&dispatch).await, 22);

    let stranger = async_nats::connect(&options.servers).await.unwrap();
    let stranger = async_nats::jetstream::new(stranger);
    let name = format!("{}_JOBS", options.prefix.to_ascii_uppercase());
    let stream = stranger.get_stream(&name).await.unwrap();
    assert_eq!(stream.cached_info().state.messages, 0);
    for consumer in ["cpu-high", "cpu-normal", "cpu-low"] {
        let info = stream.consumer_info(consumer).await.unwrap();
        assert_eq!(
            (info.num_ack_pending, info.num_pending),
            (0, 0),
            "{consumer}"
        );
    }
}

#[tokio::test]
async fn a_service_starts_without_its_server() {
    let mut server = Nats::prepare(|_| String::new());
    let dispatch = process(&options(&server)).await;
    assert!(dispatch.queue.ping().await.is_err());
    assert!(dispatch.queue.push(ticket(1)).await.is_err());
    let mut listener = dispatch.events.subscribe();
    let puller = {
        let dispatch = dispatch.clone();
        tokio::spawn(async move { take(&dispatch).await })
    };
    // What happens here is heard here.
    dispatch
        .events
        .publish(Message::AssetChanged { asset_id: 7 })
        .await;
    let heard = ends(listener.next()).await;
    assert!(matches!(heard, Some(Received::Message(_))), "{heard:?}");
    server.run();
    until_ok(|| dispatch.queue.ping()).await;
    until_ok(|| dispatch.queue.push(ticket(1))).await;
    assert_eq!(ends(puller).await.unwrap(), 1);
    until_lagged(&mut listener).await;
}

#[tokio::test]
async fn a_ticket_whose_worker_vanished_comes_again() {
    let server = Nats::start();
    let options = options(&server);
    let (lost, rescuer) = (process(&options).await, process(&options).await);
    rescuer.queue.push(ticket(1)).await.unwrap();
    let delivery = pull(&lost).await;
    // As when the machine loses its power: nothing is said any more.
    std::mem::forget(delivery);
    drop(lost);
    assert_eq!(take(&rescuer).await, 1);
}

#[tokio::test]
async fn a_worker_that_reports_keeps_its_ticket() {
    let server = Nats::start();
    let options = options(&server);
    let (worker, other) = (process(&options).await, process(&options).await);
    worker.queue.push(ticket(1)).await.unwrap();
    let held = pull(&worker).await;
    let report = async {
        loop {
            held.in_progress().await.unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        () = report => {}
        taken = other.queue.pull() => panic!("{taken:?} was taken from a worker that reports"),
        () = tokio::time::sleep(options.ack_wait * 3) => {}
    }
    held.ack().await.unwrap();
    let more = tokio::time::timeout(options.ack_wait * 2, other.queue.pull()).await;
    assert!(more.is_err(), "{more:?}");
}

#[tokio::test]
async fn a_ticket_that_nobody_settles_is_given_up_and_can_be_pushed_again() {
    let server = Nats::start();
    let options = Options {
        max_deliver: 3,
        ..options(&server)
    };
    let dispatch = process(&options).await;
    let poison = ticket(1);
    dispatch.queue.push(poison).await.unwrap();
    for _ in 0..3 {
        drop(pull(&dispatch).await);
    }
    dispatch.queue.push(ticket(2)).await.unwrap();
    // It is looked at before the other, and given up.
    assert_eq!(take(&dispatch).await, 2);
    until_buried(&dispatch, 1).await;
    // The row still says that it waits.
    dispatch.queue.push(poison).await.unwrap();
    assert_eq!(take(&dispatch).await, 1);
}

#[tokio::test]
async fn what_is_no_ticket_does_not_stop_the_others() {
    let server = Nats::start();
    let options = options(&server);
    let dispatch = process(&options).await;
    let stranger = async_nats::connect(&options.servers).await.unwrap();
    let subject = format!("{}.jobs.tickets.cpu.high.1", options.prefix);
    stranger.publish(subject, "rubbish".into()).await.unwrap();
    stranger.flush().await.unwrap();
    dispatch.queue.push(ticket(2)).await.unwrap();
    assert_eq!(take(&dispatch).await, 2);
    until_buried(&dispatch, 1).await;
}

#[tokio::test]
async fn a_delayed_ticket_outlives_the_server() {
    let mut server = Nats::start();
    let dispatch = process(&options(&server)).await;
    let due = SystemClock.now() + TimeDelta::milliseconds(1500);
    let later = Ticket {
        run_after: due,
        wait_ms: 1500,
        ..ticket(1)
    };
    dispatch.queue.push(later).await.unwrap();
    dispatch.queue.push(ticket(2)).await.unwrap();
    // It was handed out before its time, and put off.
    assert_eq!(take(&dispatch).await, 2);
    server.kill();
    server.run();
    assert_eq!(take_again(&dispatch).await, 1);
    assert!(SystemClock.now() >= due, "it came before its time");
}

#[tokio::test]
async fn a_stream_that_was_deleted_is_made_again() {
    let server = Nats::start();
    let options = options(&server);
    let dispatch = process(&options).await;
    let puller = {
        let dispatch = dispatch.clone();
        tokio::spawn(async move { take(&dispatch).await })
    };
    let stranger = async_nats::connect(&options.servers).await.unwrap();
    let name = format!("{}_JOBS", options.prefix.to_ascii_uppercase());
    let stranger = async_nats::jetstream::new(stranger);
    stranger.delete_stream(name).await.unwrap();
    until_ok(|| dispatch.queue.push(ticket(1))).await;
    assert_eq!(ends(puller).await.unwrap(), 1);
}

#[tokio::test]
async fn after_a_gap_listeners_are_told_to_read_again() {
    let mut server = Nats::start();
    let options = options(&server);
    let (here, there) = (process(&options).await, process(&options).await);
    let mut listeners = [here.events.subscribe(), there.events.subscribe()];
    server.kill();
    until_away(&here).await;
    // More than is kept until the server is back.
    for asset_id in 1..=20_000 {
        here.events
            .publish(Message::AssetChanged { asset_id })
            .await;
    }
    server.run();
    for listener in &mut listeners {
        until_lagged(listener).await;
    }
    // And it goes on.
    until_ok(|| here.events.flush()).await;
    until_ok(|| there.events.flush()).await;
    let last = Message::CancelJob {
        job_id: 9,
        attempt: 9,
    };
    here.events.publish(last.clone()).await;
    for listener in &mut listeners {
        ends(async {
            loop {
                match listener.next().await {
                    Some(Received::Message(message)) if *message == last => break,
                    Some(_) => {}
                    None => panic!("the bus ended"),
                }
            }
        })
        .await;
    }
}

/// Waits until the queue says that it does not work.
async fn until_away(dispatch: &Dispatch) -> Error {
    ends(async {
        loop {
            match dispatch.queue.ping().await {
                Err(error) => return error,
                Ok(()) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    })
    .await
}

async fn until_lagged(listener: &mut Subscription) {
    ends(async {
        loop {
            match listener.next().await {
                Some(Received::Lagged(_)) => return,
                Some(Received::Message(_)) => {}
                None => panic!("the bus ended"),
            }
        }
    })
    .await;
}

/// Waits until so many tickets were given up. Somebody has to wait for one to find them.
async fn until_buried(dispatch: &Dispatch, tickets: u64) {
    let queue = Arc::clone(&dispatch.queue);
    ends(async {
        while queue.dead_letters() < tickets {
            let _ = tokio::time::timeout(Duration::from_millis(100), queue.pull()).await;
        }
    })
    .await;
}

/// [`take`], with a server that may have lost what was settled just before it was killed.
async fn take_again(dispatch: &Dispatch) -> i64 {
    loop {
        let delivery = pull(dispatch).await;
        let job_id = delivery.ticket.job_id;
        let _ = delivery.ack().await;
        if job_id != 2 {
            return job_id;
        }
    }
}
