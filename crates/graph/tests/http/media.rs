//! Media as players fetch it.

use crate::support::{FILES, Server};

fn ready() -> (Server, i64) {
    let server = Server::start();
    let id = server.video(&server.token("ann"), "public");
    server.make_ready(id);
    (server, id)
}

#[test]
fn every_file_has_its_bytes_and_its_type() {
    let (server, id) = ready();
    for (file, bytes) in FILES {
        let kind = match file.rsplit_once('.').unwrap().1 {
            "m3u8" => "application/vnd.apple.mpegurl",
            "ts" => "video/mp2t",
            "vtt" => "text/vtt; charset=utf-8",
            "jpg" => "image/jpeg",
            _ => unreachable!(),
        };
        // The second time it comes from memory.
        for _ in 0..2 {
            let answer = server.get(&format!("/media/videos/processed/{id}/{file}"));
            assert_eq!(
                (answer.status, answer.body.as_slice()),
                (200, bytes),
                "{file}"
            );
            assert_eq!(answer.header("content-type"), Some(kind));
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        }
    }
    let thumbnail = server.get(&format!("/media/videos/thumbnails/{id}_1.jpg"));
    assert_eq!(thumbnail.body, b"\xff\xd8 a picture");
}

#[test]
fn ranges_conditions_and_head_work_from_memory_as_from_disk() {
    let (server, id) = ready();
    let path = format!("/media/videos/processed/{id}/720p/segment_00000.ts");
    let etag = server.get(&path).header("etag").unwrap().to_owned();
    let send = |method: &str, headers: &[(&str, &str)]| server.send(method, &path, headers, b"");
    let answer = send("GET", &[("Range", "bytes=2-8")]);
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (206, &b"segment"[..])
    );
    assert_eq!(answer.header("content-range"), Some("bytes 2-8/17"));
    assert_eq!(send("GET", &[("Range", "bytes=-4")]).body, b"720p");
    assert_eq!(send("GET", &[("Range", "bytes=17-")]).status, 416);
    assert_eq!(send("GET", &[("If-None-Match", &etag)]).status, 304);
    let head = send("HEAD", &[]);
    assert_eq!(
        (head.status, head.header("content-length")),
        (200, Some("17"))
    );
}

#[test]
fn players_on_other_pages_may_read_it() {
    let (server, id) = ready();
    let path = format!("/media/videos/processed/{id}/master.m3u8");
    let origin = ("Origin", "https://player.example.org");
    for path in [path.as_str(), "/media/videos/processed/99/master.m3u8"] {
        let answer = server.send("GET", path, &[origin], b"");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        let exposed = answer.header("access-control-expose-headers").unwrap();
        assert!(exposed.contains("Content-Range") && exposed.contains("ETag"));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
    let headers = [
        origin,
        ("Access-Control-Request-Method", "GET"),
        ("Access-Control-Request-Headers", "range, authorization"),
    ];
    let answer = server.send("OPTIONS", &path, &headers, b"");
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let allowed = answer.header("access-control-allow-headers").unwrap();
    assert!(
        allowed.contains("Range") && allowed.contains("Authorization"),
        "{allowed}"
    );
    assert!(
        answer
            .header("access-control-allow-methods")
            .unwrap()
            .contains("HEAD")
    );
    // The API is for pages of this server.
    let answer = server.send("GET", "/api/videos/", &[origin], b"");
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[test]
fn only_what_was_published_is_there() {
    let server = Server::start();
    let id = server.video(&server.token("ann"), "public");
    let master = format!("/media/videos/processed/{id}/master.m3u8");
    server.get(&master).is_not_found();
    server.make_playable(id);
    assert_eq!(server.get(&master).status, 200);
    for file in [
        "nothing.m3u8",
        "720p/segment_00001.ts",
        "1/master.m3u8",
        "720p",
        "x.html",
    ] {
        server
            .get(&format!("/media/videos/processed/{id}/{file}"))
            .is_not_found();
    }
    let media = server.folder.path().join("media");
    std::fs::write(media.join(format!("videos/processed/{id}/1/x.html")), "x").unwrap();
    server
        .get(&format!("/media/videos/processed/{id}/x.html"))
        .is_not_found();
}
