//! An attacker who holds what others need, step by step, against the real server.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::accounts::user;
use crate::support::client::{Client, log_in};
use crate::support::server::{Server, on};
use crate::support::{scratch, until};
use crate::tus::create;

const VIDEO: &[u8] = b"not really a video";
const PLACES: usize = 8;

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_mins(1)))
        .unwrap();
    stream
}

/// Begins to send an upload of [`VIDEO`], with so many of its bytes.
fn patch(server: &Server, client: &Client, bytes: usize) -> TcpStream {
    let path = create(server, client, VIDEO);
    let mut stream = connect(server);
    let head = format!(
        "PATCH {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTus-Resumable: 1.0.0\r\n\
         Authorization: {}\r\nUpload-Offset: 0\r\nContent-Length: {}\r\n\
         Content-Type: application/offset+octet-stream\r\n\r\n",
        client.bearer(),
        VIDEO.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&VIDEO[..bytes]).unwrap();
    stream
}

fn answer(mut stream: TcpStream) -> String {
    let mut all = Vec::new();
    // A refused sender may find the connection cut after the answer.
    let _ = stream.read_to_end(&mut all);
    String::from_utf8_lossy(&all).into_owned()
}

fn is_answered(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let seen = stream.peek(&mut [0]);
    stream.set_nonblocking(false).unwrap();
    seen.is_ok()
}

#[test]
fn others_get_in_while_somebody_holds_what_they_can() {
    let folder = scratch();
    let places = PLACES.to_string();
    let server = on(&folder.path().join("state"))
        .args(&["--max-connections", "60", "--max-uploads", &places])
        .up();
    let made = user(&server.state, &["add", "mallory"], "a long password");
    assert!(made.status.success());
    let mallory = Client::of(&server, "mallory", "a long password");

    // All connections, each with a byte now and then; half of them have come to a body.
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let mut held: Vec<TcpStream> = (0..60).map(|_| connect(&server)).collect();
        let begin = |(number, stream): (usize, &mut TcpStream)| {
            let begin: &[u8] = if number % 2 == 0 {
                b"GET / HTTP/1.1\r\nX-Slow: "
            } else {
                b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                  Content-Length: 1000\r\n\r\n"
            };
            // The first ones may have had to leave already.
            let _ = stream.write_all(begin);
        };
        held.iter_mut().enumerate().for_each(begin);
        let over = &over;
        scope.spawn(move || {
            while !over.load(Ordering::Relaxed) {
                for stream in &mut held {
                    let _ = stream.write_all(b"x");
                }
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        let statuses: Vec<u16> = (0..20)
            .map(|_| log_in(&server, "admin", "admin123").status)
            .collect();
        over.store(true, Ordering::Relaxed);
        assert_eq!(statuses, [200; 20]);
    });

    // All places for uploads, with a byte each.
    let admin = Client::admin(&server);
    let held: Vec<TcpStream> = (0..PLACES).map(|_| patch(&server, &mallory, 1)).collect();
    let refused = || held.iter().filter(|stream| is_answered(stream)).count();
    until("most of them are refused", || {
        (refused() == PLACES - PLACES / 4).then_some(())
    });
    let text = answer(patch(&server, &admin, VIDEO.len()));
    assert!(text.starts_with("HTTP/1.1 204"), "{text}");
    let refusals: Vec<String> = held.into_iter().filter(is_answered).map(answer).collect();
    for text in refusals {
        assert!(text.starts_with("HTTP/1.1 503"), "{text}");
        assert!(
            text.contains("clipsy-error-code: too_many_at_once"),
            "{text}"
        );
    }
    server.stop();
}
