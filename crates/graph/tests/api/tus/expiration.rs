//! Uploads whose time has run out.

use std::io::Write as _;

use chrono::{DateTime, TimeDelta, Utc};

use super::client::{id_of, offset_of, refused, sender};
use crate::support::{Answer, Server, wait_until};

fn expires(answer: &Answer) -> DateTime<Utc> {
    let date = answer.header("upload-expires").unwrap();
    let time = httpdate::parse_http_date(date).unwrap();
    DateTime::<Utc>::from(time)
}

#[test]
fn answers_say_when_an_upload_expires() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let created = ann.create(&[("Upload-Length", "10")]);
    assert_eq!(
        created.header("upload-expires"),
        Some("Mon, 22 Jan 2024 10:30:00 GMT")
    );
    let path = super::client::path_of(&created);
    for answer in [ann.patch(&path, 0, b"01"), ann.head(&path)] {
        assert_eq!(expires(&answer), expires(&created));
    }
    // It is put off when the upload goes on, and a finished one does not expire.
    server.clock.advance(TimeDelta::days(3));
    let ann = sender(&server, "ann");
    let answer = ann.patch(&path, 2, b"23");
    assert_eq!(expires(&answer) - expires(&created), TimeDelta::days(3));
    assert_eq!(expires(&ann.head(&path)), expires(&answer));
    let answer = ann.patch(&path, 4, b"456789");
    assert_eq!(answer.header("upload-expires"), None);
}

#[test]
fn an_expired_upload_is_410_and_then_404() {
    let server = Server::start_with(|s| s.service.upload_ttl_s = 3600);
    let ann = sender(&server, "ann");
    let path = ann.begin(10);
    assert_eq!(ann.patch(&path, 0, b"01").status, 204);
    server.clock.advance(TimeDelta::seconds(3599));
    let ann = sender(&server, "ann");
    assert_eq!(ann.offset(&path), 2);
    server.clock.advance(TimeDelta::seconds(1));
    for answer in [
        ann.head(&path),
        ann.patch(&path, 2, b"2"),
        ann.send("DELETE", &path, &[], b""),
        ann.send("GET", &path, &[], b""),
    ] {
        refused(&answer, 410, "upload_expired");
        assert_eq!(answer.header("upload-offset"), None);
    }
    assert_eq!(ann.send("GET", "/api/uploads/", &[], b"").text(), "[]");
    // What the sweeper of the service does.
    server.run(async {
        let db = &server.app.db;
        let expired = db.expired_uploads().await.unwrap();
        assert_eq!(expired.len(), 1);
        assert!(db.delete_upload(&expired[0].id).await.unwrap());
        clipsy_service::videos::sweep_garbage(&server.app).await;
    });
    assert!(server.stored("uploads").is_empty());
    refused(&ann.patch(&path, 2, b"2"), 404, "not_found");
}

#[test]
fn a_finished_upload_is_remembered_until_it_expires() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let path = ann.begin(3);
    assert_eq!(ann.patch(&path, 0, b"012").status, 204);
    server.clock.advance(TimeDelta::days(6));
    let ann = sender(&server, "ann");
    let answer = ann.head(&path);
    assert_eq!((answer.status, offset_of(&answer)), (200, 3));
    server.clock.advance(TimeDelta::days(1));
    let ann = sender(&server, "ann");
    assert_eq!(ann.head(&path).status, 410);
    assert_eq!(ann.original(1), b"012");
    let row = server.run(async { server.app.db.upload(id_of(&path)).await.unwrap() });
    assert_eq!(row.unwrap().asset_id, Some(1));
}

#[test]
fn an_upload_does_not_expire_while_its_bytes_arrive() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let path = ann.begin(10);
    let mut stream = ann.open_patch(&path, 0, "Content-Length: 10", b"0");
    for sent in 1..=3 {
        let ann = sender(&server, "ann");
        wait_until("it has arrived", || ann.peek(&path) == sent);
        // In all that is longer than it may rest.
        server.clock.advance(TimeDelta::days(5));
        stream.write_all(b"x").unwrap();
        let ann = sender(&server, "ann");
        wait_until("its end is put off", || {
            let answer = ann.send("GET", &path, &[], b"");
            let now = server.run(async { server.app.db.clock().now() });
            answer.status == 200
                && answer.json()["expires_at"]
                    == (now + TimeDelta::days(7))
                        .format("%Y-%m-%dT%H:%M:%SZ")
                        .to_string()
        });
    }
}
