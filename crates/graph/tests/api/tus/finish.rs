//! Uploads that become videos.

use super::client::{base64, path_of, pattern, sender, video_of};
use crate::support::{Form, Server};

#[test]
fn the_same_file_twice_makes_two_uploads_and_two_videos() {
    let server = Server::start();
    let (ann, bob) = (sender(&server, "ann"), sender(&server, "bob"));
    let bytes = pattern(300_000, 1);
    let titled = |title: &str| format!("filename YS5tcDQ=,title {}", base64(title.as_bytes()));
    let begin = |sender: &super::client::Sender<'_>, title: &str| {
        let metadata = titled(title);
        sender.begin_with(&[("Upload-Length", "300000"), ("Upload-Metadata", &metadata)])
    };
    let paths = [
        (&ann, begin(&ann, "First")),
        (&ann, begin(&ann, "Second")),
        (&bob, begin(&bob, "Third")),
    ];
    // In turns, so that a mix-up would show.
    for (from, to) in [(0, 100_000), (100_000, 300_000)] {
        for (sender, path) in &paths {
            assert_eq!(sender.patch(path, from, &bytes[from..to]).status, 204);
        }
    }
    let videos = ann.videos();
    let titles: Vec<&str> = videos.iter().map(|(_, title)| title.as_str()).collect();
    assert_eq!(titles, ["Third", "Second", "First"]);
    for (id, _) in &videos {
        assert!(ann.original(*id) == bytes);
    }
    for ((sender, path), (id, _)) in paths.iter().zip(videos.iter().rev()) {
        assert_eq!(video_of(&sender.head(path)), Some(*id));
        let asset = server.run(async { server.app.db.asset(*id).await.unwrap().unwrap() });
        let owner = if asset.title == "Third" { 4 } else { 3 };
        assert_eq!(asset.owner_id, owner);
    }
}

#[test]
fn the_last_byte_makes_a_video_with_a_job_and_leaves_no_upload() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let path = ann.begin(5);
    assert_eq!(ann.patch(&path, 0, b"0123").status, 204);
    assert_eq!(ann.videos().len(), 0);
    let answer = ann.patch(&path, 4, b"4");
    assert_eq!(video_of(&answer), Some(1));
    let (asset, job) = server.run(async {
        let db = &server.app.db;
        let asset = db.asset(1).await.unwrap().unwrap();
        (asset, db.job_of_asset(1).await.unwrap().unwrap())
    });
    assert_eq!((asset.source_bytes, job.asset_id), (5, 1));
    assert!(server.stored("uploads").is_empty());
    assert_eq!(server.stored("videos/originals").len(), 1);
    assert_eq!(ann.send("GET", "/api/uploads/", &[], b"").text(), "[]");
}

#[test]
fn the_stored_file_is_the_one_that_was_sent() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let bytes = pattern(9_999_999, 7);
    let metadata = [("Upload-Metadata", "filename RmlsbS5NS1Y=")];
    let id = ann.upload(&metadata, &bytes);
    let asset = server.run(async { server.app.db.asset(id).await.unwrap().unwrap() });
    let file = server.folder.path().join("media").join(&asset.source_key);
    assert_eq!(asset.source_key.rsplit('.').next(), Some("mkv"));
    let sum = |path: &std::path::Path| {
        let output = std::process::Command::new("sha256sum").arg(path).output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        text.split(' ').next().unwrap().to_owned()
    };
    let sent = server.folder.path().join("sent");
    std::fs::write(&sent, &bytes).unwrap();
    assert_eq!(sum(&file), sum(&sent));
}

#[test]
fn an_upload_in_one_request_is_no_upload_that_can_be_resumed() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let token = server.token("ann");
    let form = Form::new().text("title", "x").file("x.mp4", b"012");
    assert_eq!(server.upload(&token, &form).status, 201);
    let key = server.stored("videos/originals").remove(0);
    let id = key.rsplit('/').next().unwrap().split('.').next().unwrap();
    assert_eq!(ann.head(&format!("/api/uploads/{id}")).status, 404);
}

#[test]
fn an_admin_may_finish_what_somebody_began() {
    let server = Server::start();
    let (ann, root) = (sender(&server, "ann"), sender(&server, "root"));
    let created = ann.create(&[("Upload-Length", "3")]);
    let answer = root.patch(&path_of(&created), 0, b"012");
    let id = video_of(&answer).unwrap();
    let asset = server.run(async { server.app.db.asset(id).await.unwrap().unwrap() });
    assert_eq!(asset.owner_id, 3);
}
