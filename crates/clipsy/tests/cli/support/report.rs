//! Collects what is wrong with many inputs, so that one run tells all of it.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What is wrong with one input.
#[derive(Debug, Default)]
pub(crate) struct Report {
    problems: Vec<String>,
}

impl Report {
    pub(crate) fn check(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.problems.push(otherwise());
        }
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers mostly have temporary values"
    )]
    pub(crate) fn equal<T: PartialEq + Debug>(&mut self, what: &str, found: T, expected: T) {
        let holds = found == expected;
        self.check(holds, || {
            format!("{what}: found {found:?}, expected {expected:?}")
        });
    }

    pub(crate) fn near(&mut self, what: &str, found: f64, expected: f64, tolerance: f64) {
        let holds = (found - expected).abs() <= tolerance;
        self.check(holds, || {
            format!("{what}: found {found}, expected {expected} ± {tolerance:.3}")
        });
    }

    /// Fails the test if there was a problem.
    pub(crate) fn settle(self, name: &str) {
        let lines = self.lines(name);
        assert!(
            lines.is_empty(),
            "{} problems\n{}",
            lines.len(),
            lines.join("\n")
        );
    }

    fn lines(self, name: &str) -> Vec<String> {
        self.problems
            .into_iter()
            .map(|problem| format!("  {name}: {problem}"))
            .collect()
    }
}

/// Runs `judge` on every item, as many at a time as [`turn`] allows, and fails with all that was
/// wrong.
pub(crate) fn each<T: Sync>(
    items: &[T],
    name: impl Fn(&T) -> &str + Sync,
    judge: impl Fn(&T, &mut Report) + Sync,
) {
    assert!(!items.is_empty(), "there is nothing to test");
    let next = AtomicUsize::new(0);
    let lines = Mutex::new(BTreeSet::new());
    let worker = || {
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut report = Report::default();
            let turn = turn();
            let outcome = catch_unwind(AssertUnwindSafe(|| judge(item, &mut report)));
            drop(turn);
            if let Err(panic) = outcome {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text
                    .or_else(|| panic.downcast_ref::<&str>().copied())
                    .unwrap_or("a panic");
                report.problems.push(text.replace('\n', " "));
            }
            lock(&lines).extend(report.lines(name(item)));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(worker);
        }
    });
    let lines: Vec<String> = lines
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
        .into_iter()
        .collect();
    assert!(
        lines.is_empty(),
        "{} problems in {} inputs\n{}",
        lines.len(),
        items.len(),
        lines.join("\n")
    );
}

/// How many transcodes run side by side, whatever the number of tests: each of them uses several
/// cores and some hundred megabytes.
const AT_A_TIME: usize = 2;

static BUSY: Mutex<usize> = Mutex::new(0);
static FREED: Condvar = Condvar::new();

/// The right to run something heavy, until it is dropped.
pub(crate) struct Turn(());

/// Waits for a turn.
pub(crate) fn turn() -> Turn {
    let mut busy = lock(&BUSY);
    while *busy >= AT_A_TIME {
        busy = FREED.wait(busy).unwrap_or_else(PoisonError::into_inner);
    }
    *busy += 1;
    Turn(())
}

impl Drop for Turn {
    fn drop(&mut self) {
        *lock(&BUSY) -= 1;
        FREED.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
