//! The network between a worker and NATS is cut.

use rustix::process::Signal;

use crate::proxy::Proxy;
use crate::support::processes::kill;
use crate::support::stack::{Stack, assert_whole, child_of};
use crate::support::until;

#[test]
fn a_worker_without_nats_ends_its_job_and_comes_back() {
    let stack = Stack::start("60");
    let server = stack.serve("api-0").up();
    let client = crate::support::client::Client::admin(&server);
    let proxy = Proxy::to(stack.nats.port());
    let behind = stack
        .work("work-0")
        .env("CLIPSY_NATS_URL", &format!("nats://{}", proxy.address()))
        .up();
    let first = client.upload(&stack.clip());
    let child = until("it has begun", || child_of(&behind, "1-1"));
    kill(child.pid, Signal::STOP);
    proxy.cut(true);
    until("it has noticed", || {
        behind
            .log()
            .contains("the connection to NATS was lost")
            .then_some(())
    });
    // Others go on without it.
    let other = stack.work("work-1").up();
    let second = client.upload(&stack.clip());
    assert_whole(&client, second);
    other.stop();
    // The row is the truth: what it has begun it can end.
    kill(child.pid, Signal::CONT);
    assert_whole(&client, first);
    stack.only_attempt(first, 1);

    let third = client.upload(&stack.clip());
    proxy.cut(false);
    assert_whole(&client, third);
    behind.stop();
    server.stop();
}
