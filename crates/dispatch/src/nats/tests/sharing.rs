//! Several processes at one server.

use std::time::Duration;

use chrono::TimeDelta;
use clipsy_domain::clock::{Clock as _, SystemClock};
use tokio::sync::mpsc;

use clipsy_testkit::Nats;

use super::server::{options, process};
use super::{Seen, ends, pull, take, ticket, until_ok};
use crate::nats::{Hears, Options};
use crate::{Dispatch, Message, Need, Received, Ticket};

/// Does jobs until it is dropped, and tells of each that it settled.
fn work(
    dispatch: &Dispatch,
    workers: usize,
    done: &mpsc::UnboundedSender<(usize, i64)>,
    who: usize,
) {
    for _ in 0..workers {
        let (dispatch, done) = (dispatch.clone(), done.clone());
        tokio::spawn(async move {
            while let Ok(delivery) = dispatch.queue.pull().await {
                let job_id = delivery.ticket.job_id;
                tokio::time::sleep(Duration::from_millis(2)).await;
                delivery.ack().await.unwrap();
                let _ = done.send((who, job_id));
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_do_two_hundred_jobs_once_each() {
    const JOBS: i64 = 200;
    let server = Nats::start();
    let options = options(&server);
    let processes = [process(&options).await, process(&options).await];
    let (done, mut told) = mpsc::unbounded_channel();
    for (who, dispatch) in processes.iter().enumerate() {
        work(dispatch, 4, &done, who);
    }
    for job_id in 1..=JOBS {
        processes[0].queue.push(ticket(job_id)).await.unwrap();
    }
    let (mut seen, mut shares) = (Seen::new(), [0, 0]);
    for _ in 0..JOBS {
        let (who, job_id) = ends(told.recv()).await.unwrap();
        *seen.entry(job_id).or_default() += 1;
        shares[who] += 1;
    }
    assert_eq!(seen, (1..=JOBS).map(|job_id| (job_id, 1)).collect());
    assert!(shares[0] > 0 && shares[1] > 0, "one did it all: {shares:?}");
    // Nothing comes again when the time of the leases is over.
    let more = tokio::time::timeout(options.ack_wait * 2, told.recv()).await;
    assert!(more.is_err(), "{more:?} was done twice");
}

#[tokio::test]
async fn what_is_pushed_by_all_again_and_again_comes_once() {
    let server = Nats::start();
    let options = options(&server);
    let processes = [process(&options).await, process(&options).await];
    let tickets: Vec<Ticket> = (1..=20).map(ticket).collect();
    for _ in 0..3 {
        let sweeps = processes.each_ref().map(|dispatch| async {
            for ticket in &tickets {
                dispatch.queue.push(*ticket).await.unwrap();
            }
        });
        futures_util::future::join_all(sweeps).await;
    }
    let mut seen = Seen::new();
    let held = pull(&processes[1]).await;
    // It is pushed once more while somebody has it, but has not yet changed the row.
    processes[0].queue.push(held.ticket).await.unwrap();
    *seen.entry(held.ticket.job_id).or_default() += 1;
    held.ack().await.unwrap();
    for _ in 1..tickets.len() {
        *seen.entry(take(&processes[0]).await).or_default() += 1;
    }
    assert_eq!(seen, (1..=20).map(|job_id| (job_id, 1)).collect());
    nothing(&processes[1]).await;

    // The attempts of a job are not taken for each other.
    for attempt in 1..=3 {
        let again = Ticket {
            attempt,
            ..tickets[0]
        };
        processes[0].queue.push(again).await.unwrap();
        let delivery = pull(&processes[1]).await;
        assert_eq!(delivery.ticket, again);
        delivery.ack().await.unwrap();
    }
}

#[tokio::test]
async fn a_machine_gets_what_it_can_run() {
    let server = Nats::start();
    let plain = options(&server);
    let gpu = Options {
        serves: Need::ALL.to_vec(),
        ..plain.clone()
    };
    let idle = Options {
        serves: vec![],
        ..plain.clone()
    };
    let (plain, gpu, idle) = (
        process(&plain).await,
        process(&gpu).await,
        process(&idle).await,
    );
    for (job_id, need) in [(1, Need::Cpu), (2, Need::Gpu), (3, Need::Cpu)] {
        let ticket = Ticket {
            need,
            ..ticket(job_id)
        };
        idle.queue.push(ticket).await.unwrap();
    }
    nothing(&idle).await;
    assert_eq!(take(&gpu).await, 2);
    assert_eq!(take(&plain).await, 1);
    let last = Ticket {
        need: Need::Gpu,
        ..ticket(4)
    };
    idle.queue.push(last).await.unwrap();
    assert_eq!(take(&plain).await, 3);
    nothing(&plain).await;
    assert_eq!(take(&gpu).await, 4);
}

#[tokio::test]
async fn pausing_and_removing_work_from_everywhere() {
    let mut server = Nats::start();
    let options = options(&server);
    let processes = [process(&options).await, process(&options).await];
    processes[0].queue.set_paused(true).await.unwrap();
    assert!(processes[1].queue.paused().await.unwrap());
    for job_id in 1..=3 {
        processes[0].queue.push(ticket(job_id)).await.unwrap();
    }
    let later = Ticket {
        run_after: SystemClock.now() + TimeDelta::milliseconds(300),
        wait_ms: 300,
        ..ticket(4)
    };
    processes[0].queue.push(later).await.unwrap();
    nothing(&processes[1]).await;
    // Who comes later knows it as well, and it outlives the server.
    server.kill();
    server.run();
    let newcomer = process(&options).await;
    assert!(newcomer.queue.paused().await.unwrap());
    nothing(&newcomer).await;
    until_ok(|| processes[1].queue.remove(2)).await;
    until_ok(|| processes[1].queue.remove(4)).await;
    until_ok(|| processes[1].queue.set_paused(false)).await;
    let mut rest = [take(&newcomer).await, take(&newcomer).await];
    rest.sort_unstable();
    assert_eq!(rest, [1, 3]);
    // One that is to wait as long as the removed one, and was pushed after it, comes next.
    let last = Ticket {
        run_after: SystemClock.now() + TimeDelta::milliseconds(300),
        wait_ms: 300,
        ..ticket(5)
    };
    newcomer.queue.push(last).await.unwrap();
    assert_eq!(take(&newcomer).await, 5);
}

#[tokio::test]
async fn messages_reach_other_processes_in_order() {
    let server = Nats::start();
    let options = options(&server);
    let (here, there) = (process(&options).await, process(&options).await);
    there.events.flush().await.unwrap();
    let mut listeners = [
        here.events.subscribe(),
        there.events.subscribe(),
        there.events.subscribe(),
    ];
    for number in 1..=100 {
        let message = match number % 3 {
            0 => Message::CancelJob {
                job_id: number,
                attempt: 1,
            },
            1 => Message::AssetChanged { asset_id: number },
            _ => Message::JobChanged {
                asset_id: number,
                job_id: number,
            },
        };
        here.events.publish(message).await;
    }
    for listener in &mut listeners {
        for number in 1..=100 {
            let Some(Received::Message(message)) = ends(listener.next()).await else {
                panic!("message {number} did not come");
            };
            let told = message.asset_id().unwrap_or(number);
            assert_eq!(told, number);
        }
    }
}

#[tokio::test]
async fn a_slow_listener_elsewhere_is_told_and_holds_nobody_up() {
    let server = Nats::start();
    let options = options(&server);
    let (here, there) = (process(&options).await, process(&options).await);
    there.events.flush().await.unwrap();
    let mut slow = there.events.subscribe();
    let mut quick = there.events.subscribe();
    let last = Message::AssetDeleted { asset_id: 1 };
    for number in 1..=5000 {
        here.events
            .publish(Message::AssetChanged { asset_id: number })
            .await;
        if number % 500 == 0 {
            here.events.flush().await.unwrap();
            // The quick one keeps up.
            loop {
                match ends(quick.next()).await {
                    Some(Received::Message(message)) if message.asset_id() == Some(number) => break,
                    Some(Received::Message(_)) => {}
                    other => panic!("{other:?}"),
                }
            }
        }
    }
    here.events.publish(last.clone()).await;
    let (mut lost, mut kept) = (0, 0);
    loop {
        match ends(slow.next()).await {
            Some(Received::Lagged(count)) => lost += count,
            Some(Received::Message(message)) if *message == last => break,
            Some(Received::Message(_)) => kept += 1,
            None => panic!("the bus ended"),
        }
    }
    assert_eq!(lost + kept, 5000);
    assert!(lost > kept, "{kept} messages were held");
}

/// Nothing is handed out now.
async fn nothing(dispatch: &Dispatch) {
    let pulled = tokio::time::timeout(Duration::from_millis(200), dispatch.queue.pull()).await;
    assert!(pulled.is_err(), "{pulled:?} was handed out");
}

#[tokio::test]
async fn workers_hear_orders_and_not_what_others_report() {
    let server = Nats::start();
    let options = options(&server);
    let everything = process(&options).await;
    let worker = process(&Options {
        hears: Hears::Orders,
        ..options
    })
    .await;
    let (mut all, mut orders) = (everything.events.subscribe(), worker.events.subscribe());
    // Until this has come, what follows may be sent before anybody listens.
    worker.events.flush().await.unwrap();
    everything.events.flush().await.unwrap();
    let report = Message::JobChanged {
        asset_id: 1,
        job_id: 1,
    };
    let order = Message::CancelJob {
        job_id: 1,
        attempt: 1,
    };
    worker.events.publish(report.clone()).await;
    everything.events.publish(report.clone()).await;
    everything.events.publish(order.clone()).await;
    let next = async |listener: &mut crate::Subscription| match ends(listener.next()).await {
        Some(Received::Message(message)) => (*message).clone(),
        other => panic!("{other:?}"),
    };
    // Its own report and the order, but not the other's report.
    assert_eq!(next(&mut orders).await, report);
    assert_eq!(next(&mut orders).await, order);
    let mut heard = Vec::new();
    for _ in 0..3 {
        heard.push(next(&mut all).await);
    }
    assert_eq!(heard.iter().filter(|heard| **heard == report).count(), 2);
}
