//! How long media may be kept, and that nothing is kept here for too long.

use clipsy_dispatch::Message;
use clipsy_domain::asset::Visibility;
use clipsy_storage::AssetChange;
use serde_json::{Value, json};

use crate::support::{Answer, Server, wait_until};

fn file(server: &Server, id: i64, file: &str, token: &str) -> Answer {
    let path = format!("/media/videos/processed/{id}/{file}");
    server.call("GET", &path, token, &Value::Null)
}

#[test]
fn only_what_never_changes_again_may_be_kept_for_ever() {
    let server = Server::start();
    let token = server.token("ann");
    let (public, private) = (
        server.video(&token, "public"),
        server.video(&token, "private"),
    );
    let cache = |id, name: &str| {
        let answer = file(&server, id, name, &token);
        answer.header("cache-control").map(str::to_owned).unwrap()
    };
    assert_eq!(cache(public, "master.m3u8"), "no-store");
    for id in [public, private] {
        server.make_playable(id);
    }
    for name in ["master.m3u8", "720p/playlist.m3u8", "720p/segment_00000.ts"] {
        assert_eq!(cache(public, name), "no-cache", "{name}");
        assert_eq!(cache(private, name), "private, no-cache", "{name}");
    }
    let server = Server::start();
    let token = server.token("ann");
    let (public, private) = (
        server.video(&token, "public"),
        server.video(&token, "private"),
    );
    for id in [public, private] {
        server.make_ready(id);
    }
    let cache = |id, name: &str| {
        let answer = file(&server, id, name, &token);
        assert_eq!(answer.status, 200, "{name}");
        answer.header("cache-control").map(str::to_owned).unwrap()
    };
    for (folder, name) in [
        ("720p/", "segment_00000.ts"),
        ("", "storyboard_000.jpg"),
        ("", "storyboard.vtt"),
    ] {
        // An address that does not say which output it means is asked for again each time.
        let bare = format!("{folder}{name}");
        assert_eq!(cache(public, &bare), "no-cache", "{name}");
        assert_eq!(cache(private, &bare), "private, no-cache", "{name}");
        let of = |id| format!("{folder}{}/{name}", server.revision(id));
        let for_ever = "public, max-age=31536000, s-maxage=60, immutable";
        assert_eq!(cache(public, &of(public)), for_ever, "{name}");
        let for_ever = "private, max-age=31536000, immutable";
        assert_eq!(cache(private, &of(private)), for_ever, "{name}");
    }
    for name in ["master.m3u8", "720p/playlist.m3u8"] {
        assert_eq!(cache(public, name), "no-cache");
        assert_eq!(cache(private, name), "private, no-cache");
    }
    let revision = server.revision(public);
    for other in [server.revision(private), revision.replacen('1', "2", 1)] {
        let path = format!("720p/{other}/segment_00000.ts");
        file(&server, public, &path, &token).is_not_found();
    }
    // Playlists have one address.
    for path in ["master.m3u8", "720p/playlist.m3u8"] {
        let path = match path.rsplit_once('/') {
            Some((folder, name)) => format!("{folder}/{revision}/{name}"),
            None => format!("{revision}/{path}"),
        };
        file(&server, public, &path, &token).is_not_found();
    }
}

#[test]
fn a_playlist_is_another_as_soon_as_its_output_is() {
    let server = Server::start();
    let token = server.token("ann");
    let id = server.video(&token, "public");
    let mut seen = Vec::new();
    for make in [Server::make_playable, Server::make_ready] {
        make(&server, id);
        let revision = server.revision(id);
        let playlist = file(&server, id, "720p/playlist.m3u8", "");
        let wanted = format!("#EXTM3U\n{revision}/segment_00000.ts\n");
        assert_eq!(playlist.text(), wanted);
        let length = playlist.header("content-length").unwrap();
        assert_eq!(length, wanted.len().to_string());
        let tag = playlist.header("etag").unwrap().to_owned();
        assert!(!seen.contains(&tag), "{tag}");
        let path = format!("/media/videos/processed/{id}/720p/playlist.m3u8");
        let again = |tag: &str| {
            let headers = [("If-None-Match", tag)];
            server.send("GET", &path, &headers, b"").status
        };
        assert_eq!(again(&tag), 304);
        assert!(seen.iter().all(|old| again(old) == 200));
        seen.push(tag);
        if seen.len() == 1 {
            for verb in ["cancel", "retry"] {
                let path = format!("/api/videos/{id}/{verb}/");
                assert_eq!(server.call("POST", &path, &token, &Value::Null).status, 200);
            }
        }
    }
}

#[test]
fn a_growing_playlist_is_always_the_latest() {
    let server = Server::start();
    let id = server.video(&server.token("ann"), "public");
    server.make_playable(id);
    let first = file(&server, id, "720p/playlist.m3u8", "");
    let key = format!("videos/processed/{id}/1/720p/playlist.m3u8");
    server.run(async {
        server
            .app
            .media
            .put(&key, "#EXTM3U\nlonger\n".into())
            .await
            .unwrap();
    });
    let second = file(&server, id, "720p/playlist.m3u8", "");
    let longer = format!("#EXTM3U\n{}/longer\n", server.revision(id));
    assert_eq!(second.text(), longer);
    assert_ne!(first.header("etag"), second.header("etag"));
    let etag = first.header("etag").unwrap();
    let path = format!("/media/videos/processed/{id}/720p/playlist.m3u8");
    assert_eq!(
        server
            .send("GET", &path, &[("If-None-Match", etag)], b"")
            .status,
        200
    );
}

#[test]
fn files_of_another_attempt_are_never_mixed_in() {
    let server = Server::start();
    let token = server.token("ann");
    let id = server.video(&token, "public");
    server.make_playable(id);
    assert_eq!(file(&server, id, "720p/segment_00000.ts", "").status, 200);
    for verb in ["cancel", "retry"] {
        let path = format!("/api/videos/{id}/{verb}/");
        assert_eq!(server.call("POST", &path, &token, &Value::Null).status, 200);
    }
    server.make_ready(id);
    let asset = server.run(async { server.app.db.asset(id).await.unwrap().unwrap() });
    let attempt = asset.output_attempt.unwrap();
    assert!(attempt > 1);
    let key = format!("videos/processed/{id}/{attempt}/720p/segment_00000.ts");
    server.run(async { server.app.media.put(&key, "G second".into()).await.unwrap() });
    assert_eq!(
        file(&server, id, "720p/segment_00000.ts", "").body,
        b"G second"
    );
}

#[test]
fn a_video_that_is_made_private_or_deleted_stops_at_once() {
    let server = Server::start();
    let token = server.token("ann");
    for id in 1..=3 {
        assert_eq!(server.video(&token, "public"), id);
        server.make_ready(id);
    }
    // Everything is in memory now.
    for id in 1..=3 {
        assert_eq!(file(&server, id, "720p/segment_00000.ts", "").status, 200);
    }
    let patch = json!({ "visibility": "private" });
    server.call("PATCH", "/api/videos/1/", &token, &patch);
    file(&server, 1, "720p/segment_00000.ts", "").is_not_found();
    assert_eq!(
        file(&server, 1, "720p/segment_00000.ts", &token).status,
        200
    );
    server.call("DELETE", "/api/videos/2/", &token, &Value::Null);
    file(&server, 2, "720p/segment_00000.ts", &token).is_not_found();

    // Another node changes it, and this one hears of it.
    server.run(async {
        let change = AssetChange {
            visibility: Some(Visibility::Private),
            ..AssetChange::default()
        };
        server.app.db.update_asset(3, change).await.unwrap();
        let message = Message::AssetChanged { asset_id: 3 };
        server.app.dispatch.events.publish(message).await;
    });
    wait_until("the change is heard of", || {
        file(&server, 3, "720p/segment_00000.ts", "").status == 404
    });
}

#[test]
fn a_change_that_was_not_heard_of_counts_within_seconds() {
    let server = Server::start();
    let id = server.video(&server.token("ann"), "public");
    server.make_ready(id);
    assert_eq!(file(&server, id, "master.m3u8", "").status, 200);
    server.run(async { server.app.db.delete_asset(id).await.unwrap().unwrap() });
    server.clock.advance(chrono::TimeDelta::seconds(2));
    file(&server, id, "master.m3u8", "").is_not_found();
}
