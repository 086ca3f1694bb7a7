//! Behind proxies and in pages of other origins.

use std::io::Write as _;

use super::client::{offset_of, sender};
use crate::support::{Answer, Server, wait_until};

fn location(server: &Server, headers: &[(&str, &str)]) -> String {
    let ann = sender(server, "ann");
    let mut all = vec![("Upload-Length", "5")];
    all.extend(headers);
    let answer = ann.create(&all);
    let url = answer.header("location").unwrap();
    url[..url.len() - 33].to_owned()
}

const TOLD: [(&str, &str); 4] = [
    ("Host", "inner:8000"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "v.example"),
    ("X-Forwarded-Prefix", "/clips"),
];

#[test]
fn addresses_are_those_that_trusted_proxies_tell() {
    let server = Server::start_with(|s| s.trusted_proxies = vec!["127.0.0.1".parse().unwrap()]);
    assert_eq!(
        location(&server, &TOLD),
        "https://v.example/clips/api/uploads"
    );
    let standard = [
        ("Host", "inner:8000"),
        (
            "Forwarded",
            "for=192.0.2.1;host=\"v.example:8443\";proto=https",
        ),
    ];
    assert_eq!(
        location(&server, &standard),
        "https://v.example:8443/api/uploads"
    );
    assert_eq!(
        location(&server, &[("Host", "inner:8000")]),
        "http://inner:8000/api/uploads"
    );
}

#[test]
fn addresses_are_not_those_that_strangers_tell() {
    let server = Server::start();
    assert_eq!(location(&server, &TOLD), "http://inner:8000/api/uploads");
    let forged = [("Host", "inner:8000"), ("Forwarded", "host=evil.example")];
    assert_eq!(location(&server, &forged), "http://inner:8000/api/uploads");
}

#[test]
fn pages_of_other_origins_may_send_and_read_what_tus_needs() {
    let server = Server::start();
    let path = sender(&server, "ann").begin(5);
    let preflight = [
        ("Origin", "https://other.example"),
        ("Access-Control-Request-Method", "PATCH"),
        (
            "Access-Control-Request-Headers",
            "authorization,content-type,tus-resumable,upload-checksum,upload-concat,\
             upload-defer-length,upload-length,upload-metadata,upload-offset,\
             x-http-method-override,x-whatever",
        ),
    ];
    for path in ["/api/uploads/", &path] {
        let answer = server.send("OPTIONS", path, &preflight, b"");
        assert_eq!(answer.status, 204);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        let list = |name: &str| -> Vec<String> {
            let value = answer.header(name).unwrap().to_ascii_lowercase();
            value.split(',').map(|one| one.trim().to_owned()).collect()
        };
        for method in ["post", "head", "patch", "delete"] {
            assert!(list("access-control-allow-methods").contains(&method.to_owned()));
        }
        for header in [
            "authorization",
            "content-type",
            "tus-resumable",
            "upload-length",
            "upload-defer-length",
            "upload-offset",
            "upload-metadata",
            "upload-concat",
            "upload-checksum",
            "x-http-method-override",
            "x-whatever",
        ] {
            assert!(
                list("access-control-allow-headers").contains(&header.to_owned()),
                "{header}"
            );
        }
        for header in [
            "location",
            "upload-offset",
            "upload-length",
            "upload-metadata",
            "upload-expires",
            "upload-concat",
            "upload-defer-length",
            "tus-resumable",
            "tus-version",
            "tus-extension",
            "tus-max-size",
            "tus-checksum-algorithm",
            "clipsy-video-id",
            "clipsy-error-code",
        ] {
            assert!(
                list("access-control-expose-headers").contains(&header.to_owned()),
                "{header}"
            );
        }
    }
    // Without the question of a browser it only says what the server can do.
    let plain = server.send("OPTIONS", "/api/uploads/", &[], b"");
    assert_eq!(plain.header("access-control-allow-methods"), None);
    assert_eq!(plain.header("tus-version"), Some("1.0.0"));
    let ann = sender(&server, "ann");
    for answer in [ann.head(&path), ann.head("/api/uploads/x")] {
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert!(answer.header("access-control-expose-headers").is_some());
    }
}

#[test]
fn it_can_be_seen_how_much_of_a_body_has_arrived() {
    let server = Server::start();
    let path = "/api/uploads/probe/0123abcdXY/";
    let received = || server.get(path).json()["received"].as_u64().unwrap();
    assert_eq!(received(), 0);
    let mut stream = server.connect();
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream
        .write_all(b"Content-Length: 10\r\n\r\n01234")
        .unwrap();
    wait_until("half has arrived", || received() == 5);
    // Nobody else takes its place meanwhile.
    assert_eq!(server.send("POST", path, &[], b"x").status, 503);
    stream.write_all(b"56789").unwrap();
    let answer = Answer::read(stream, false);
    assert_eq!(
        (answer.status, answer.text()),
        (200, r#"{"received":10}"#.to_owned())
    );
    assert_eq!(received(), 0);
    let huge = server.send("POST", path, &[], &vec![0; (8 << 20) + 1]);
    assert_eq!(huge.status, 413);
    for token in ["short", "has-a-dash-in-it", &"x".repeat(65)] {
        let answer = server.get(&format!("/api/uploads/probe/{token}"));
        answer.is_not_found();
    }
    assert_eq!(server.send("PUT", path, &[], b"").status, 405);
}

#[test]
fn a_sender_that_waits_to_be_asked_for_the_body_is_asked() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let path = ann.begin(5);
    let lines = "Upload-Offset: 0\r\nContent-Length: 5\r\nExpect: 100-continue";
    let mut stream = ann.open("PATCH", &path, lines, b"");
    let mut asked = [0; 25];
    std::io::Read::read_exact(&mut stream, &mut asked).unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"01234").unwrap();
    let answer = Answer::read(stream, false);
    assert_eq!((answer.status, offset_of(&answer)), (204, 5));
}
