//! What every queue and bus has to do.

use futures_util::future::BoxFuture;

use clipsy_testkit::Nats;

use super::server::{options, process};
use crate::{Dispatch, contract};

fn of(server: &Nats) -> impl Fn() -> BoxFuture<'static, Dispatch> + Sync {
    let options = options(server);
    let next = std::sync::atomic::AtomicU32::new(1);
    move || {
        let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut options = options.clone();
        options.prefix = format!("{}-{number}", options.prefix);
        Box::pin(async move { process(&options).await })
    }
}

#[tokio::test]
async fn the_queue_keeps_the_contract() {
    let server = Nats::start();
    contract::queue(&of(&server)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_ticket_is_delivered_once() {
    let server = Nats::start();
    contract::no_double_delivery(&of(&server)).await;
}

#[tokio::test]
async fn the_bus_keeps_the_contract() {
    let server = Nats::start();
    contract::events(&of(&server)).await;
}
