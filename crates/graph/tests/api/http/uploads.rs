//! Uploads that are wrong, odd, cut off, or larger than memory should be.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use clipsy_domain::upload::UploadKind;
use clipsy_service::uploads::finish_upload::{FinishedUpload, finish_upload};
use clipsy_service::uploads::heal_uploads;
use clipsy_service::uploads::receive_upload::receive_upload;
use serde_json::{Value, json};

use crate::support::{Answer, Form, ORIGINAL, Server, wait_until};

/// True if no bytes and no row of any unfinished upload are there.
fn nothing_left(server: &Server) -> bool {
    let rows = server.run(async {
        let db = &server.app.db;
        db.uploads_of_kind(UploadKind::Multipart)
            .await
            .unwrap()
            .len()
    });
    rows == 0 && server.stored("uploads").is_empty()
}

#[test]
fn forms_that_are_incomplete_are_told_what_is_missing() {
    let server = Server::start();
    let token = server.token("ann");
    let title = || Form::new().text("title", "x");
    for (form, body) in [
        (title(), r#"{"video_file":["This field is required."]}"#),
        (
            Form::new(),
            r#"{"title":["This field is required."],"video_file":["This field is required."]}"#,
        ),
        (
            Form::new().file("x.mp4", ORIGINAL),
            r#"{"title":["This field is required."]}"#,
        ),
        (
            title().file("x.mp4", b""),
            r#"{"video_file":["The submitted file is empty."]}"#,
        ),
        (
            title().text("video_file", "text"),
            r#"{"video_file":["The submitted data was not a file. Check the encoding type on the form."]}"#,
        ),
        (
            title().part("name=\"video_file\"; filename=\"\"", b""),
            r#"{"video_file":["This field is required."]}"#,
        ),
        (
            title().file("x.mp4", b"1").file("y.mp4", b"2"),
            r#"{"video_file":["Only one file can be uploaded."]}"#,
        ),
        (
            Form::new().text("title", " ").file("x.mp4", b"1"),
            r#"{"title":["This field may not be blank."]}"#,
        ),
        (
            Form::new()
                .file("x.mp4", b"1")
                .text("title", &"x".repeat(256)),
            r#"{"title":["Ensure this field has no more than 255 characters."]}"#,
        ),
        (
            title().text("visibility", "secret").file("x.mp4", b"1"),
            r#"{"visibility":["\"secret\" is not a valid choice."]}"#,
        ),
    ] {
        server.upload(&token, &form).is_error(400, "invalid", body);
    }
    assert!(nothing_left(&server));
    assert_eq!(server.get("/api/videos/").text(), "[]");
}

#[test]
fn other_bodies_are_no_uploads() {
    let server = Server::start();
    let token = server.token("ann");
    let body = json!({ "title": "x", "video_file": "text" });
    let answer = server.call("POST", "/api/videos/", &token, &body);
    answer.is_error(
        400,
        "invalid",
        r#"{"video_file":["The submitted data was not a file. Check the encoding type on the form."]}"#,
    );
    let bearer = format!("Bearer {token}");
    let send = |kind: &str, body: &[u8]| {
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", kind)];
        server.send("POST", "/api/videos/", &headers, body)
    };
    let missing =
        r#"{"title":["This field is required."],"video_file":["This field is required."]}"#;
    send("application/x-www-form-urlencoded", b"").is_error(400, "invalid", missing);
    send("video/mp4", ORIGINAL).is_error(
        415,
        "unsupported_media_type",
        r#"{"detail":"Unsupported media type \"video/mp4\" in request."}"#,
    );
    send("multipart/form-data", b"x").is_error(
        400,
        "parse_error",
        r#"{"detail":"Multipart form parse error - Invalid boundary in multipart: None"}"#,
    );
    send(Form::TYPE, b"nothing of the kind").is_error(
        400,
        "parse_error",
        r#"{"detail":"Multipart form parse error - The last boundary is missing"}"#,
    );
}

#[test]
fn a_title_of_ten_megabytes_is_refused() {
    let server = Server::start();
    let token = server.token("ann");
    let huge = "x".repeat(10 << 20);
    let body = r#"{"title":["Ensure this field has no more than 255 characters."]}"#;
    let before = Form::new().text("title", &huge).file("x.mp4", ORIGINAL);
    let after = Form::new().file("x.mp4", ORIGINAL).text("title", &huge);
    for form in [before, after] {
        server.upload(&token, &form).is_error(400, "invalid", body);
    }
    assert!(nothing_left(&server));
}

#[test]
fn fields_may_come_in_any_order_and_files_keep_every_byte() {
    let server = Server::start();
    let token = server.token("ann");
    // Larger than all buffers, and full of line ends.
    let bytes: Vec<u8> = (0..5_000_000_u32)
        .map(|i| {
            if i % 7 == 0 {
                b'\r'
            } else {
                (i * 31 % 251) as u8
            }
        })
        .collect();
    let form = Form::new()
        .file("C:\\films\\Фильм.MOV", &bytes)
        .text("extra", "ignored")
        .text("visibility", "unlisted")
        .text("title", "After the file");
    let answer = server.upload(&token, &form);
    assert_eq!(answer.status, 201, "{}", answer.text());
    let streamed = server.call("GET", "/api/videos/1/stream/", &token, &Value::Null);
    assert!(streamed.body == bytes);
    assert_eq!(streamed.header("content-type"), Some("video/quicktime"));
    let asset = server.run(async {
        // It is hashed after the answer.
        let asset = async || server.app.db.asset(1).await.unwrap().unwrap();
        tokio::time::timeout(std::time::Duration::from_mins(1), async {
            while asset().await.source_sha256.is_none() {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        })
        .await
        .unwrap();
        asset().await
    });
    assert_eq!(asset.source_bytes, 5_000_000);
    assert_eq!(asset.source_name, "Фильм.MOV");
    assert_eq!(asset.source_type, "video/quicktime");
    assert_eq!(asset.source_key.rsplit('.').next(), Some("mov"));
    let file = server.folder.path().join("media").join(&asset.source_key);
    let output = std::process::Command::new("sha256sum")
        .arg(file)
        .output()
        .unwrap();
    let sum = String::from_utf8(output.stdout).unwrap();
    assert_eq!(sum.split(' ').next(), asset.source_sha256.as_deref());
    assert!(nothing_left(&server));
}

#[test]
fn a_file_above_the_limit_is_refused_whether_announced_or_not() {
    let server = Server::start_with(|s| s.service.max_upload_bytes = 3 << 20);
    let token = server.token("ann");
    let fits = Form::new()
        .text("title", "x")
        .file("x.mp4", &vec![1; 3 << 20]);
    assert_eq!(server.upload(&token, &fits).status, 201);
    let body = r#"{"detail":"The request is too large: at most 3145728 bytes are accepted."}"#;
    for size in [(3 << 20) + 1, 20 << 20] {
        let form = Form::new().text("title", "x").file("x.mp4", &vec![1; size]);
        server
            .upload(&token, &form)
            .is_error(413, "too_large", body);
    }
    let mut stream = begin(&server, &token, "Transfer-Encoding: chunked");
    for _ in 0..8 {
        stream.write_all(b"100000\r\n").unwrap();
        stream.write_all(&vec![b'x'; 1 << 20]).unwrap();
        stream.write_all(b"\r\n").unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    assert_eq!(Answer::read(stream, false).status, 413);
    wait_until("nothing is left", || nothing_left(&server));
}

/// Sends the start of an upload up to its file's first bytes.
fn begin(server: &Server, token: &str, length: &str) -> std::net::TcpStream {
    let mut stream = server.connect();
    let form = Form::new()
        .text("title", "x")
        .file("x.mp4", b"first bytes")
        .end();
    // Without the end of the form.
    let form = &form[..form.len() - 23];
    let head = format!(
        "POST /api/videos/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\nContent-Type: {}\r\n{length}\r\n\r\n",
        Form::TYPE
    );
    stream.write_all(head.as_bytes()).unwrap();
    if length.starts_with("Transfer") {
        stream
            .write_all(format!("{:x}\r\n", form.len()).as_bytes())
            .unwrap();
        stream.write_all(form).unwrap();
        stream.write_all(b"\r\n").unwrap();
    } else {
        stream.write_all(form).unwrap();
    }
    stream
}

#[test]
fn a_client_that_goes_away_leaves_nothing() {
    let server = Server::start();
    let token = server.token("ann");
    for length in ["Content-Length: 50000000", "Transfer-Encoding: chunked"] {
        let mut stream = begin(&server, &token, length);
        if length.starts_with("Content") {
            stream.write_all(&vec![7; 6 << 20]).unwrap();
        }
        wait_until("the upload has begun", || !nothing_left(&server));
        drop(stream);
        wait_until("nothing is left", || nothing_left(&server));
    }
    assert_eq!(server.get("/api/videos/").text(), "[]");
}

#[test]
fn an_upload_that_is_dropped_anywhere_leaves_nothing() {
    let server = Server::start();
    server.run(async {
        let mut incoming = receive_upload(&server.app, 3, "x.mp4", "", None)
            .await
            .unwrap();
        incoming.write("some bytes".into()).await.unwrap();
        drop(incoming);
    });
    wait_until("nothing is left", || nothing_left(&server));
}

#[test]
fn a_client_that_falls_silent_is_given_up() {
    let server = Server::start_with(|s| s.body_timeout = std::time::Duration::from_millis(300));
    let token = server.token("ann");
    let stream = begin(&server, &token, "Content-Length: 50000000");
    let body = r#"{"detail":"The request took too long to arrive."}"#;
    Answer::read(stream, false).is_error(408, "too_slow", body);
    assert!(nothing_left(&server));
}

#[test]
fn uploads_beyond_the_limit_are_told_to_come_back() {
    let server = Server::start_with(|s| s.service.max_uploads = 1);
    let token = server.token("ann");
    let first = begin(&server, &token, "Content-Length: 50000000");
    wait_until("the first has begun", || !nothing_left(&server));
    let form = Form::new().text("title", "x").file("x.mp4", ORIGINAL);
    let answer = server.upload(&token, &form);
    answer.is_error(
        503,
        "busy",
        r#"{"detail":"The server is busy. Try again in a moment."}"#,
    );
    assert!(answer.header("retry-after").is_some());
    drop(first);
    wait_until("there is room again", || {
        server.upload(&token, &form).status == 201
    });
}

#[test]
fn a_stranger_learns_so_even_while_sending() {
    let server = Server::start();
    let form = Form::new()
        .text("title", "x")
        .file("x.mp4", &vec![1; 20 << 20]);
    let answer = server.send(
        "POST",
        "/api/videos/",
        &[("Content-Type", Form::TYPE)],
        &form.end(),
    );
    assert_eq!(
        (answer.status, answer.header("clipsy-error-code")),
        (401, Some("not_authenticated"))
    );
}

#[test]
fn what_a_crash_left_is_removed_at_the_next_start() {
    let server = Server::start();
    let token = server.token("ann");
    let kept = server.video(&token, "public");
    // As they are when the process dies in mid-upload, and between the move and the row.
    let ids = server.run(async {
        let mut ids = vec![];
        for _ in 0..2 {
            let mut incoming = receive_upload(&server.app, 3, "x.mp4", "", None)
                .await
                .unwrap();
            incoming.write("some bytes".into()).await.unwrap();
            ids.push(incoming.finish().await.unwrap().upload_id);
        }
        let key = clipsy_domain::media_key::original(&ids[1], "x.mp4");
        let upload = clipsy_domain::media_key::upload(&ids[1]);
        server.app.media.move_upload(&upload, &key).await.unwrap();
        ids
    });
    assert_eq!(
        (
            server.stored("uploads").len(),
            server.stored("videos/originals").len()
        ),
        (1, 2)
    );
    let healed = server.run(heal_uploads(&server.app)).unwrap();
    assert_eq!(healed, ids.len());
    assert!(nothing_left(&server));
    assert_eq!(server.stored("videos/originals").len(), 1);
    assert_eq!(
        server.get(&format!("/api/videos/{kept}/stream/")).body,
        ORIGINAL
    );
    assert_eq!(server.run(heal_uploads(&server.app)).unwrap(), 0);
}

#[test]
fn finishing_twice_makes_one_video() {
    let server = Server::start();
    let finished = server.run(async {
        let mut incoming = receive_upload(&server.app, 3, "x.mp4", "", None)
            .await
            .unwrap();
        incoming.write("some bytes".into()).await.unwrap();
        let received = incoming.finish().await.unwrap();
        FinishedUpload {
            upload_id: received.upload_id,
            owner_id: 3,
            title: "Once".into(),
            description: String::new(),
            visibility: clipsy_domain::asset::Visibility::Public,
            file_name: "x.mp4".into(),
            bytes: received.bytes,
        }
    });
    let finish = || {
        server
            .run(finish_upload(&server.app, finished.clone()))
            .unwrap()
    };
    assert_eq!(finish().id, finish().id);
    assert_eq!(
        server.get("/api/videos/").json().as_array().unwrap().len(),
        1
    );
}

#[test]
fn memory_does_not_grow_with_the_file() {
    // Alone in a process, where nothing else takes memory.
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "http::uploads::a_large_file_alone",
            "--ignored",
            "--nocapture",
        ])
        .status()
        .unwrap();
    assert!(status.success());
}

/// Sends a large file without holding it, and looks at the server's memory, which is this
/// process's.
#[test]
#[ignore = "started by the test above, in a process of its own"]
fn a_large_file_alone() {
    const MIB: usize = 400;
    let server = Server::start();
    let token = server.token("ann");
    let mut stream = begin(
        &server,
        &token,
        &format!("Content-Length: {}", {
            let form = Form::new()
                .text("title", "x")
                .file("x.mp4", b"first bytes")
                .end();
            form.len() + (MIB << 20)
        }),
    );
    let piece = vec![b'\n'; 1 << 20];
    let before = resident_kib();
    let highest = std::sync::atomic::AtomicUsize::new(0);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                highest.fetch_max(resident_kib(), Ordering::Relaxed);
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        });
        for _ in 0..MIB {
            stream.write_all(&piece).unwrap();
        }
        stream.write_all(b"\r\n------7d4a6d158c9--\r\n").unwrap();
        let answer = Answer::read(stream, false);
        done.store(true, Ordering::Relaxed);
        assert_eq!(answer.status, 201, "{}", answer.text());
    });
    let grown = highest.into_inner().saturating_sub(before) / 1024;
    assert!(grown < 64, "{grown} MiB for a file of {MIB} MiB");
    let video = server.get("/api/videos/1/").json();
    assert_eq!(video["status"], Value::from("pending"));
}

fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    line.split_ascii_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap()
}
