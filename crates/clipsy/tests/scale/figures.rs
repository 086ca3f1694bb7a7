//! Figures for `bench/scale`; nothing here runs with the tests.

use std::time::Duration;

use crate::crowd::{Crowd, run};
use crate::support::stack::Stack;

#[test]
#[ignore = "a measurement: bench/scale/run"]
fn queue_and_throughput() {
    let crowd = |workers, jobs, work| Crowd {
        workers,
        jobs,
        work,
        deaths: 0,
        lease: Duration::from_mins(1),
    };
    for workers in [1, 10, 100] {
        let stack = Stack::start("60");
        let jobs = 2000;
        let outcome = run(&stack, crowd(workers, jobs, Duration::ZERO));
        assert_eq!(outcome.finished.len(), jobs);
        println!(
            "FIGURE queue workers={workers} jobs={jobs} seconds={:.2} jobs_per_s={:.0}",
            outcome.took.as_secs_f64(),
            jobs as f64 / outcome.took.as_secs_f64()
        );
    }
    // Jobs of half a second: what queue and database take away from the ideal.
    let work = Duration::from_millis(500);
    for workers in [1, 2, 4, 8, 64] {
        let stack = Stack::start("60");
        let jobs = workers * 40;
        let outcome = run(&stack, crowd(workers, jobs, work));
        let ideal = jobs as f64 / workers as f64 * work.as_secs_f64();
        println!(
            "FIGURE throughput workers={workers} jobs={jobs} seconds={:.2} of_linear={:.3}",
            outcome.took.as_secs_f64(),
            ideal / outcome.took.as_secs_f64()
        );
    }
}
