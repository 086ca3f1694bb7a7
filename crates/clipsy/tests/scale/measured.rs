//! Figures of a worker, which has nobody else to tell them.

use crate::support::client::Client;
use crate::support::figures::{get, port, read, samples, sum};
use crate::support::stack::{Stack, assert_whole};
use crate::support::until;

#[test]
fn a_worker_tells_what_it_has_done() {
    let stack = Stack::start("60");
    let server = stack.serve("api-0").up();
    let worker = stack
        .work("work-0")
        .env("CLIPSY_METRICS_LISTEN", "127.0.0.1:0")
        .up();
    let port = port(&worker);
    let figures = || {
        let (status, text) = get(&format!("http://127.0.0.1:{port}/metrics"), None);
        assert_eq!(status, 200, "{text}");
        read(&text)
    };
    let done = ("outcome", "finished");
    let software = ("encoder", "software");
    let is = |figures: &serde_json::Value, name: &str, labels: &[(&str, &str)], value: f64| {
        let found = sum(figures, name, labels);
        assert!(
            (found - value).abs() < f64::EPSILON,
            "{name} {labels:?}: {found}"
        );
    };
    let idle = until("it has begun to work", || {
        let told = figures();
        let begun = !samples(&told, "clipsy_attempts_total", &[]).is_empty();
        begun.then_some(told)
    });
    is(&idle, "clipsy_attempts_total", &[], 0.0);
    is(&idle, "clipsy_worker_slots", &[], 1.0);

    let client = Client::admin(&server);
    let id = client.upload(&stack.clip());
    assert_whole(&client, id);
    let told = until("the attempt is counted, and the queue read off", || {
        let told = figures();
        let counted = sum(&told, "clipsy_attempts_total", &[done]) > 0.0;
        let read_off = !samples(&told, "clipsy_workers", &[]).is_empty();
        (counted && read_off).then_some(told)
    });
    is(&told, "clipsy_attempts_total", &[], 1.0);
    is(&told, "clipsy_attempt_seconds_count", &[done], 1.0);
    is(&told, "clipsy_encode_speed_ratio_count", &[software], 1.0);
    assert!(sum(&told, "clipsy_encode_speed_ratio_sum", &[software]) > 0.0);
    is(&told, "clipsy_encoder_sessions", &[software], 0.0);
    is(&told, "clipsy_encoder_fallbacks_total", &[], 0.0);
    is(&told, "clipsy_job_wait_seconds_count", &[], 1.0);
    is(&told, "clipsy_job_playable_seconds_count", &[], 1.0);
    is(&told, "clipsy_worker_jobs_running", &[], 0.0);
    is(&told, "clipsy_database_up", &[], 1.0);
    let stored = [("operation", "put_file"), ("outcome", "ok")];
    assert!(sum(&told, "clipsy_store_operation_seconds_count", &stored) > 1.0);
    // The server did none of it, and has no figures to give away.
    assert_eq!(client.get("/metrics").status, 404);
    worker.stop();
    server.stop();
}
