//! What somebody can do who has taken over a parser or decoder: a plug-in that attacks as soon as it
//! gets a video, in a child of a real server.

use std::collections::BTreeMap;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;

use crate::support::client::Client;
use crate::support::processes::proc;
use crate::support::server::{Server, on};
use crate::support::turn::turn;
use crate::support::{repository, scratch, short_clip, until};

/// Errors that say that something is forbidden.
const REFUSED: [i32; 2] = [libc::EPERM, libc::EACCES];

/// Compiles the plug-in into `folder`.
fn plug_in(folder: &Path) {
    let flags = Command::new("pkg-config")
        .args(["--cflags", "--libs", "gstreamer-1.0"])
        .output()
        .unwrap();
    let flags = String::from_utf8(flags.stdout).unwrap();
    let done = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(folder.join("libgstattack.so"))
        .arg(repository("crates/clipsy/tests/service/attack/attack.c"))
        .args(flags.split_whitespace())
        .status()
        .unwrap();
    assert!(done.success(), "the plug-in does not compile");
}

/// A server whose children are attacked from within by `what`.
fn attacked(folder: &Path, what: &str, args: &[&str]) -> Server {
    let plugins = folder.join("plugins");
    std::fs::create_dir(&plugins).unwrap();
    plug_in(&plugins);
    let state = folder.join("state");
    let path = |inside: &str| state.join(inside).to_str().unwrap().to_owned();
    on(&state)
        .args(&[
            "--sandbox",
            "require",
            "--jobs",
            "1",
            "--decoder",
            "software",
        ])
        .args(&["--max-attempts", "3"])
        .args(args)
        .env("GST_PLUGIN_PATH", plugins.to_str().unwrap())
        .env("GST_ATTACK", what)
        .env("GST_ATTACK_DATABASE", &path("clipsy.db"))
        .env("GST_ATTACK_FOLDER", &path("keys"))
        .env("GST_ATTACK_SOCKET", folder.join("socket").to_str().unwrap())
        .up()
}

/// What of a process others may have changed.
fn state_of(server: &Server) -> (String, String, Vec<String>) {
    let pid = i32::try_from(server.pid()).unwrap();
    let text = |file: &str| std::fs::read_to_string(proc(pid).join(file)).unwrap();
    let status = text("status");
    let affinity = status
        .lines()
        .find(|line| line.starts_with("Cpus_allowed:"));
    let stat = text("stat");
    // Behind the name, which may hold anything: priority and nice are the 16th and 17th.
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let order = fields.split(' ').skip(15).take(2).map(str::to_owned);
    (
        text("limits"),
        affinity.unwrap().to_owned(),
        order.collect(),
    )
}

#[test]
fn a_child_that_was_taken_over_reaches_nobody() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    let _turn = turn();
    let folder = scratch();
    let others = UnixDatagram::bind(folder.path().join("socket")).unwrap();
    others.set_nonblocking(true).unwrap();
    let server = attacked(folder.path(), "calls", &[]);
    let database = server.path("clipsy.db");
    let facts = || {
        let facts = std::fs::metadata(&database).unwrap();
        (
            facts.permissions().mode(),
            facts.uid(),
            facts.gid(),
            facts.nlink(),
        )
    };
    let before = (state_of(&server), facts());

    let client = Client::admin(&server);
    let id = client.upload(&short_clip());
    let child = server.child("1-1");
    let report = server.path("scratch/1-1/attacks.txt");
    let report = until("the attack is over", || {
        let text = std::fs::read_to_string(&report).ok()?;
        text.contains("done 0\n").then_some(text)
    });
    let results: BTreeMap<&str, i32> = report
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, error)| (name, error.parse().unwrap()))
        .collect();
    assert!(results.len() > 80, "{report}");

    // What the kernel has no place for, or what it has none of.
    let other = |name: &str| match name {
        "map-private" | "map-shared" => Some(libc::ENOMEM),
        "open-files" => Some(libc::EMFILE),
        // As on a kernel that does not have them.
        "clone3" | "io_uring" | "newest-call" => Some(libc::ENOSYS),
        "done" => Some(0),
        _ => None,
    };
    let wrong: Vec<(&&str, &i32)> = results
        .iter()
        .filter(|(name, error)| match other(name) {
            Some(expected) => **error != expected,
            None => !REFUSED.contains(error),
        })
        .collect();
    assert!(wrong.is_empty(), "these are possible: {wrong:?}");

    // And so it is for those that were attacked.
    assert_eq!((state_of(&server), facts()), before);
    let heard = others.recv(&mut [0; 8]).unwrap_err();
    assert_eq!(heard.kind(), std::io::ErrorKind::WouldBlock);
    let score = std::fs::read_to_string(proc(child.pid).join("oom_score_adj")).unwrap();
    assert_eq!(score, "500\n");
    assert_eq!(client.get("/readyz").status, 200);
    client.delete(&format!("/api/videos/{id}/"));
    server.stop();
}

/// Attacks by `what` are ended at the first attempt as beyond the limits, for this reason.
fn ends_alone(what: &str, reason: &str) {
    let _turn = turn();
    let folder = scratch();
    let server = attacked(folder.path(), what, &["--job-memory-mb", "512"]);
    let client = Client::admin(&server);
    let id = client.upload(&short_clip());
    let video = client.wait(id, "it has failed", |video| video["status"] == "failed");
    assert_eq!(video["failure"]["code"], "limits_exceeded", "{video}");
    let log = server.log();
    assert!(log.contains(reason), "{log}");
    assert!(!log.contains("attempt failed, the job will be tried again"));
    assert_eq!(client.get("/readyz").status, 200);
    server.stop();
}

#[test]
fn a_child_that_takes_all_memory_ends_alone() {
    ends_alone("memory", "more than 512 MB of memory");
}

#[test]
fn a_child_that_starts_thousands_of_threads_ends_alone() {
    ends_alone("threads", "threads, which is the limit");
}

#[test]
fn a_child_that_makes_thousands_of_files_ends_alone() {
    ends_alone("files", "more than 2000 files");
}

#[test]
fn a_child_that_says_without_end_does_not_fill_the_log() {
    const MOST_LOG_BYTES: usize = 1 << 20;
    const MOST_SERVER_BYTES: usize = 200 << 20;

    let _turn = turn();
    let folder = scratch();
    let server = attacked(folder.path(), "texts", &["--log", "info,clipsy=debug"]);
    let client = Client::admin(&server);
    let id = client.upload(&short_clip());
    client.wait(id, "it has failed", |video| video["status"] == "failed");
    let log = server.log();
    let of_attempts = log.lines().filter(|line| line.contains("attempt{"));
    let bytes: usize = of_attempts.map(str::len).sum();
    assert!(bytes < MOST_LOG_BYTES, "{bytes}");
    let pid = i32::try_from(server.pid()).unwrap();
    let status = std::fs::read_to_string(proc(pid).join("status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak: usize = peak
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    assert!(peak * 1024 < MOST_SERVER_BYTES, "{peak} kB");
    assert_eq!(client.get("/readyz").status, 200);
    server.stop();
}
