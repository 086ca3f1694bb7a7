//! A worker that is stopped for longer than its claim holds, as a machine that swaps or is moved.

use rustix::process::Signal;

use crate::support::stack::{Stack, child_of, comes_too_late};
use crate::support::until;

#[test]
fn a_worker_that_wakes_up_too_late_changes_nothing() {
    let stack = Stack::start("4");
    let pair = stack.pair();
    let client = pair.admin();
    let id = client.upload(&stack.clip());
    let at = until("a worker is at it", || {
        let at = |number: &usize| child_of(&pair.workers[*number], "1-1").is_some();
        (0..2).find(at)
    });
    let [first, second] = pair.workers;
    let (late, other) = if at == 0 {
        (first, second)
    } else {
        (second, first)
    };
    // Its child goes on, and has more and more to report.
    late.signal(Signal::STOP);
    until("the other worker is at it", || child_of(&other, "1-2"));
    comes_too_late(&stack, &client, id, late, other, |late| {
        late.signal(Signal::CONT);
    });
}
