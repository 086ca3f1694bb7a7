//! Uploads during which the server is killed and started again.

use std::time::Duration;

use crate::clients::{Job, Which, start};
use crate::proxy::{Direction, Fault, Kind, Plan, Proxy};
use crate::site::{Site, site};
use crate::support::turn::turn;
use crate::support::{HANGS_AFTER, until};

const LENGTH: u64 = 40_000_001;
/// Where the server is killed, in bytes that have come through.
const AFTER: u64 = 15_000_000;

/// Has a client send a file, kills the server in the middle, and checks that the rest follows.
fn survives(which: Which, seed: u64, more: impl Fn(Job, &Site) -> Job) {
    let _turn = turn();
    let site = site();
    let file = site.file("survivor.mp4", LENGTH, seed);
    let stall = Fault {
        kind: Kind::Stall,
        direction: Direction::Up,
        after: AFTER,
    };
    let mut plan = Plan::repeated(stall, 1);
    // The client gets to know of it when the server is gone.
    plan.stall_for = Duration::from_secs(1);
    let proxy = Proxy::start(site.server.port(), plan);
    let running = start(which, &more(site.send_by(&proxy.url(), &file), &site));
    until("the upload is in its middle", || {
        (proxy.counts().stalls == 1).then_some(())
    });
    let site = site.restart();
    proxy.aim(site.server.port());
    let told = running.end(HANGS_AFTER);
    let resumed = told.resumed_at();
    assert!(
        matches!(resumed[..], [at, ..] if 0 < at && at < AFTER),
        "{which:?}: {resumed:?}"
    );
    assert_eq!(told.answers("POST", 201), 1);
    site.holds(told.video(), &file);
    assert_eq!(site.client.videos().len(), 1);
    site.is_tidy();
    site.server.stop();
}

#[test]
fn tus_js_client_goes_on() {
    survives(Which::TusJs, 21, |job, _| job);
}

#[test]
fn tuspy_goes_on() {
    survives(Which::Tuspy, 22, |job, _| job);
}

#[test]
fn uppy_goes_on() {
    survives(Which::Uppy, 23, |job, site| {
        job.with("folder", site.path("uppy").to_str())
    });
}
