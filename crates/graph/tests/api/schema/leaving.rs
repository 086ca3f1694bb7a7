//! Sessions of accounts, accounts that go, and room that is freed.

use bytes::Bytes;
use chrono::TimeDelta;
use clipsy_graph::{SettingShown, SettingSource};
use serde_json::{Value, json};

use super::gql::{Watch, ask_with, code, data, refusals};
use crate::support::{Server, wait_until};

const SESSIONS: &str = "{ viewer { sessions { id device startedAt usedAt current } } }";
const END: &str = "mutation($input: EndSessionInput!) { endSession(input: $input) {
    ended userErrors { code } } }";
const END_ALL: &str = "mutation($input: EndSessionsInput!) { endSessions(input: $input) {
    ended userErrors { code } } }";
const DELETE: &str = "mutation($input: DeleteUserInput!) { deleteUser(input: $input) {
    deletedId userErrors { code field } } }";
const FREE: &str = "mutation($input: FreeRoomInput!) { freeRoom(input: $input) {
    uploads left storageUsage { freeable { garbage idleUploads } } userErrors { code } } }";
const USERS: &str = "{ users(first: 100) { nodes { id username } } }";

fn sessions(server: &Server, token: &str) -> Vec<Value> {
    let viewer = data(server, token, SESSIONS, &json!({}))["viewer"].clone();
    viewer["sessions"].as_array().unwrap().clone()
}

fn id_of(server: &Server, name: &str) -> String {
    let users = data(server, &server.token("root"), USERS, &json!({}))["users"]["nodes"].clone();
    let users = users.as_array().unwrap();
    let user = users.iter().find(|user| user["username"] == name).unwrap();
    user["id"].as_str().unwrap().to_owned()
}

fn log(server: &Server) -> Vec<(String, String, String)> {
    let query = "{ audit { action target detail } }";
    let entries = data(server, &server.token("root"), query, &json!({}))["audit"].clone();
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
    entries
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            (
                text(entry, "action"),
                text(entry, "target"),
                text(entry, "detail"),
            )
        })
        .collect()
}

#[test]
fn people_see_their_sessions_and_end_them() {
    let server = Server::start();
    let sign_in = "mutation($input: SignInInput!) { signIn(input: $input) { accessToken } }";
    let input = json!({"input": {"username": "ann", "password": "password of ann"}});
    let named = [("User-Agent", "Browser 1")];
    let answer = ask_with(&server, "", sign_in, &input, &named).json();
    let first = answer["data"]["signIn"]["accessToken"]
        .as_str()
        .unwrap()
        .to_owned();
    server.clock.advance(TimeDelta::seconds(1));
    let second = server.token("ann");
    let seen = sessions(&server, &second);
    let told: Vec<_> = seen
        .iter()
        .map(|one| (&one["device"], &one["current"]))
        .collect();
    assert_eq!(
        told,
        [
            (&json!(""), &json!(true)),
            (&json!("Browser 1"), &json!(false))
        ]
    );
    assert_eq!(seen[1]["startedAt"], "2024-01-15T10:30:00.000Z");
    assert_eq!(seen[1]["usedAt"], seen[1]["startedAt"]);

    // Nobody else sees or ends them, but admins.
    let query = "query($id: ID!) { node(id: $id) { ... on User { sessions { id device } } } }";
    let ann = json!({"id": id_of(&server, "ann")});
    let bob = server.token("bob");
    assert_eq!(
        data(&server, &bob, query, &ann)["node"]["sessions"],
        Value::Null
    );
    let root = server.token("root");
    let by_admin = data(&server, &root, query, &ann);
    assert_eq!(by_admin["node"]["sessions"].as_array().unwrap().len(), 2);
    let one = json!({"id": seen[1]["id"]});
    assert_eq!(refusals(&server, &bob, END, &one), ["not_found"]);
    let all = json!({"userId": ann["id"]});
    assert_eq!(
        refusals(&server, &bob, END_ALL, &all),
        ["permission_denied"]
    );
    assert_eq!(
        code(&server, "", END, &json!({"input": one})),
        "UNAUTHENTICATED"
    );
    let node = "query($id: ID!) { node(id: $id) { id } }";
    assert_eq!(
        data(&server, &second, node, &json!({"id": seen[1]["id"]}))["node"],
        Value::Null
    );

    // One that ends takes its tokens and its streams along.
    let stream = "subscription { myVideos { kind } }";
    let mut watch = Watch::start(&server, &first, stream, &json!({}));
    let ended = data(&server, &second, END, &json!({"input": one}));
    assert_eq!(ended["endSession"], json!({"ended": 1, "userErrors": []}));
    assert!(
        watch
            .result()
            .is_none_or(|last| last.get("errors").is_some())
    );
    assert_eq!(
        code(&server, &first, SESSIONS, &json!({})),
        "UNAUTHENTICATED"
    );
    assert_eq!(refusals(&server, &second, END, &one), ["not_found"]);

    // All others at once: the one that asks stays.
    let third = server.token("ann");
    server.token("ann");
    let ended = data(&server, &third, END_ALL, &json!({"input": all}));
    assert_eq!(ended["endSessions"]["ended"], 2);
    assert_eq!(sessions(&server, &third).len(), 1);
    assert_eq!(
        code(&server, &second, SESSIONS, &json!({})),
        "UNAUTHENTICATED"
    );
    let ended = data(&server, &root, END_ALL, &json!({"input": all}));
    assert_eq!(ended["endSessions"]["ended"], 1);
    assert_eq!(
        code(&server, &third, SESSIONS, &json!({})),
        "UNAUTHENTICATED"
    );
    let noted: Vec<_> = log(&server)
        .into_iter()
        .filter(|(action, ..)| action == "end_session")
        .collect();
    let ends = |detail: &str| {
        (
            "end_session".to_owned(),
            "ann".to_owned(),
            detail.to_owned(),
        )
    };
    assert_eq!(noted, [ends(""), ends("2"), ends("")]);
}

#[test]
fn an_account_goes_and_its_videos_go_to_another() {
    let server = Server::start();
    let (ann, root) = (server.token("ann"), server.token("root"));
    let ready = server.video(&ann, "private");
    server.make_ready(ready);
    let queued = server.video(&ann, "public");
    let created = server.send(
        "POST",
        "/api/uploads/",
        &[
            ("Authorization", &format!("Bearer {ann}")),
            ("Tus-Resumable", "1.0.0"),
            ("Upload-Length", "100"),
        ],
        b"",
    );
    assert_eq!(created.status, 201);
    let (id, heir) = (id_of(&server, "ann"), id_of(&server, "bob"));
    let refused = |input: Value| refusals(&server, &root, DELETE, &input);
    assert_eq!(refused(json!({"id": id})), ["invalid"]);
    let both = json!({"id": id, "handOverTo": heir, "deleteVideos": true});
    assert_eq!(refused(both), ["invalid"]);
    assert_eq!(refused(json!({"id": id, "handOverTo": id})), ["invalid"]);
    assert_eq!(
        refused(json!({"id": id, "handOverTo": "nobody"})),
        ["invalid"]
    );
    assert_eq!(
        refused(json!({"id": "nobody", "deleteVideos": true})),
        ["not_found"]
    );
    let root_id = id_of(&server, "root");
    assert_eq!(
        refused(json!({"id": root_id, "deleteVideos": true})),
        ["own_account"]
    );
    let input = json!({"id": id, "handOverTo": heir});
    for (name, expected) in [("bob", "permission_denied"), ("ann", "permission_denied")] {
        assert_eq!(
            refusals(&server, &server.token(name), DELETE, &input),
            [expected]
        );
    }
    assert_eq!(
        code(&server, "", DELETE, &json!({"input": input})),
        "UNAUTHENTICATED"
    );

    // The heir has no room for them: nothing is done, and the account goes on.
    let limits = "mutation($input: SetUserLimitsInput!) { setUserLimits(input: $input) {
        userErrors { code } } }";
    let originals = 2 * crate::support::ORIGINAL.len();
    let limit = |bytes: usize| json!({"id": heir, "bytes": bytes});
    assert_eq!(
        refusals(&server, &root, limits, &limit(originals - 1)),
        [""; 0]
    );
    assert_eq!(refused(input.clone()), ["heir_quota_exceeded"]);
    let still = server.call("GET", "/api/auth/me/", &ann, &Value::Null);
    assert_eq!(still.status, 200);
    assert_eq!(refusals(&server, &root, limits, &limit(originals)), [""; 0]);
    let done = data(&server, &root, DELETE, &json!({"input": input}));
    assert_eq!(
        done["deleteUser"],
        json!({"deletedId": id, "userErrors": []})
    );
    let bob = server.token("bob");
    for video in [ready, queued] {
        let path = format!("/api/videos/{video}/");
        let seen = server.call("GET", &path, &bob, &Value::Null).json();
        assert_eq!(seen["owner"]["username"], "bob", "{seen}");
        let renamed = server.call("PATCH", &path, &bob, &json!({"title": "Mine"}));
        assert_eq!(renamed.status, 200);
    }
    server.make_ready(queued);
    let login = json!({"username": "ann", "password": "password of ann"});
    let again = server.call("POST", "/api/auth/login/", "", &login);
    assert_eq!(again.status, 401);
    let old = server.call("GET", "/api/auth/me/", &ann, &Value::Null);
    assert_eq!(old.status, 401);
    wait_until("what was sent so far is gone", || {
        server.stored("uploads").is_empty()
    });
    assert_eq!(refusals(&server, &root, DELETE, &input), ["not_found"]);
    let (action, target, detail) = log(&server).remove(0);
    assert_eq!((action.as_str(), target.as_str()), ("delete_user", "ann"));
    assert_eq!(detail, "2 videos to bob");
}

#[test]
fn an_account_goes_with_its_videos() {
    let server = Server::start();
    let (ann, root) = (server.token("ann"), server.token("root"));
    let id = server.video(&ann, "public");
    server.make_playable(id);
    let input = json!({"id": id_of(&server, "ann"), "deleteVideos": true});
    let done = data(&server, &root, DELETE, &json!({"input": input}));
    assert_eq!(done["deleteUser"]["userErrors"], json!([]));
    assert_eq!(server.get(&format!("/api/videos/{id}/")).status, 404);
    wait_until("all files are gone", || server.stored("videos").is_empty());
    let users = data(&server, &root, USERS, &json!({}))["users"]["nodes"].clone();
    assert!(
        users
            .as_array()
            .unwrap()
            .iter()
            .all(|user| user["username"] != "ann")
    );

    // The last admin stays: `admin` is closed, so that `root` is the only one.
    let close =
        "mutation($input: UpdateUserInput!) { updateUser(input: $input) { userErrors { code } } }";
    let admin = json!({"id": id_of(&server, "admin"), "active": false});
    assert_eq!(refusals(&server, &root, close, &admin), [""; 0]);
    let input = json!({"id": id_of(&server, "root"), "deleteVideos": true});
    assert_eq!(refusals(&server, &root, DELETE, &input), ["own_account"]);
}

#[test]
fn room_is_freed_where_it_is_safe() {
    let server = Server::start();
    let (ann, root) = (server.token("ann"), server.token("root"));
    let bearer = format!("Bearer {ann}");
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Tus-Resumable", "1.0.0"),
        ("Upload-Length", "100"),
        ("Content-Type", "application/offset+octet-stream"),
    ];
    assert_eq!(
        server
            .send("POST", "/api/uploads/", &headers, b"half of it")
            .status,
        201
    );
    let failed = server.video(&ann, "public");
    server.call(
        "POST",
        &format!("/api/videos/{failed}/cancel/"),
        &ann,
        &Value::Null,
    );
    let key = "videos/processed/99/1/left.ts";
    let noted = async {
        server
            .app
            .media
            .put(key, Bytes::from_static(b"12345"))
            .await
            .unwrap();
        server
            .app
            .media
            .put("videos/thumbnails/1_c1.jpg", Bytes::from_static(b"123"))
            .await
            .unwrap();
        server
            .app
            .db
            .add_garbage("videos/processed/99/")
            .await
            .unwrap();
        server
            .app
            .db
            .add_garbage("videos/processed/99/")
            .await
            .unwrap();
    };
    server.run(noted);
    let query = "{ storageUsage { uploadsBytes thumbnailsBytes freeable { garbage garbageBytes
        failedVideos failedBytes idleUploads idleBytes } } }";
    let seen = data(&server, &root, query, &json!({}))["storageUsage"].clone();
    let original = crate::support::ORIGINAL.len();
    assert_eq!(seen["uploadsBytes"], 10);
    assert_eq!(seen["thumbnailsBytes"], 3);
    let freeable = &seen["freeable"];
    assert_eq!(freeable["garbageBytes"], 5);
    assert!(freeable["garbage"].as_i64().unwrap() >= 2, "{freeable}");
    assert_eq!(
        (&freeable["failedVideos"], &freeable["failedBytes"]),
        (&json!(1), &json!(original))
    );
    assert_eq!(
        (&freeable["idleUploads"], &freeable["idleBytes"]),
        (&json!(0), &json!(0))
    );

    let free = |idle: bool| {
        let freed = data(
            &server,
            &root,
            FREE,
            &json!({"input": {"idleUploads": idle}}),
        );
        freed["freeRoom"].clone()
    };
    // One that was just begun stays, also if it is asked for.
    let freed = free(true);
    assert_eq!(freed["userErrors"], json!([]));
    assert_eq!((&freed["uploads"], &freed["left"]), (&json!(0), &json!(0)));
    assert!(server.stored("videos/processed/99").is_empty());
    assert_eq!(server.stored("uploads").len(), 1);
    server.clock.advance(TimeDelta::hours(48));
    let root = server.token("root");
    let freed = |idle: bool| {
        let freed = data(
            &server,
            &root,
            FREE,
            &json!({"input": {"idleUploads": idle}}),
        );
        freed["freeRoom"].clone()
    };
    let kept = freed(false);
    assert_eq!(kept["storageUsage"]["freeable"]["idleUploads"], 1);
    assert_eq!(server.stored("uploads").len(), 1);
    let gone = freed(true);
    assert_eq!((&gone["uploads"], &gone["left"]), (&json!(1), &json!(0)));
    assert!(server.stored("uploads").is_empty());
    // The original of what was cancelled is not touched.
    assert_eq!(server.stored("videos/originals").len(), 1);
    let ann = server.token("ann");
    assert_eq!(
        refusals(&server, &ann, FREE, &json!({})),
        ["permission_denied"]
    );
    assert_eq!(
        code(&server, "", FREE, &json!({"input": {}})),
        "UNAUTHENTICATED"
    );
}

#[test]
fn settings_are_told_to_admins() {
    let shown = SettingShown {
        name: "max_upload_bytes".into(),
        flag: Some("--max-upload-bytes".into()),
        variable: "CLIPSY_MAX_UPLOAD_BYTES".into(),
        about: "Largest video file that is accepted".into(),
        value: Some("5".into()),
        secret: false,
        source: SettingSource::Environment,
    };
    let server = Server::start_with(|settings| settings.shown = vec![shown]);
    let query = "{ settings { name flag variable about value secret source } }";
    let seen = data(&server, &server.token("root"), query, &json!({}));
    assert_eq!(
        seen["settings"],
        json!([{
            "name": "max_upload_bytes",
            "flag": "--max-upload-bytes",
            "variable": "CLIPSY_MAX_UPLOAD_BYTES",
            "about": "Largest video file that is accepted",
            "value": "5",
            "secret": false,
            "source": "ENVIRONMENT",
        }])
    );
}
