//! Lists of uploads, and editing what is said about them.

use serde_json::{Value, json};

use super::client::{base64, id_of, path_of, sender, video_of};
use crate::support::{Server, wait_until};

#[test]
fn unfinished_uploads_are_listed() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let metadata = format!(
        "filename {},filetype {}",
        base64(b"a.mov"),
        base64(b"video/x")
    );
    let path = ann.begin_with(&[("Upload-Length", "5"), ("Upload-Metadata", &metadata)]);
    assert_eq!(ann.patch(&path, 0, b"01").status, 204);
    server.clock.advance(chrono::TimeDelta::seconds(1));
    let deferred = ann.begin_with(&[("Upload-Defer-Length", "1")]);
    ann.begin_with(&[("Upload-Length", "5"), ("Upload-Concat", "partial")]);
    let answer = ann.send("GET", "/api/uploads/", &[], b"");
    let mut expected = json!({
        "id": id_of(&path),
        "url": format!("http://{}{path}", server.address),
        "filename": "a.mov",
        "filetype": "video/x",
        "title": "a",
        "description": "",
        "tags": [],
        "visibility": "public",
        "offset": 2,
        "length": 5,
        "created_at": "2024-01-15T10:30:00Z",
        "expires_at": "2024-01-22T10:30:00Z",
        "video": null,
    });
    assert_eq!(answer.json()[0], expected);
    assert_eq!(answer.json()[1]["id"], id_of(&deferred));
    assert_eq!(answer.json()[1]["length"], Value::Null);
    assert_eq!(answer.json().as_array().unwrap().len(), 2);

    assert_eq!(ann.patch(&path, 2, b"234").status, 204);
    let list = ann.send("GET", "/api/uploads/", &[], b"").json();
    assert_eq!(list.as_array().unwrap().len(), 1);
    let one = ann.send("GET", &path, &[], b"").json();
    expected["offset"] = json!(5);
    expected["video"] = json!(1);
    assert_eq!(one, expected);
}

#[test]
fn what_is_said_may_be_edited_while_the_upload_runs_and_after() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let token = server.token("ann");
    let path = ann.begin(5);
    let stream = ann.open_patch(&path, 0, "Content-Length: 5", b"01");
    wait_until("it has begun", || ann.peek(&path) == 2);
    let edit = |body: Value| server.call("PATCH", &path, &token, &body);
    let answer =
        edit(json!({ "title": " Better ", "visibility": "private", "tags": ["#Sea", "sea"] }));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["tags"], json!(["Sea"]));
    assert_eq!(answer.json()["title"], "Better");
    assert_eq!(answer.json()["visibility"], "private");
    assert_eq!(answer.json()["offset"], 2);
    edit(json!({ "title": "" })).is_error(
        400,
        "invalid",
        r#"{"title":["This field may not be blank."]}"#,
    );
    std::io::Write::write_all(&mut &stream, b"234").unwrap();
    let done = crate::support::Answer::read(stream, false);
    let id = video_of(&done).unwrap();
    let video = || {
        ann.send("GET", &format!("/api/videos/{id}/"), &[], b"")
            .json()
    };
    assert_eq!(
        (&video()["title"], &video()["visibility"]),
        (&json!("Better"), &json!("private"))
    );

    let answer = edit(json!({ "title": "Best", "description": "Now" }));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["title"], "Best");
    assert_eq!(answer.json()["video"], id);
    assert_eq!(
        (&video()["title"], &video()["description"]),
        (&json!("Best"), &json!("Now"))
    );
}

#[test]
fn a_list_does_not_disturb_whoever_sends() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let created = ann.create(&[("Upload-Length", "3")]);
    let path = path_of(&created);
    let mut stream = ann.open_patch(&path, 0, "Content-Length: 3", b"0");
    wait_until("it has begun", || ann.peek(&path) == 1);
    for _ in 0..5 {
        let list = ann.send("GET", "/api/uploads/", &[], b"").json();
        assert_eq!(list[0]["offset"], 1);
    }
    std::io::Write::write_all(&mut stream, b"12").unwrap();
    let answer = crate::support::Answer::read(stream, false);
    assert_eq!(answer.status, 204);
}
