//! Uploads that people pause, leave and take up again.

use crate::clients::{Job, Which, run, start};
use crate::proxy::{Direction, Fault, Kind, Plan, Proxy};
use crate::site::site;
use crate::support::HANGS_AFTER;
use crate::support::turn::turn;

const LENGTH: u64 = 40_000_001;
const CHUNK: u64 = 4 << 20;
const PAUSE_AT: u64 = 20_000_000;

#[test]
fn after_a_pause() {
    let _turn = turn();
    let site = site();
    for (which, name) in [(Which::TusJs, "tus-js.mp4"), (Which::Uppy, "uppy.mp4")] {
        let file = site.file(name, LENGTH, 11);
        let job = site
            .send(&file)
            .with("folder", site.path(name).with_extension("d").to_str())
            .with("chunk", CHUNK)
            .with("pauseAt", PAUSE_AT);
        let told = run(which, &job);
        assert_eq!(told.all("paused").len(), 1, "{which:?}");
        let resumed = told.resumed_at();
        assert!(
            matches!(resumed[..], [at, ..] if at >= PAUSE_AT),
            "{which:?}: {resumed:?}"
        );
        site.holds(told.video(), &file);
    }
    assert_eq!(site.client.videos().len(), 2);
    site.is_tidy();
    site.server.stop();
}

#[test]
fn by_another_run_of_the_client() {
    let _turn = turn();
    let site = site();
    let file = site.file("tus-js.mp4", LENGTH, 12);
    let job = site.send(&file).with("chunk", CHUNK);
    let job = job.with("memory", site.path("memory").to_str());
    let left = run(Which::TusJs, &job.clone().with("leaveAt", PAUSE_AT));
    let told = run(Which::TusJs, &job);
    assert_eq!(told.url(), left.url());
    assert!(told.resumed_at()[0] >= PAUSE_AT, "{:?}", told.resumed_at());
    assert_eq!(told.answers("POST", 201), 0);
    site.holds(told.video(), &file);

    let file = site.file("tuspy.mp4", LENGTH, 13);
    let job = site.send(&file).with("chunk", CHUNK);
    let left = run(Which::Tuspy, &job.clone().with("stop_at", PAUSE_AT));
    let told = run(Which::Tuspy, &job.with("url", left.url()));
    assert_eq!(told.resumed_at(), [PAUSE_AT]);
    site.holds(told.video(), &file);
    assert_eq!(site.client.videos().len(), 2);
    site.is_tidy();
    site.server.stop();
}

#[test]
fn after_the_page_was_loaded_anew() {
    let _turn = turn();
    let site = site();
    let file = site.file("uppy.mp4", LENGTH, 14);
    let job = site
        .send(&file)
        .with("folder", site.path("uppy").to_str())
        .with("chunk", CHUNK)
        .with("leaveAt", PAUSE_AT);
    let told = run(Which::Uppy, &job);
    assert_eq!(told.all("leaving").len(), 1);
    assert!(told.resumed_at()[0] >= PAUSE_AT, "{:?}", told.resumed_at());
    assert_eq!(told.answers("POST", 201), 1);
    site.holds(told.video(), &file);
    site.server.stop();
}

#[test]
fn while_the_connection_before_hangs_half_open() {
    let _turn = turn();
    let site = site();
    let file = site.file("tus-js.mp4", LENGTH, 15);
    let after = 10_000_000;
    let stall = Fault {
        kind: Kind::Stall,
        direction: Direction::Up,
        after,
    };
    // What is tried next hangs as well.
    let proxy = Proxy::start(site.server.port(), Plan::repeated(stall, 2));
    let told = start(Which::TusJs, &site.send_by(&proxy.url(), &file)).end(HANGS_AFTER);
    assert_eq!(proxy.counts().stalls, 2);
    // All that came before is there, but for the requests' headers.
    let resumed = told.resumed_at();
    assert!(
        matches!(resumed[..], [first, second, ..]
            if (after - 2000..after).contains(&first) && (2 * after - 5000..2 * after).contains(&second)),
        "{resumed:?}"
    );
    site.holds(told.video(), &file);
    site.server.stop();
}

#[test]
fn by_somebody_else_it_begins_anew() {
    let _turn = turn();
    let site = site();
    let file = site.file("shared-computer.mp4", LENGTH, 16);
    let memory = site.path("memory");
    let job = |token: &str| {
        Job::send(&file, &site.server.url, token)
            .with("chunk", CHUNK)
            .with("memory", memory.to_str())
    };
    let first = job(site.client.token()).with("leaveAt", PAUSE_AT);
    let left = run(Which::TusJs, &first);

    let other = site.account("other");
    let told = run(Which::TusJs, &job(other.token()));
    assert_eq!(told.all("remembered").len(), 1);
    assert_eq!(
        told.answers("HEAD", 404),
        1,
        "it looks as if it were not there"
    );
    assert_ne!(told.url(), left.url());
    assert_eq!(other.video(told.video())["title"], "shared-computer");
    site.holds(told.video(), &file);

    // What the first one had begun is as it was.
    let first = site.send(&file).with("chunk", CHUNK);
    let told = run(Which::Tuspy, &first.with("url", left.url()));
    assert!(told.resumed_at()[0] >= PAUSE_AT, "{:?}", told.resumed_at());
    site.holds(told.video(), &file);
    assert_eq!(site.originals().len(), 2);
    site.server.stop();
}
