//! Segments that are too large to be held in memory, from a bucket without redirects: how often the
//! bucket is asked, and whether viewers wait for each other.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use clipsy_testkit::weed::Weed;

use crate::s3::{Bucket, in_bucket};
use crate::support::client::Client;
use crate::support::server::on;
use crate::support::turn::turn;
use crate::support::{HANGS_AFTER, scratch, short_clip};

/// Hands connections on and notes what is asked about one object.
struct Relay {
    port: u16,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Methods, in the order in which they came.
    asked: Vec<String>,
    /// Nothing is handed on until so many were asked for.
    together: usize,
}

/// In the name of the object that is watched.
const OBJECT: &str = "segment_00000.ts";

impl Relay {
    fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let relay = Self {
            port: listener.local_addr().unwrap().port(),
            seen: Arc::default(),
        };
        let seen = Arc::clone(&relay.seen);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
                let (back, forth) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                let seen = Arc::clone(&seen);
                std::thread::spawn(move || forward(client, server, &seen));
                std::thread::spawn(move || std::io::copy(&mut &back, &mut &forth));
            }
        });
        relay
    }

    /// What was asked since the last time; from now on nothing is answered until `together` ask.
    fn take(&self, together: usize) -> Vec<String> {
        let mut state = self.seen.state.lock().unwrap();
        state.together = together;
        std::mem::take(&mut state.asked)
    }
}

fn forward(mut client: TcpStream, mut server: TcpStream, seen: &Seen) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match client.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(read) => {
                let text = String::from_utf8_lossy(&buffer[..read]);
                let line = text.lines().next().unwrap_or_default();
                if line.contains(OBJECT) && !line.starts_with("PUT") {
                    let mut state = seen.state.lock().unwrap();
                    let method = line.split(' ').next().unwrap();
                    state.asked.push(method.to_owned());
                    seen.changed.notify_all();
                    let waits = |state: &mut State| state.asked.len() < state.together;
                    let waited = seen.changed.wait_timeout_while(state, HANGS_AFTER, waits);
                    assert!(!waited.unwrap().1.timed_out(), "nobody else asks");
                }
                if server.write_all(&buffer[..read]).is_err() {
                    break;
                }
            }
        }
    }
    let _ = server.shutdown(std::net::Shutdown::Both);
}

#[test]
fn large_segments_cost_one_request_for_each_viewer() {
    let _turn = turn();
    let weed = Weed::start();
    let port = weed.endpoint().rsplit_once(':').unwrap().1.parse().unwrap();
    let relay = Relay::to(port);
    let folder = scratch();
    let start = in_bucket(&weed, on(&folder.path().join("state")));
    let endpoint = format!("http://127.0.0.1:{}", relay.port);
    let server = start.env("CLIPSY_S3_ENDPOINT", &endpoint).up();
    let client = Client::admin(&server);
    let id = client.upload(&short_clip());
    let video = client.ready(id);
    let rung = video["qualities"][0]["quality"].as_str().unwrap();
    let path = format!("/media/videos/processed/{id}/{rung}/{OBJECT}");
    let large: Vec<u8> = (0..6_u32 << 20).map(|n| (n % 251) as u8).collect();
    Bucket::of(&weed).put(&format!("videos/processed/{id}/1/{rung}/{OBJECT}"), &large);
    relay.take(0);

    assert!(client.get(&path).body == large);
    assert_eq!(relay.take(3), ["GET"]);
    // Each is answered only once all have asked: none waits for another.
    std::thread::scope(|scope| {
        let viewers: Vec<_> = (0..3).map(|_| scope.spawn(|| client.get(&path))).collect();
        for viewer in viewers {
            assert!(viewer.join().unwrap().body == large);
        }
    });
    assert_eq!(relay.take(0), ["GET"; 3]);

    let url = format!("{}{path}", server.url);
    let mut part = ureq::get(&url)
        .header("range", "bytes=10-19")
        .call()
        .unwrap();
    assert_eq!(part.status(), 206);
    assert!(part.body_mut().read_to_vec().unwrap() == large[10..20]);
    assert_eq!(relay.take(0), ["GET"]);
    let etag = part.headers()["etag"].to_str().unwrap().to_owned();
    let again = ureq::get(&url)
        .header("if-none-match", &etag)
        .call()
        .unwrap();
    assert_eq!(again.status(), 304);
    assert_eq!(relay.take(0), ["HEAD"]);
    server.stop();
}
