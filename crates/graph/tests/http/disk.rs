//! A disk that fills up.

use std::io::Write as _;
use std::process::Command;

use crate::support::{Answer, Form, Server, wait_until};

/// Runs the test below in a mount namespace of its own, where a small disk can be had without being
/// root.
#[test]
fn a_full_disk_ends_one_upload_and_no_other() {
    let program = std::env::current_exe().unwrap();
    let status = Command::new("unshare")
        .args(["--map-root-user", "--mount", "--"])
        .arg(program)
        .args([
            "--exact",
            "disk::on_a_small_disk",
            "--ignored",
            "--nocapture",
        ])
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
#[ignore = "started by the test above, where it may mount a small disk"]
fn on_a_small_disk() {
    let disk = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"])
        .arg(disk.path())
        .status()
        .unwrap();
    assert!(mounted.success());
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_at(folder, &disk.path().join("media"), |_| {});
    let token = server.token("ann");

    // One upload is on its way and has most of its bytes.
    let form = Form::new()
        .text("title", "Slow")
        .file("slow.mp4", &vec![1; 6 << 20])
        .end();
    let (first, rest) = form.split_at(4 << 20);
    let mut slow = server.connect();
    let head = format!(
        "POST /api/videos/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n",
        Form::TYPE,
        form.len()
    );
    slow.write_all(head.as_bytes()).unwrap();
    slow.write_all(first).unwrap();
    wait_until("the slow upload has begun", || {
        !server.stored("uploads").is_empty()
    });

    // Another one does not say how long it is, and fills the disk.
    let mut greedy = server.connect();
    let head = format!(
        "POST /api/videos/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\nContent-Type: {}\r\nTransfer-Encoding: chunked\r\n\r\n",
        Form::TYPE
    );
    greedy.write_all(head.as_bytes()).unwrap();
    let form = Form::new()
        .text("title", "Greedy")
        .file("x.mp4", &vec![2; 40 << 20])
        .end();
    for chunk in form.chunks(1 << 20) {
        greedy
            .write_all(format!("{:x}\r\n", chunk.len()).as_bytes())
            .unwrap();
        greedy.write_all(chunk).unwrap();
        greedy.write_all(b"\r\n").unwrap();
    }
    greedy.write_all(b"0\r\n\r\n").unwrap();
    let body = r#"{"detail":"There is not enough disk space left on the server."}"#;
    Answer::read(greedy, false).is_error(507, "out_of_disk", body);
    assert_eq!(server.stored("uploads").len(), 1);

    // One that says so is refused before it sends anything.
    let large = Form::new()
        .text("title", "Large")
        .file("x.mp4", &vec![3; 30 << 20]);
    server
        .upload(&token, &large)
        .is_error(507, "out_of_disk", body);

    slow.write_all(rest).unwrap();
    let answer = Answer::read(slow, false);
    assert_eq!(answer.status, 201, "{}", answer.text());
    let streamed = server.get("/api/videos/1/stream/");
    assert!(streamed.body == vec![1; 6 << 20]);
    assert!(server.stored("uploads").is_empty());
    drop(server);
    assert!(
        Command::new("umount")
            .arg("-l")
            .arg(disk.path())
            .status()
            .unwrap()
            .success()
    );
}
