//! The workers belong to everybody, wherever they are.

use crate::support::shares;
use crate::support::stack::Stack;

#[test]
fn accounts_take_turns_over_nats() {
    let stack = Stack::start("60");
    let (server, worker) = (stack.serve("api").up(), stack.work("work").up());
    shares::take_turns(&server);
    worker.stop();
    server.stop();
}
