//! A disk that is full while uploads are on their way.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::clients::{Job, Told, Which, run, start};
use crate::site::Site;
use crate::support::client::Client;
use crate::support::server::on;
use crate::support::turn::turn;
use crate::support::{files, scratch};

/// Where mounting is not allowed, this says that the tests may do without.
const MAY_SKIP: &str = "CLIPSY_TEST_WITHOUT_MOUNT";

/// Mounts a small disk that only this process and its children see, and becomes the server.
const SCRIPT: &str = r#"mount -t tmpfs -o "size=$2" tmpfs "$1" && shift 2 && exec "$@""#;

/// Arguments of `unshare` by which this user may mount something that only the child sees.
fn unshare() -> Option<&'static str> {
    ["-m", "-Urm"].into_iter().find(|flags| {
        let mut trial = Command::new("unshare");
        trial
            .args([flags, "sh", "-c", "mount -t tmpfs tmpfs /mnt"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        trial.status().is_ok_and(|status| status.success())
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "it says what this machine allows, not what Clipsy does"
)]
fn may_skip() -> bool {
    std::env::var(MAY_SKIP).is_ok_and(|value| value == "1")
}

/// A server whose state lies on a disk of `size`, and that disk as it is seen from here.
pub(crate) fn site_on_disk(size: &str, args: &[&str]) -> Option<(Site, PathBuf)> {
    let Some(flags) = unshare() else {
        assert!(
            may_skip(),
            "a small disk cannot be mounted here: be root, or set {MAY_SKIP}=1 to do without"
        );
        return None;
    };
    let folder = scratch();
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let within = ["unshare", flags, "sh", "-c", SCRIPT, "sh"].map(Path::new);
    let within = within.into_iter().chain([disk.as_path(), size.as_ref()]);
    let mut server = on(&disk.join("state")).args(args).within(within).up();
    let inside = PathBuf::from(format!("/proc/{}/root", server.pid()));
    let disk = inside.join(disk.strip_prefix("/").unwrap());
    server.state = disk.join("state");
    let client = Client::admin(&server);
    let site = Site {
        client,
        server,
        folder,
    };
    Some((site, disk))
}

/// Writes until nothing more fits.
pub(crate) fn fill(path: &Path) {
    let mut file = File::create(path).unwrap();
    for size in [1 << 20, 4096, 1] {
        while file.write_all(&vec![1; size]).is_ok() {}
    }
}

/// Tries to go on with an upload: where the server says it stands, and how the next chunk is answered.
fn push(job: &Job, told: &Told) -> (u64, u64) {
    let job = job.clone().with("url", told.url()).with("tries", 1);
    let mut running = start(Which::Tuspy, &job);
    let head = running.wait("its offset is told", |it| it["method"] == "HEAD");
    let patch = running.wait("the chunk is answered", |it| it["method"] == "PATCH");
    (
        head["offset"].as_u64().unwrap(),
        patch["status"].as_u64().unwrap(),
    )
}

/// Fills the disk in the middle of two uploads, makes room again, and expects both to arrive.
fn waits_for_room(size: &str, args: &[&str]) {
    const LENGTH: u64 = 20_000_001;
    const STOP_AT: u64 = 8_000_000;
    let _turn = turn();
    let Some((site, disk)) = site_on_disk(size, args) else {
        return;
    };
    let sent = [(61, "one.mp4"), (62, "two.mp4")].map(|(seed, name)| {
        let file = site.file(name, LENGTH, seed);
        let job = site.send(&file).with("chunk", 3 << 20);
        let told = run(Which::Tuspy, &job.clone().with("stop_at", STOP_AT));
        (file, job, told)
    });
    let ballast = disk.join("ballast");
    fill(&ballast);
    for (_, job, told) in &sent {
        assert_eq!(push(job, told), (STOP_AT, 507));
        // What it says it has is there.
        let (offset, status) = push(job, told);
        assert_eq!(status, 507);
        assert!(offset >= STOP_AT, "{offset}");
        let folder = site.server.path("media/uploads");
        let lengths = files(&folder).into_iter().map(|name| {
            let length = folder.join(&name).metadata().unwrap().len();
            (name, length)
        });
        let lengths: Vec<_> = lengths.collect();
        assert!(
            lengths.iter().any(|(_, length)| *length == offset),
            "{offset}: {lengths:?}"
        );
    }
    std::fs::remove_file(&ballast).unwrap();
    for (file, job, told) in &sent {
        let told = run(Which::Tuspy, &job.clone().with("url", told.url()));
        assert!(told.resumed_at()[0] >= STOP_AT);
        site.holds(told.video(), file);
    }
    assert_eq!(site.client.videos().len(), 2);
    site.server.stop();
}

#[test]
fn uploads_wait_for_room_above_the_reserve() {
    waits_for_room("400m", &[]);
}
