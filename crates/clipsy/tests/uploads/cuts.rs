//! Uploads through a network that breaks two hundred times.

use crate::clients::{Job, Which, start};
use crate::proxy::{Plan, Proxy};
use crate::site::{Site, site};
use crate::support::HANGS_AFTER;
use crate::support::turn::turn;

const CUTS: u64 = 220;
/// More than can come through in so many cuts.
const LENGTH: u64 = 40_000_001;

fn survives(which: Which, seed: u64, more: impl Fn(Job, &Site) -> Job) {
    let _turn = turn();
    let site = site();
    let file = site.file("cut.mp4", LENGTH, seed);
    let plan = Plan::random(super::seed(seed), CUTS);
    let plan = match which {
        Which::TusJs => plan,
        Which::Tuspy | Which::Uppy => plan.for_trusting_clients(),
    };
    let proxy = Proxy::start(site.server.port(), plan);
    let job = more(site.send_by(&proxy.url(), &file), &site);
    let told = start(which, &job).end(2 * HANGS_AFTER);
    let counts = proxy.counts();
    eprintln!("{which:?}: {counts:?}");
    assert!(counts.cuts() >= CUTS, "{counts:?}");
    for kind in [
        counts.resets,
        counts.closes,
        counts.stalls,
        counts.truncations,
    ] {
        assert!(kind >= 20, "{counts:?}");
    }
    site.holds(told.video(), &file);
    assert_eq!(site.client.videos().len(), 1, "one file, one video");
    site.server.stop();
}

#[test]
fn tus_js_client_arrives() {
    survives(Which::TusJs, 41, |job, _| job.with("patience", 2000));
}

#[test]
fn tuspy_arrives() {
    survives(Which::Tuspy, 42, |job, _| job.with("chunk", 512 << 10));
}

#[test]
fn tuspy_with_checksums_arrives() {
    // A chunk that is cut counts for nothing, so they have to be short.
    survives(Which::Tuspy, 43, |job, _| {
        job.with("chunk", 64 << 10).with("checksum", true)
    });
}

#[test]
fn uppy_arrives() {
    survives(Which::Uppy, 44, |job, site| {
        job.with("folder", site.path("uppy").to_str())
            .with("chunk", 1 << 20)
    });
}
