//! Tests that transcode take turns: each of them uses all cores.

use std::sync::{Condvar, Mutex, PoisonError};

/// How many tests run heavy work side by side.
const AT_A_TIME: usize = 2;

static BUSY: Mutex<usize> = Mutex::new(0);
static FREED: Condvar = Condvar::new();

/// The right to run something heavy, until it is dropped.
#[derive(Debug)]
pub struct Turn(());

/// Waits for a turn.
pub fn turn() -> Turn {
    let mut busy = BUSY.lock().unwrap_or_else(PoisonError::into_inner);
    while *busy >= AT_A_TIME {
        busy = FREED.wait(busy).unwrap_or_else(PoisonError::into_inner);
    }
    *busy += 1;
    Turn(())
}

impl Drop for Turn {
    fn drop(&mut self) {
        *BUSY.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        FREED.notify_one();
    }
}
