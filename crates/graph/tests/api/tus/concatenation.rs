//! Uploads that are put together of parts.

use std::io::Write as _;

use super::client::{base64, id_of, offset_of, path_of, pattern, refused, sender, video_of};
use crate::support::{Answer, Server, wait_until};

fn part(sender: &super::client::Sender<'_>, bytes: &[u8]) -> String {
    let length = bytes.len().to_string();
    let path = sender.begin_with(&[("Upload-Length", &length), ("Upload-Concat", "partial")]);
    let answer = sender.patch(&path, 0, bytes);
    assert_eq!(answer.status, 204, "{}", answer.text());
    assert_eq!(video_of(&answer), None);
    path
}

#[test]
fn parts_become_one_upload_in_their_order() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let bytes = pattern(5_000_001, 1);
    let (first, rest) = bytes.split_at(2_000_000);
    let (second, third) = rest.split_at(1);
    let parts = [third, first, second].map(|bytes| part(&ann, bytes));
    assert_eq!(ann.head(&parts[0]).header("upload-concat"), Some("partial"));
    assert_eq!(ann.videos().len(), 0);
    // Whole addresses and paths, with and without a slash.
    let concat = format!(
        "final;http://{}{} {}/ {}",
        server.address, parts[1], parts[2], parts[0]
    );
    let metadata = format!("filename {}", base64(b"whole.mov"));
    let headers = [
        ("Upload-Concat", concat.as_str()),
        ("Upload-Metadata", &metadata),
    ];
    let answer = ann.create(&headers);
    assert_eq!((answer.status, offset_of(&answer)), (201, bytes.len()));
    let id = video_of(&answer).unwrap();
    assert!(ann.original(id) == bytes);
    assert_eq!(ann.videos(), [(id, "whole".to_owned())]);

    let path = path_of(&answer);
    let head = ann.head(&path);
    assert_eq!(head.header("upload-concat"), Some(concat.as_str()));
    assert_eq!(head.header("upload-length"), Some("5000001"));
    assert_eq!((offset_of(&head), video_of(&head)), (bytes.len(), Some(id)));
    // A sender that missed the answer may ask again.
    let again = ann.create(&headers);
    assert_eq!((again.status, path_of(&again)), (201, path));
    assert_eq!(video_of(&again), Some(id));
    assert_eq!(ann.videos().len(), 1);
    for part in parts {
        assert_eq!(ann.head(&part).status, 404);
    }
    assert!(server.stored("uploads").is_empty());
}

#[test]
fn bytes_for_an_upload_that_was_put_together_are_403() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let path = part(&ann, b"01234");
    let concat = format!("final;{path}");
    let answer = ann.create(&[("Upload-Concat", &concat)]);
    assert_eq!(answer.status, 201);
    for offset in [0, 5] {
        let answer = ann.patch(&path_of(&answer), offset, b"x");
        refused(&answer, 403, "upload_final");
    }
    assert_eq!(ann.original(1), b"01234");
}

#[test]
fn a_length_for_an_upload_that_is_put_together_is_400() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let concat = format!("final;{}", part(&ann, b"01234"));
    for length in [("Upload-Length", "5"), ("Upload-Defer-Length", "1")] {
        let answer = ann.create(&[length, ("Upload-Concat", &concat)]);
        refused(&answer, 400, "parse_error");
    }
    for concat in ["final;", "final", "finally;/a", "x", "partial;/a"] {
        let answer = ann.create(&[("Upload-Concat", concat)]);
        refused(&answer, 400, "parse_error");
    }
    let twice = format!("{concat} {}", &concat[6..]);
    refused(
        &ann.create(&[("Upload-Concat", &twice)]),
        400,
        "parse_error",
    );
}

#[test]
fn only_complete_parts_of_ones_own_are_put_together() {
    let server = Server::start();
    let (ann, bob) = (sender(&server, "ann"), sender(&server, "bob"));
    let whole = part(&ann, b"01234");
    let half = ann.begin_with(&[("Upload-Length", "5"), ("Upload-Concat", "partial")]);
    assert_eq!(ann.patch(&half, 0, b"01").status, 204);
    let deferred = ann.begin_with(&[("Upload-Defer-Length", "1"), ("Upload-Concat", "partial")]);
    let plain = ann.begin(5);
    let finish = |sender: &super::client::Sender<'_>, parts: &[&str]| {
        let concat = format!("final;{}", parts.join(" "));
        sender.create(&[("Upload-Concat", &concat)])
    };
    for part in [&half, &deferred, &plain] {
        refused(&finish(&ann, &[&whole, part]), 400, "upload_unfinished");
    }
    refused(&finish(&bob, &[&whole]), 404, "not_found");
    let nowhere = "/api/uploads/0123456789abcdef0123456789abcdef";
    refused(&finish(&ann, &[&whole, nowhere]), 404, "not_found");
    // None of this has harmed the parts.
    assert_eq!(ann.patch(&half, 2, b"234").status, 204);
    assert_eq!(finish(&ann, &[&half, &whole]).status, 201);
    assert_eq!(ann.original(1), b"0123401234");
}

#[test]
fn naming_a_part_of_somebody_else_does_not_end_its_transfer() {
    let server = Server::start();
    let (ann, bob) = (sender(&server, "ann"), sender(&server, "bob"));
    let mine = part(&bob, b"01234");
    let theirs = ann.begin_with(&[("Upload-Length", "10"), ("Upload-Concat", "partial")]);
    let mut stream = ann.open_patch(&theirs, 0, "Content-Length: 10", b"01234");
    wait_until("half of it arrived", || ann.peek(&theirs) == 5);
    let concat = format!("final;{mine} {theirs}");
    refused(&bob.create(&[("Upload-Concat", &concat)]), 404, "not_found");
    stream.write_all(b"56789").unwrap();
    let answer = Answer::read(stream, false);
    assert_eq!((answer.status, offset_of(&answer)), (204, 10));
}

#[test]
fn the_whole_may_not_be_larger_than_the_limit() {
    let server = Server::start_with(|s| s.service.max_upload_bytes = 8);
    let ann = sender(&server, "ann");
    let parts = [part(&ann, b"01234"), part(&ann, b"5678")];
    let concat = format!("final;{} {}", parts[0], parts[1]);
    refused(&ann.create(&[("Upload-Concat", &concat)]), 413, "too_large");
    assert_eq!(ann.offset(&parts[0]), 5);
    let row = server.run(async { server.app.db.upload(id_of(&parts[1])).await.unwrap() });
    assert!(row.is_some());
    assert_eq!(server.stored("uploads").len(), 2);
}
