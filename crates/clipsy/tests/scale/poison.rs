//! A file that takes down whatever opens it.

use std::cell::RefCell;

use rustix::process::Signal;

use crate::support::processes::kill;
use crate::support::stack::{Stack, assert_whole};

#[test]
fn a_poison_file_fails_and_the_queue_moves_on() {
    let stack = Stack::start("60");
    let pair = stack.pair();
    let client = pair.admin();
    let poison = client.upload(&stack.clip());
    let killed = RefCell::new(Vec::new());
    client.wait(poison, "failed", |video| {
        for worker in &pair.workers {
            for child in worker.children() {
                let name = child.attempt.clone();
                if name.starts_with("1-") && !killed.borrow().contains(&name) {
                    kill(child.pid, Signal::ABORT);
                    killed.borrow_mut().push(name);
                }
            }
        }
        video["status"] == "failed"
    });
    let mut killed = killed.into_inner();
    killed.sort();
    assert_eq!(killed, ["1-1", "1-2", "1-3"]);
    let video = client.video(poison);
    assert_eq!(video["failure"]["code"], "crashed", "{video}");
    let detail = video["failure"]["detail"].as_str().unwrap();
    assert!(detail.contains("signal 6"), "{detail}");
    let next = client.upload(&stack.clip());
    assert_whole(&client.at(&pair.servers[1]), next);
}
