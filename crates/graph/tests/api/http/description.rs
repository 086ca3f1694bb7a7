//! The `OpenAPI` description, the docs page and the health routes.

use serde_json::{Value, json};

use crate::support::Server;

#[test]
fn every_described_route_is_there_and_every_route_is_described() {
    let server = Server::start();
    let answer = server.get("/api/schema/");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let schema = answer.json();
    assert_eq!(schema["openapi"], "3.1.0");
    let mut described: Vec<String> = vec![];
    for (path, methods) in schema["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let method = method.to_uppercase();
            described.push(format!("{method} {path}"));
            let real = path.replace("{id}", "99").replace("{path}", "videos/x");
            let real = real.replace("{language}", "en");
            for real in [real.as_str(), real.trim_end_matches('/')] {
                let answer = server.send(&method, real, &[], b"");
                let code = answer.header("clipsy-error-code").unwrap_or("");
                assert_ne!(code, "method_not_allowed", "{method} {real}");
                let unrouted = code == "not_found" && !path.contains('{');
                assert!(!unrouted, "{method} {real}");
                let status = answer.status.to_string();
                assert!(
                    operation["responses"].get(&status).is_some(),
                    "{method} {real} answered {status}, which is not described"
                );
            }
            assert!(operation["summary"].is_string() || operation["description"].is_string());
        }
    }
    described.sort();
    assert_eq!(
        described,
        [
            "DELETE /api/videos/{id}/",
            "DELETE /api/videos/{id}/captions/{language}.vtt",
            "DELETE /api/videos/{id}/thumbnail/",
            "GET /api/auth/me/",
            "GET /api/schema/",
            "GET /api/uploads/",
            "GET /api/uploads/{id}",
            "GET /api/videos/",
            "GET /api/videos/{id}/",
            "GET /api/videos/{id}/captions/{language}.vtt",
            "GET /api/videos/{id}/stream/",
            "GET /healthz",
            "GET /media/{path}",
            "GET /readyz",
            "PATCH /api/uploads/{id}",
            "PATCH /api/videos/{id}/",
            "POST /api/auth/login/",
            "POST /api/auth/logout/",
            "POST /api/auth/password/",
            "POST /api/auth/refresh/",
            "POST /api/videos/",
            "POST /api/videos/{id}/cancel/",
            "POST /api/videos/{id}/playback/",
            "POST /api/videos/{id}/retry/",
            "PUT /api/videos/{id}/captions/{language}.vtt",
            "PUT /api/videos/{id}/thumbnail/",
        ]
    );
}

#[test]
fn described_bodies_name_every_field_that_is_sent() {
    let server = Server::start();
    let token = server.token("ann");
    let id = server.video(&token, "public");
    server.make_ready(id);
    let schema = server.get("/api/schema/").json();
    let detail = server.get(&format!("/api/videos/{id}/")).json();
    let list = server.get("/api/videos/").json();
    let link = server
        .call("POST", "/api/videos/1/playback/", &token, &Value::Null)
        .json();
    let me = server
        .call("GET", "/api/auth/me/", &token, &Value::Null)
        .json();
    for (name, value) in [
        ("VideoDetail", &detail),
        ("VideoItem", &list[0]),
        ("Quality", &detail["qualities"][0]),
        ("Owner", &detail["owner"]),
        ("PlaybackPaths", &link),
        ("Me", &me),
        ("Session", &server.sign_in("admin")),
    ] {
        let mut fields = properties(&schema, &schema["components"]["schemas"][name]);
        let mut sent: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        fields.sort();
        sent.sort();
        if name == "Me" {
            // It warns as `Session` does.
            sent.push("warning".into());
        }
        assert_eq!(fields, sent, "{name}");
    }
}

/// Names of all properties, also of what is flattened in.
fn properties(schema: &Value, object: &Value) -> Vec<String> {
    if let Some(reference) = object["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        return properties(schema, &schema["components"]["schemas"][name]);
    }
    if let Some(all) = object["allOf"].as_array() {
        return all
            .iter()
            .flat_map(|part| properties(schema, part))
            .collect();
    }
    object["properties"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect()
}

#[test]
fn the_docs_page_loads_nothing_from_elsewhere() {
    let server = Server::start();
    let moved = server.get("/api/docs");
    assert_eq!(
        (moved.status, moved.header("location")),
        (303, Some("/api/docs/"))
    );
    let page = server.get("/api/docs/");
    assert_eq!(page.status, 200);
    assert!(
        page.header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("script-src 'self'") && !policy.contains("http"),
        "{policy}"
    );
    let text = page.text();
    assert!(!text.contains("://"), "{text}");
    let mut loaded = 0;
    for part in text.split(['"', '\'']) {
        if let Some(file) = part.strip_prefix("./") {
            let answer = server.get(&format!("/api/docs/{file}"));
            assert_eq!(answer.status, 200, "{file}");
            loaded += 1;
        }
    }
    assert!(loaded >= 4, "{text}");
    let start = server.get("/api/docs/swagger-initializer.js").text();
    assert!(
        start.contains("\"../schema/\"") && !start.contains("://"),
        "{start}"
    );
    assert!(start.contains(r#""validatorUrl": "none""#), "{start}");
}

#[test]
fn health_tells_what_is_wrong() {
    let server = Server::start();
    assert_eq!(server.get("/healthz").text(), r#"{"status":"ok"}"#);
    let ready = server.get("/readyz");
    assert_eq!(ready.status, 200);
    let mut expected = json!({ "status": "ready", "database": "ok", "media": "ok", "queue": "ok" });
    expected["warnings"] = ready.json()["warnings"].clone();
    assert_eq!(ready.json(), expected);
    server.run(async { server.app.db.set_queue_paused(true).await.unwrap() });
    assert_eq!(server.get("/readyz").json()["queue"], "paused");
    std::fs::remove_dir_all(server.folder.path().join("media")).unwrap();
    let ready = server.get("/readyz");
    assert_eq!(
        (ready.status, &ready.json()["media"]),
        (503, &json!("failed"))
    );
    server.run(server.app.db.close());
    let ready = server.get("/readyz");
    assert_eq!(
        (ready.status, &ready.json()["database"]),
        (503, &json!("failed"))
    );
    assert_eq!(server.get("/healthz").status, 200);
    let answer = server.get("/api/videos/");
    let said = "The server cannot look anything up at the moment. Try again in a moment.";
    let body = format!(r#"{{"detail":"{said}"}}"#);
    answer.is_error(503, "database_unavailable", &body);
}
