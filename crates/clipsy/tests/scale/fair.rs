//! The workers belong to everybody, wherever they are.

use crate::stack::Stack;
use crate::support::shares;

#[test]
fn accounts_take_turns_over_nats() {
    let stack = Stack::start("60");
    let (server, worker) = (stack.serve("api").up(), stack.work("work").up());
    shares::take_turns(&server);
    worker.stop();
    server.stop();
}
