//! Links for players that send no token.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{FILES, ORIGINAL, Server};

/// A server with two ready private videos of `ann`, and a link for the first.
fn server() -> (Server, String, Value) {
    let server = Server::start();
    let token = server.token("ann");
    for id in [1, 2] {
        assert_eq!(server.video(&token, "private"), id);
        server.make_ready(id);
    }
    let answer = server.call("POST", "/api/videos/1/playback/", &token, &Value::Null);
    assert_eq!(answer.status, 200, "{}", answer.text());
    (server, token, answer.json())
}

fn text<'a>(link: &'a Value, name: &str) -> &'a str {
    link[name].as_str().unwrap()
}

#[test]
fn a_link_opens_everything_of_its_video() {
    let (server, _, link) = server();
    let prefix = text(&link, "prefix");
    assert!(prefix.starts_with("/media/s/"));
    let folder = text(&link, "hls_playlist")
        .strip_suffix("master.m3u8")
        .unwrap();
    // Players resolve what playlists name against the playlist's own address.
    let revision = server.revision(1);
    let segment = format!("720p/{revision}/segment_00000.ts");
    let revised = format!("#EXTM3U\n{revision}/segment_00000.ts\n");
    let files = FILES.map(|(file, bytes)| match file {
        "720p/playlist.m3u8" => (file, revised.as_bytes()),
        "720p/segment_00000.ts" => (segment.as_str(), bytes),
        _ => (file, bytes),
    });
    for (file, bytes) in files {
        let answer = server.get(&format!("{folder}{file}"));
        assert_eq!(
            (answer.status, answer.body.as_slice()),
            (200, bytes),
            "{file}"
        );
        assert!(
            answer
                .header("cache-control")
                .unwrap()
                .starts_with("private"),
            "{file}"
        );
    }
    assert_eq!(server.get(text(&link, "thumbnail")).status, 200);
    assert_eq!(server.get(text(&link, "storyboard")).status, 200);
    assert_eq!(server.get(text(&link, "original")).body, ORIGINAL);
    let range = server.send(
        "GET",
        text(&link, "original"),
        &[("Range", "bytes=0-3")],
        b"",
    );
    assert_eq!(range.body, b"0123");
    // An hour and the length of the video after it was made.
    assert_eq!(link["expires_at"], "2024-01-15T11:42:01Z");
}

#[test]
fn a_link_opens_nothing_else() {
    let (server, _, link) = server();
    let prefix = text(&link, "prefix");
    let revision = server.revision(2);
    for path in [
        "videos/processed/2/master.m3u8",
        "videos/thumbnails/2_1.jpg",
        &format!("videos/thumbnails/2_{revision}.jpg"),
        &format!("videos/processed/2/720p/{revision}/segment_00000.ts"),
        "videos/processed/1/../2/master.m3u8",
        "",
    ] {
        server.get(&format!("{prefix}/{path}")).is_not_found();
    }
    // A link is no token, and a token is no link.
    let token = prefix.strip_prefix("/media/s/").unwrap();
    assert_eq!(
        server
            .call("GET", "/api/auth/me/", token, &Value::Null)
            .status,
        401
    );
    let token = server.token("ann");
    server
        .get(&format!("/media/s/{token}/videos/processed/1/master.m3u8"))
        .is_not_found();
}

#[test]
fn a_link_that_was_changed_or_is_over_opens_nothing() {
    let (server, _, link) = server();
    let playlist = text(&link, "hls_playlist");
    let at = playlist.find('.').unwrap() + 20;
    for (at, with) in [
        (at, "A"),
        (at, "B"),
        (12, "Z"),
        (playlist.find("/videos").unwrap() - 3, "-"),
    ] {
        let mut changed = playlist.to_owned();
        changed.replace_range(at..=at, with);
        if changed != playlist {
            server.get(&changed).is_not_found();
        }
    }
    assert_eq!(server.get(playlist).status, 200);
    server.clock.advance(TimeDelta::seconds(3_600 + 121));
    server.get(playlist).is_not_found();
}

#[test]
fn a_bad_link_does_not_even_open_a_public_video() {
    let (server, token, link) = server();
    server.call(
        "PATCH",
        "/api/videos/2/",
        &token,
        &json!({ "visibility": "public" }),
    );
    assert_eq!(
        server.get("/media/videos/processed/2/master.m3u8").status,
        200
    );
    let prefix = text(&link, "prefix");
    server
        .get(&format!("{prefix}/videos/processed/2/master.m3u8"))
        .is_not_found();
    server
        .get("/media/s/x/videos/processed/2/master.m3u8")
        .is_not_found();
}

#[test]
fn only_those_who_may_see_a_video_get_a_link() {
    let (server, _, _) = server();
    for token in [String::new(), server.token("bob")] {
        server
            .call("POST", "/api/videos/1/playback/", &token, &Value::Null)
            .is_not_found();
    }
    let token = server.token("root");
    assert_eq!(
        server
            .call("POST", "/api/videos/1/playback/", &token, &Value::Null)
            .status,
        200
    );
}

#[test]
fn a_link_ends_with_the_right_that_it_was_made_from() {
    let (server, token, link) = server();
    let playlist = text(&link, "hls_playlist");
    // One that was made without an account, while the video was public.
    server.call(
        "PATCH",
        "/api/videos/2/",
        &token,
        &json!({ "visibility": "public" }),
    );
    let anonymous = server
        .call("POST", "/api/videos/2/playback/", "", &Value::Null)
        .json();
    let anonymous = text(&anonymous, "hls_playlist");
    assert_eq!(server.get(anonymous).status, 200);
    server.call(
        "PATCH",
        "/api/videos/2/",
        &token,
        &json!({ "visibility": "private" }),
    );
    server.get(anonymous).is_not_found();
    // And one of an account that is closed.
    assert_eq!(server.get(playlist).status, 200);
    server.run(async { server.app.db.set_active(3, false).await.unwrap() });
    server.get(playlist).is_not_found();
}

#[test]
fn a_link_ends_with_its_session() {
    type End = fn(&Server, &str) -> u16;
    let change = |server: &Server, token: &str| {
        let body =
            json!({ "old_password": "password of ann", "new_password": "quite another thing" });
        server
            .call("POST", "/api/auth/password/", token, &body)
            .status
    };
    let log_out = |server: &Server, token: &str| {
        server
            .call("POST", "/api/auth/logout/", token, &Value::Null)
            .status
    };
    for (end, others) in [(change as End, 404), (log_out as End, 200)] {
        let (server, token, link) = server();
        let other = server.token("ann");
        let other = server.call("POST", "/api/videos/1/playback/", &other, &Value::Null);
        let other = other.json();
        let segment = text(&link, "hls_playlist").replace("master.m3u8", "720p/segment_00000.ts");
        assert_eq!(server.get(&segment).status, 200);
        assert_eq!(end(&server, &token), 200);
        for path in [
            &segment,
            text(&link, "hls_playlist"),
            text(&link, "original"),
        ] {
            server.get(path).is_not_found();
        }
        // A new password ends all sessions, signing out only one.
        let left = server.get(text(&other, "hls_playlist")).status;
        assert_eq!(left, others);
    }
}
