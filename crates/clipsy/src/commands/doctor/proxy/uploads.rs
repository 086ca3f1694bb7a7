//! Whether request bodies are handed on as they come.
//!
//! A proxy that holds a body back until it is complete loses all of it when the sender's connection
//! breaks, and then no upload can be resumed. So half of a body is sent, and a second request asks
//! how much of it has arrived.

use std::io::Write as _;
use std::time::{Duration, Instant};

use clipsy_pipeline::doctor::Finding;

use super::calls::told;
use super::found;
use super::target::{Answer, Target};

/// Bytes of the body. More than the usual limits of proxies, which are found that way, too.
const BODY: usize = 4 << 20;
/// Bytes of it that are sent before it is asked for.
pub(super) const HALF: usize = BODY / 2;
/// How long they may be under way.
const PATIENCE: Duration = Duration::from_secs(5);

/// What was seen.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Bytes of the first half that arrived before the second was sent.
    pub(super) received: usize,
    /// How the whole request was answered.
    status: u16,
}

pub(super) fn finding(outcome: &Outcome) -> Finding {
    let held = outcome.received < HALF;
    let (reason, advice) = match outcome.status {
        413 => (
            "request bodies of 4 MB are refused as too large".to_owned(),
            Some("raise the proxy's limit; in nginx: client_max_body_size 0;"),
        ),
        200 if held => (
            format!(
                "request bodies are held back: {HALF} bytes were sent, {} had arrived after {} s",
                outcome.received,
                PATIENCE.as_secs()
            ),
            Some("turn request buffering off; in nginx: proxy_request_buffering off;"),
        ),
        200 => ("request bodies arrive as they are sent".to_owned(), None),
        status => (
            format!("an upload was answered with status {status}"),
            Some("check that the address is that of Clipsy, and the proxy's log"),
        ),
    };
    found("uploads", "Uploads", reason, advice)
}

/// Sends half of a body, asks how much of it has arrived, and sends the rest.
pub(super) fn send_half(target: &Target) -> anyhow::Result<Outcome> {
    let token = uuid::Uuid::new_v4().simple().to_string();
    let path = format!("/api/uploads/probe/{token}");
    let length = format!("Content-Length: {BODY}");
    let kind = "Content-Type: application/octet-stream";
    let mut sending = target.send("POST", &path, &[kind, &length])?;
    let half = vec![b'x'; HALF];
    let mut received = 0;
    // A proxy that refuses the body may stop reading; its answer says why.
    let sent = sending.write_all(&half).and_then(|()| sending.flush());
    if sent.is_ok() {
        let end = Instant::now() + PATIENCE;
        while received < HALF && Instant::now() < end {
            received = told(target, &token)?.received;
            std::thread::sleep(Duration::from_millis(100));
        }
        let _ = sending.write_all(&half).and_then(|()| sending.flush());
    }
    let status = Answer::read(&mut sending)?.status;
    Ok(Outcome { received, status })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_body_that_arrives_at_once_works() {
        let works = |received, status| finding(&Outcome { received, status }).works;
        assert!(works(HALF, 200));
        assert!(!works(0, 200));
        assert!(!works(HALF - 1, 200));
        assert!(!works(0, 413));
        assert!(!works(HALF, 502));
    }
}
