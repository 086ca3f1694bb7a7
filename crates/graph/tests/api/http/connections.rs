//! Connections: clients that have sent all that they want to send, and connections that are silent.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::time::Duration;

use crate::support::{Answer, Form, ORIGINAL, Server};

/// Sends a whole request, then shuts down the sending side, and only then reads.
fn half_closed(server: &Server, head: &str, body: &[u8]) -> Answer {
    let mut stream = server.connect();
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    Answer::read(stream, false)
}

#[test]
fn a_request_names_one_host() {
    let server = Server::start();
    let status = |version: &str, hosts: &[&str]| {
        let hosts: Vec<String> = hosts.iter().map(|h| format!("Host: {h}\r\n")).collect();
        let hosts = hosts.concat();
        let head = format!("GET /api/videos/ HTTP/{version}\r\n{hosts}Connection: close\r\n\r\n");
        half_closed(&server, &head, b"").status
    };
    assert_eq!(status("1.1", &[]), 400);
    assert_eq!(status("1.1", &["a", "b"]), 400);
    assert_eq!(status("1.1", &["a", "a"]), 400);
    assert_eq!(status("1.1", &["a"]), 200);
    assert_eq!(status("1.0", &[]), 200);
    assert_eq!(status("1.0", &["a", "b"]), 400);
}

#[test]
fn who_stops_sending_after_a_whole_request_is_answered() {
    let server = Server::start();
    let token = server.token("ann");
    for _ in 0..20 {
        let head = "GET /api/videos/ HTTP/1.1\r\nHost: x\r\n\r\n";
        let answer = half_closed(&server, head, b"");
        assert_eq!(answer.status, 200);
    }
    for _ in 0..5 {
        let body = Form::new()
            .text("title", "A video")
            .file("film.mp4", ORIGINAL)
            .end();
        let head = format!(
            "POST /api/videos/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: {}\r\nContent-Length: {}\r\n\r\n",
            Form::TYPE,
            body.len()
        );
        let answer = half_closed(&server, &head, &body);
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    let head = format!(
        "POST /api/uploads/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Tus-Resumable: 1.0.0\r\nUpload-Length: 5\r\nContent-Length: 5\r\n\
         Content-Type: application/offset+octet-stream\r\n\r\n"
    );
    let answer = half_closed(&server, &head, b"12345");
    assert_eq!(
        (answer.status, answer.header("upload-offset")),
        (201, Some("5"))
    );
    let query = br#"{"query":"{ videos { nodes { title } } }"}"#;
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        query.len()
    );
    assert!(
        half_closed(&server, &head, query)
            .text()
            .contains("A video")
    );
}

/// A request that is cut short is none, whatever the client waits for.
#[test]
fn who_stops_sending_in_the_middle_gets_no_video() {
    let server = Server::start();
    let token = server.token("ann");
    let body = Form::new().file("film.mp4", ORIGINAL).end();
    let head = format!(
        "POST /api/videos/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: {}\r\nContent-Length: {}\r\n\r\n",
        Form::TYPE,
        body.len()
    );
    let mut stream = server.connect();
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&body[..body.len() - 30]).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    let rest = String::from_utf8_lossy(&rest);
    assert!(!rest.starts_with("HTTP/1.1 2"), "{rest}");
    assert_eq!(server.get("/api/videos/").text(), "[]");
}

/// The limit on headers is short and the one between requests long, or the other way round; each
/// time the connection has to do what its own limit says.
#[test]
fn a_connection_is_kept_for_as_long_as_is_set_and_not_for_the_headers_limit() {
    const REQUEST: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let short = Duration::from_secs(1);
    let server = Server::start_with(|s| s.header_timeout = short);
    let mut stream = server.connect();
    for _ in 0..2 {
        stream.write_all(REQUEST).unwrap();
        read_one(&mut stream);
        // Longer than headers may take.
        std::thread::sleep(2 * short);
    }
    // A request that was begun is held to it, on a connection that was used before, too.
    stream.write_all(&REQUEST[..10]).unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);

    let server = Server::start_with(|s| s.keep_alive = short);
    let mut stream = server.connect();
    stream.write_all(REQUEST).unwrap();
    read_one(&mut stream);
    // It ends by itself; without that the read would run into the client's limit.
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

/// Reads an answer with a length and leaves the connection open.
fn read_one(stream: &mut std::net::TcpStream) {
    let mut all = Vec::new();
    let mut byte = [0];
    while !all.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        all.push(byte[0]);
    }
    let head = String::from_utf8(all).unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
}
