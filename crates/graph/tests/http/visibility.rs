//! Who may see what: every kind of asker, visibility and route.

use serde_json::Value;

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
            let seen = visibility != "private" || manages;
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
