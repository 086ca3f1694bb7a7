//! Media as players fetch it.

use bytes::Bytes;
use clipsy_domain::media_key::{self, output_prefix};
use clipsy_service::StillError;
use serde_json::{Value, json};

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
        let text =
            media_key::revise_playlist(&String::from_utf8_lossy(bytes), &server.revision(id));
        let bytes = match file {
            "720p/playlist.m3u8" => text.as_bytes(),
            _ => bytes,
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
        // What hls.js and pages make of a request: lengths of buffers (CMCD), habits of libraries.
        (
            "Access-Control-Request-Headers",
            "authorization,cmcd-object,cmcd-request,cmcd-session,content-type,pragma,range,\
             x-requested-with,x-whatever",
        ),
    ];
    let answer = server.send("OPTIONS", &path, &headers, b"");
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(
        answer.header("access-control-allow-headers"),
        Some(headers[2].1)
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

#[test]
fn a_chosen_picture_is_told_everywhere() {
    let server = Server::start();
    let token = server.token("ann");
    let id = server.video(&token, "public");
    server.make_ready(id);
    let key = format!("{}1080p/playlist.m3u8", output_prefix(id, 1));
    let playlist = Bytes::from_static(b"#EXTM3U\n#EXTINF:10.000000,\n#EXT-X-ENDLIST\n");
    server.run(server.app.media.put(&key, playlist)).unwrap();
    let choose = |at_s: f64| {
        let query = format!(
            "mutation {{ chooseThumbnail(input: {{id: \"{id}\", atSeconds: {at_s}}}) {{
                userErrors {{ code }} }} }}"
        );
        let answer = server.call("POST", "/graphql", &token, &json!({ "query": query }));
        answer.json()["data"]["chooseThumbnail"]["userErrors"].clone()
    };
    let path = format!("/api/videos/{id}/");
    let told = || {
        let video = server.call("GET", &path, "", &Value::Null).json();
        video["thumbnail"].as_str().unwrap().to_owned()
    };
    let before = told();
    assert_eq!(choose(3.0), json!([]));
    let chosen = told();
    assert_ne!(chosen, before);
    let list = server.call("GET", "/api/videos/", "", &Value::Null);
    assert!(list.text().contains(&chosen), "{}", list.text());
    let link = server.call("POST", &format!("{path}playback/"), "", &Value::Null);
    let link = link.json()["thumbnail"].as_str().unwrap().to_owned();
    assert!(link.starts_with("/media/s/"), "{link}");
    assert_eq!(server.get(&link).body, server.get(&chosen).body);

    // What cannot be made changes nothing.
    *server.stills.trouble.lock().unwrap() = Some(StillError::Busy);
    assert_eq!(choose(4.0), json!([{ "code": "busy" }]));
    assert_eq!(told(), chosen);
}
