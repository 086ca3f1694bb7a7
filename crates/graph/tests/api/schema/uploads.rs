//! Uploads: begun here, sent by tus.

use serde_json::{Value, json};

use super::gql::{code, data, refusals};
use crate::support::{ORIGINAL, Server};

const CREATE: &str = "mutation($input: CreateUploadInput!) { createUpload(input: $input) {
    upload { id url filename contentType title description visibility offset length createdAt
        expiresAt video { id } } userErrors { code message field } } }";
const UPDATE: &str = "mutation($input: UpdateUploadInput!) { updateUpload(input: $input) {
    upload { title visibility } userErrors { code field } } }";
const DELETE: &str = "mutation($input: DeleteUploadInput!) { deleteUpload(input: $input) {
    deletedId userErrors { code } } }";
const UPLOAD: &str = "query($id: ID!) { upload(id: $id) { title offset video { title state } } }";

fn begin(server: &Server, token: &str, length: usize) -> Value {
    let input = json!({"filename": "My film.mp4", "contentType": "video/mp4", "length": length,
        "visibility": "PRIVATE"});
    let made = data(server, token, CREATE, &json!({"input": input}))["createUpload"].clone();
    assert_eq!(made["userErrors"], json!([]));
    made["upload"].clone()
}

/// Sends bytes to where the upload says.
fn send(server: &Server, token: &str, upload: &Value, offset: usize, bytes: &[u8]) -> u16 {
    let url = upload["url"].as_str().unwrap();
    let path = url.strip_prefix(&format!("http://{}", server.address));
    let (bearer, offset) = (format!("Bearer {token}"), offset.to_string());
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Content-Type", "application/offset+octet-stream"),
        ("Tus-Resumable", "1.0.0"),
        ("Upload-Offset", offset.as_str()),
    ];
    server.send("PATCH", path.unwrap(), &headers, bytes).status
}

#[test]
fn an_upload_becomes_a_video() {
    let server = Server::start();
    let (ann, bob) = (server.token("ann"), server.token("bob"));
    let upload = begin(&server, &ann, ORIGINAL.len());
    for (name, expected) in [
        ("filename", json!("My film.mp4")),
        ("title", json!("My film")),
        ("visibility", json!("PRIVATE")),
        ("offset", json!(0)),
        ("length", json!(ORIGINAL.len())),
        ("video", Value::Null),
    ] {
        assert_eq!(upload[name], expected, "{name}");
    }
    let id = json!({"id": upload["id"]});
    assert_eq!(send(&server, &ann, &upload, 0, &ORIGINAL[..10]), 204);
    let now = data(&server, &ann, UPLOAD, &id)["upload"].clone();
    assert_eq!((&now["offset"], &now["video"]), (&json!(10), &Value::Null));
    for token in ["", bob.as_str()] {
        assert_eq!(data(&server, token, UPLOAD, &id)["upload"], Value::Null);
    }
    let mine = "{ viewer { uploads { id } quotaBytes } }";
    assert_eq!(
        data(&server, &ann, mine, &json!({}))["viewer"],
        json!({"uploads": [{"id": upload["id"]}], "quotaBytes": null})
    );
    let edit = json!({"input": {"id": upload["id"], "title": "Better", "visibility": "PUBLIC"}});
    let edited = data(&server, &ann, UPDATE, &edit)["updateUpload"]["upload"].clone();
    assert_eq!(edited, json!({"title": "Better", "visibility": "PUBLIC"}));

    assert_eq!(send(&server, &ann, &upload, 10, &ORIGINAL[10..]), 204);
    let now = data(&server, &ann, UPLOAD, &id)["upload"].clone();
    assert_eq!(now["video"], json!({"title": "Better", "state": "QUEUED"}));
    assert_eq!(
        data(&server, &ann, mine, &json!({}))["viewer"]["uploads"],
        json!([])
    );
    let node = "query($id: ID!) { node(id: $id) { __typename } }";
    assert_eq!(
        data(&server, &ann, node, &id)["node"]["__typename"],
        "Upload"
    );
    // An edit that comes late goes to the video.
    let edit = json!({"input": {"id": upload["id"], "title": "Best"}});
    data(&server, &ann, UPDATE, &edit);
    let now = data(&server, &ann, UPLOAD, &id)["upload"].clone();
    assert_eq!(now["video"]["title"], "Best");
}

#[test]
fn uploads_are_their_senders_own() {
    let server = Server::start();
    let (ann, bob) = (server.token("ann"), server.token("bob"));
    let upload = begin(&server, &ann, 100);
    let input = json!({"id": upload["id"]});
    assert_eq!(refusals(&server, &bob, UPDATE, &input), ["not_found"]);
    assert_eq!(refusals(&server, &bob, DELETE, &input), ["not_found"]);
    assert_eq!(
        refusals(&server, &ann, DELETE, &json!({"id": "12"})),
        ["not_found"]
    );
    assert_eq!(
        code(&server, "", DELETE, &json!({"input": input})),
        "UNAUTHENTICATED"
    );
    let bad = json!({"id": upload["id"], "title": " "});
    assert_eq!(refusals(&server, &ann, UPDATE, &bad), ["invalid"]);
    let gone = data(&server, &ann, DELETE, &json!({"input": input}));
    assert_eq!(gone["deleteUpload"]["deletedId"], upload["id"]);
    assert_eq!(refusals(&server, &ann, DELETE, &input), ["not_found"]);
    for (input, expected) in [
        (
            json!({"filename": "a.mp4", "length": "9007199254740992"}),
            "too_large",
        ),
        (json!({"filename": "a.mp4", "length": -1}), "invalid"),
        (
            json!({"filename": "a.mp4", "title": "x".repeat(256)}),
            "invalid",
        ),
    ] {
        assert_eq!(
            refusals(&server, &ann, CREATE, &input),
            [expected],
            "{input}"
        );
    }
    let input = json!({"input": {"filename": "a.mp4"}});
    assert_eq!(code(&server, "", CREATE, &input), "UNAUTHENTICATED");
}

#[test]
fn tags_go_along_with_an_upload() {
    let server = Server::start();
    let ann = server.token("ann");
    let create = "mutation($input: CreateUploadInput!) { createUpload(input: $input) {
        upload { id url tags } userErrors { code field } } }";
    let update = "mutation($input: UpdateUploadInput!) { updateUpload(input: $input) {
        upload { tags } userErrors { code field } } }";
    let query = "query($id: ID!) { upload(id: $id) { tags video { tags } } }";
    let input = json!({"filename": "a.mp4", "length": ORIGINAL.len(), "tags": ["#Sea ", "SEA"]});
    let made = data(&server, &ann, create, &json!({"input": input}))["createUpload"].clone();
    let upload = &made["upload"];
    assert_eq!(upload["tags"], json!(["Sea"]), "{made}");
    let refused = json!([{"code": "tag_too_long", "field": ["input", "tags"]}]);
    let long = json!({"filename": "a.mp4", "length": 1, "tags": ["x".repeat(51)]});
    let none = data(&server, &ann, create, &json!({"input": long}))["createUpload"].clone();
    assert_eq!(none, json!({"upload": null, "userErrors": refused}));

    let edit = |tags: &Value| {
        let input = json!({"input": {"id": upload["id"], "tags": tags}});
        data(&server, &ann, update, &input)["updateUpload"].clone()
    };
    assert_eq!(edit(&json!(["x".repeat(51)]))["userErrors"], refused);
    assert_eq!(
        edit(&json!(["Sea", "Waves"]))["upload"]["tags"],
        json!(["Sea", "Waves"])
    );
    // What a change does not name stays.
    assert_eq!(
        edit(&Value::Null)["upload"]["tags"],
        json!(["Sea", "Waves"])
    );
    assert_eq!(send(&server, &ann, upload, 0, ORIGINAL), 204);
    let id = json!({"id": upload["id"]});
    let now = data(&server, &ann, query, &id)["upload"].clone();
    assert_eq!(now["video"]["tags"], json!(["Sea", "Waves"]));
    // An edit that comes late goes to the video.
    assert_eq!(edit(&json!([]))["upload"]["tags"], json!([]));
    let now = data(&server, &ann, query, &id)["upload"].clone();
    assert_eq!(now["video"]["tags"], json!([]));
}
