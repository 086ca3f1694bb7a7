//! The original file, whole and in parts.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use serde_json::json;

use crate::support::{Form, Server};

/// A server with one original of these bytes; the path of its stream.
fn server(bytes: &[u8], name: &str, title: &str) -> (Server, &'static str) {
    let server = Server::start();
    let token = server.token("ann");
    let form = Form::new().text("title", title).file(name, bytes);
    assert_eq!(server.upload(&token, &form).status, 201);
    (server, "/api/videos/1/stream/")
}

/// What RFC 9110 says about one range, straight from its text: `None` if it cannot be satisfied.
fn reference(first: Option<u64>, last: Option<u64>, length: u64) -> Option<(u64, u64)> {
    let (first, last) = match (first, last) {
        (Some(first), Some(last)) => (first, last.min(length - 1)),
        (Some(first), None) => (first, length - 1),
        (None, Some(count)) => (length - count.min(length), length - 1),
        (None, None) => unreachable!(),
    };
    (first <= last && first < length).then_some((first, last))
}

#[test]
fn every_range_is_what_the_standard_says() {
    let length = 700_001_u64;
    let bytes: Vec<u8> = (0..length).map(|i| (i * 7 % 253) as u8).collect();
    let (server, path) = server(&bytes, "x.mp4", "x");
    let whole = server.get(path);
    assert_eq!(
        (whole.status, whole.header("accept-ranges")),
        (200, Some("bytes"))
    );
    assert!(whole.body == bytes);
    let points = [
        0,
        1,
        65_535,
        65_536,
        524_288,
        length - 1,
        length,
        length + 9,
    ];
    let mut ranges = vec![];
    for first in points {
        ranges.push((Some(first), None));
        ranges.push((None, Some(first)));
        ranges.extend(
            points
                .iter()
                .filter(|p| **p >= first)
                .map(|p| (Some(first), Some(*p))),
        );
    }
    for (first, last) in ranges {
        let text = |n: Option<u64>| n.map_or(String::new(), |n| n.to_string());
        let range = format!("bytes={}-{}", text(first), text(last));
        let answer = server.send("GET", path, &[("Range", &range)], b"");
        let content_range = answer.header("content-range");
        if let Some((from, to)) = reference(first, last, length) {
            assert_eq!(answer.status, 206, "{range}");
            assert_eq!(content_range, Some(&*format!("bytes {from}-{to}/{length}")));
            assert!(answer.body == bytes[from as usize..=to as usize], "{range}");
        } else {
            assert_eq!(answer.status, 416, "{range}");
            assert_eq!(content_range, Some(&*format!("bytes */{length}")));
            assert!(answer.body.is_empty());
        }
    }
}

#[test]
fn head_says_the_same_without_the_bytes() {
    let (server, path) = server(b"0123456789", "x.webm", "x");
    for path in [path, "/api/videos/1/stream"] {
        let (get, head) = (server.get(path), server.send("HEAD", path, &[], b""));
        assert_eq!(
            (head.status, head.header("content-length")),
            (200, Some("10"))
        );
        for name in [
            "content-type",
            "etag",
            "last-modified",
            "accept-ranges",
            "content-length",
        ] {
            assert_eq!(head.header(name), get.header(name), "{name}");
            assert!(head.header(name).is_some(), "{name}");
        }
        assert_eq!(get.header("content-type"), Some("video/webm"));
    }
}

#[test]
fn conditions_are_honoured() {
    let (server, path) = server(b"0123456789", "x.mp4", "x");
    let first = server.get(path);
    let etag = first.header("etag").unwrap();
    let modified = first.header("last-modified").unwrap();
    assert!(etag.starts_with('"') && etag.ends_with('"'));
    let range = ("Range", "bytes=2-4");
    for (headers, status, body) in [
        (vec![("If-None-Match", etag)], 304, &b""[..]),
        (vec![("If-None-Match", "\"other\"")], 200, b"0123456789"),
        (vec![("If-Modified-Since", modified)], 304, b""),
        (vec![range, ("If-Range", etag)], 206, b"234"),
        (vec![range, ("If-Range", modified)], 206, b"234"),
        (vec![range, ("If-Range", "\"other\"")], 200, b"0123456789"),
        (vec![("Range", "bytes=0-1,4-5")], 200, b"0123456789"),
    ] {
        let answer = server.send("GET", path, &headers, b"");
        assert_eq!(
            (answer.status, answer.body.as_slice()),
            (status, body),
            "{headers:?}"
        );
        assert_eq!(answer.header("etag"), Some(etag));
    }
}

#[test]
fn nothing_that_was_uploaded_is_run_by_a_browser() {
    let script = b"<html><script>alert(1)</script>";
    for name in ["evil.html", "evil.svg", "evil.mp4.html", "evil", "evil.js"] {
        let (server, path) = server(script, name, "x\"; filename=\"evil.html\r\nX-Evil: 1");
        let answer = server.get(path);
        assert_eq!(
            answer.header("content-type"),
            Some("application/octet-stream"),
            "{name}"
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("x-evil"), None);
        let disposition = answer.header("content-disposition").unwrap();
        assert!(
            disposition.starts_with("inline; filename=\"x_; filename=_evil.html"),
            "{disposition}"
        );
    }
}

#[test]
fn the_file_is_saved_under_the_title() {
    let (server, path) = server(b"x", "private name.MP4", "Любимый фильм / 2");
    let answer = server.get(path);
    assert_eq!(
        answer.header("content-disposition"),
        Some(
            "inline; filename=\"_______ _____ _ 2.mp4\"; \
             filename*=UTF-8''%D0%9B%D1%8E%D0%B1%D0%B8%D0%BC%D1%8B%D0%B9%20%D1%84%D0%B8%D0%BB%D1%8C%D0%BC%20_%202.mp4"
        )
    );
}

#[test]
fn a_video_that_failed_still_has_its_original() {
    let (server, path) = server(b"0123456789", "x.mp4", "x");
    let cancel = "/api/videos/1/cancel/";
    let token = server.token("ann");
    assert_eq!(
        server.call("POST", cancel, &token, &json!(null)).status,
        200
    );
    assert_eq!(server.get(path).body, b"0123456789");
}

#[test]
fn who_does_not_take_the_answer_does_not_keep_the_connection() {
    let server = Server::start_with(|settings| {
        settings.write_timeout = Duration::from_millis(200);
        settings.max_connections = 1;
    });
    let token = server.token("ann");
    // More than what fits into the buffers of both sides.
    let length = 32 << 20;
    let form = Form::new()
        .text("title", "x")
        .file("x.mp4", &vec![7; length]);
    assert_eq!(server.upload(&token, &form).status, 201);
    let mut idle = server.connect();
    idle.write_all(b"GET /api/videos/1/stream/ HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    let mut first = [0; 16];
    idle.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK\r");
    // There is one place, so this is only answered when the other was given up.
    assert_eq!(server.get("/healthz").status, 200);
    let mut rest = Vec::new();
    let _ = idle.read_to_end(&mut rest);
    assert!(rest.len() < length, "{}", rest.len());
}
