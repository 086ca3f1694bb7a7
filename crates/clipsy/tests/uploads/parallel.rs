//! Uploads in parts that are sent side by side and then concatenated.

use crate::clients::{Which, run};
use crate::proxy::{Plan, Proxy};
use crate::site::site;
use crate::support::turn::turn;

#[test]
fn parts_make_one_video() {
    let _turn = turn();
    let site = site();
    let file = site.file("parts.mp4", 40_000_003, 31);
    let job = site.send(&file).saying("title", "Of four parts");
    let told = run(Which::TusJs, &job.with("parallel", 4));
    assert_eq!(told.answers("POST", 201), 5);
    let id = told.video();
    assert_eq!(site.client.video(id)["title"], "Of four parts");
    site.holds(id, &file);
    assert_eq!(site.client.videos().len(), 1, "parts are no videos");
    site.is_tidy();
    site.server.stop();
}

#[test]
fn parts_survive_cuts() {
    let _turn = turn();
    let site = site();
    let file = site.file("parts.mp4", 40_000_003, 32);
    let proxy = Proxy::start(site.server.port(), Plan::random(super::seed(32), 200));
    let job = site.send_by(&proxy.url(), &file).with("parallel", 4);
    let told = run(Which::TusJs, &job.with("patience", 2000));
    let counts = proxy.counts();
    eprintln!("{counts:?}");
    assert!(counts.cuts() >= 200, "{counts:?}");
    site.holds(told.video(), &file);
    site.server.stop();
}
