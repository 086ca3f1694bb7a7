//! Who may do what, and how much of it.

use super::client::{base64, id_of, offset_of, pattern, refused, sender, video_of};
use crate::support::{Answer, Form, Server, wait_until};

#[test]
fn nobody_who_is_not_signed_in_may_do_anything() {
    let server = Server::start();
    let path = sender(&server, "ann").begin(5);
    for (method, path) in [
        ("POST", "/api/uploads/"),
        ("GET", "/api/uploads/"),
        ("HEAD", &path),
        ("GET", &path),
        ("PATCH", &path),
        ("DELETE", &path),
    ] {
        for token in [None, Some("Bearer x"), Some("Bearer a b")] {
            let mut headers = vec![("Tus-Resumable", "1.0.0"), ("Upload-Length", "5")];
            headers.extend(token.map(|token| ("Authorization", token)));
            let answer = server.send(method, path, &headers, b"");
            assert_eq!(answer.status, 401, "{method} {path}");
            assert_eq!(answer.header("upload-offset"), None);
        }
    }
}

#[test]
fn somebody_elses_upload_looks_like_none() {
    let server = Server::start();
    let (ann, bob) = (sender(&server, "ann"), sender(&server, "bob"));
    let path = ann.begin(5);
    let json = [("Content-Type", "application/json")];
    for answer in [
        bob.head(&path),
        bob.patch(&path, 0, b"01234"),
        bob.send("DELETE", &path, &[], b""),
        bob.send("GET", &path, &[], b""),
        server.send(
            "PATCH",
            &path,
            &[
                json[0],
                ("Authorization", &format!("Bearer {}", server.token("bob"))),
            ],
            br#"{"title":"mine"}"#,
        ),
    ] {
        assert_eq!(answer.status, 404, "{answer:?}");
        assert_eq!(answer.header("upload-offset"), None);
    }
    assert_eq!(bob.send("GET", "/api/uploads/", &[], b"").text(), "[]");
    // A stranger does not even disturb whoever sends.
    let stream = ann.open_patch(&path, 0, "Content-Length: 5", b"01");
    wait_until("it has arrived", || ann.peek(&path) == 2);
    assert_eq!(bob.head(&path).status, 404);
    std::io::Write::write_all(&mut &stream, b"234").unwrap();
    let answer = Answer::read(stream, false);
    assert_eq!((answer.status, video_of(&answer)), (204, Some(1)));
}

#[test]
fn admins_may_see_and_touch_all() {
    let server = Server::start();
    let (ann, root) = (sender(&server, "ann"), sender(&server, "root"));
    let path = ann.begin(5);
    assert_eq!(root.offset(&path), 0);
    assert_eq!(root.send("GET", "/api/uploads/", &[], b"").text(), "[]");
    assert_eq!(root.patch(&path, 0, b"01").status, 204);
    assert_eq!(root.send("DELETE", &path, &[], b"").status, 204);
    assert_eq!(ann.head(&path).status, 404);
}

#[test]
fn unfinished_uploads_are_counted() {
    let server = Server::start_with(|s| s.service.allowance.uploads = Some(2));
    let (ann, bob) = (sender(&server, "ann"), sender(&server, "bob"));
    let (first, second) = (ann.begin(5), ann.begin(5));
    let answer = ann.create(&[("Upload-Length", "5")]);
    refused(&answer, 403, "too_many_uploads");
    assert!(
        answer.text().contains("2 unfinished uploads"),
        "{}",
        answer.text()
    );
    bob.begin(5);
    assert_eq!(ann.patch(&first, 0, b"01234").status, 204);
    let third = ann.begin(5);
    assert_eq!(ann.create(&[("Upload-Length", "5")]).status, 403);
    for path in [second, third] {
        assert_eq!(ann.send("DELETE", &path, &[], b"").status, 204);
    }
    ann.begin(5);
}

#[test]
fn a_quota_holds_for_videos_and_for_what_is_announced() {
    let server = Server::start_with(|s| s.service.allowance.bytes = Some(100));
    let (ann, bob) = (sender(&server, "ann"), sender(&server, "bob"));
    ann.upload(&[], &[1; 50]);
    let announced = ann.begin(30);
    let answer = ann.create(&[("Upload-Length", "21")]);
    refused(&answer, 403, "quota_exceeded");
    assert!(answer.text().contains("100 bytes"), "{}", answer.text());
    bob.begin(100);
    let last = ann.begin(20);
    for headers in [("Upload-Length", "1"), ("Upload-Defer-Length", "1")] {
        refused(&ann.create(&[headers]), 403, "quota_exceeded");
    }
    // What was promised holds.
    assert_eq!(ann.patch(&announced, 0, &[2; 30]).status, 204);
    assert_eq!(ann.patch(&last, 0, &[3; 20]).status, 204);
    assert_eq!(ann.create(&[("Upload-Length", "1")]).status, 403);
    assert_eq!(ann.send("DELETE", "/api/videos/1/", &[], b"").status, 204);
    ann.begin(50);
}

#[test]
fn a_quota_holds_while_bytes_flow() {
    let server = Server::start_with(|s| s.service.allowance.bytes = Some(10));
    let ann = sender(&server, "ann");
    let path = ann.begin_with(&[("Upload-Defer-Length", "1")]);
    refused(&ann.patch(&path, 0, &[1; 11]), 403, "quota_exceeded");
    let chunked = "Transfer-Encoding: chunked";
    let body = b"6\r\n012345\r\n6\r\n678901\r\n0\r\n\r\n";
    let answer = Answer::read(ann.open_patch(&path, 0, chunked, body), false);
    refused(&answer, 403, "quota_exceeded");
    let offset = ann.offset(&path);
    assert!(offset <= 10);
    assert_eq!(offset_of(&answer), offset);
    let answer = ann.patch_with(&path, offset, &[("Upload-Length", "11")], b"");
    refused(&answer, 403, "quota_exceeded");
    // Another one counts what the first has.
    if offset > 0 {
        let answer = ann.create(&[("Upload-Length", "10")]);
        refused(&answer, 403, "quota_exceeded");
    }
    let token = server.token("ann");
    let form = Form::new().text("title", "x").file("x.mp4", &[1; 11]);
    let answer = server.upload(&token, &form);
    assert_eq!(answer.header("clipsy-error-code"), Some("quota_exceeded"));
    let answer = ann.patch_with(
        &path,
        offset,
        &[("Upload-Length", "10")],
        &[1; 10][offset..],
    );
    assert_eq!(answer.status, 204);
    let small = Form::new().text("title", "x").file("x.mp4", &[1; 1]);
    let answer = server.upload(&token, &small);
    assert_eq!(answer.header("clipsy-error-code"), Some("quota_exceeded"));
    assert_eq!(ann.videos().len(), 1);
}

#[test]
fn transfers_beyond_the_limit_are_told_to_come_back() {
    let server = Server::start_with(|s| s.service.max_uploads = 1);
    let ann = sender(&server, "ann");
    let (first, second) = (ann.begin(10), ann.begin(10));
    let stream = ann.open_patch(&first, 0, "Content-Length: 10", b"01");
    wait_until("it has begun", || ann.peek(&first) == 2);
    let answer = ann.patch(&second, 0, b"0123");
    refused(&answer, 503, "busy");
    assert!(answer.header("retry-after").is_some());
    assert_eq!(offset_of(&answer), 0);
    drop(stream);
    wait_until("there is room again", || {
        ann.patch(&second, 0, b"0123").status == 204
    });
}

#[test]
fn nobody_gets_around_their_rights_by_a_title() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let title = base64(b"../../x\0<script>");
    let metadata = format!("filename {}", base64(b"../../../etc/passwd\0.mp4"));
    let path = ann.begin_with(&[("Upload-Length", "5"), ("Upload-Metadata", &metadata)]);
    assert_eq!(ann.patch(&path, 0, &pattern(5, 1)).status, 204);
    let key = server.stored("videos/originals").remove(0);
    assert_eq!(key, format!("videos/originals/{}.mp4", id_of(&path)));
    let answer = ann.create(&[
        ("Upload-Length", "5"),
        ("Upload-Metadata", &format!("title {title}")),
    ]);
    refused(&answer, 400, "invalid");
}

#[test]
fn together_uploads_take_no_more_than_one_after_the_other() {
    const QUOTA: i64 = 10 << 20;
    let server = Server::start_with(|s| s.service.allowance.bytes = Some(QUOTA));
    let token = server.token("ann");
    let form = Form::new()
        .text("title", "x")
        .file("x.mp4", &vec![1; 8 << 20]);
    let statuses = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| server.upload(&token, &form).status))
            .collect();
        let joined = senders.into_iter().map(|sender| sender.join().unwrap());
        joined.collect::<Vec<_>>()
    });
    let of = |status| statuses.iter().filter(|s| **s == status).count();
    assert_eq!((of(201), of(403)), (1, 5), "{statuses:?}");

    // Those of which nobody knows how long they are; what is there stays.
    let bob = sender(&server, "bob");
    let paths: Vec<_> = (0..5)
        .map(|_| bob.begin_with(&[("Upload-Defer-Length", "1")]))
        .collect();
    let statuses = std::thread::scope(|scope| {
        let senders: Vec<_> = paths
            .iter()
            .map(|path| scope.spawn(|| bob.patch(path, 0, &vec![2; 3 << 20]).status))
            .collect();
        let joined = senders.into_iter().map(|sender| sender.join().unwrap());
        joined.collect::<Vec<_>>()
    });
    let stored: u64 = paths.iter().map(|path| bob.offset(path) as u64).sum();
    assert!(stored <= QUOTA.unsigned_abs(), "{stored} {statuses:?}");
    assert!(
        statuses.contains(&204) && statuses.contains(&403),
        "{statuses:?}"
    );
}

#[test]
fn waiting_videos_and_minutes_are_limited() {
    let server = Server::start_with(|s| {
        s.service.allowance.waiting = Some(2);
        s.service.allowance.minutes_a_day = Some(2);
    });
    let (ann, bob) = (sender(&server, "ann"), sender(&server, "bob"));
    ann.upload(&[], b"01234");
    ann.begin(5);
    refused(
        &ann.create(&[("Upload-Length", "5")]),
        403,
        "too_many_waiting",
    );
    let token = server.token("ann");
    let form = Form::new().text("title", "x").file("x.mp4", b"01234");
    let answer = server.upload(&token, &form);
    assert_eq!(answer.header("clipsy-error-code"), Some("too_many_waiting"));
    // What is done waits no longer, but its two minutes count until tomorrow.
    server.make_ready(1);
    refused(
        &ann.create(&[("Upload-Length", "5")]),
        403,
        "minutes_exceeded",
    );
    bob.begin(5);
    server.clock.advance(chrono::TimeDelta::hours(24));
    sender(&server, "ann").begin(5);
}
