//! A worker that nobody can reach any more, although nothing says so: packets between it and
//! everything else vanish.

use std::slice;

use rustix::process::Signal;

use crate::namespace::Namespace;
use crate::proxy::Proxy;
use crate::support::client::Client;
use crate::support::processes::{is_alive, kill};
use crate::support::stack::{Stack, child_of, comes_too_late, hold};
use crate::support::until;

#[test]
fn what_a_worker_says_after_its_network_was_away_changes_nothing() {
    let Some(network) = Namespace::make() else {
        return;
    };
    let stack = Stack::start("6");
    let nats = Proxy::at(network.host(), stack.nats.port());
    let postgres = Proxy::at(network.host(), stack.postgres.port());
    let server = stack.serve("api-0").up();
    let client = Client::admin(&server);
    let database = format!("postgres://postgres@{}/postgres", postgres.address());
    let far = stack
        .work("work-0")
        .within(network.command())
        .env("CLIPSY_NATS_URL", &format!("nats://{}", nats.address()))
        .env("CLIPSY_DATABASE_URL", &database)
        .up();
    let id = client.upload(&stack.clip());
    let (_, child) = hold(slice::from_ref(&far), "1-1");
    let near = stack.work("work-1").up();

    // It goes on, and has more and more to report, but nobody hears of it.
    network.cut(true);
    kill(child.pid, Signal::CONT);
    until("the other worker is at it", || child_of(&near, "1-2"));
    comes_too_late(&stack, &client, id, far, near, |far| {
        // Nothing tells it that its connections are dead, and it does not wait for that.
        until("it has given up by itself", || {
            far.log().contains("a claim ran out").then_some(())
        });
        until("its child has ended", || {
            (!is_alive(child.pid)).then_some(())
        });
        // It settles that it has lost the job only after it knew by itself.
        let log = far.log();
        let before = log.split("a claim ran out").next().unwrap_or_default();
        assert!(!before.contains("taken over"), "{log}");
        network.cut(false);
    });
    server.stop();
}
