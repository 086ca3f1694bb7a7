//! What every queue and bus has to do.

use futures_util::future::BoxFuture;

use super::server::{Server, process};
use crate::{Dispatch, contract};

fn of(server: &Server) -> impl Fn() -> BoxFuture<'static, Dispatch> + Sync {
    let options = server.options();
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
    let server = Server::start();
    contract::queue(&of(&server)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_ticket_is_delivered_once() {
    let server = Server::start();
    contract::no_double_delivery(&of(&server)).await;
}

#[tokio::test]
async fn the_bus_keeps_the_contract() {
    let server = Server::start();
    contract::events(&of(&server)).await;
}
