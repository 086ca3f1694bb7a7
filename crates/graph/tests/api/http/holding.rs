//! Clients that hold what others need: connections, places for uploads, streams. Whoever comes from
//! 127.0.0.2 and the like is a stranger to the server; 127.0.0.1 is its own machine.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use clipsy_graph::ApiSettings;

use crate::support::{Answer, Form, ORIGINAL, PATIENCE, Server, wait_until};

const HEAD_CUT_SHORT: &str = "GET /api/videos/ HTTP/1.1\r\nHost: x\r\nX-Slow: ";
const BODY_CUT_SHORT: &str = "POST /api/auth/login/ HTTP/1.1\r\nHost: x\r\n\
                              Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{";

/// No deadline of any kind, so that a test sees what is done about those who hold on to something.
fn patient(settings: &mut ApiSettings) {
    let long = Duration::from_hours(1);
    settings.header_timeout = long;
    settings.keep_alive = long;
    settings.body_timeout = long;
    settings.body_deadline = long;
    settings.body_window = long;
    settings.upload_window = long;
    settings.write_timeout = long;
}

fn begun(mut stream: TcpStream, text: &str) -> TcpStream {
    stream.write_all(text.as_bytes()).unwrap();
    stream
}

/// Waits until the server has ended the connection; without that the read runs into its limit.
fn is_over(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    if let Err(error) = stream.read_to_end(&mut rest) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
    }
    assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
}

/// Keeps both requests open, until another one is refused. It may be let in before them; then they
/// are refused, and come again.
fn hold(open: [&dyn Fn() -> TcpStream; 2], refused: impl Fn() -> bool) -> [TcpStream; 2] {
    let mut held = open.map(|open| open());
    wait_until("both are at it", || {
        for (stream, open) in held.iter_mut().zip(open) {
            if is_answered(stream) {
                *stream = open();
            }
        }
        refused() && !held.iter().any(is_answered)
    });
    held
}

fn is_answered(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let seen = stream.peek(&mut [0]);
    stream.set_nonblocking(false).unwrap();
    seen.is_ok()
}

/// Sends a byte every few milliseconds until the answer is there.
fn trickle(stream: &TcpStream) -> Answer {
    let mut sends = stream.try_clone().unwrap();
    let answer = stream.try_clone().unwrap();
    let answer = std::thread::spawn(move || Answer::read(answer, false));
    let end = Instant::now() + PATIENCE;
    while !answer.is_finished() && Instant::now() < end && sends.write_all(b"x").is_ok() {
        std::thread::sleep(Duration::from_millis(10));
    }
    answer.join().unwrap()
}

fn bearer(server: &Server, name: &str) -> String {
    format!("Authorization: Bearer {}", server.token(name))
}

/// The path of a new upload of 1 MB.
fn new_upload(server: &Server, bearer: &str) -> String {
    let head = format!(
        "POST /api/uploads/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTus-Resumable: 1.0.0\r\n\
         {bearer}\r\nUpload-Length: 1000000\r\nContent-Length: 0\r\n\r\n"
    );
    let answer = Answer::read(begun(server.connect(), &head), false);
    assert_eq!(answer.status, 201, "{}", answer.text());
    let url = answer.header("location").unwrap();
    url[url.find("/api/").unwrap()..].to_owned()
}

/// The beginning of a `PATCH` of all bytes of an upload, with one of them.
fn patch_of(path: &str, bearer: &str) -> String {
    format!(
        "PATCH {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTus-Resumable: 1.0.0\r\n\
         {bearer}\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\n\
         Content-Length: 1000000\r\n\r\nx"
    )
}

/// The beginning of a form with a video of 1 MB.
fn form_of(bearer: &str) -> String {
    let form = Form::new().text("title", "x").file("x.mp4", b"x").end();
    let form = String::from_utf8(form).unwrap();
    let begun = form.rsplit_once("\r\n------").unwrap().0;
    format!(
        "POST /api/videos/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{bearer}\r\n\
         Content-Type: {}\r\nContent-Length: 1000000\r\n\r\n{begun}",
        Form::TYPE
    )
}

/// The attack that held a server for minutes: connections that never come to the end of what they
/// ask, as many as there are places, from the address that others come from as well.
#[test]
fn slow_connections_do_not_keep_others_out() {
    for text in [HEAD_CUT_SHORT, BODY_CUT_SHORT, ""] {
        let server = Server::start_with(|s| {
            patient(s);
            s.max_connections = 60;
        });
        let held: Vec<_> = (0..60).map(|_| begun(server.connect(), text)).collect();
        for _ in 0..20 {
            assert_eq!(server.get("/api/videos/").status, 200);
        }
        drop(held);
    }
}

#[test]
fn an_answer_that_nobody_takes_does_not_keep_others_out() {
    let server = Server::start_with(|s| {
        patient(s);
        s.max_connections = 1;
    });
    let form = Form::new()
        .text("title", "x")
        .file("x.mp4", &vec![7; 32 << 20]);
    assert_eq!(server.upload(&server.token("ann"), &form).status, 201);
    let ask = "GET /api/videos/1/stream/ HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut idle = begun(server.connect(), ask);
    idle.read_exact(&mut [0; 16]).unwrap();
    assert_eq!(server.get("/healthz").status, 200);
}

/// A client that takes a little now and then is not silent, but as good as.
#[test]
fn an_answer_is_not_taken_as_slowly_as_one_likes() {
    let server = Server::start_with(|s| {
        s.write_timeout = Duration::from_secs(1);
        s.answer_rate = 1 << 30;
    });
    let form = Form::new()
        .text("title", "x")
        .file("x.mp4", &vec![7; 64 << 20]);
    assert_eq!(server.upload(&server.token("ann"), &form).status, 201);
    let ask = "GET /api/videos/1/stream/ HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut slow = begun(server.connect(), ask);
    let mut taken = 0;
    let mut piece = vec![0; 64 << 10];
    let end = Instant::now() + PATIENCE;
    let ended = loop {
        assert!(Instant::now() < end, "it was let have {taken} bytes");
        match slow.read(&mut piece) {
            Ok(0) | Err(_) => break taken,
            Ok(bytes) => taken += bytes,
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(ended < 64 << 20, "it got all {ended} bytes");
}

#[test]
fn one_address_has_its_share_of_the_connections() {
    let server = Server::start_with(|s| {
        patient(s);
        s.max_connections = 100;
        s.max_connections_per_address = Some(3);
    });
    let ask = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let mut first = begun(server.connect_from("127.0.0.2"), HEAD_CUT_SHORT);
    std::thread::sleep(Duration::from_millis(20));
    let second = begun(server.connect_from("127.0.0.2"), HEAD_CUT_SHORT);
    let third = begun(server.connect_from("127.0.0.2"), HEAD_CUT_SHORT);
    let other = begun(server.connect_from("127.0.0.3"), HEAD_CUT_SHORT);
    // In the end a new one is answered, for the one that has waited the longest; none has waited for
    // long at first.
    wait_until("a new one is let in", || {
        let mut fourth = server.connect_from("127.0.0.2");
        let mut status = [0; 12];
        // It may be over before the request is sent.
        let _ = fourth.write_all(ask.as_bytes());
        fourth.read_exact(&mut status).is_ok() && status == *b"HTTP/1.1 200"
    });
    is_over(&mut first);
    let rest = "x\r\nConnection: close\r\n\r\n";
    for kept in [second, third, other] {
        assert_eq!(Answer::read(begun(kept, rest), false).status, 200);
    }
    // Nobody of this machine has a share.
    let own: Vec<_> = (0..20)
        .map(|_| begun(server.connect(), HEAD_CUT_SHORT))
        .collect();
    for kept in own {
        assert_eq!(Answer::read(begun(kept, rest), false).status, 200);
    }
}

#[test]
fn a_client_behind_a_proxy_has_its_share_and_the_proxy_has_none() {
    let server = Server::start_with(|s| {
        patient(s);
        s.max_connections_per_address = Some(2);
        s.trusted_proxies = vec!["127.0.0.2".parse().unwrap()];
    });
    let of = |client: &str, request: &str| {
        let (line, rest) = request.split_once("\r\n").unwrap();
        let text = format!("{line}\r\nX-Forwarded-For: {client}\r\n{rest}");
        begun(server.connect_from("127.0.0.2"), &text)
    };
    let ask = "GET /api/videos/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let status = |client: &str| Answer::read(of(client, ask), false).status;
    // Connections that the proxy keeps for later.
    let kept: Vec<_> = (0..10)
        .map(|_| begun(server.connect_from("127.0.0.2"), "GET /"))
        .collect();
    let open: [&dyn Fn() -> TcpStream; 2] = [&|| of("192.0.2.1", BODY_CUT_SHORT), &|| {
        of("198.51.100.7, 192.0.2.1", BODY_CUT_SHORT)
    }];
    let held = hold(open, || status("192.0.2.1") == 429);
    let answer = Answer::read(of("192.0.2.1", ask), false);
    assert_eq!(answer.header("clipsy-error-code"), Some("throttled"));
    assert_eq!(answer.header("retry-after"), Some("1"));
    // Names that the client made up are not its own.
    assert_eq!(status("192.0.2.9, 192.0.2.1"), 429);
    assert_eq!(status("192.0.2.2"), 200);
    drop(held);
    wait_until("it has its share back", || status("192.0.2.1") == 200);
    for stream in kept {
        let rest = "healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        assert_eq!(Answer::read(begun(stream, rest), false).status, 200);
    }
}

#[test]
fn a_small_body_does_not_come_byte_by_byte() {
    for rate in [true, false] {
        let server = Server::start_with(|s| {
            if rate {
                s.body_rate = 1 << 20;
                s.body_window = Duration::from_millis(300);
            } else {
                s.body_rate = 0;
                s.body_deadline = Duration::from_millis(300);
            }
        });
        for (path, kind) in [
            ("/api/auth/login/", "application/json"),
            ("/api/auth/login/", "application/x-www-form-urlencoded"),
            ("/graphql", "application/json"),
        ] {
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {kind}\r\n\
                 Content-Length: 1000000\r\n\r\nx"
            );
            let answer = trickle(&begun(server.connect(), &head));
            assert_eq!(answer.status, 408, "{path} {kind}: {}", answer.text());
        }
    }
}

#[test]
fn an_upload_does_not_come_byte_by_byte_and_its_bytes_are_kept() {
    let server = Server::start_with(|s| {
        s.upload_rate = 1 << 20;
        s.upload_window = Duration::from_millis(300);
    });
    let ann = bearer(&server, "ann");
    let path = new_upload(&server, &ann);
    let answer = trickle(&begun(server.connect(), &patch_of(&path, &ann)));
    assert_eq!(answer.status, 409, "{}", answer.text());
    assert_eq!(
        answer.header("clipsy-error-code"),
        Some("upload_broken_off")
    );
    let offset: usize = answer.header("upload-offset").unwrap().parse().unwrap();
    assert!(offset > 0);
    let answer = trickle(&begun(server.connect(), &form_of(&ann)));
    assert_eq!(answer.status, 408, "{}", answer.text());
}

#[test]
fn one_account_has_its_share_of_the_places_for_uploads() {
    let server = Server::start_with(|s| {
        patient(s);
        s.service.max_uploads = 8;
    });
    let (ann, bob) = (bearer(&server, "ann"), bearer(&server, "bob"));
    let one_more = |bearer: &str| {
        let path = new_upload(&server, bearer);
        let stream = begun(server.connect(), &patch_of(&path, bearer));
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        Answer::read(stream, false)
    };
    let open: [&dyn Fn() -> TcpStream; 2] = [
        &|| {
            let path = new_upload(&server, &ann);
            begun(server.connect_from("127.0.0.2"), &patch_of(&path, &ann))
        },
        &|| begun(server.connect_from("127.0.0.3"), &form_of(&ann)),
    ];
    let held = hold(open, || one_more(&ann).status == 503);
    let form = Form::new().text("title", "x").file("x.mp4", ORIGINAL);
    for answer in [one_more(&ann), server.upload(&server.token("ann"), &form)] {
        answer.is_error(
            503,
            "too_many_at_once",
            r#"{"detail":"You are sending 2 files at once. Go on when one of them is through."}"#,
        );
        assert!(answer.header("retry-after").is_some());
    }
    assert_eq!(one_more(&bob).status, 409);
    assert_eq!(server.upload(&server.token("bob"), &form).status, 201);
    drop(held);
    wait_until("ann has her places back", || {
        server.upload(&server.token("ann"), &form).status == 201
    });
}

#[test]
fn one_address_has_its_share_of_the_places_for_uploads() {
    let server = Server::start_with(|s| {
        patient(s);
        s.service.max_uploads = 8;
        s.service.max_uploads_per_address = Some(2);
        s.trusted_proxies = vec!["127.0.0.9".parse().unwrap()];
    });
    let begin = |from: &str, name: &str| {
        let bearer = format!("{}\r\nX-Forwarded-For: 127.0.0.2", bearer(&server, name));
        let path = new_upload(&server, &bearer);
        begun(server.connect_from(from), &patch_of(&path, &bearer))
    };
    let status = |from: &str| {
        let stream = begin(from, "root");
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        Answer::read(stream, false).status
    };
    let open: [&dyn Fn() -> TcpStream; 2] =
        [&|| begin("127.0.0.2", "ann"), &|| begin("127.0.0.2", "bob")];
    let held = hold(open, || status("127.0.0.2") == 503);
    // The same client over a proxy, a stranger who only says so, and this machine.
    assert_eq!(status("127.0.0.9"), 503);
    assert_eq!(status("127.0.0.3"), 409);
    assert_eq!(status("127.0.0.1"), 409);
    drop(held);
    wait_until("there is room again", || status("127.0.0.2") == 409);
}

#[test]
fn one_account_has_its_share_of_the_streams_from_whichever_addresses() {
    let server = Server::start_with(|s| s.graphql.max_sockets_per_account = 2);
    let body = r#"{"query":"subscription { myVideos { __typename } }"}"#;
    let open = |from: &str, name: &str| {
        let head = format!(
            "POST /graphql HTTP/1.1\r\nHost: x\r\n{}\r\nAccept: text/event-stream\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            bearer(&server, name),
            body.len()
        );
        let mut stream = begun(server.connect_from(from), &head);
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        (stream, String::from_utf8_lossy(&status[9..]).into_owned())
    };
    let first = open("127.0.0.2", "ann");
    let second = open("127.0.0.3", "ann");
    assert_eq!((first.1.as_str(), second.1.as_str()), ("200", "200"));
    assert_eq!(open("127.0.0.4", "ann").1, "503");
    assert_eq!(open("127.0.0.4", "bob").1, "200");
    drop(first);
    wait_until("there is a place again", || {
        open("127.0.0.5", "ann").1 == "200"
    });
}

/// Opens a WebSocket and signs in; the code with which the server closed it, or 0 if it did not.
fn socket(server: &Server, from: &str, name: &str) -> (TcpStream, u16) {
    let head = "GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n";
    let mut stream = begun(server.connect_from(from), head);
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.extend(byte);
    }
    assert!(answer.starts_with(b"HTTP/1.1 101"), "{answer:?}");
    let token = server.token(name);
    let init = format!(r#"{{"type":"connection_init","payload":{{"token":"{token}"}}}}"#);
    // One text frame; RFC 6455 section 5.2. A mask of zeros leaves it as it is.
    let length = u16::try_from(init.len()).unwrap();
    let mut frame = vec![0x81, 0x80 | 0x7e];
    frame.extend(length.to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(init.as_bytes());
    stream.write_all(&frame).unwrap();
    let mut head = [0; 4];
    stream.read_exact(&mut head).unwrap();
    let code = match head[0] {
        0x88 => u16::from_be_bytes([head[2], head[3]]),
        _ => 0,
    };
    (stream, code)
}

#[test]
fn one_account_has_its_share_of_the_sockets_from_whichever_addresses() {
    let server = Server::start_with(|s| s.graphql.max_sockets_per_account = 2);
    let first = socket(&server, "127.0.0.2", "ann");
    let second = socket(&server, "127.0.0.3", "ann");
    assert_eq!((first.1, second.1), (0, 0));
    assert_eq!(socket(&server, "127.0.0.4", "ann").1, 1013);
    assert_eq!(socket(&server, "127.0.0.4", "bob").1, 0);
    drop(first);
    wait_until("there is a place again", || {
        socket(&server, "127.0.0.5", "ann").1 == 0
    });
}
