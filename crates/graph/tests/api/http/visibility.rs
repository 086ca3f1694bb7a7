//! Who may see what: every kind of asker, visibility and route.

use serde_json::{Value, json};

use crate::support::Server;

#[test]
fn everyone_sees_what_they_may_and_nothing_else() {
    let server = Server::start();
    let ann = server.token("ann");
    let askers = [
        ("nobody", String::new()),
        ("owner", ann.clone()),
        ("another", server.token("bob")),
        ("admin", server.token("root")),
    ];
    for visibility in ["public", "unlisted", "private"] {
        let id = server.video(&ann, visibility);
        server.make_ready(id);
        let original = server.run(async { server.app.db.asset(id).await.unwrap().unwrap() });
        for (asker, token) in &askers {
            let manages = matches!(*asker, "owner" | "admin");
            let listed = visibility == "public" || manages;
            let seen = visibility == "public" || manages;
            let what = format!("{asker}, {visibility}");

            for query in ["", "?page=1&page_size=100"] {
                let path = format!("/api/videos/{query}");
                let list = server.call("GET", &path, token, &Value::Null).json();
                let list = if query.is_empty() {
                    list
                } else {
                    list["results"].clone()
                };
                let found = list.as_array().unwrap().iter().any(|v| v["id"] == id);
                assert_eq!(found, listed, "{what} {query}");
            }
            let revision = server.revision(id);
            for path in [
                format!("/media/videos/processed/{id}/720p/{revision}/segment_00000.ts"),
                format!("/media/videos/processed/{id}/{revision}/storyboard_000.jpg"),
                format!("/media/videos/thumbnails/{id}_{revision}.jpg"),
                format!("/api/videos/{id}/"),
                format!("/api/videos/{id}/stream/"),
                format!("/media/{}", original.source_key),
                format!("/media/videos/processed/{id}/master.m3u8"),
                format!("/media/videos/processed/{id}/720p/playlist.m3u8"),
                format!("/media/videos/processed/{id}/720p/segment_00000.ts"),
                format!("/media/videos/processed/{id}/storyboard.vtt"),
                format!("/media/videos/processed/{id}/storyboard_000.jpg"),
                format!("/media/videos/thumbnails/{id}_1.jpg"),
                format!("/media/videos/thumbnails/{id}.jpg"),
            ] {
                for method in ["GET", "HEAD"] {
                    let answer = server.call(method, &path, token, &Value::Null);
                    let expected = if seen { 200 } else { 404 };
                    assert_eq!(answer.status, expected, "{what}: {method} {path}");
                }
                if !seen {
                    // Just as if there was nothing.
                    server
                        .call("GET", &path, token, &Value::Null)
                        .is_not_found();
                }
            }
        }
    }
}

#[test]
fn a_token_that_is_over_is_as_good_as_none_for_players() {
    let server = Server::start();
    let token = server.token("ann");
    let (public, private) = (
        server.video(&token, "public"),
        server.video(&token, "private"),
    );
    for id in [public, private] {
        server.make_ready(id);
    }
    let master = |id| {
        let path = format!("/media/videos/processed/{id}/master.m3u8");
        server.call("GET", &path, &token, &Value::Null).status
    };
    assert_eq!((master(public), master(private)), (200, 200));
    server.call("POST", "/api/auth/logout/", &token, &Value::Null);
    assert_eq!((master(public), master(private)), (200, 404));
}

/// The key of a video's link, as its owner reads it.
fn key_of(server: &Server, id: i64, token: &str) -> String {
    let path = format!("/api/videos/{id}/");
    let video = server.call("GET", &path, token, &Value::Null).json();
    let url = video["url"].as_str().unwrap();
    url.strip_prefix("/watch/").unwrap().to_owned()
}

#[test]
fn an_unlisted_video_answers_to_its_link_alone() {
    let server = Server::start();
    let ann = server.token("ann");
    let id = server.video(&ann, "unlisted");
    server.make_ready(id);
    let key = key_of(&server, id, &ann);
    assert!(key.len() == 32 && key != "0".repeat(32), "{key}");
    let video = server.get(&format!("/api/videos/{key}/"));
    assert_eq!(video.status, 200, "{}", video.text());
    let video = video.json();
    let text = |name: &str| video[name].as_str().unwrap().to_owned();
    let master = text("hls_playlist");
    assert_eq!(
        master,
        format!("/media/v/{key}/videos/processed/{id}/master.m3u8")
    );
    let folder = master.strip_suffix("master.m3u8").unwrap();
    let revision = server.revision(id);
    let link = server
        .call(
            "POST",
            &format!("/api/videos/{key}/playback/"),
            "",
            &Value::Null,
        )
        .json();
    let oembed = format!("/oembed?url=http://localhost/watch/{key}");
    let by_key = [
        master.clone(),
        text("thumbnail"),
        text("storyboard"),
        video["qualities"][0]["playlist_path"]
            .as_str()
            .unwrap()
            .to_owned(),
        format!("{folder}720p/{revision}/segment_00000.ts"),
        format!("{folder}{revision}/storyboard_000.jpg"),
        format!("/api/videos/{key}/stream/"),
        link["hls_playlist"].as_str().unwrap().to_owned(),
        link["original"].as_str().unwrap().to_owned(),
        oembed.clone(),
    ];
    for path in &by_key {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
    let page = server.get(&format!("/watch/{key}")).text();
    for told in [
        format!("/watch/{key}\""),
        format!("/embed/{key}\""),
        format!("/media/v/{key}/videos/thumbnails/{id}_"),
        "noindex".to_owned(),
    ] {
        assert!(page.contains(&told), "{told}: {page}");
    }
    assert!(
        server
            .get(&format!("/embed/{key}"))
            .text()
            .contains("og:title")
    );
    let embedded = server.get(&oembed).text();
    assert!(embedded.contains(&format!("/embed/{key}")), "{embedded}");

    // Counting finds nothing, on any page.
    for path in [format!("/watch/{id}"), format!("/embed/{id}")] {
        assert!(!server.get(&path).text().contains("og:"), "{path}");
    }
    let counted = format!("/oembed?url=http://localhost/watch/{id}");
    server.get(&counted).is_not_found();
    // Nor does a key that is nearly right, or one of another video.
    let other = server.video(&ann, "unlisted");
    server.make_ready(other);
    let other = key_of(&server, other, &ann);
    for wrong in [other, key.to_uppercase(), "0".repeat(32)] {
        server.get(&master.replace(&key, &wrong)).is_not_found();
    }

    // Made private it is closed at once; the link does not come back to life.
    let change = |visibility: &str| {
        let body = json!({ "visibility": visibility });
        let path = format!("/api/videos/{id}/");
        assert_eq!(server.call("PATCH", &path, &ann, &body).status, 200);
    };
    for visibility in ["private", "unlisted", "public"] {
        change(visibility);
        for path in &by_key {
            let public_link = visibility == "public" && path.starts_with("/media/s/");
            assert_eq!(
                server.get(path).status == 200,
                public_link,
                "{visibility}: {path}"
            );
        }
    }
}

#[test]
fn what_may_become_private_stays_in_shared_caches_for_a_minute() {
    let server = Server::start();
    let ann = server.token("ann");
    let id = server.video(&ann, "public");
    server.make_ready(id);
    let revision = server.revision(id);
    let path = format!("/media/videos/processed/{id}/720p/{revision}/segment_00000.ts");
    let answer = server.get(&path);
    let cache = answer.header("cache-control").unwrap();
    assert_eq!(cache, "public, max-age=31536000, s-maxage=60, immutable");
    // Caches ask again with the tag that they have; that costs no bytes.
    let tag = answer.header("etag").unwrap();
    let again = |headers: &[(&str, &str)]| server.send("GET", &path, headers, b"");
    let unchanged = again(&[("If-None-Match", tag)]);
    assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
    for visibility in ["private", "unlisted"] {
        let body = json!({ "visibility": visibility });
        server.call("PATCH", &format!("/api/videos/{id}/"), &ann, &body);
        let closed = again(&[("If-None-Match", tag)]);
        assert_eq!(
            (closed.status, closed.header("cache-control")),
            (404, Some("no-store"))
        );
        // What its owner is sent is for no other.
        let own = server.call("GET", &path, &ann, &Value::Null);
        assert_eq!(own.status, 200);
        assert!(own.header("cache-control").unwrap().starts_with("private,"));
    }
}

/// What engines and messengers see, who run no scripts.
#[test]
fn documents_are_right_before_any_script() {
    let server = Server::start();
    let ann = server.token("ann");
    let [public, unlisted, private] = ["public", "unlisted", "private"].map(|visibility| {
        let id = server.video(&ann, visibility);
        server.make_ready(id);
        id
    });
    let page = server.get(&format!("/watch/{public}"));
    assert_eq!(page.status, 200);
    assert!(page.text().contains(" · Clipsy</title>"), "{}", page.text());
    assert!(!page.text().contains("<title>Clipsy"), "{}", page.text());
    for missing in [unlisted, private, 999_999] {
        for path in [format!("/watch/{missing}"), format!("/embed/{missing}")] {
            let page = server.get(&path);
            assert_eq!(page.status, 404, "{path}");
            assert!(
                page.text().contains("<title>Video · Clipsy</title>"),
                "{path}"
            );
        }
        // Only whoever is signed in can tell; their browsers say that they are.
        let path = format!("/watch/{missing}");
        let page = server.send("GET", &path, &[("Cookie", "a=b; clipsy_in=1")], b"");
        assert_eq!(page.status, 200, "{path}");
    }
    assert!(
        server
            .get("/")
            .text()
            .contains("<title>Library · Clipsy</title>")
    );
    assert!(server.get("/studio").text().contains("noindex"));

    let map = server.get("/sitemap.xml").text();
    assert!(map.contains(&format!("/watch/{public}</loc>")), "{map}");
    for hidden in [unlisted, private] {
        assert!(!map.contains(&format!("/{hidden}<")), "{map}");
    }
    let robots = server.get("/robots.txt").text();
    assert!(robots.contains("Disallow: /studio\n"), "{robots}");
    assert!(robots.ends_with("/sitemap.xml\n"), "{robots}");
}
