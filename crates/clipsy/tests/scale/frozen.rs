//! A worker that is stopped for longer than its claim holds, as a machine that swaps or is moved.

use rustix::process::Signal;

use crate::stack::{Stack, assert_whole, child_of, contents};
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
    assert_whole(&client, id);
    let before = client.video(id);
    let files_before = contents(&stack.output(id).join("2"));

    late.signal(Signal::CONT);
    until("it finds out", || {
        late.log()
            .contains("was stopped or taken over")
            .then_some(())
    });
    stack.only_attempt(id, 2);
    assert_eq!(contents(&stack.output(id).join("2")), files_before);
    assert_eq!(client.video(id), before);

    // It is as good as before.
    other.stop();
    let id = client.upload(&stack.clip());
    assert_whole(&client, id);
    late.stop();
}
