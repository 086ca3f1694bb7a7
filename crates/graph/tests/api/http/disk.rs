//! A disk that fills up.

use std::io::Write as _;
use std::net::TcpStream;

use clipsy_testkit::SmallDisk;

use crate::support::{Answer, Form, Server, wait_until};

const FULL: &str = r#"{"detail":"There is not enough disk space left on the server."}"#;

#[test]
fn a_full_disk_ends_one_upload_and_no_other() {
    SmallDisk::run_tests(&["http::disk::on_a_small_disk", "http::disk::with_a_reserve"]);
}

#[test]
#[ignore = "started by the test above, where it may mount a small disk"]
fn on_a_small_disk() {
    let disk = SmallDisk::mount(24);
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_at(folder, &disk.media(), |_| {});
    let token = server.token("ann");

    // One upload is on its way and has most of its bytes.
    let form = Form::new()
        .text("title", "Slow")
        .file("slow.mp4", &vec![1; 6 << 20])
        .end();
    let (first, rest) = form.split_at(4 << 20);
    let length = format!("Content-Length: {}", form.len());
    let mut slow = begin(&server, &token, &length);
    slow.write_all(first).unwrap();
    wait_until("the slow upload has begun", || {
        !server.stored("uploads").is_empty()
    });

    // Another one does not say how long it is, and fills the disk.
    let greedy = send_in_chunks(&server, &token, 40);
    greedy.is_error(507, "out_of_disk", FULL);
    assert_eq!(server.stored("uploads").len(), 1);

    // One that says so is refused before it sends anything.
    let large = Form::new()
        .text("title", "Large")
        .file("x.mp4", &vec![3; 30 << 20]);
    server
        .upload(&token, &large)
        .is_error(507, "out_of_disk", FULL);

    slow.write_all(rest).unwrap();
    let answer = Answer::read(slow, false);
    assert_eq!(answer.status, 201, "{}", answer.text());
    let streamed = server.get("/api/videos/1/stream/");
    assert!(streamed.body == vec![1; 6 << 20]);
    assert!(server.stored("uploads").is_empty());
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
    let token = server.token("ann");
    // It would fit, but leave 10 MiB.
    let answer = send_in_chunks(&server, &token, 70);
    answer.is_error(507, "out_of_disk", FULL);
    assert!(server.stored("uploads").is_empty());
    assert_eq!(send_in_chunks(&server, &token, 40).status, 201);
    // Now less than the reserve is free.
    let small = Form::new().text("title", "x").file("x.mp4", b"x");
    server
        .upload(&token, &small)
        .is_error(507, "out_of_disk", FULL);
}

fn begin(server: &Server, token: &str, length: &str) -> TcpStream {
    let mut stream = server.connect();
    let head = format!(
        "POST /api/videos/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\nContent-Type: {}\r\n{length}\r\n\r\n",
        Form::TYPE
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

/// Uploads a file of that many MiB without saying how large it is.
fn send_in_chunks(server: &Server, token: &str, mib: usize) -> Answer {
    let stream = begin(server, token, "Transfer-Encoding: chunked");
    let form = Form::new()
        .text("title", "Greedy")
        .file("x.mp4", &vec![2; mib << 20])
        .end();
    Answer::of_chunks(stream, &form)
}
