//! Senders that vanish, stall, or come back before they were missed.

use std::io::Write as _;
use std::time::Duration;

use super::client::{Sender, offset_of, pattern, refused, sender, video_of};
use crate::support::{Answer, Server, wait_until};

/// Sends the beginning of a `PATCH` for all the rest and cuts the connection.
fn cut(sender: &Sender<'_>, path: &str, offset: usize, bytes: &[u8], sent: usize) {
    let length = format!("Content-Length: {}", bytes.len() - offset);
    let end = (offset + sent).min(bytes.len() - 1);
    drop(sender.open_patch(path, offset, &length, &bytes[offset..end]));
}

#[test]
fn a_connection_that_is_cut_keeps_what_arrived() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let bytes = pattern(12_000_000, 1);
    let path = ann.begin(bytes.len());
    let mut offset = 0;
    for sent in [1, 100, 1 << 20, 65_536, 3_000_000, 0, 2_500_001] {
        cut(&ann, &path, offset, &bytes, sent);
        wait_until("what was sent has arrived", || {
            ann.peek(&path) == offset + sent
        });
        // What is measured is the same for whoever asks, and durable.
        assert_eq!(ann.offset(&path), offset + sent);
        offset += sent;
    }
    let answer = ann.patch(&path, offset, &bytes[offset..]);
    assert_eq!((answer.status, offset_of(&answer)), (204, bytes.len()));
    assert!(ann.original(1) == bytes);
}

#[test]
fn a_cut_in_the_last_bytes_does_not_finish_the_upload() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let bytes = pattern(200_000, 1);
    for headers in [
        &[("Upload-Length", "200000")][..],
        &[("Upload-Defer-Length", "1")],
    ] {
        let path = ann.begin_with(headers);
        cut(&ann, &path, 0, &bytes, bytes.len() - 1);
        wait_until("it has arrived", || ann.peek(&path) == bytes.len() - 1);
        let head = ann.head(&path);
        assert_eq!(offset_of(&head), bytes.len() - 1);
        assert_eq!(video_of(&head), None);
        let missing = &bytes[bytes.len() - 1..];
        let length = [("Upload-Length", "200000")];
        let answer = ann.patch_with(&path, bytes.len() - 1, &length, missing);
        assert!(ann.original(video_of(&answer).unwrap()) == bytes);
    }
}

#[test]
fn a_chunked_body_without_its_end_keeps_what_arrived() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let path = ann.begin(10);
    let chunked = "Transfer-Encoding: chunked";
    drop(ann.open_patch(&path, 0, chunked, b"3\r\n012\r\n4\r\n3456"));
    wait_until("it has arrived", || ann.peek(&path) == 7);
    assert_eq!(ann.offset(&path), 7);
    assert_eq!(ann.patch(&path, 7, b"789").status, 204);
    assert_eq!(ann.original(1), b"0123456789");
}

/// A sender whose network is gone sends nothing any more, not even that it is gone.
#[test]
fn a_half_open_socket_does_not_lock_the_upload() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let bytes = pattern(5_000_000, 1);
    let path = ann.begin(bytes.len());
    let length = format!("Content-Length: {}", bytes.len());
    let half_open = ann.open_patch(&path, 0, &length, &bytes[..3_000_000]);
    wait_until("it has arrived", || ann.peek(&path) == 3_000_000);
    // Both would wait for a minute for the next bytes of the first.
    assert_eq!(ann.offset(&path), 3_000_000);
    let answer = Answer::read(half_open, false);
    refused(&answer, 423, "upload_taken_over");
    assert_eq!(offset_of(&answer), 3_000_000);

    let length = format!("Content-Length: {}", bytes.len() - 3_000_000);
    let second = ann.open_patch(&path, 3_000_000, &length, &bytes[3_000_000..4_000_000]);
    wait_until("it has arrived", || ann.peek(&path) == 4_000_000);
    let answer = ann.patch(&path, 4_000_000, &bytes[4_000_000..]);
    assert_eq!(answer.status, 204);
    refused(&Answer::read(second, false), 423, "upload_taken_over");
    assert!(ann.original(1) == bytes);
}

#[test]
fn a_sender_that_is_taken_over_may_finish_what_is_on_its_way() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let bytes = pattern(1_000_000, 1);
    let path = ann.begin(bytes.len());
    let length = format!("Content-Length: {}", bytes.len());
    let mut first = ann.open_patch(&path, 0, &length, &bytes[..500_000]);
    wait_until("it has arrived", || ann.peek(&path) == 500_000);
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| ann.offset(&path));
        first.write_all(&bytes[500_000..]).unwrap();
        let offset = asked.join().unwrap();
        assert!([500_000, 1_000_000].contains(&offset), "{offset}");
        let answer = Answer::read(first, false);
        assert_eq!(offset_of(&answer), offset);
        assert_eq!(answer.status, if offset == 1_000_000 { 204 } else { 423 });
    });
}

#[test]
fn a_sender_that_falls_silent_is_given_up_and_its_bytes_are_kept() {
    let server = Server::start_with(|s| s.body_timeout = Duration::from_millis(300));
    let ann = sender(&server, "ann");
    let path = ann.begin(10);
    let silent = ann.open_patch(&path, 0, "Content-Length: 10", b"012");
    let answer = Answer::read(silent, false);
    // Clients give up at 408; after this one they ask for the offset and go on.
    refused(&answer, 409, "upload_broken_off");
    assert_eq!(offset_of(&answer), 3);
    assert_eq!(ann.offset(&path), 3);
}

#[test]
fn a_sender_that_ends_too_early_but_still_listens_is_told_to_go_on() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let path = ann.begin(10);
    let early = ann.open_patch(&path, 0, "Content-Length: 10", b"012");
    early.shutdown(std::net::Shutdown::Write).unwrap();
    let answer = Answer::read(early, false);
    refused(&answer, 409, "upload_broken_off");
    assert_eq!(offset_of(&answer), 3);
    assert_eq!(ann.offset(&path), 3);
}

/// A slow sender's bytes do not wait for more to be written.
#[test]
fn bytes_of_a_sender_that_stalls_are_written_meanwhile() {
    let server = Server::start_with(|s| s.service.flush_interval = Duration::from_millis(50));
    let ann = sender(&server, "ann");
    let path = ann.begin(100);
    let mut stream = ann.open_patch(&path, 0, "Content-Length: 100", b"");
    for sent in 1..=5 {
        stream.write_all(b"x").unwrap();
        wait_until("it is written", || ann.peek(&path) == sent);
    }
}

#[test]
fn small_flushes_lose_and_mix_up_nothing() {
    let server = Server::start_with(|s| s.service.flush_bytes = 1);
    let ann = sender(&server, "ann");
    let bytes = pattern(20_000_003, 5);
    let id = ann.upload(&[], &bytes);
    assert!(ann.original(id) == bytes);
}
