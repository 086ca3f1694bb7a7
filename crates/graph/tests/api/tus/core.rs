//! The core protocol.

use super::client::{OFFSET_STREAM, offset_of, pattern, refused, sender, video_of};
use crate::support::Server;

#[test]
fn every_answer_but_that_to_options_names_the_version() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let path = ann.begin(5);
    for answer in [
        ann.create(&[("Upload-Length", "5")]),
        ann.create(&[]),
        ann.head(&path),
        ann.head("/api/uploads/0"),
        ann.patch(&path, 1, b"x"),
        ann.patch(&path, 0, b"x"),
        ann.send("GET", "/api/uploads/", &[], b""),
        ann.send("PUT", &path, &[], b""),
        ann.send("DELETE", &path, &[], b""),
        server.get("/api/uploads/"),
        server.send("POST", "/api/uploads/", &[], b""),
    ] {
        assert_eq!(answer.header("tus-resumable"), Some("1.0.0"), "{answer:?}");
    }
    for path in ["/api/uploads/", &path] {
        let answer = server.send("OPTIONS", path, &[], b"");
        assert_eq!(answer.header("tus-resumable"), None);
    }
}

#[test]
fn another_version_is_refused_with_412_and_nothing_is_done() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let path = ann.begin(5);
    let bearer = format!("Bearer {}", server.token("ann"));
    for version in [Some("0.2.2"), Some("2.0.0"), Some(""), None] {
        let with = |method: &str, path: &str, more: &[(&str, &str)], body: &[u8]| {
            let mut headers = vec![("Authorization", bearer.as_str())];
            headers.extend(version.map(|version| ("Tus-Resumable", version)));
            headers.extend(more);
            let answer = server.send(method, path, &headers, body);
            assert_eq!(answer.status, 412, "{method} {version:?}");
            assert_eq!(answer.header("tus-version"), Some("1.0.0"));
            assert_eq!(answer.header("clipsy-error-code"), Some("tus_version"));
        };
        with("POST", "/api/uploads/", &[("Upload-Length", "5")], b"");
        with(
            "PATCH",
            &path,
            &[("Upload-Offset", "0"), OFFSET_STREAM],
            b"01234",
        );
        with("HEAD", &path, &[], b"");
        with("DELETE", &path, &[], b"");
    }
    assert_eq!(ann.offset(&path), 0);
    let left = ann.send("GET", "/api/uploads/", &[], b"").json();
    assert_eq!(left.as_array().unwrap().len(), 1);
}

#[test]
fn options_lists_versions_extensions_and_limits_without_a_token() {
    let server = Server::start_with(|s| s.service.max_upload_bytes = 1_234_567);
    for path in ["/api/uploads", "/api/uploads/", "/api/uploads/x"] {
        let answer = server.send("OPTIONS", path, &[], b"");
        assert_eq!(answer.status, 204);
        assert_eq!(answer.header("tus-version"), Some("1.0.0"));
        assert_eq!(answer.header("tus-max-size"), Some("1234567"));
        assert_eq!(
            answer.header("tus-extension"),
            Some(
                "creation,creation-with-upload,creation-defer-length,expiration,checksum,\
                 termination,concatenation"
            )
        );
        assert_eq!(
            answer.header("tus-checksum-algorithm"),
            Some("sha1,sha256,crc32")
        );
    }
}

#[test]
fn the_method_may_be_overridden() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let path = ann.begin(5);
    let over = |name| ("X-HTTP-Method-Override", name);
    let headers = [over("PATCH"), OFFSET_STREAM, ("Upload-Offset", "0")];
    let answer = ann.send("POST", &path, &headers, b"01");
    assert_eq!((answer.status, offset_of(&answer)), (204, 2));
    let answer = ann.send("GET", &path, &[over("HEAD")], b"");
    assert_eq!((answer.status, offset_of(&answer)), (200, 2));
    let answer = ann.send("POST", &path, &[over("DELETE")], b"");
    assert_eq!(answer.status, 204);
    assert_eq!(ann.head(&path).status, 404);
    // The other way round, too: what counts is the header.
    let answer = ann.send(
        "PATCH",
        "/api/uploads/",
        &[over("POST"), ("Upload-Length", "1")],
        b"",
    );
    assert_eq!(answer.status, 201);
}

#[test]
fn head_tells_the_offset_even_if_it_is_zero_or_all() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let path = ann.begin_with(&[
        ("Upload-Length", "5"),
        ("Upload-Metadata", "filename YS5tcDQ=,odd"),
    ]);
    for (sent, offset) in [(&b""[..], "0"), (b"012", "3"), (b"34", "5")] {
        if !sent.is_empty() {
            let before = ann.offset(&path);
            assert_eq!(ann.patch(&path, before, sent).status, 204);
        }
        let answer = ann.head(&path);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("upload-offset"), Some(offset));
        assert_eq!(answer.header("upload-length"), Some("5"));
        assert_eq!(
            answer.header("upload-metadata"),
            Some("filename YS5tcDQ=,odd")
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("upload-defer-length"), None);
        assert_eq!(answer.header("upload-concat"), None);
        assert!(answer.body.is_empty());
        assert_eq!(video_of(&answer).is_some(), offset == "5");
    }
}

#[test]
fn head_of_what_is_not_there_tells_no_offset() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    for id in [
        "0123456789abcdef0123456789abcdef",
        "0123456789ABCDEF0123456789ABCDEF",
        "x",
        "..%2f..%2fkeys",
    ] {
        let answer = ann.head(&format!("/api/uploads/{id}"));
        assert_eq!(answer.status, 404, "{id}");
        assert_eq!(answer.header("upload-offset"), None);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let answer = ann.patch(&format!("/api/uploads/{id}"), 0, b"x");
        refused(&answer, 404, "not_found");
        assert_eq!(answer.header("upload-offset"), None);
    }
}

#[test]
fn a_patch_adds_its_bytes_and_answers_204_with_the_new_offset() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let bytes = pattern(3_000_000, 1);
    let path = ann.begin(bytes.len());
    let mut offset = 0;
    for size in [1, 0, 1_500_000, 1_000_000, 499_999] {
        let answer = ann.patch(&path, offset, &bytes[offset..offset + size]);
        offset += size;
        assert_eq!((answer.status, offset_of(&answer)), (204, offset));
        assert!(answer.body.is_empty());
        assert_eq!(video_of(&answer).is_some(), offset == bytes.len());
    }
    assert!(ann.original(1) == bytes);
    // Asking once more is no mistake.
    let answer = ann.patch(&path, offset, b"");
    assert_eq!((answer.status, offset_of(&answer)), (204, offset));
    assert_eq!(video_of(&answer), Some(1));
    assert_eq!(ann.videos().len(), 1);
}

#[test]
fn a_patch_at_another_offset_is_409_and_changes_nothing() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let path = ann.begin(10);
    assert_eq!(ann.patch(&path, 0, b"01234").status, 204);
    for offset in [0, 4, 6, 10, 11, 1 << 40] {
        let answer = ann.patch(&path, offset, b"xx");
        refused(&answer, 409, "offset_mismatch");
        assert_eq!(offset_of(&answer), 5);
    }
    assert_eq!(ann.offset(&path), 5);
    assert_eq!(ann.patch(&path, 5, b"56789").status, 204);
    assert_eq!(ann.original(1), b"0123456789");
}

#[test]
fn a_patch_without_a_proper_offset_is_400() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let path = ann.begin(10);
    for headers in [
        &[OFFSET_STREAM][..],
        &[OFFSET_STREAM, ("Upload-Offset", "-1")],
        &[OFFSET_STREAM, ("Upload-Offset", "x")],
        &[
            OFFSET_STREAM,
            ("Upload-Offset", "0"),
            ("Upload-Offset", "0"),
        ],
    ] {
        let answer = ann.send("PATCH", &path, headers, b"0");
        refused(&answer, 400, "parse_error");
    }
    assert_eq!(ann.offset(&path), 0);
}

#[test]
fn a_patch_of_another_media_type_is_415() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let path = ann.begin(10);
    for kind in [
        "application/octet-stream",
        "text/plain",
        "application/json",
        "",
    ] {
        let headers = [("Content-Type", kind), ("Upload-Offset", "0")];
        let answer = ann.send("PATCH", &path, &headers, b"0");
        refused(&answer, 415, "unsupported_media_type");
    }
    let answer = ann.send("PATCH", &path, &[("Upload-Offset", "0")], b"0");
    refused(&answer, 415, "unsupported_media_type");
    assert_eq!(ann.offset(&path), 0);
    let headers = [
        ("Content-Type", "Application/Offset+Octet-Stream; x=y"),
        ("Upload-Offset", "0"),
    ];
    assert_eq!(ann.send("PATCH", &path, &headers, b"0").status, 204);
}

#[test]
fn more_bytes_than_the_length_are_413() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let path = ann.begin(5);
    let answer = ann.patch(&path, 0, b"0123456789");
    refused(&answer, 413, "too_large");
    assert_eq!(ann.offset(&path), 0);

    // Without an announcement what comes is counted.
    let chunked = b"3\r\n012\r\n8\r\n34567890\r\n0\r\n\r\n";
    let stream = ann.open_patch(&path, 0, "Transfer-Encoding: chunked", chunked);
    let answer = crate::support::Answer::read(stream, false);
    refused(&answer, 413, "too_large");
    assert_eq!(offset_of(&answer), ann.offset(&path));
    assert!(ann.offset(&path) < 5);
    assert_eq!(ann.videos().len(), 0);

    let offset = ann.offset(&path);
    let answer = ann.patch(&path, offset, &b"01234"[offset..]);
    assert_eq!(answer.status, 204);
    refused(&ann.patch(&path, 5, b"x"), 413, "too_large");
    assert_eq!(ann.original(1), b"01234");
}

#[test]
fn other_methods_are_405() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let answer = ann.send("PUT", "/api/uploads/", &[], b"");
    refused(&answer, 405, "method_not_allowed");
    assert_eq!(answer.header("allow"), Some("GET, POST, OPTIONS"));
    let answer = ann.send("POST", &ann.begin(1), &[], b"");
    refused(&answer, 405, "method_not_allowed");
    assert_eq!(
        answer.header("allow"),
        Some("GET, HEAD, PATCH, DELETE, OPTIONS")
    );
}
