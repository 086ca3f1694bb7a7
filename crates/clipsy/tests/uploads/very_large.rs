//! A file beyond what 32 bits can count.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;

use rustix::fs::statvfs;

use crate::clients::{Which, start};
use crate::proxy::{Direction, Fault, Kind, Plan, Proxy};
use crate::site::{sha256, site};
use crate::support::turn::turn;
use crate::support::until;

const LENGTH: u64 = 11_000_000_000;
/// Where the connection breaks: beyond 4 GiB, so that it has to go on from there.
const BREAK_AT: u64 = 4_500_000_000;
/// It is written once, for real, and something has to be left for others.
const NEEDED: u64 = 15_000_000_000;
/// It takes a minute on a disk that writes 200 MB/s.
const TAKES_AT_MOST: Duration = Duration::from_mins(20);

#[test]
fn eleven_gigabytes_arrive() {
    let _turn = turn();
    let site = site();
    let free = free(site.folder.path());
    assert!(
        free >= NEEDED,
        "this test needs {} GB of free disk in {}, and there are {}: set TMPDIR to a larger one",
        NEEDED / 1_000_000_000,
        site.folder.path().display(),
        free / 1_000_000_000
    );
    let file = site.path("very-large.mp4");
    sparse(&file);
    let fault = Fault {
        kind: Kind::Reset,
        direction: Direction::Up,
        after: BREAK_AT,
    };
    let proxy = Proxy::start(site.server.port(), Plan::repeated(fault, 1));
    let told = start(Which::TusJs, &site.send_by(&proxy.url(), &file)).end(TAKES_AT_MOST);
    assert_eq!(proxy.counts().resets, 1);
    let resumed = told.resumed_at();
    assert!(
        matches!(resumed[..], [at] if at > u64::from(u32::MAX)),
        "{resumed:?}"
    );
    let id = told.video();
    let originals = site.originals();
    let [stored] = &originals[..] else {
        panic!("{originals:?}");
    };
    assert_eq!(sha256(stored), sha256(&file));
    site.is_tidy();
    let answer = site.client.delete(&format!("/api/videos/{id}/"));
    assert_eq!(answer.status, 204, "{}", answer.text());
    until("its bytes are gone", || {
        site.originals().is_empty().then_some(())
    });
    site.server.stop();
}

/// A file that takes no room, with bytes of its own around every place where a number may run over.
fn sparse(path: &Path) {
    let file = File::create(path).unwrap();
    file.set_len(LENGTH).unwrap();
    for around in [0, 1 << 31, 1 << 32, BREAK_AT, 2 << 32, LENGTH] {
        for place in 0..64_u64 {
            let at = (around + 8 * place).checked_sub(256);
            let Some(at) = at.filter(|at| at + 8 <= LENGTH) else {
                continue;
            };
            let mark = at.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
            file.write_all_at(&mark, at).unwrap();
        }
    }
}

fn free(folder: &Path) -> u64 {
    let disk = statvfs(folder).unwrap();
    disk.f_bavail * disk.f_frsize
}
