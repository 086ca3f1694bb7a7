//! Waiting for what happens elsewhere.

use std::time::{Duration, Instant};

/// What takes longer hangs.
const HANGS_AFTER: Duration = Duration::from_mins(4);

/// Asks again and again until there is an answer.
///
/// # Panics
///
/// If there is none after four minutes.
#[track_caller]
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + HANGS_AFTER;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(
            Instant::now() < deadline,
            "it hangs: waited {} s until {what}",
            HANGS_AFTER.as_secs()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Asks again and again until it is so.
///
/// # Panics
///
/// If it is not so after four minutes.
#[track_caller]
pub fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    until(what, || so().then_some(()));
}
