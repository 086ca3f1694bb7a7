//! Chunks with a checksum: whole or not at all.

use std::io::Write as _;

use sha1::{Digest as _, Sha1};

use super::client::{base64, offset_of, pattern, refused, sender, sha256, video_of};
use crate::support::{Answer, Server, wait_until};

#[test]
fn chunks_that_fit_are_kept() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    // Smaller and larger than what is written at once.
    let bytes = pattern(7_500_000, 2);
    let (a, rest) = bytes.split_at(10);
    let (b, c) = rest.split_at(2_000_000);
    let path = ann.begin(bytes.len());
    let mut offset = 0;
    for (part, sum) in [
        (a, format!("sha1 {}", base64(&Sha1::digest(a)))),
        (b, format!("sha256 {}", sha256(b))),
        (
            c,
            format!("crc32 {}", base64(&crc32fast::hash(c).to_be_bytes())),
        ),
    ] {
        let answer = ann.patch_with(&path, offset, &[("Upload-Checksum", &sum)], part);
        offset += part.len();
        assert_eq!((answer.status, offset_of(&answer)), (204, offset), "{sum}");
    }
    assert!(ann.original(1) == bytes);
}

#[test]
fn a_chunk_that_does_not_fit_is_460_and_discarded() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let bytes = pattern(3_000_000, 3);
    let path = ann.begin(bytes.len());
    assert_eq!(ann.patch(&path, 0, &bytes[..10]).status, 204);
    for (algorithm, length) in [("sha1", 20), ("sha256", 32), ("crc32", 4)] {
        let sum = format!("{algorithm} {}", base64(&vec![7; length]));
        let answer = ann.patch_with(&path, 10, &[("Upload-Checksum", &sum)], &bytes[10..]);
        refused(&answer, 460, "checksum_mismatch");
        assert_eq!(offset_of(&answer), 10);
        assert_eq!(ann.offset(&path), 10);
    }
    let sum = format!("sha256 {}", sha256(&bytes[10..]));
    let answer = ann.patch_with(&path, 10, &[("Upload-Checksum", &sum)], &bytes[10..]);
    assert_eq!(answer.status, 204);
    assert!(ann.original(video_of(&answer).unwrap()) == bytes);
}

#[test]
fn an_algorithm_that_is_not_there_is_400_and_discards() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let path = ann.begin(5);
    for sum in [
        "md5 kAFQmDzST7DWlj99KOF/cg==",
        "sha1",
        "sha1 %",
        "",
        "SHA1 AA==",
    ] {
        let answer = ann.patch_with(&path, 0, &[("Upload-Checksum", sum)], b"01");
        refused(&answer, 400, "parse_error");
        assert_eq!(ann.offset(&path), 0, "{sum}");
    }
}

#[test]
fn a_chunk_that_breaks_off_is_discarded() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let bytes = pattern(9_000_000, 4);
    let path = ann.begin(bytes.len());
    assert_eq!(ann.patch(&path, 0, &bytes[..1_000]).status, 204);
    let chunk = &bytes[1_000..];
    let lines = format!(
        "Content-Length: {}\r\nUpload-Checksum: sha256 {}",
        chunk.len(),
        sha256(chunk)
    );
    // The first is cut, the second falls silent and is taken over.
    let stream = ann.open_patch(&path, 1_000, &lines, &chunk[..5_000_000]);
    drop(stream);
    wait_until("the cut is noticed", || ann.offset(&path) == 1_000);
    let silent = ann.open_patch(&path, 1_000, &lines, &chunk[..5_000_000]);
    assert_eq!(ann.peek(&path), 1_000);
    assert_eq!(ann.offset(&path), 1_000);
    let answer = Answer::read(silent, false);
    refused(&answer, 423, "upload_taken_over");
    assert_eq!(offset_of(&answer), 1_000);

    let mut whole = ann.open_patch(&path, 1_000, &lines, &chunk[..5_000_000]);
    whole.write_all(&chunk[5_000_000..]).unwrap();
    let answer = Answer::read(whole, false);
    assert_eq!((answer.status, offset_of(&answer)), (204, bytes.len()));
    assert!(ann.original(1) == bytes);
    let notes = server.folder.path().join("media/~savepoints");
    assert_eq!(std::fs::read_dir(notes).unwrap().count(), 0);
}
