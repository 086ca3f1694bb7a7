//! Giving uploads up.

use super::client::{id_of, pattern, refused, sender};
use crate::support::{Answer, Server, wait_until};

#[test]
fn a_deleted_upload_is_204_and_gone() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let path = ann.begin(10);
    assert_eq!(ann.patch(&path, 0, b"01234").status, 204);
    assert_eq!(ann.send("DELETE", &path, &[], b"").status, 204);
    for answer in [
        ann.head(&path),
        ann.patch(&path, 5, b"5"),
        ann.send("DELETE", &path, &[], b""),
    ] {
        assert_eq!(answer.status, 404);
        assert_eq!(answer.header("upload-offset"), None);
    }
    assert!(server.stored("uploads").is_empty());
}

#[test]
fn an_upload_is_deleted_while_bytes_arrive() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let bytes = pattern(4_000_000, 1);
    let path = ann.begin(10_000_000);
    let stream = ann.open_patch(&path, 0, "Content-Length: 10000000", &bytes);
    wait_until("bytes have arrived", || ann.peek(&path) > 0);
    assert_eq!(ann.send("DELETE", &path, &[], b"").status, 204);
    refused(&Answer::read(stream, false), 423, "upload_taken_over");
    assert_eq!(ann.head(&path).status, 404);
    assert!(server.stored("uploads").is_empty());
}

#[test]
fn deleting_a_finished_upload_keeps_the_video() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let path = ann.begin(5);
    assert_eq!(ann.patch(&path, 0, b"01234").status, 204);
    assert_eq!(ann.send("DELETE", &path, &[], b"").status, 204);
    assert_eq!(ann.head(&path).status, 404);
    assert_eq!(ann.original(1), b"01234");
}

#[test]
fn a_video_that_is_deleted_takes_its_upload_along() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let path = ann.begin(5);
    assert_eq!(ann.patch(&path, 0, b"01234").status, 204);
    assert_eq!(ann.send("DELETE", "/api/videos/1/", &[], b"").status, 204);
    assert_eq!(ann.head(&path).status, 404);
    let row = server.run(async { server.app.db.upload(id_of(&path)).await.unwrap() });
    assert_eq!(row, None);
}
