//! A disk that fills up while a transcode writes to it.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::clipsy::{BINARY, Done, Running};
use crate::support::inputs::clip;
use crate::support::report::turn;
use crate::support::scratch;

/// Where mounting is not allowed, this says that the tests may do without.
const MAY_SKIP: &str = "CLIPSY_TEST_WITHOUT_MOUNT";

/// Mounts a small disk, runs the rest of the arguments and lists what they left on the disk.
const SCRIPT: &str = r#"
disk=$1 size=$2 left=$3
shift 3
mount -t tmpfs -o "size=$size" tmpfs "$disk" || exit 99
"$@"
code=$?
find "$disk" -mindepth 1 > "$left"
exit $code
"#;

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

/// What a run on a disk of `size` said, and what it left there.
fn run_on_disk(size: &str, more: &[&str]) -> Option<(Done, String)> {
    let Some(flags) = unshare() else {
        assert!(
            may_skip(),
            "a small disk cannot be mounted here: be root, or set {MAY_SKIP}=1 to do without"
        );
        return None;
    };
    let folder = scratch();
    let (disk, left) = (folder.path().join("disk"), folder.path().join("left"));
    std::fs::create_dir(&disk).unwrap();
    let mut command = Command::new("unshare");
    command
        .args([flags, "sh", "-c", SCRIPT, "sh"])
        .arg(&disk)
        .arg(size)
        .arg(&left);
    command.args([
        Path::new(BINARY),
        "transcode".as_ref(),
        &clip("trailer_bbb.mp4"),
    ]);
    command
        .arg("--json")
        .arg("--out")
        .arg(disk.join("out"))
        .args(more);
    let _turn = turn();
    let done = Running::spawn(command).finish();
    Some((done, std::fs::read_to_string(left).unwrap()))
}

#[track_caller]
fn check(done: &Done, left: &str) {
    assert_eq!(done.code(), Some(1), "{done:?}");
    assert_eq!(done.error_code(), Ok("out_of_disk".into()));
    let last = done.events().pop().unwrap();
    assert_eq!(last["event"], "failed");
    assert_eq!(last["failure"]["code"], "out_of_disk");
    assert_eq!(last["failure"]["retryable"], true);
    assert_eq!(left, "", "left on the disk");
}

#[test]
fn before_the_first_segment_is_done() {
    let Some((done, left)) = run_on_disk("300k", &[]) else {
        return;
    };
    check(&done, &left);
    assert!(
        done.events()
            .iter()
            .all(|event| event["event"] != "playable"),
        "the disk was not small enough"
    );
}

#[test]
fn while_it_can_be_played() {
    let Some((done, left)) = run_on_disk("4m", &["--segment-seconds", "2"]) else {
        return;
    };
    check(&done, &left);
    assert!(
        done.events()
            .iter()
            .any(|event| event["event"] == "playable"),
        "the disk was too small"
    );
}

#[test]
fn from_the_start() {
    let Some((done, left)) = run_on_disk("4k", &[]) else {
        return;
    };
    check(&done, &left);
}
