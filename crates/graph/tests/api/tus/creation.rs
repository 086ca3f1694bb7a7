//! Creation, also with bytes, and with a length that is told later.

use super::client::{
    OFFSET_STREAM, base64, offset_of, path_of, pattern, refused, sender, video_of,
};
use crate::support::{Answer, Server};

#[test]
fn a_creation_is_201_with_the_address_of_the_upload() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    for collection in ["/api/uploads/", "/api/uploads"] {
        let answer = ann.send("POST", collection, &[("Upload-Length", "100")], b"");
        assert_eq!(answer.status, 201);
        let path = path_of(&answer);
        let url = answer.header("location").unwrap();
        assert_eq!(url, format!("http://{}{path}", server.address));
        let id = path.strip_prefix("/api/uploads/").unwrap();
        assert_eq!(id.len(), 32);
        assert!(
            id.bytes()
                .all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
        );
        for path in [path.clone(), format!("{path}/")] {
            assert_eq!(ann.offset(&path), 0);
        }
    }
}

#[test]
fn a_length_above_the_limit_is_413() {
    let server = Server::start_with(|s| s.service.max_upload_bytes = 100);
    let ann = sender(&server, "ann");
    assert_eq!(ann.create(&[("Upload-Length", "100")]).status, 201);
    for length in ["101", "9223372036854775807"] {
        let answer = ann.create(&[("Upload-Length", length)]);
        refused(&answer, 413, "too_large");
        assert_eq!(answer.header("location"), None);
    }
}

#[test]
fn a_length_that_is_none_is_400() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    for headers in [
        &[][..],
        &[("Upload-Length", "-1")],
        &[("Upload-Length", "x")],
        &[("Upload-Length", "9223372036854775808")],
        &[("Upload-Length", "1"), ("Upload-Length", "2")],
        &[("Upload-Defer-Length", "2")],
        &[("Upload-Defer-Length", "1"), ("Upload-Length", "5")],
    ] {
        refused(&ann.create(headers), 400, "parse_error");
    }
    // No video is in there, and nobody could ever send its bytes.
    refused(&ann.create(&[("Upload-Length", "0")]), 400, "upload_empty");
    assert!(server.stored("uploads").is_empty());
}

#[test]
fn a_deferred_length_is_told_until_it_is_known_and_then_stays() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let path = ann.begin_with(&[("Upload-Defer-Length", "1")]);
    let answer = ann.head(&path);
    assert_eq!(answer.header("upload-defer-length"), Some("1"));
    assert_eq!(answer.header("upload-length"), None);
    assert_eq!(ann.patch(&path, 0, b"0123").status, 204);
    assert_eq!(ann.head(&path).header("upload-defer-length"), Some("1"));

    for length in ["3", "-1", "x"] {
        let answer = ann.patch_with(&path, 4, &[("Upload-Length", length)], b"4");
        refused(&answer, 400, "parse_error");
    }
    assert_eq!(ann.offset(&path), 4);
    let answer = ann.patch_with(&path, 4, &[("Upload-Length", "6")], b"4");
    assert_eq!((answer.status, offset_of(&answer)), (204, 5));
    let answer = ann.head(&path);
    assert_eq!(answer.header("upload-defer-length"), None);
    assert_eq!(answer.header("upload-length"), Some("6"));

    for length in ["5", "7"] {
        let answer = ann.patch_with(&path, 5, &[("Upload-Length", length)], b"5");
        refused(&answer, 400, "parse_error");
    }
    let answer = ann.patch_with(&path, 5, &[("Upload-Length", "6")], b"5");
    assert_eq!(answer.status, 204);
    assert_eq!(ann.original(video_of(&answer).unwrap()), b"012345");
}

#[test]
fn a_deferred_length_can_be_told_when_all_bytes_are_there() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let path = ann.begin_with(&[("Upload-Defer-Length", "1")]);
    assert_eq!(ann.patch(&path, 0, b"0123").status, 204);
    let answer = ann.patch_with(&path, 4, &[("Upload-Length", "4")], b"");
    assert_eq!((answer.status, offset_of(&answer)), (204, 4));
    assert_eq!(ann.original(video_of(&answer).unwrap()), b"0123");
}

#[test]
fn a_deferred_length_does_not_get_around_the_limit() {
    let server = Server::start_with(|s| s.service.max_upload_bytes = 3 << 20);
    let ann = sender(&server, "ann");
    let path = ann.begin_with(&[("Upload-Defer-Length", "1")]);
    let bytes = pattern(4 << 20, 1);
    refused(&ann.patch(&path, 0, &bytes), 413, "too_large");
    assert_eq!(ann.offset(&path), 0);
    let mut chunked = Vec::new();
    for part in bytes.chunks(1 << 20) {
        chunked.extend(format!("{:x}\r\n", part.len()).bytes());
        chunked.extend(part);
        chunked.extend(b"\r\n");
    }
    chunked.extend(b"0\r\n\r\n");
    let stream = ann.open_patch(&path, 0, "Transfer-Encoding: chunked", &chunked);
    let answer = Answer::read(stream, false);
    refused(&answer, 413, "too_large");
    let offset = ann.offset(&path);
    assert_eq!(offset_of(&answer), offset);
    assert!(offset <= 3 << 20);
    let answer = ann.patch_with(&path, offset, &[("Upload-Length", "3145729")], b"");
    refused(&answer, 413, "too_large");
    let answer = ann.patch_with(
        &path,
        offset,
        &[("Upload-Length", "3145728")],
        &bytes[offset..3 << 20],
    );
    assert_eq!(answer.status, 204);
    assert!(ann.original(1) == bytes[..3 << 20]);
}

#[test]
fn metadata_with_keys_that_are_odd_is_400() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    for metadata in [
        "filename YQ==,filename Yg==",
        "filename YQ==,,title Yg==",
        ", filename YQ==",
        "filename %%%",
        "filename YQ== Yg==",
    ] {
        let answer = ann.create(&[("Upload-Length", "1"), ("Upload-Metadata", metadata)]);
        refused(&answer, 400, "parse_error");
    }
    let answer = ann.create(&[
        ("Upload-Length", "1"),
        ("Upload-Metadata", "visibility YQ=="),
    ]);
    answer.is_error(
        400,
        "invalid",
        r#"{"visibility":["\"a\" is not a valid choice."]}"#,
    );
    let long = format!("title {}", base64(&[b'x'; 256]));
    let answer = ann.create(&[("Upload-Length", "1"), ("Upload-Metadata", &long)]);
    refused(&answer, 400, "invalid");
}

#[test]
fn metadata_becomes_what_is_said_about_the_video() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let metadata = format!(
        "filename {},filetype {},title {},description {},visibility {},relativePath bnVsbA==",
        base64("Фильм.MOV".as_bytes()),
        base64(b"video/quicktime"),
        base64("Ein schöner Film".as_bytes()),
        base64(b"two\nlines"),
        base64(b"private"),
    );
    let id = ann.upload(&[("Upload-Metadata", &metadata)], b"bytes");
    let video = ann
        .send("GET", &format!("/api/videos/{id}/"), &[], b"")
        .json();
    assert_eq!(video["title"], "Ein schöner Film");
    assert_eq!(video["description"], "two\nlines");
    assert_eq!(video["visibility"], "private");
    let asset = server.run(async { server.app.db.asset(id).await.unwrap().unwrap() });
    assert_eq!(asset.source_name, "Фильм.MOV");
    assert_eq!(asset.source_type, "video/quicktime");
    assert_eq!(asset.source_bytes, 5);

    for (metadata, title) in [
        ("filename aG9saWRheS5tcDQ=", "holiday"),
        ("name aG9saWRheS5tcDQ=,type eA==", "holiday"),
        ("filename aG9saWRheS5tcDQ=,title IA==", "holiday"),
        ("", "Untitled"),
    ] {
        ann.upload(&[("Upload-Metadata", metadata)], b"bytes");
        assert_eq!(ann.videos()[0].1, title);
    }
}

#[test]
fn bytes_may_come_with_the_creation() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let create = |length: &str, body: &[u8]| {
        let headers = [OFFSET_STREAM, ("Upload-Length", length)];
        ann.send("POST", "/api/uploads/", &headers, body)
    };
    let answer = create("5", b"01234");
    assert_eq!((answer.status, offset_of(&answer)), (201, 5));
    let id = video_of(&answer).unwrap();
    assert_eq!(ann.original(id), b"01234");
    assert_eq!(video_of(&ann.head(&path_of(&answer))), Some(id));

    let answer = create("8", b"01234");
    assert_eq!((answer.status, offset_of(&answer)), (201, 5));
    assert_eq!(video_of(&answer), None);
    assert!(answer.header("upload-expires").is_some());
    assert_eq!(ann.patch(&path_of(&answer), 5, b"567").status, 204);
    assert_eq!(ann.original(id + 1), b"01234567");

    refused(&create("4", b"01234"), 413, "too_large");
    let headers = [("Content-Type", "video/mp4"), ("Upload-Length", "5")];
    let answer = ann.send("POST", "/api/uploads/", &headers, b"01234");
    refused(&answer, 415, "unsupported_media_type");
    // A media type without bytes says nothing.
    let answer = ann.send("POST", "/api/uploads/", &headers, b"");
    assert_eq!(answer.status, 201);
    let deferred = [OFFSET_STREAM, ("Upload-Defer-Length", "1")];
    let answer = ann.send("POST", "/api/uploads/", &deferred, b"012");
    assert_eq!((answer.status, offset_of(&answer)), (201, 3));
    assert_eq!(ann.videos().len(), 2);
}

#[test]
fn a_creation_whose_bytes_are_refused_leaves_nothing() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let headers = [
        OFFSET_STREAM,
        ("Upload-Length", "5"),
        ("Upload-Checksum", "crc32 AAAAAA=="),
    ];
    let answer = ann.send("POST", "/api/uploads/", &headers, b"01234");
    refused(&answer, 460, "checksum_mismatch");
    let stream = ann.open(
        "POST",
        "/api/uploads/",
        "Upload-Length: 5\r\nTransfer-Encoding: chunked",
        b"2\r\n01\r\n4\r\n2345\r\n0\r\n\r\n",
    );
    refused(&Answer::read(stream, false), 413, "too_large");
    let left = ann.send("GET", "/api/uploads/", &[], b"");
    assert_eq!(left.text(), "[]");
    assert!(server.stored("uploads").is_empty());
}
