//! What crashes leave, and what the next start makes of it.

use clipsy_domain::media_key;
use clipsy_domain::upload::{Upload, UploadRole};
use clipsy_service::uploads::heal_uploads;

use super::client::{Sender, id_of, offset_of, sender, video_of};
use crate::support::Server;

/// Adds bytes as if the server had died between the last one and the video.
fn add_behind_its_back(server: &Server, path: &str, bytes: &'static [u8]) {
    server.run(async {
        let key = media_key::upload(id_of(path));
        let mut file = server
            .app
            .media
            .open_append(&key, "videos/originals/x")
            .await
            .unwrap();
        file.write(bytes.into()).await.unwrap();
        file.sync().await.unwrap();
    });
}

fn row(server: &Server, path: &str) -> Option<Upload> {
    server.run(async { server.app.db.upload(id_of(path)).await.unwrap() })
}

fn heal(server: &Server) -> usize {
    server.run(heal_uploads(&server.app)).unwrap()
}

fn complete_part(sender: &Sender<'_>, bytes: &[u8]) -> String {
    let length = bytes.len().to_string();
    let path = sender.begin_with(&[("Upload-Length", &length), ("Upload-Concat", "partial")]);
    assert_eq!(sender.patch(&path, 0, bytes).status, 204);
    path
}

#[test]
fn complete_uploads_become_videos_at_the_next_start() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let complete = ann.begin(5);
    add_behind_its_back(&server, &complete, b"01234");
    let moved = ann.begin(5);
    add_behind_its_back(&server, &moved, b"56789");
    server.run(async {
        let from = media_key::upload(id_of(&moved));
        let to = media_key::original(id_of(&moved), "");
        server.app.media.move_upload(&from, &to).await.unwrap();
    });
    let half = ann.begin(5);
    assert_eq!(ann.patch(&half, 0, b"01").status, 204);
    let deferred = ann.begin_with(&[("Upload-Defer-Length", "1")]);
    assert_eq!(ann.patch(&deferred, 0, b"01").status, 204);

    assert_eq!(heal(&server), 2);
    assert_eq!(heal(&server), 0);
    let of = |path: &str| video_of(&ann.head(path)).map(|id| ann.original(id));
    assert_eq!(of(&complete).as_deref(), Some(&b"01234"[..]));
    assert_eq!(of(&moved).as_deref(), Some(&b"56789"[..]));
    assert_eq!(ann.videos().len(), 2);
    for path in [half, deferred] {
        assert_eq!(of(&path), None);
        assert_eq!(ann.offset(&path), 2);
    }
}

#[test]
fn a_sender_that_asks_finishes_a_complete_upload_too() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    for ask in [
        (|ann, path| ann.head(path)) as fn(&Sender<'_>, &str) -> crate::support::Answer,
        |ann, path| ann.patch(path, 5, b""),
    ] {
        let path = ann.begin(5);
        add_behind_its_back(&server, &path, b"01234");
        let answer = ask(&ann, &path);
        assert_eq!(offset_of(&answer), 5);
        assert_eq!(ann.original(video_of(&answer).unwrap()), b"01234");
    }
}

#[test]
fn a_chunk_that_a_crash_cut_is_taken_back() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let path = ann.begin(10);
    assert_eq!(ann.patch(&path, 0, b"012").status, 204);
    server.run(async {
        let key = media_key::upload(id_of(&path));
        let mut file = server
            .app
            .media
            .open_append(&key, "videos/originals/x")
            .await
            .unwrap();
        file.begin_chunk().await.unwrap();
        file.write("wrong".into()).await.unwrap();
        file.sync().await.unwrap();
        // What a killed process has no time for is not done by dropping it either.
        drop(file);
    });
    assert_eq!(ann.peek(&path), 3);
    assert_eq!(heal(&server), 0);
    assert_eq!(ann.offset(&path), 3);
    assert_eq!(ann.patch(&path, 3, b"3456789").status, 204);
    assert_eq!(ann.original(1), b"0123456789");
}

#[test]
fn wholes_that_a_crash_cut_are_finished_or_given_up() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let whole = |parts: &[&str]| {
        let concat = format!("final;{}", parts.join(" "));
        // As the server has it once it has begun to put the parts together.
        let row = Upload {
            id: id_of(parts[0]).chars().rev().collect(),
            role: UploadRole::parse(&concat).unwrap(),
            length: Some(5),
            ..row(&server, parts[0]).unwrap()
        };
        server.run(async { server.app.db.insert_upload(&row).await.unwrap() });
        format!("/api/uploads/{}", row.id)
    };
    // One has its row, one its bytes, and one its video.
    let first = [complete_part(&ann, b"01"), complete_part(&ann, b"234")];
    let only_row = whole(&[&first[0], &first[1]]);
    let second = [complete_part(&ann, b"012"), complete_part(&ann, b"34")];
    let with_bytes = whole(&[&second[0], &second[1]]);
    add_behind_its_back(&server, &with_bytes, b"01234");
    let third = [complete_part(&ann, b"01234")];
    let with_video = whole(&[&third[0]]);
    add_behind_its_back(&server, &with_video, b"01234");
    let id = video_of(&ann.head(&with_video)).unwrap();
    assert!(row(&server, &third[0]).is_some());

    assert_eq!(heal(&server), 2);
    assert_eq!(row(&server, &only_row), None);
    for part in &first {
        assert!(row(&server, part).is_some());
    }
    let other = video_of(&ann.head(&with_bytes)).unwrap();
    assert_eq!(ann.original(other), b"01234");
    assert_eq!(video_of(&ann.head(&with_video)), Some(id));
    for part in second.iter().chain(&third) {
        assert_eq!(row(&server, part), None);
    }
    assert_eq!(server.stored("uploads").len(), 2);
    // The parts of the first can still be put together.
    let concat = format!("final;{} {}", first[0], first[1]);
    assert_eq!(ann.create(&[("Upload-Concat", &concat)]).status, 201);
    assert_eq!(ann.videos().len(), 3);
}

#[test]
fn files_without_a_row_are_deleted_at_the_next_start() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let kept = ann.begin(5);
    add_behind_its_back(&server, "/0123456789abcdef0123456789abcdef", b"lost");
    assert_eq!(server.stored("uploads").len(), 2);
    assert_eq!(heal(&server), 1);
    assert_eq!(server.stored("uploads"), [media_key::upload(id_of(&kept))]);
}
