//! A disk that fills up.

use std::io::Write as _;
use std::process::Command;

use clipsy_testkit::SmallDisk;

use super::client::{offset_of, pattern, refused, sender, video_of};
use crate::support::{Answer, Server};

#[test]
fn a_full_disk_stops_one_upload_and_no_other() {
    SmallDisk::run_tests(&["tus::disk::on_a_small_disk", "tus::disk::with_a_reserve"]);
}

/// Sends bytes without saying how many.
fn send_chunked(sender: &super::client::Sender<'_>, path: &str, at: usize, bytes: &[u8]) -> Answer {
    let stream = sender.open_patch(path, at, "Transfer-Encoding: chunked", b"");
    Answer::of_chunks(stream, bytes)
}

fn grow(disk: &SmallDisk, mib: u32) {
    let done = Command::new("mount")
        .args(["-o", &format!("remount,size={mib}m")])
        .arg(disk.media().parent().unwrap())
        .status()
        .unwrap();
    assert!(done.success());
}

#[test]
#[ignore = "started by the test above, where it may mount a small disk"]
fn on_a_small_disk() {
    let disk = SmallDisk::mount(24);
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_at(folder, &disk.media(), |_| {});
    let ann = sender(&server, "ann");
    let small = pattern(6 << 20, 1);
    let slow = ann.begin(small.len());
    let mut stream = ann.open_patch(
        &slow,
        0,
        &format!("Content-Length: {}", small.len()),
        &small[..4 << 20],
    );
    crate::support::wait_until("most has arrived", || ann.peek(&slow) == 4 << 20);

    // One that says how large it is is refused before bytes flow.
    refused(
        &ann.create(&[("Upload-Length", "30000000")]),
        507,
        "out_of_disk",
    );

    // Another one does not, and fills the disk.
    let large = pattern(40 << 20, 2);
    let greedy = ann.begin_with(&[("Upload-Defer-Length", "1")]);
    let answer = send_chunked(&ann, &greedy, 0, &large);
    refused(&answer, 507, "out_of_disk");
    let kept = ann.offset(&greedy);
    assert_eq!(offset_of(&answer), kept);
    assert!((1 << 20..24 << 20).contains(&kept), "{kept}");

    // A chunk with a checksum that does not fit on the disk is not kept at all.
    let sum = format!("sha256 {}", super::client::sha256(&large[..2 << 20]));
    let checked = ann.begin_with(&[("Upload-Defer-Length", "1")]);
    let lines = format!("Transfer-Encoding: chunked\r\nUpload-Checksum: {sum}");
    let mut chunk = ann.open_patch(&checked, 0, &lines, b"200000\r\n");
    chunk.write_all(&large[..2 << 20]).unwrap();
    chunk.write_all(b"\r\n0\r\n\r\n").unwrap();
    refused(&Answer::read(chunk, false), 507, "out_of_disk");
    assert_eq!(ann.offset(&checked), 0);

    // What is kept is right. When there is room again, both go on.
    let key = clipsy_domain::media_key::upload(super::client::id_of(&greedy));
    let file = disk.media().join(key);
    let stored = std::fs::read(&file).unwrap();
    assert!(stored == large[..kept]);
    grow(&disk, 64);
    stream.write_all(&small[4 << 20..]).unwrap();
    let answer = Answer::read(stream, false);
    assert_eq!(answer.status, 204, "{}", answer.text());
    assert!(ann.original(video_of(&answer).unwrap()) == small);
    let length = [("Upload-Length", "41943040")];
    let answer = ann.patch_with(&greedy, kept, &length, &large[kept..]);
    assert_eq!(answer.status, 204, "{}", answer.text());
    assert!(ann.original(video_of(&answer).unwrap()) == large);
}

/// What the database needs is left even by senders that do not say how much they send.
#[test]
#[ignore = "started by the test above, where it may mount a small disk"]
fn with_a_reserve() {
    let disk = SmallDisk::mount(80);
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_at(folder, &disk.media(), |s| {
        s.service.reserve_bytes = 60 << 20;
    });
    let ann = sender(&server, "ann");
    let path = ann.begin_with(&[("Upload-Defer-Length", "1")]);
    // It would fit, but leave 10 MiB.
    let bytes = pattern(70 << 20, 1);
    let answer = send_chunked(&ann, &path, 0, &bytes);
    refused(&answer, 507, "out_of_disk");
    let kept = ann.offset(&path);
    assert_eq!(offset_of(&answer), kept);
    assert!(kept <= 66 << 20, "{kept}");
    // Now less than the reserve is free.
    refused(&ann.create(&[("Upload-Length", "1")]), 507, "out_of_disk");
    refused(&ann.patch(&path, kept, b"x"), 507, "out_of_disk");
    assert_eq!(ann.offset(&path), kept);
}
