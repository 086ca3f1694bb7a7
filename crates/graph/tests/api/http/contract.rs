//! The documented routes, byte by byte.

use serde_json::{Value, json};

use crate::support::{Form, ORIGINAL, Server};

/// Keeps the documented fields of an object, in the order in which they were written.
fn documented(text: &str, names: &[&str]) -> String {
    let mut position = 0;
    for name in names {
        let key = format!("\"{name}\":");
        let at = text[position..]
            .find(&key)
            .unwrap_or_else(|| panic!("{name} is missing or out of order in {text}"));
        position += at;
    }
    text[..position].to_owned()
}

#[test]
fn signing_in_and_out_looks_as_documented() {
    let server = Server::start();
    for path in ["/api/auth/login/", "/api/auth/login"] {
        let body = json!({ "username": "ann", "password": "password of ann" });
        let answer = server.call("POST", path, "", &body);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let session = answer.json();
        let (refresh, access) = (&session["refresh"], &session["access"]);
        assert_eq!(
            answer.text(),
            format!(
                r#"{{"refresh":{refresh},"access":{access},"user":{{"id":3,"username":"ann","email":"ann@example.com"}}}}"#
            )
        );
        assert!(access.as_str().unwrap().starts_with("eyJ"));
    }
    let token = server.token("ann");
    for path in ["/api/auth/logout/", "/api/auth/logout"] {
        let token = if path.ends_with('/') {
            token.clone()
        } else {
            server.token("ann")
        };
        let answer = server.call("POST", path, &token, &Value::Null);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.text(), r#"{"detail":"Successfully logged out"}"#);
    }
}

#[test]
fn a_wrong_password_and_an_unknown_name_look_as_documented_and_alike() {
    let server = Server::start();
    for (name, password) in [("ann", "wrong"), ("nobody", "password of ann")] {
        let body = json!({ "username": name, "password": password });
        server.call("POST", "/api/auth/login/", "", &body).is_error(
            401,
            "no_active_account",
            r#"{"detail":"No active account found with the given credentials"}"#,
        );
    }
}

#[test]
fn an_upload_is_answered_as_documented_and_then_listed() {
    let server = Server::start();
    let token = server.token("ann");
    let form = Form::new()
        .text("title", "New Video")
        .text("description", "Video description")
        .file("film.mp4", ORIGINAL);
    let answer = server.upload(&token, &form);
    assert_eq!(answer.status, 201);
    assert_eq!(
        answer.text(),
        r#"{"id":1,"title":"New Video","description":"Video description","status":"processing","created_at":"2024-01-15T10:30:00Z","message":"Video uploaded successfully. Processing will begin shortly."}"#
    );
    let item = &server.get("/api/videos/").json()[0];
    for (name, value) in [
        ("thumbnail", Value::Null),
        ("duration", Value::Null),
        ("hls_playlist", Value::Null),
        ("status", json!("pending")),
        ("qualities", json!([])),
    ] {
        assert_eq!(item[name], value, "{name}");
    }
    let detail = server.get("/api/videos/1/").json();
    assert_eq!(detail["resolution"], Value::Null);
    assert_eq!(detail["fps"], Value::Null);
}

#[test]
fn a_ready_video_is_listed_as_documented() {
    let server = Server::start();
    let token = server.token("ann");
    let form = Form::new()
        .text("title", "Sample Video")
        .text("description", "A sample video description")
        .file("sample.mp4", ORIGINAL);
    server.upload(&token, &form);
    server.make_ready(1);
    let revision = server.revision(1);
    let qualities = |text: &str| {
        let ids: Vec<Value> = serde_json::from_str::<Value>(text).unwrap()["qualities"]
            .as_array()
            .unwrap()
            .iter()
            .map(|q| q["id"].clone())
            .collect();
        format!(
            r#"[{{"id":{},"quality":"1080p","resolution":"1920x1080","bitrate":5000,"file_size":15728640,"playlist_path":"/media/videos/processed/1/1080p/playlist.m3u8"}},{{"id":{},"quality":"720p","resolution":"1280x720","bitrate":2500,"file_size":7864320,"playlist_path":"/media/videos/processed/1/720p/playlist.m3u8"}}]"#,
            ids[0], ids[1]
        )
    };

    for path in ["/api/videos/", "/api/videos"] {
        let answer = server.get(path);
        assert_eq!(answer.status, 200);
        let text = answer.text();
        let item = text.strip_prefix('[').unwrap().strip_suffix(']').unwrap();
        let qualities = qualities(item);
        assert_eq!(
            documented(item, &["visibility"]),
            format!(
                r#"{{"id":1,"title":"Sample Video","description":"A sample video description","thumbnail":"/media/videos/thumbnails/1_{revision}.jpg","duration":120.5,"views":0,"created_at":"2024-01-15T10:30:00Z","status":"ready","hls_playlist":"/media/videos/processed/1/master.m3u8","qualities":{qualities},"#
            )
        );
    }

    for path in ["/api/videos/1/", "/api/videos/1"] {
        let answer = server.get(path);
        assert_eq!(answer.status, 200);
        let text = answer.text();
        let qualities = qualities(&text);
        assert_eq!(
            documented(&text, &["visibility"]),
            format!(
                r#"{{"id":1,"title":"Sample Video","description":"A sample video description","thumbnail":"/media/videos/thumbnails/1_{revision}.jpg","duration":120.5,"resolution":"1920x1080","fps":30,"views":0,"created_at":"2024-01-15T10:30:00Z","updated_at":"2024-01-15T10:35:00Z","status":"ready","hls_playlist":"/media/videos/processed/1/master.m3u8","qualities":{qualities},"#
            )
        );
    }
}

#[test]
fn every_listed_path_can_be_fetched() {
    let server = Server::start();
    let token = server.token("ann");
    let id = server.video(&token, "public");
    server.make_ready(id);
    let video = server.get(&format!("/api/videos/{id}/")).json();
    let mut paths = vec![
        video["thumbnail"].as_str().unwrap(),
        video["hls_playlist"].as_str().unwrap(),
        video["storyboard"].as_str().unwrap(),
    ];
    for quality in video["qualities"].as_array().unwrap() {
        paths.push(quality["playlist_path"].as_str().unwrap());
    }
    assert_eq!(paths.len(), 5);
    for path in paths {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
}

/// An ordinary client library, from signing in to deleting.
#[test]
fn an_independent_client_gets_through() {
    let server = Server::start();
    let agent = ureq::Agent::new_with_defaults();
    let url = |path: &str| format!("http://{}{path}", server.address);
    let mut answer = agent
        .post(url("/api/auth/login/"))
        .send_json(json!({ "username": "ANN", "password": "password of ann" }))
        .unwrap();
    let session: Value = answer.body_mut().read_json().unwrap();
    let bearer = format!("Bearer {}", session["access"].as_str().unwrap());
    let form = Form::new()
        .file("sample.mp4", ORIGINAL)
        .text("title", "Through ureq");
    let mut answer = agent
        .post(url("/api/videos/"))
        .header("Authorization", &bearer)
        .header("Content-Type", Form::TYPE)
        .send(&form.end())
        .unwrap();
    let uploaded: Value = answer.body_mut().read_json().unwrap();
    let id = uploaded["id"].as_i64().unwrap();
    server.make_ready(id);
    let mut answer = agent.get(url("/api/videos/")).call().unwrap();
    let list: Value = answer.body_mut().read_json().unwrap();
    assert_eq!(list[0]["title"], "Through ureq");
    let path = list[0]["hls_playlist"].as_str().unwrap();
    let mut answer = agent.get(url(path)).call().unwrap();
    assert!(
        answer
            .body_mut()
            .read_to_string()
            .unwrap()
            .starts_with("#EXTM3U")
    );
    let mut answer = agent
        .get(url(&format!("/api/videos/{id}/stream/")))
        .header("Range", "bytes=0-9")
        .call()
        .unwrap();
    assert_eq!(answer.status(), 206);
    assert_eq!(answer.body_mut().read_to_vec().unwrap(), b"0123456789");
    let answer = agent
        .delete(url(&format!("/api/videos/{id}/")))
        .header("Authorization", &bearer)
        .call()
        .unwrap();
    assert_eq!(answer.status(), 204);
    let gone = agent.get(url(&format!("/api/videos/{id}/"))).call();
    assert!(matches!(gone, Err(ureq::Error::StatusCode(404))));
}
